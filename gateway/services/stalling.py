"""Stalling: a parcel that was collected, and of which its carrier then says nothing for a week, is told to a person.

Once for each silence; the carrier's next word ends it. Before the door silence is `gateway.services.silence`'s.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway.life.booking import BookingState
from gateway.life.pickup import PickupState
from gateway.services.notifying import STALLED, open_exception, resolve
from gateway.store.cases import Case
from gateway.store.ledger import Booking, PickupException

# Assumed: scans on the way are hours to two days apart, and a long weekend adds three.
PATIENCE = dt.timedelta(days=7)

_ON_THE_WAY = frozenset({PickupState.COLLECTED, PickupState.IN_TRANSIT})


class NoteStalled(msgspec.Struct, frozen=True):
    """Only a person can ask the carrier where it is."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        open_exception(
            tx,
            case,
            wall,
            reason=STALLED,
            fault=Fault.CARRIER,
            state="needs_decision",
            booking_id=self.booking.id,
            detail=f"collected, but {self.booking.carrier} has said nothing of it for {PATIENCE.days} days: ask where it is",
        )


class HeardAgain(msgspec.Struct, frozen=True):
    """The parcel has moved: nobody needs to ask."""

    exception: PickupException

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        resolve(tx, case, self.exception, "heard_again", wall)


def stalling(case: Case, now: dt.datetime) -> NoteStalled | HeardAgain | None:
    """What is to be noted now."""
    told = next((one for one in case.open_exceptions if one.reason == STALLED), None)
    at = stalls_at(case)
    if told and at and now < at:
        return HeardAgain(told)
    return NoteStalled(_carried(case)[-1]) if at and at <= now else None


def stalls_at(case: Case) -> dt.datetime | None:
    """When the silence has lasted too long; None where that was told, and where no parcel is on its way."""
    carried = _carried(case)
    if not carried or case.pickup.state not in _ON_THE_WAY:
        return None
    at = _heard(case, carried[-1]) + PATIENCE
    return None if any(one.reason == STALLED and one.opened_at >= at for one in case.exceptions) else at


def _carried(case: Case) -> list[Booking]:
    return [booking for booking in case.bookings if booking.state is BookingState.DONE]


def _heard(case: Case, booking: Booking) -> dt.datetime:
    """The newest that its carrier has said of it."""
    return max((scan.at for scan in case.scans[booking.id]), default=case.pickup.business_created_at)
