"""A merchant's endpoints before a real ledger, a clock that stands still, and a network whose answers are said by the test."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from gateway import ids
from gateway.carriers.client import Carriers
from gateway.services import webhooks
from gateway.services.kit import Kit
from gateway.services.webhooks_courier import Courier
from gateway.store import merchants, tables
from gateway.store import webhooks as store
from gateway.store.database import Database
from gateway.store.ledger import EVENTS, Event
from gateway.store.rows import Owner
from gateway.store.vault import Vault
from gateway.store.webhooks import DELIVERIES, ENDPOINTS, Delivery, Endpoint
from gateway.values import Mode
from gateway.webhooks import signing
from gateway.webhooks.sender import Sender
from tests import ledgers

NOON = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)

Say = Callable[[httpx.Request], httpx.Response]


async def everywhere(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34"]


class Office:
    """`says` is what endpoints answer, by their name; 200 unless said. `now` is the wall's time."""

    def __init__(self, folder: Path) -> None:
        self.ledger = ledgers.fresh(folder)
        self.db = Database(self.ledger, ledgers.POOL)
        self.loop = asyncio.new_event_loop()
        self.kit = Kit(self.db, Vault(bytes(32)), Carriers(lambda: ""), self.loop)
        self.now = NOON
        self.says: dict[str, int] = {}
        self.calls: list[httpx.Request] = []
        self.secrets: dict[str, str] = {}
        self.owner = self.merchant("Kestrel")
        self.sender = Sender(resolve=everywhere, open_connection=self._open, wall=lambda: self.now)

    def _open(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        return httpx.Response(self.says.get(request.headers["host"], 200), stream=httpx.ByteStream(b"ok"))

    # --- who and what ---

    def merchant(self, name: str, mode: Mode = Mode.TEST) -> Owner:
        with self.db.write() as tx:
            return Owner(merchants.create(tx, name, "INR", "IN", NOON).id, mode)

    def endpoint(self, name: str = "hooks", *types: str, owner: Owner | None = None) -> str:
        """Its id; it is at https://NAME.example.com."""
        with self.db.write() as tx:
            made, secret = webhooks.create(
                tx, self.kit.vault, owner or self.owner, f"https://{name}.example.com/", types, "", self.now
            )
        self.secrets[made.id] = secret
        return made.id

    def endpoints_at(self, *urls: str) -> None:
        """Any number of them."""
        with self.db.write() as tx:
            for url in urls:
                ENDPOINTS.insert(tx, self._endpoint_at(url))

    def _endpoint_at(self, url: str) -> Endpoint:
        merchant, endpoint_id = self.owner.merchant_id, ids.new("whe")
        return Endpoint(
            id=endpoint_id,
            merchant_id=merchant,
            mode=self.owner.mode,
            url=url,
            event_types=(),
            secrets=store.seal(self.kit.vault, store.Secrets(current=signing.new_secret()), merchant, endpoint_id),
            state="enabled",
            created_at=NOON,
            updated_at=NOON,
        )

    def happen(self, *kinds: str, owner: Owner | None = None, data: dict[str, Any] | None = None) -> list[str]:
        """Events of that kind; their ids."""
        whose = owner or self.owner
        with self.db.write() as tx:
            made = [EVENTS.insert(tx, self._event(whose, kind, data or {})) for kind in kinds]
        return [event.id for event in made]

    def _event(self, owner: Owner, kind: str, data: dict[str, Any]) -> Event:
        return Event(
            id=ids.new("evt"),
            merchant_id=owner.merchant_id,
            mode=owner.mode,
            pickup_id=None,
            sequence=0,
            type=kind,
            data=data,
            at=NOON,
            created_at=self.now,
        )

    # --- what happens ---

    def courier(self) -> Courier:
        return Courier(self.kit, self.sender, lambda: self.now)

    def turn(self) -> list[tuple[str, str]]:
        """One look of the courier, to the end of its rounds: who was called with which message."""
        before = len(self.calls)
        asyncio.run(self.courier().turn())
        return [(one.headers["host"], one.headers["webhook-id"]) for one in self.calls[before:]]

    def names(self) -> list[str]:
        """One turn; who was called."""
        return [host.removesuffix(".example.com") for host, _ in self.turn()]

    def later(self, **by: float) -> None:
        self.now += dt.timedelta(**by)

    # --- what the ledger says ---

    def get(self, endpoint_id: str) -> Endpoint:
        with self.db.read() as tx:
            return ENDPOINTS.one(tx, endpoint_id)

    def change(self, endpoint_id: str, **changes: Any) -> Endpoint:
        with self.db.write() as tx:
            return webhooks.change(tx, ENDPOINTS.one(tx, endpoint_id), self.now, **changes)

    def deliveries(self, endpoint_id: str) -> list[Delivery]:
        with self.db.read() as tx:
            return DELIVERIES.all(tx, tables.webhook_deliveries.c.endpoint_id == endpoint_id)

    def states(self, endpoint_id: str) -> list[str]:
        return [one.state for one in self.deliveries(endpoint_id)]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What events of this kind say."""
        with self.db.read() as tx:
            return [event.data for event in EVENTS.all(tx, tables.events.c.type == kind)]

    def count(self, table: sa.Table) -> int:
        with self.db.read() as tx:
            return tx.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def close(self) -> None:
        self.db.close()
        self.loop.close()
        ledgers.drop(self.ledger)
