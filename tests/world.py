"""A small world for tests: a ledger of its own (`tests/ledgers.py`), the lab in memory, two accounts, a clock that moves when told.

world = World(tmp_path)
pickup = world.book(phone="9820000001")     # the lab's magic phone: the first visit fails
world.days(3)
assert world.state(pickup) == "delivered"
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import json
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from adapters.contract.orders import Item, Parcel, QualityCheck, ReturnReason
from adapters.contract.places import Party, Window
from adapters.contract.units import Length, Money, Weight
from adapters.lab.engine import Lab, load_sides
from gateway import ids
from gateway.carriers.client import Carriers
from gateway.carriers.isolation import Isolation
from gateway.carriers.memory import Memory
from gateway.services import accepting, auditing, driving, polling
from gateway.services.kit import Kit
from gateway.store import accounts, cases, merchants, outbox, tables
from gateway.store.cases import Case
from gateway.store.database import Database
from gateway.store.ledger import People, Wanted
from gateway.store.rows import Owner
from gateway.store.vault import Vault
from gateway.values import Mode
from rates.cardfiles import read_toml
from rates.cards import RateCard
from tests import ledgers

MONDAY = dt.datetime(2026, 3, 9, 3, 0, tzinfo=dt.UTC)  # 8:30 in India, no holiday near
CARDS = Path(__file__).parent.parent / "rates" / "data"

SECRETS = {
    "delhivery": {"token": "lab_delhivery", "push_secret": "rider-bell"},
    "ekart": {"client_id": "lab_ekart", "username": "lab_ekart", "password": "lab_ekart", "webhook_secret": "rider-bell"},
}
SETTINGS = {
    "delhivery": {"client": "KESTREL", "pickup_location": "Kestrel Surat"},
    "ekart": {
        "seller_name": "Kestrel Apparel",
        "seller_address": "4 Mill Road, Surat",
        "seller_gst_tin": "24ABCDE1234F1Z5",
        "gst_percent": "18",
        "alternate_phone": "8040001000",
        "category_of_goods": "Apparel",
    },
}
WAREHOUSE = Party(
    name="Returns Desk",
    company="Kestrel Apparel",
    phone="8040002000",
    line1="Plot 7, Industrial Area",
    city="Surat",
    state="Gujarat",
    postal_code="394101",
    country="IN",
    timezone="Asia/Kolkata",
)
LAB_ACCOUNTS = {"delhivery": "lab_delhivery", "ekart": "lab_ekart"}


def customer(phone: str = "9820000000", postal_code: str = "560038", **more: Any) -> Party:
    fields = {"name": "Asha Rao", "line1": "12 Rose Lane", "city": "Bengaluru", "state": "Karnataka", "timezone": "Asia/Kolkata"}
    return Party(phone=phone, postal_code=postal_code, country="IN", **(fields | more))


def wanted(**more: Any) -> Wanted:
    shirt = Item(
        sku="SH-1",
        description="Cotton shirt",
        quantity=1,
        unit_value=Money(149900, "INR"),
        return_reason=ReturnReason.SIZE_OR_FIT,
        images=("https://img.kestrel.test/sh-1.jpg",),
    )
    box = Parcel(dead_weight=Weight(480), length=Length(300), width=Length(200), height=Length(60))
    return Wanted(**({"parcels": (box,), "items": (shirt,)} | more))


@functools.cache
def card(name: str) -> RateCard:
    found = read_toml((CARDS / f"{name}.toml").read_text())
    assert isinstance(found, RateCard), found
    return found


_sides = functools.cache(load_sides)


class World:
    """Time stands still at `now` but when told to move; the lab's clocks move with it."""

    def __init__(
        self, folder: Path, carriers: tuple[str, ...] = ("delhivery", "ekart"), seed: int = 1, pushes: bool = False
    ) -> None:
        self.now = MONDAY
        self.pushes = pushes
        self.lab = Lab(_sides(), seed=seed, wall=lambda: self.now)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.ledger = ledgers.fresh(folder)
        self.db = Database(self.ledger, ledgers.POOL)
        isolation = Isolation(clock=lambda: self.now.timestamp())
        carriers_client = Carriers(lambda: "http://lab", open_pool=self.lab.transport, isolation=isolation)
        self.kit = Kit(self.db, Vault(bytes(32)), carriers_client, self.loop, Memory(0))
        with self.db.write() as tx:
            self.merchant = merchants.create(tx, "Kestrel", "INR", "IN", self.now)
            self.owner = Owner(self.merchant.id, Mode.TEST)
            self.accounts = {code: self.add_account(tx, code) for code in carriers}
            for name in ("delhivery_surface", "delhivery_express"):
                self.add_card(tx, card(name))

    def add_account(self, tx: sa.Connection, code: str, **secrets: str) -> accounts.CarrierAccount:
        return accounts.add(
            tx,
            self.kit.vault,
            self.owner,
            carrier=code,
            name=f"{code} test",
            secrets=SECRETS[code] | secrets,
            settings=SETTINGS[code],
            callback_token=f"callback-{code}",
            now=self.now,
        )

    def add_card(self, tx: sa.Connection, body: RateCard) -> None:
        row = accounts.StoredCard(
            id=ids.new("rcd"),
            merchant_id=self.owner.merchant_id,
            mode=self.owner.mode,
            carrier=body.carrier,
            service=body.service,
            body=body,
            created_at=self.now,
        )
        accounts.CARDS.insert(tx, row)

    def book(self, reference: str = "RMA-1", phone: str = "9820000000", postal_code: str = "560038", **more: Any) -> str:
        """Accept a pickup and drive it; its id."""
        pickup_id = self.accept(reference, customer(phone, postal_code), **more)
        self.drive()
        return pickup_id

    def accept(self, reference: str, shipper: Party, **more: Any) -> str:
        with self.db.write() as tx:
            people = People(shipper=shipper, consignee=WAREHOUSE)
            return accepting.accept(tx, self.owner, self.merchant, reference, people, wanted(**more), self.now).id

    def drive(self) -> None:
        """What relay and workers do: until nothing is due now."""
        for _ in range(50):
            with self.db.write() as tx:
                rows = outbox.waiting(tx)
                outbox.queued(tx, [row for row, _, _ in rows])
                due = {subject for _, job, subject in rows if job == outbox.ADVANCE} | set(
                    outbox.overdue(tx, self.now, dt.timedelta(0))
                )
            for booking_id in [subject for _, job, subject in rows if job == outbox.AUDIT]:
                auditing.audit(self.kit, booking_id, self.now)
            for pickup_id in sorted(due):
                driving.advance(self.kit, pickup_id, lambda: self.now)
            if not due:
                return
        raise AssertionError("restless")

    def poll(self) -> None:
        for account_id in polling.due_accounts(self.kit, self.now):
            polling.poll(self.kit, account_id, self.now)

    def pass_time(self, by: dt.timedelta) -> None:
        self.now += by
        self.lab.let_time_pass()
        self.poll()
        self.drive()

    def days(self, number: float, step: dt.timedelta = dt.timedelta(hours=2)) -> None:
        end = self.now + dt.timedelta(days=number)
        while self.now < end:
            self.pass_time(step)

    def case(self, pickup_id: str) -> Case:
        with self.db.read() as tx:
            return cases.load(tx, pickup_id)

    def state(self, pickup_id: str) -> str:
        return str(self.case(pickup_id).pickup.state)

    def events(self, pickup_id: str) -> list[str]:
        with self.db.read() as tx:
            table = tables.events.c
            return list(tx.scalars(sa.select(table.type).where(table.pickup_id == pickup_id).order_by(table.sequence)))

    def phone(self, ending: int, only_at: str = "") -> str:
        """A magic phone of the lab: `ending` as its table says, at every carrier or at one only."""
        number = self.lab.numbers[only_at] if only_at else 0
        return f"98200{number}00{ending:02d}"

    def fault(self, kind: str, carrier: str = "ekart", **more: Any) -> None:
        """A lab fault by rule."""
        body = json.dumps({"carrier": carrier, "kind": kind} | more).encode()
        answer = self.lab.answer("POST", "/_lab/faults", {}, body)
        assert answer[0] < 300, answer

    def books(self, carrier: str) -> list[dict[str, Any]]:
        """The lab's own books of this carrier."""
        _, _, body = self.lab.answer("GET", f"/_lab/books?carrier={carrier}&account={LAB_ACCOUNTS[carrier]}", {}, b"")
        found = json.loads(body)
        return list(found["consignments"] if isinstance(found, dict) else found)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.db.close()
        ledgers.drop(self.ledger)


__all__ = ["MONDAY", "WAREHOUSE", "QualityCheck", "Window", "World", "card", "customer", "wanted"]
