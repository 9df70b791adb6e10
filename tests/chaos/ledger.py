"""What the auditor and the hands of the run read from the ledger: numbers and rows, nothing is written."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from gateway import clock
from gateway.life.booking import BookingState
from gateway.services import polling
from gateway.services.kit import Kit
from gateway.settings import Settings
from gateway.store import outbox, tables
from gateway.store.database import Database

ENDS = ("delivered", "cancelled", "lost", "damaged", "returned_to_customer")
_ON_THE_WIRE = (BookingState.SENDING, BookingState.CANCELLING)


class Pickup(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    reference: str
    state: str

    @property
    def ended(self) -> bool:
        return self.state in ENDS


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier asked once, as the ledger has it."""

    pickup: str
    carrier: str
    carrier_reference: str
    awb: str
    state: str
    overlap: bool


class Ledger:
    """Read-only."""

    def __init__(self, settings: Settings) -> None:
        self._db = Database(settings.database)

    def close(self) -> None:
        self._db.close()

    def pickups(self) -> list[Pickup]:
        table = tables.pickups.c
        with self._reading() as tx:
            return [
                Pickup(id=one.id, reference=one.reference, state=str(one.state))
                for one in tx.execute(sa.select(table.id, table.reference, table.state))
            ]

    def bookings(self) -> list[Booking]:
        table = tables.bookings.c
        wanted = sa.select(table.pickup_id, table.carrier, table.carrier_reference, table.awb, table.state, table.overlap)
        with self._reading() as tx:
            return [
                Booking(
                    pickup=one.pickup_id,
                    carrier=one.carrier,
                    carrier_reference=one.carrier_reference,
                    awb=one.awb or "",
                    state=str(one.state),
                    overlap=bool(one.overlap),
                )
                for one in tx.execute(wanted)
            ]

    def on_the_wire(self) -> int:
        """Bookings that are being sent or cancelled at this moment."""
        with self._reading() as tx:
            return self._count(tx, tables.bookings.c.state.in_(_ON_THE_WIRE))

    def doubts(self) -> int:
        """How often a booking's answer was lost."""
        with self._reading() as tx:
            found = sa.select(sa.func.count()).select_from(tables.events).where(tables.events.c.type == "pickup.booking_unknown")
            return int(tx.scalar(found) or 0)

    def outbox(self) -> int:
        """Wake-ups not yet handed over."""
        with self._reading() as tx:
            return int(tx.scalar(sa.select(sa.func.count()).select_from(tables.outbox)) or 0)

    def busy(self) -> bool:
        """Whether something is due now, or a driver holds a pickup, or held it when it was killed."""
        wall = clock.wall()
        with self._reading() as tx:
            held = sa.select(tables.pickups.c.id).where(tables.pickups.c.lease_until > wall).limit(1)
            if tx.scalar(held) or outbox.any_waiting(tx) or outbox.overdue(tx, wall, wall - wall):
                return True
        return bool(polling.due_accounts(cast(Kit, types.SimpleNamespace(db=self._db)), wall))

    def _count(self, tx: sa.Connection, condition: Any) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).select_from(tables.bookings).where(condition)) or 0)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._db.read() as tx:
            yield tx
