"""The small world of `tests.world` with all four carriers in it, each on a lane of its own country.

world = WideWorld(tmp_path)                 # delhivery and ekart in India, aramex in the Emirates, easypost in the USA
pickup = world.book(at="AE")                # by phone, postal code and reference as in `World`
world.holdings("easypost")                  # what is paid for or live at a carrier, also labels nobody is coming for
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from adapters.contract.orders import Item, Parcel, ReturnReason
from adapters.contract.places import Party
from adapters.contract.units import Length, Money, Weight
from gateway.carriers.client import Carriers
from gateway.carriers.isolation import Isolation
from gateway.carriers.memory import Memory
from gateway.services import accepting, commanding
from gateway.services.commanding import Resolution
from gateway.services.kit import Kit
from gateway.store import accounts, tables
from gateway.store.database import Database
from gateway.store.ledger import PICKUPS, People, Wanted
from rates.policy import DEFAULT, Policy
from rates.ratefiles import read_rates
from tests import world as small
from tests.world import CARDS, World

CARRIERS = ("aramex", "delhivery", "easypost", "ekart")
HOME = {"delhivery": "IN", "ekart": "IN", "aramex": "AE", "easypost": "US"}

SECRETS = {
    **small.SECRETS,
    "aramex": {"username": "lab_aramex", "password": "lab_aramex", "account_number": "7001", "account_pin": "7001"},
    "easypost": {"api_key": "lab_easypost", "webhook_secret": "rider-bell"},
}
SETTINGS = {
    **small.SETTINGS,
    "aramex": {"account_entity": "DXB", "account_country_code": "AE", "email": "returns@kestrel.test"},
    "easypost": {},
}
LAB_ACCOUNTS = {**small.LAB_ACCOUNTS, "aramex": "lab_aramex", "easypost": "lab_easypost"}

RATES = read_rates((CARDS / "example_rates.toml").read_text())
# Collections abroad cost more than a person's time by the default policy.
POLICY = replace(DEFAULT, give_up_at=Money(30_000_00, "INR"))

_COMPILED: dict[Any, Any] = {}
_DIALECTS: dict[str, sa.Dialect] = {}


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody in this country lives and where the goods go; what they cost."""

    customer: dict[str, str]
    warehouse: Party
    value: Money
    dial: str = ""


_AE_WAREHOUSE = Party(
    name="Returns Desk",
    company="Kestrel Apparel FZE",
    phone="+97148001000",
    line1="Shed 4, Street S500, Jebel Ali",
    city="Dubai",
    state="Dubai",
    postal_code="",
    country="AE",
    timezone="Asia/Dubai",
)
_US_WAREHOUSE = Party(
    name="Returns Desk",
    company="Kestrel Apparel Inc.",
    phone="2015550100",
    line1="8 Seaview Drive",
    city="Secaucus",
    state="NJ",
    postal_code="07094",
    country="US",
    timezone="America/New_York",
)
LANES = {
    "IN": Lane(
        customer={"line1": "12 Rose Lane", "city": "Bengaluru", "state": "Karnataka", "postal_code": "560038"}
        | {"country": "IN", "timezone": "Asia/Kolkata"},
        warehouse=small.WAREHOUSE,
        value=Money(149900, "INR"),
    ),
    "AE": Lane(
        customer={"line1": "Villa 17, Street 23", "city": "Ajman", "state": "Ajman", "postal_code": ""}
        | {"country": "AE", "timezone": "Asia/Dubai"},
        warehouse=_AE_WAREHOUSE,
        value=Money(42000, "AED"),
        dial="+971",
    ),
    "US": Lane(
        customer={"line1": "214 Washington Street", "city": "Hoboken", "state": "NJ", "postal_code": "07030"}
        | {"country": "US", "timezone": "America/New_York"},
        warehouse=_US_WAREHOUSE,
        value=Money(8900, "USD"),
    ),
}


def customer(at: str = "IN", phone: str = "9820000000", **more: Any) -> Party:
    """Somebody there; the phone's last six digits are what the lab looks at."""
    lane = LANES[at]
    return Party(**({"name": "Asha Rao", "phone": lane.dial + phone} | lane.customer | more))


def wanted(at: str = "IN", **more: Any) -> Wanted:
    shirt = Item(
        sku="SH-1",
        description="Cotton shirt",
        quantity=1,
        unit_value=LANES[at].value,
        return_reason=ReturnReason.SIZE_OR_FIT,
        images=("https://img.kestrel.test/sh-1.jpg",),
    )
    box = Parcel(dead_weight=Weight(480), length=Length(300), width=Length(200), height=Length(60))
    return Wanted(**({"parcels": (box,), "items": (shirt,)} | more))


class Holding(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """Something the carrier holds for us: a consignment whose rider will come (or came), or a label bought and kept."""

    awb: str
    what: str  # consignment, label
    reference: str


def _sharing(db: Database) -> Database:
    """SQLAlchemy compiles a statement once per dialect; hundreds of short worlds would spend a third of their time on that."""
    for name in ("_writer", "_reader"):
        engine = getattr(db, name).execution_options(compiled_cache=_COMPILED)
        engine.dialect = _DIALECTS.setdefault(engine.dialect.name, engine.dialect)
        setattr(db, name, engine)
    return db


class WideWorld(World):
    """`World` with accounts at any of the four carriers. Its merchant counts in rupees and converts at example rates."""

    def __init__(
        self,
        folder: Path,
        carriers: tuple[str, ...] = CARRIERS,
        policy: Policy = POLICY,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        **more: Any,
    ) -> None:
        """`settings` are those of an account besides what its carrier demands, by carrier."""
        self._settings = settings or {}
        self._kits: list[Kit] = []
        super().__init__(folder, carriers, **more)
        _sharing(self.db)
        self.kit.rates = lambda: RATES
        with self.db.write() as tx:
            accounts.store_policy(tx, self.owner, policy, self.now)

    def add_account(self, tx: sa.Connection, code: str, **secrets: str) -> accounts.CarrierAccount:
        return accounts.add(
            tx,
            self.kit.vault,
            self.owner,
            carrier=code,
            name=f"{code} test",
            secrets=SECRETS[code] | secrets,
            settings={**SETTINGS[code], **self._settings.get(code, {})},
            callback_token=f"callback-{code}",
            now=self.now,
        )

    def accept(self, reference: str, shipper: Party, **more: Any) -> str:
        """The goods go to the warehouse of the shipper's country."""
        people = People(shipper=shipper, consignee=LANES[shipper.country].warehouse)
        with self.db.write() as tx:
            order = wanted(shipper.country, **more)
            return accepting.accept(tx, self.owner, self.merchant, reference, people, order, self.now).id

    def book(self, reference: str = "RMA-1", phone: str = "9820000000", postal_code: str = "", at: str = "IN", **more: Any) -> str:
        """Accept a pickup in the country `at` and drive it; its id."""
        where = {"postal_code": postal_code} if postal_code else {}
        pickup_id = self.accept(reference, customer(at, phone, **where), **more)
        self.drive()
        return pickup_id

    def restart(self) -> None:
        """The services anew, on the same ledger: what was in their memory is gone."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.db.close()
        self.kit = self.another_kit()
        self.db, self.loop = self.kit.db, self.kit.loop
        self._kits.remove(self.kit)

    def another_kit(self) -> Kit:
        """The tools of another process on the same ledger and the same carriers."""
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        isolation = Isolation(clock=lambda: self.now.timestamp())
        carriers_client = Carriers(lambda: "http://lab", open_pool=self.lab.transport, isolation=isolation)
        kit = Kit(_sharing(Database(self.db.url)), self.kit.vault, carriers_client, loop, Memory(0), lambda: RATES)
        self._kits.append(kit)
        return kit

    def close(self) -> None:
        for kit in self._kits:
            kit.loop.call_soon_threadsafe(kit.loop.stop)
            kit.db.close()
        super().close()

    def settle(self, by: dt.timedelta, step: dt.timedelta = dt.timedelta(seconds=20)) -> None:
        """Let time pass in small steps."""
        end = self.now + by
        while self.now < end:
            self.pass_time(step)

    def come_to_rest(self, within: dt.timedelta = dt.timedelta(hours=3)) -> None:
        """Go from one time at which a driver wants to look again to the next, until there is none `within` that span."""
        until = self.now + within
        for _ in range(500):
            at = self._next_wake()
            if at is None or at > until:
                return
            self.pass_time(max(at - self.now, dt.timedelta(0)))
        raise AssertionError("no rest")

    def _next_wake(self) -> dt.datetime | None:
        """When a pickup has to be looked at: what it waits for, or the end of a dead driver's lease."""
        with self.db.read() as tx:
            held = PICKUPS.all(tx, tables.pickups.c.ended.is_(False) | tables.pickups.c.wake_wall.is_not(None))
        tick = dt.timedelta(seconds=1)
        times = [
            max(at, one.lease_until + tick if one.lease_until else at) for one in held for at in (one.wake_at, one.wake_wall) if at
        ]
        return min(times, default=None)

    def look_into_the_panel(self, pickup_id: str) -> bool:
        """What an operator does who is asked whether a booking was made; whether anybody was asked."""
        case = self.case(pickup_id)
        asked = next((one for one in case.open_exceptions if one.reason == "booking_unknown"), None)
        if asked is None:
            return False
        booking = case.booking(asked.booking_id or "")
        found = [one["awb"] for one in self.books(booking.carrier) if one["reference"] == booking.carrier_reference]
        wanted = Resolution(action="adopt", awb=found[0]) if found else Resolution(action="not_booked")
        with self.db.write() as tx:
            commanding.act_on(tx, case, asked, wanted, self.now)
        self.drive()
        return True

    def books(self, carrier: str) -> list[dict[str, Any]]:
        """The lab's own books of this carrier."""
        _, _, body = self.lab.answer("GET", f"/_lab/books?carrier={carrier}&account={LAB_ACCOUNTS[carrier]}", {}, b"")
        found: dict[str, Any] = msgspec.json.decode(body)
        return list(found["consignments"])

    def holdings(self, carrier: str) -> list[Holding]:
        """What stands at the carrier and is not cancelled; at EasyPost also labels without a visit and without a refund."""
        live = [
            Holding(awb=one["awb"], what="consignment", reference=one["reference"])
            for one in self.books(carrier)
            if one["state"] != "cancelled"
        ]
        return sorted([*live, *(self._unused_labels(live) if carrier == "easypost" else [])])

    def _unused_labels(self, live: list[Holding]) -> list[Holding]:
        made = self.lab.books.kept_below("easypost", LAB_ACCOUNTS["easypost"], "shipment/")
        coming = {one.awb for one in live}
        return [
            Holding(awb=one["tracking_code"], what="label", reference=one["asked"]["reference"])
            for one in made
            if one.get("bought") and not one.get("refunded_at") and one["tracking_code"] not in coming
        ]
