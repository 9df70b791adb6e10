"""A case: everything the ledger knows of one pickup, read in one snapshot, for deciding what happens next.

The lease keeps a case to one driver at a time; it outlives the longest call, so that a driver that died is noticed and a
slow one is not overtaken.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.places import Party
from gateway import ids
from gateway.store import snapshot, tables
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
from gateway.store.rows import Owner, Rows, T
from gateway.store.snapshot import Snapshot

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
    """In a transaction that writes, nobody else changes this case before its end, and only what changed is read again.

    Raises NoSuchRow.
    """
    kept = snapshot.of(tx) if writes(tx) else Snapshot(None)

    def part(rows: Rows[T], statement: sa.Select[Any]) -> list[T]:
        return kept.part(rows.table.name, pickup_id, lambda: rows.found(tx, statement, pickup_id=pickup_id))

    pickup = kept.part("pickups", pickup_id, lambda: PICKUPS.held(tx, pickup_id) if writes(tx) else PICKUPS.one(tx, pickup_id))
    bookings = part(BOOKINGS, _BOOKINGS)
    scans = kept.part("scans", pickup_id, lambda: scans_of(tx, [booking.id for booking in bookings]))
    return Case(
        merchant=kept.part("merchants", pickup_id, lambda: MERCHANTS.one(tx, pickup.merchant_id)),
        pickup=pickup,
        people=kept.part("people", pickup_id, lambda: people(tx, pickup_id)),
        bookings=bookings,
        scans={booking.id: scans.get(booking.id, []) for booking in bookings},
        visits=part(VISITS, _VISITS) if bookings else [],
        instructions=part(INSTRUCTIONS, _INSTRUCTIONS) if bookings else [],
        exceptions=part(EXCEPTIONS, _EXCEPTIONS),
        labelled=kept.part("labels", pickup_id, lambda: _labelled(tx, pickup_id)) if bookings else frozenset(),
    )


_THIS: sa.BindParameter[str] = sa.bindparam("pickup_id")


def _of_pickup(rows: Rows[Any], order: str = "id") -> sa.Select[Any]:
    return rows.select.where(rows.table.c.pickup_id == _THIS).order_by(rows.table.c[order])


# Put together once: that costs more than running them.
_BOOKINGS, _VISITS = _of_pickup(BOOKINGS), _of_pickup(VISITS, "day")
_INSTRUCTIONS, _EXCEPTIONS = _of_pickup(INSTRUCTIONS), _of_pickup(EXCEPTIONS)
_PEOPLE = sa.select(tables.people.c.shipper, tables.people.c.consignee).where(
    tables.people.c.pickup_id == sa.bindparam("pickup_id")
)
_LABELLED = sa.select(tables.labels.c.booking_id).where(tables.labels.c.pickup_id == sa.bindparam("pickup_id"))
_SCANS = (
    sa.select(*(tables.scans.c[name] for name in StoredScan.__struct_fields__))
    .where(tables.scans.c.booking_id.in_(sa.bindparam("booking_ids", expanding=True)))
    .order_by(tables.scans.c.at, tables.scans.c.received_at, tables.scans.c.digest)
)


def people(tx: sa.Connection, pickup_id: str) -> People:
    row = tx.execute(_PEOPLE, {"pickup_id": pickup_id}).one()
    return People(shipper=msgspec.convert(row.shipper, Party), consignee=msgspec.convert(row.consignee, Party))


def _labelled(tx: sa.Connection, pickup_id: str) -> frozenset[str]:
    return frozenset(tx.scalars(_LABELLED, {"pickup_id": pickup_id}))


def scans(tx: sa.Connection, booking_id: str) -> list[StoredScan]:
    """Oldest event first; of one instant, in the order of their arrival."""
    return scans_of(tx, [booking_id])[booking_id]


def scans_of(tx: sa.Connection, booking_ids: Sequence[str]) -> dict[str, list[StoredScan]]:
    """The same for many bookings at once, by booking."""
    found: dict[str, list[StoredScan]] = {booking_id: [] for booking_id in booking_ids}
    for row in tx.execute(_SCANS, {"booking_ids": booking_ids}) if booking_ids else ():
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


def release(
    tx: sa.Connection, pickup_id: str, owner: str, wake_at: dt.datetime | None, wake_wall: dt.datetime | None, **changes: Any
) -> None:
    """Let go, and say when to look again, and what else changes with it."""
    free = {"lease_until": None, "lease_owner": None, "wake_at": wake_at, "wake_wall": wake_wall}
    PICKUPS.update(tx, pickup_id, tables.pickups.c.lease_owner == owner, **free, **changes)


def let_go(tx: sa.Connection, pickup_id: str, owner: str) -> None:
    """Let go after a failure; when to look again stays as it is."""
    PICKUPS.update(tx, pickup_id, tables.pickups.c.lease_owner == owner, lease_until=None, lease_owner=None)


def release_all(tx: sa.Connection) -> int:
    """Free every lease: only for the one owner of an embedded database, at its start, when no driver can be alive."""
    held = tables.pickups.c.lease_until.is_not(None)
    return tx.execute(tables.pickups.update().where(held).values(lease_until=None, lease_owner=None)).rowcount
