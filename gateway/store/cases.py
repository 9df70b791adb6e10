"""A case: everything the ledger knows of one pickup, read in one snapshot, for deciding what happens next.

The lease keeps a case to one driver at a time; it outlives the longest call, so that a driver that died is noticed and a
slow one is not overtaken.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from adapters.contract.places import Party
from gateway import ids
from gateway.store import tables
from gateway.store.database import writes
from gateway.store.ledger import (
    BOOKINGS,
    EXCEPTIONS,
    INSTRUCTIONS,
    PICKUPS,
    VISITS,
    Booking,
    Instruction,
    People,
    Pickup,
    PickupException,
    StoredScan,
    Visit,
)
from gateway.store.merchants import MERCHANTS, Merchant
from gateway.store.rows import Owner

# Longer than any call may take (60 s) plus the slowest carrier's commit.
LEASE = dt.timedelta(seconds=180)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`scans` by booking id, oldest event first; bookings, visits, instructions and exceptions oldest first."""

    merchant: Merchant
    pickup: Pickup
    people: People
    bookings: list[Booking]
    scans: dict[str, list[StoredScan]]
    visits: list[Visit]
    instructions: list[Instruction]
    exceptions: list[PickupException]
    labelled: frozenset[str]  # ids of bookings that have a label

    @property
    def owner(self) -> Owner:
        return Owner(self.pickup.merchant_id, self.pickup.mode)

    @property
    def open_exceptions(self) -> list[PickupException]:
        return [exception for exception in self.exceptions if exception.state != "resolved"]

    def booking(self, booking_id: str) -> Booking:
        """One of this case's bookings. Raises KeyError for another's."""
        return {booking.id: booking for booking in self.bookings}[booking_id]

    def visits_of(self, booking_id: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.booking_id == booking_id]

    def now(self, wall: dt.datetime) -> dt.datetime:
        """Business time."""
        return self.merchant.now(self.pickup.mode, wall)


def load(tx: sa.Connection, pickup_id: str) -> Case:
    """In a transaction that writes, nobody else changes this case before its end. Raises NoSuchRow."""
    pickup = PICKUPS.held(tx, pickup_id) if writes(tx) else PICKUPS.one(tx, pickup_id)
    bookings = BOOKINGS.all(tx, tables.bookings.c.pickup_id == pickup_id)
    return Case(
        merchant=MERCHANTS.one(tx, pickup.merchant_id),
        pickup=pickup,
        people=people(tx, pickup_id),
        bookings=bookings,
        scans=scans_of(tx, [booking.id for booking in bookings]),
        visits=VISITS.all(tx, tables.visits.c.pickup_id == pickup_id, order=tables.visits.c.day),
        instructions=INSTRUCTIONS.all(tx, tables.instructions.c.pickup_id == pickup_id),
        exceptions=EXCEPTIONS.all(tx, tables.exceptions.c.pickup_id == pickup_id),
        labelled=frozenset(tx.scalars(sa.select(tables.labels.c.booking_id).where(tables.labels.c.pickup_id == pickup_id))),
    )


def people(tx: sa.Connection, pickup_id: str) -> People:
    row = tx.execute(
        sa.select(tables.people.c.shipper, tables.people.c.consignee).where(tables.people.c.pickup_id == pickup_id)
    ).one()
    return People(shipper=msgspec.convert(row.shipper, Party), consignee=msgspec.convert(row.consignee, Party))


def scans(tx: sa.Connection, booking_id: str) -> list[StoredScan]:
    """Oldest event first; of one instant, in the order of their arrival."""
    return scans_of(tx, [booking_id])[booking_id]


def scans_of(tx: sa.Connection, booking_ids: Sequence[str]) -> dict[str, list[StoredScan]]:
    """The same for many bookings at once, by booking."""
    table = tables.scans
    order = (table.c.at, table.c.received_at, table.c.digest)
    columns = [table.c[name] for name in StoredScan.__struct_fields__]
    found: dict[str, list[StoredScan]] = {booking_id: [] for booking_id in booking_ids}
    for row in tx.execute(sa.select(*columns).where(table.c.booking_id.in_(booking_ids)).order_by(*order)):
        scan = msgspec.convert(dict(zip(StoredScan.__struct_fields__, row, strict=True)), StoredScan)
        found[scan.booking_id].append(scan)
    return found


def claim(tx: sa.Connection, pickup_id: str, wall: dt.datetime) -> str | None:
    """The lease's owner token, or None while another driver holds it."""
    owner = ids.new("drv")
    free = tables.pickups.c.lease_until.is_(None) | (tables.pickups.c.lease_until < wall)
    return owner if PICKUPS.update(tx, pickup_id, free, lease_until=wall + LEASE, lease_owner=owner) else None


def renew(tx: sa.Connection, pickup_id: str, owner: str, wall: dt.datetime) -> bool:
    """Whether the lease is still ours, now for another span."""
    return PICKUPS.update(tx, pickup_id, tables.pickups.c.lease_owner == owner, lease_until=wall + LEASE)


def release(tx: sa.Connection, pickup_id: str, owner: str, wake_at: dt.datetime | None, wake_wall: dt.datetime | None) -> None:
    """Let go, and say when to look again."""
    mine = tables.pickups.c.lease_owner == owner
    PICKUPS.update(tx, pickup_id, mine, lease_until=None, lease_owner=None, wake_at=wake_at, wake_wall=wake_wall)


def let_go(tx: sa.Connection, pickup_id: str, owner: str) -> None:
    """Let go after a failure; when to look again stays as it is."""
    PICKUPS.update(tx, pickup_id, tables.pickups.c.lease_owner == owner, lease_until=None, lease_owner=None)


def release_all(tx: sa.Connection) -> int:
    """Free every lease: only for the one owner of an embedded database, at its start, when no driver can be alive."""
    held = tables.pickups.c.lease_until.is_not(None)
    return tx.execute(tables.pickups.update().where(held).values(lease_until=None, lease_owner=None)).rowcount
