"""What the auditor and the hands of the run read from the ledger: numbers and rows; all that is written are indexes for that."""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Callable, Collection, Iterator
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from gateway import clock
from gateway.life.booking import UNFINISHED, BookingState
from gateway.services import polling
from gateway.services.kit import Kit
from gateway.services.notifying import CANCEL_UNCONFIRMED
from gateway.settings import Settings
from gateway.store import outbox, tables, webhooks
from gateway.store.database import Database

ENDS = ("delivered", "cancelled", "lost", "damaged", "returned_to_customer")
ON_THE_WIRE = (BookingState.SENDING, BookingState.CANCELLING)
_UNANSWERED = (BookingState.PLANNED, BookingState.SENDING)
_LONG = 500  # characters of a value in a story
_FOR_A_PERSON = ("waiting_customer", "needs_decision")
# What the hands look for many times a second, in a ledger of tens of thousands.
_SOUGHT = (tables.bookings.c.state, tables.pickups.c.lease_until, tables.exceptions.c.state)


class Pickup(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    reference: str
    state: str
    sequence: int = 0

    @property
    def ended(self) -> bool:
        return self.state in ENDS


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier asked once, as the ledger has it. `handles` are the carrier's own numbers for it and for what it is made of."""

    pickup: str
    carrier: str
    carrier_reference: str
    awb: str
    state: str
    handles: dict[str, str] = {}

    @property
    def over(self) -> bool:
        """Whether the ledger takes it for ended without a collection: nobody is to come, nothing is to be paid."""
        return self.state in (BookingState.REFUSED, BookingState.CANCELLED)


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a driver about a pickup, from when to when."""

    pickup: str
    operation: str
    start: dt.datetime
    end: dt.datetime


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A booking that somebody has in hand, or had who is dead; `since` when it is in its state."""

    id: str
    pickup: str
    since: dt.datetime


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a pickup."""

    id: str
    pickup: str
    sequence: int


class Ledger:
    """Rows are only read, but for a question that is taken back: `takes_twice`."""

    def __init__(self, settings: Settings) -> None:
        self._db = Database(settings.database)
        with self._db.write() as tx:
            for column in _SOUGHT:
                tx.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS chaos_{column.table.name} ON {column.table.name} ({column.name})")

    def close(self) -> None:
        self._db.close()

    # --- for the auditor ---

    def pickups(self) -> list[Pickup]:
        table = tables.pickups.c
        with self._db.read() as tx:
            rows = tx.execute(sa.select(table.id, table.reference, table.state, table.sequence))
            return [Pickup(id=row.id, reference=row.reference, state=str(row.state), sequence=row.sequence) for row in rows]

    def bookings(self) -> list[Booking]:
        with self._db.read() as tx:
            return [_booking(row) for row in tx.execute(sa.select(tables.bookings))]

    def events(self) -> list[Told]:
        table = tables.events.c
        with self._db.read() as tx:
            rows = tx.execute(sa.select(table.id, table.pickup_id, table.sequence).where(table.pickup_id.is_not(None)))
            return [Told(id=row.id, pickup=row.pickup_id, sequence=row.sequence) for row in rows]

    def delivered(self) -> frozenset[str]:
        """Events of which nothing is left to be sent."""
        events, deliveries = tables.events.c, tables.webhook_deliveries.c
        with self._db.read() as tx:
            told = frozenset(tx.scalars(sa.select(events.id).where(events.told.is_(True))))
            return told.difference(tx.scalars(sa.select(deliveries.event_id).where(deliveries.state == "pending")))

    def calls(self) -> list[Called]:
        """What drivers asked carriers; of one that was killed meanwhile nothing is known."""
        table = tables.exchanges.c
        with self._db.read() as tx:
            rows = tx.execute(sa.select(table.pickup_id, table.operation, table.milliseconds, table.at))
            return [_called(row) for row in rows if row.pickup_id]

    def unsent(self) -> dict[str, int]:
        """What is still to be handed over or sent, by kind: nothing, when all is quiet."""
        events, deliveries, pickups = tables.events.c, tables.webhook_deliveries.c, tables.pickups.c
        return {
            "outbox": self._count(tables.outbox),
            "events not told": self._count(tables.events, events.told.is_(False)),
            "deliveries pending": self._count(tables.webhook_deliveries, deliveries.state == "pending"),
            "deliveries given up": self._count(tables.webhook_deliveries, deliveries.state == "failed"),
            "pickups held": self._count(tables.pickups, pickups.lease_until.is_not(None)),
        }

    def doubts(self) -> int:
        """How often a booking's answer was lost."""
        return self._count(tables.events, tables.events.c.type == "pickup.booking_unknown")

    def takes_twice(self) -> list[str]:
        """What the ledger itself does not refuse to take twice: tried, and taken back."""
        with self._db.write() as tx:
            return [words for words, table, changes in _ONLY_ONCE if _taken_twice(tx, table, changes)]

    def story(self, pickup_id: str) -> Iterator[str]:
        """All rows about a pickup but for its people, a line each."""
        with self._db.read() as tx:
            yield from _lines(tx, tables.pickups, tables.pickups.c.id == pickup_id)
            bookings = sa.select(tables.bookings.c.id).where(tables.bookings.c.pickup_id == pickup_id)
            for table in tables.metadata.sorted_tables:
                if "pickup_id" in table.c and table is not tables.people:
                    yield from _lines(tx, table, table.c.pickup_id == pickup_id)
                elif "booking_id" in table.c:
                    yield from _lines(tx, table, table.c.booking_id.in_(bookings))
            events = sa.select(tables.events.c.id).where(tables.events.c.pickup_id == pickup_id)
            yield from _lines(tx, tables.webhook_deliveries, tables.webhook_deliveries.c.event_id.in_(events))
            yield from _lines(tx, tables.outbox, tables.outbox.c.subject == pickup_id)

    # --- for the hands ---

    def answered(self) -> int:
        """Bookings that a carrier has answered."""
        return self._count(tables.bookings) - self._count(tables.bookings, tables.bookings.c.state.in_(_UNANSWERED))

    def been(
        self, states: Collection[BookingState], carriers: Collection[str], youngest: dt.timedelta, oldest: dt.timedelta
    ) -> list[Sent]:
        """Bookings of those carriers that have been in one of those states for as long as that."""
        table, wall = tables.bookings.c, clock.wall()
        since = table.updated_at.between(wall - oldest, wall - youngest)
        asked = sa.select(table.id, table.pickup_id, table.updated_at).where(
            table.state.in_(states), table.carrier.in_(carriers), since
        )
        with self._db.read() as tx:
            return [Sent(id=row.id, pickup=row.pickup_id, since=row.updated_at) for row in tx.execute(asked)]

    def unanswered(self, one: Sent) -> bool:
        """Whether its sender has noted no answer: a push may have told of it since."""
        table = tables.exchanges.c
        return not self._count(tables.exchanges, table.booking_id == one.id, table.at > one.since)

    def told(self) -> str:
        """The newest event, "" before the first."""
        with self._db.read() as tx:
            return tx.scalar(sa.select(sa.func.max(tables.events.c.id))) or ""

    def carried_at(self) -> dt.datetime | None:
        """When messages were last tried."""
        with self._db.read() as tx:
            return cast(dt.datetime | None, tx.scalar(sa.select(sa.func.max(tables.webhook_endpoints.c.updated_at))))

    def waiting(self) -> set[tuple[str, int]]:
        """Exceptions that wait for a person, each with its version."""
        table = tables.exceptions.c
        with self._db.read() as tx:
            rows = tx.execute(
                sa.select(table.id, table.version).where(table.state.in_(_FOR_A_PERSON), table.pickup_id.is_not(None))
            )
            return {(row.id, row.version) for row in rows}

    def unconfirmed(self) -> list[str]:
        """Exceptions about a cancel that a carrier does not confirm."""
        table = tables.exceptions.c
        with self._db.read() as tx:
            return list(tx.scalars(sa.select(table.id).where(table.reason == CANCEL_UNCONFIRMED, table.state != "resolved")))

    def under_way(self) -> int:
        """Pickups that have not ended, or have something left at a carrier."""
        left = sa.select(tables.bookings.c.pickup_id).where(tables.bookings.c.state.in_(sorted(UNFINISHED)))
        pickups = tables.pickups.c
        return self._count(tables.pickups, pickups.ended.is_(False) | pickups.id.in_(left))

    def busy(self) -> bool:
        """Whether something is due now, or a driver holds a pickup, or held it when it was killed."""
        wall = clock.wall()
        return bool(self.held()) or self._due(wall) or self._polls(wall)

    def held(self) -> frozenset[str]:
        """Who holds a pickup: drivers at work, and dead ones."""
        table = tables.pickups.c
        with self._db.read() as tx:
            return frozenset(tx.scalars(sa.select(table.lease_owner).where(table.lease_until > clock.wall())))

    def waits(self, span: dt.timedelta) -> bool:
        """Whether something is to be tried within that time, polls left out."""
        return self._due(clock.wall() + span)

    def _due(self, wall: dt.datetime) -> bool:
        with self._db.read() as tx:
            if outbox.any_waiting(tx) or webhooks.any_untold(tx) or webhooks.any_due(tx, wall) or _carried(tx, wall):
                return True
            return bool(outbox.overdue(tx, wall, dt.timedelta(0), 1))

    def _polls(self, wall: dt.datetime) -> bool:
        return bool(polling.due_accounts(cast(Kit, types.SimpleNamespace(db=self._db)), wall))

    def _count(self, table: sa.Table, *conditions: Any) -> int:
        with self._db.read() as tx:
            return int(tx.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0)


# What must not be there twice, as copies of a row that is there: with these changes, by the copy's number.
_ONLY_ONCE: tuple[tuple[str, sa.Table, Callable[[int], dict[str, Any]]], ...] = (
    (
        "a second open booking of a pickup",
        tables.bookings,
        lambda number: {"carrier_reference": f"TRIAL{number}", "state": BookingState.PLANNED, "overlap": False},
    ),
    ("two bookings under one carrier reference", tables.bookings, lambda number: {"state": BookingState.CANCELLED}),
    ("two open pickups under one reference", tables.pickups, lambda number: {"ended": False}),
    ("two events of one pickup under one number", tables.events, lambda number: {}),
)


def _taken_twice(tx: sa.Connection, table: sa.Table, changes: Callable[[int], dict[str, Any]]) -> bool:
    """False also where there is no row to copy yet."""
    whose = table.c.pickup_id if "pickup_id" in table.c else table.c.id
    row = tx.execute(sa.select(table).where(whose.is_not(None)).limit(1)).mappings().first()
    if row is None:
        return False
    trial = tx.begin_nested()
    try:
        for number in (1, 2):
            tx.execute(table.insert().values(**{**row, "id": f"trial{number}", **changes(number)}))
    except sa.exc.IntegrityError:
        return False
    finally:
        trial.rollback()
    return True


def _booking(row: Any) -> Booking:
    return Booking(
        pickup=row.pickup_id,
        carrier=row.carrier,
        carrier_reference=row.carrier_reference,
        awb=row.awb or "",
        state=str(row.state),
        handles={**row.so_far, **row.handles},
    )


def _called(row: Any) -> Called:
    took = dt.timedelta(milliseconds=row.milliseconds)
    return Called(pickup=row.pickup_id, operation=row.operation, start=row.at - took, end=row.at)


def _lines(tx: sa.Connection, table: sa.Table, condition: Any) -> Iterator[str]:
    for row in tx.execute(sa.select(table).where(condition).order_by(*table.primary_key.columns)).mappings():
        told = {name: str(value)[:_LONG] for name, value in row.items() if value not in (None, "", b"") and name not in _UNTOLD}
        yield f"{table.name}: " + " ".join(f"{name}={value}" for name, value in told.items())


_UNTOLD = frozenset({"merchant_id", "mode", "body", "content", "request", "response", "digest"})


def _carried(tx: sa.Connection, wall: dt.datetime) -> bool:
    """Whether messages are on their way: an endpoint that a courier has in hand is not due, and has more to come."""
    table = tables.webhook_endpoints.c
    return tx.scalar(sa.select(table.id).where(table.lease_until > wall).limit(1)) is not None
