"""A merchant with an API key, before an API whose ledger is its own and whose carriers are the lab in memory.

shop = Shop(tmp_path, ("delhivery",))
answer = shop.book(reference="RMA-1")        # POST /v1/pickups
shop.drive()                                 # what relay and workers do
assert shop.get(f"/v1/pickups/{answer['id']}")["state"] == "booked"
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from litestar.testing import TestClient

from adapters.lab.engine import Lab, load_sides
from gateway import clock, ids
from gateway.carriers.client import Carriers, NoLab
from gateway.carriers.memory import Memory
from gateway.services import driving
from gateway.services.kit import Kit
from gateway.settings import Settings
from gateway.store import accounts, merchants, outbox
from gateway.store.database import Database
from gateway.store.rows import Owner
from gateway.store.vault import Vault
from gateway.values import Mode
from gateway.web.app import create_app
from gateway.web.limits import Quota
from tests import ledgers
from tests.world import SECRETS, SETTINGS, card

SHIPPER = {
    "name": "Asha Rao",
    "phone": "9820000000",  # the lab's magic phone: the first visit collects
    "line1": "12 Rose Lane",
    "city": "Bengaluru",
    "state": "Karnataka",
    "postal_code": "560038",
    "country": "IN",
}
CONSIGNEE = {
    "name": "Returns Desk",
    "phone": "8040002000",
    "line1": "Plot 7, Industrial Area",
    "city": "Surat",
    "state": "Gujarat",
    "postal_code": "394101",
    "country": "IN",
}
PARCEL = {"weight_g": 480, "length_mm": 300, "width_mm": 200, "height_mm": 60}
ITEM = {
    "sku": "SH-1",
    "description": "Cotton shirt",
    "quantity": 1,
    "unit_value": {"amount": "1499.00", "currency": "INR"},
    "return_reason": "size_or_fit",
    "images": ["https://img.kestrel.test/sh-1.jpg"],
}
_numbers = itertools.count(1)


def body(**more: Any) -> dict[str, Any]:
    """A pickup that can be booked."""
    return {"reference": "RMA-1", "shipper": SHIPPER, "consignee": CONSIGNEE, "parcels": [PARCEL], "items": [ITEM]} | more


def without(whole: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name not in names}


class Shop:
    """`lab` None: no lab is running."""

    def __init__(
        self, folder: Path, carriers: tuple[str, ...] = (), *, lab: bool = True, quota: Quota | None = None, **settings: Any
    ) -> None:
        self.lab = Lab(load_sides(), seed=1) if lab else None
        self.ledger = ledgers.fresh(folder)
        self.settings = Settings(data_dir=folder, database_url=self.ledger, database_pool=ledgers.POOL, **settings)
        self.client = TestClient(create_app(self.settings, self._open_kit, quota), raise_server_exceptions=False)
        self.client.__enter__()
        with self.db.write() as tx:
            self.merchant = merchants.create(tx, "Kestrel", "INR", "IN", clock.wall())
            self.owner = Owner(self.merchant.id, Mode.TEST)
            for code in carriers:
                self._add_account(tx, code)
        self.key = self.new_key("admin")

    def _open_kit(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> Kit:
        self.db = Database(settings.database, settings.database_pool)
        carriers = Carriers(self._lab_address, open_pool=self.lab.transport) if self.lab else Carriers(self._lab_address)
        self.kit = Kit(self.db, Vault(bytes(32)), carriers, loop, Memory(0))
        return self.kit

    def _lab_address(self) -> str:
        if self.lab is None:
            raise NoLab("no lab is running: start it with `gateway lab`")
        return "http://lab"

    def _add_account(self, tx: sa.Connection, code: str) -> None:
        now = clock.wall()
        accounts.add(
            tx,
            self.kit.vault,
            self.owner,
            carrier=code,
            name=code,
            secrets=SECRETS[code],
            settings=SETTINGS[code],
            callback_token=f"callback-{code}",
            now=now,
        )
        for name in ("delhivery_surface", "delhivery_express") if code == "delhivery" else ():
            found = card(name)
            row = accounts.StoredCard(
                id=ids.new("rcd"),
                merchant_id=self.owner.merchant_id,
                mode=self.owner.mode,
                carrier=code,
                service=found.service,
                body=found,
                created_at=now,
            )
            accounts.CARDS.insert(tx, row)

    # --- keys ---

    def new_key(self, *scopes: str, owner: Owner | None = None, expires_at: dt.datetime | None = None) -> str:
        with self.db.write() as tx:
            return merchants.create_key(tx, owner or self.owner, "test", scopes, clock.wall(), expires_at)[1]

    def other_merchant(self, mode: Mode = Mode.TEST, currency: str = "INR") -> str:
        """The key of somebody else."""
        with self.db.write() as tx:
            merchant = merchants.create(tx, f"Other {next(_numbers)}", currency, "IN", clock.wall())
        return self.new_key("admin", owner=Owner(merchant.id, mode))

    def live_key(self) -> str:
        return self.new_key("admin", owner=Owner(self.merchant.id, Mode.LIVE))

    # --- calls ---

    def call(self, method: str, path: str, *, key: str | None = None, **more: Any) -> Any:
        """The response as it came."""
        headers = {"authorization": f"Bearer {key or self.key}"} | more.pop("headers", {})
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        answer = self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        answer = self.call("POST", path, json=json, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def ask_to_book(self, json: Any = None, idempotency_key: str | None = None, headers: Any = None, **more: Any) -> Any:
        """POST /v1/pickups under a fresh key; the response as it came."""
        own = {"idempotency-key": idempotency_key or f"key-{next(_numbers)}", **(headers or {})}
        return self.call("POST", "/v1/pickups", json=body() if json is None else json, headers=own, **more)

    def book(self, **more: Any) -> Any:
        """A pickup accepted: the answer."""
        answer = self.ask_to_book(body(**more))
        assert answer.status_code == 202, answer.text
        return answer.json()

    def errors(self, answer: Any) -> dict[str, str]:
        """The errors of a problem: place to code."""
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return {one.get("pointer", one.get("parameter")): one["code"] for one in answer.json()["errors"]}

    # --- what happens behind the API ---

    def drive(self) -> None:
        """What relay and workers do: until nothing is due now."""
        for _ in range(50):
            with self.db.write() as tx:
                rows = outbox.waiting(tx)
                outbox.queued(tx, [row for row, _, _ in rows])
                due = {subject for _, job, subject in rows if job == outbox.ADVANCE}
                due |= set(outbox.overdue(tx, clock.wall(), dt.timedelta(0)))
            for pickup_id in sorted(due):
                driving.advance(self.kit, pickup_id)
            if not due:
                return
        raise AssertionError("restless")

    def count(self, table: sa.Table) -> int:
        with self.db.read() as tx:
            return tx.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def close(self) -> None:
        self.client.__exit__(None, None, None)
        if self.lab:
            self.lab.close()
        ledgers.drop(self.ledger)
