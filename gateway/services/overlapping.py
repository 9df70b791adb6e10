"""An overlap: the next carrier is booked although the one before has not confirmed its cancel.

A switch waits for the confirmation, up to the policy's `cancel_wait_minutes`. Then a merchant that prefers double has the booking
left behind marked `overlap` and the next carrier chosen; everybody else has a person look, and the switch goes on waiting. What was
left behind is cancelled until that is confirmed, and again when the other collects; if its rider was faster the other is cancelled.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway.life.booking import BookingEvent, BookingState, move
from gateway.life.pickup import Intent
from gateway.services.notifying import CANCEL_UNCONFIRMED, ORPHAN, OVERLAP, emit, open_exception, outlasts, resolve, restate
from gateway.store import accounts
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PICKUPS, Booking, PickupException
from rates.policy import UncertainBooking


class Unanswered(msgspec.Struct, frozen=True):
    """A cancel has stayed without an answer for as long as the merchant waits."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        policy = accounts.policy_or_default(tx, case.owner, case.merchant.currency)
        if policy.uncertain_booking is UncertainBooking.PREFER_DOUBLE:
            overlap(tx, case, self.booking, wall)
        else:
            _ask_a_person(tx, case, self.booking, wall)
        restate(tx, case.pickup.id, wall)


def unanswered(case: Case, now: dt.datetime) -> Unanswered | None:
    """The booking whose time of waiting is over and not decided about yet."""
    return next((Unanswered(one) for one in _waited_for(case) if one.cancel_wait_until and one.cancel_wait_until <= now), None)


def waits_until(case: Case, now: dt.datetime) -> list[dt.datetime]:
    """When such a time will be over."""
    return [one.cancel_wait_until for one in _waited_for(case) if one.cancel_wait_until and one.cancel_wait_until > now]


def _waited_for(case: Case) -> list[Booking]:
    if case.pickup.intent is not Intent.SWITCH:
        return []
    doubtful = [one for one in case.bookings if one.state is BookingState.CANCEL_UNKNOWN and one.in_force]
    return [one for one in doubtful if not any(told.state == "needs_decision" for told in _unconfirmed(case, one))]


def overlap(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """Leave the booking behind, to be cancelled still, and go on to another carrier; everybody is told."""
    BOOKINGS.update(tx, booking.id, overlap=True, avoid=True, updated_at=wall)
    PICKUPS.update(tx, case.pickup.id, intent=Intent.COLLECT, updated_at=wall)
    for exception in case.open_exceptions:
        if exception.booking_id == booking.id or not outlasts(case, exception):
            resolve(tx, case, exception, "switched", wall)
    why = f"{booking.carrier} has not confirmed the cancel of {booking.awb}: the next carrier is booked beside it, and two may come"
    open_exception(tx, case, wall, reason=OVERLAP, fault=Fault.CARRIER, state="waiting_carrier", booking_id=booking.id, detail=why)
    told = {"booking": booking.id, "carrier": booking.carrier, "awb": booking.awb, "sentence": why}
    emit(tx, PICKUPS.one(tx, case.pickup.id), "pickup.overlap", told, case.now(wall), wall)


def collected_twice(tx: sa.Connection, case: Case, booking: Booking, other: Booking, wall: dt.datetime) -> None:
    """Both carriers say that they collected: the overlap is recorded where it was not, and a person finds out who has it."""
    BOOKINGS.update(tx, booking.id, overlap=True, updated_at=wall)
    why = f"{booking.carrier} ({booking.awb}) and {other.carrier} ({other.awb}) both say that they collected it"
    open_exception(tx, case, wall, reason=OVERLAP, fault=Fault.CARRIER, state="needs_decision", booking_id=booking.id, detail=why)


def alive_after_all(tx: sa.Connection, case: Case, booking: Booking, seen: str, wall: dt.datetime) -> None:
    """A carrier goes on with what we call cancelled or refused: it is live, beside whatever is in force, and a case is opened.

    Where nothing else is in force and a rider is wanted, it is the pickup's own again; else it is cancelled once more.
    """
    state, beside = move(booking.state, BookingEvent.BOOKED), beside_another(case, booking)
    BOOKINGS.update(tx, booking.id, state=state, overlap=beside, retry_at=None, cancelled_at=None, tries=0, updated_at=wall)
    open_orphan(tx, case, booking, seen, wall)


def beside_another(case: Case, booking: Booking) -> bool:
    """Whether another carrier has, or has collected, what this booking is about."""
    others = (one for one in case.bookings if one.id != booking.id)
    return any(one.in_force or one.state is BookingState.DONE for one in others)


def open_orphan(
    tx: sa.Connection, case: Case, booking: Booking, seen: str, wall: dt.datetime, state: str = "waiting_carrier"
) -> None:
    """The case of a booking that is over for us and not for its carrier; once."""
    told = [one for one in case.open_exceptions if one.reason == ORPHAN and one.booking_id == booking.id]
    why = f"{booking.carrier} reports {seen} for {booking.awb or booking.carrier_reference}, which the ledger calls {booking.state}"
    if not told:
        open_exception(
            tx,
            case,
            wall,
            reason=ORPHAN,
            fault=Fault.CARRIER,
            state=state,
            booking_id=booking.id,
            detail=why,
            raw_code=seen,
        )


def _ask_a_person(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    why = f"{booking.carrier} does not say whether {booking.awb} is cancelled: look into its panel before another is booked"
    for exception in _unconfirmed(case, booking):
        EXCEPTIONS.update(tx, exception.id, state="needs_decision", detail=why, version=exception.version + 1)
        return
    open_exception(
        tx, case, wall, reason=CANCEL_UNCONFIRMED, fault=Fault.CARRIER, state="needs_decision", booking_id=booking.id, detail=why
    )


def _unconfirmed(case: Case, booking: Booking) -> list[PickupException]:
    return [one for one in case.open_exceptions if one.reason == CANCEL_UNCONFIRMED and one.booking_id == booking.id]
