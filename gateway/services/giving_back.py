"""Giving back: a booking given up half-way may have bought something (a label), which is cancelled until the carrier confirms it.

The pickup does not wait for it: no rider comes for a half-made booking, so the next carrier may be asked meanwhile. While the
carrier's void window is open it is asked again, ever more slowly; a person is told where it objects, or is not heard of for long.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract import carrier as contract
from adapters.contract.carrier import Cancelled
from adapters.contract.errors import CarrierError, Refused, Throttled
from adapters.contract.scans import Fault
from gateway.carriers import registry
from gateway.life.booking import BookingEvent, BookingState, move
from gateway.services.booking import refusal_of
from gateway.services.kit import Kit
from gateway.services.notifying import open_exception, resolve, restate
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.ledger import BOOKINGS, Booking, PickupException
from gateway.values import Account

NOT_GIVEN_BACK = "not_given_back"

_LONGEST_PAUSE = dt.timedelta(hours=1)
_TRIES_BEFORE_ALARM = 8
_BEFORE_TOO_LATE = dt.timedelta(days=2)
# Where a carrier names no void window.
_PATIENCE = dt.timedelta(days=30)


def give_back_by(booking: Booking) -> dt.datetime | None:
    """When the label of a live booking that nobody has used goes back: two days before it is too late (business time)."""
    window = registry.carrier(booking.carrier).void_window
    return booking.booked_at + window - _BEFORE_TOO_LATE if window and booking.booked_at else None


def parts_of(booking: Booking) -> contract.Booking:
    """What is known of a booking that was not finished, as the carrier's cancel takes it."""
    known = {**booking.so_far, **booking.handles}
    return contract.Booking(awb=known.get("awb", ""), carrier_reference=booking.carrier_reference, handles=known)


class GiveBack(msgspec.Struct, frozen=True):
    """Ask the carrier to cancel what was bought. Said twice it does no harm."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        tries = self.booking.tries + 1
        BOOKINGS.update(tx, self.booking.id, tries=tries, retry_at=wall + _pause(tries), updated_at=wall)

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        return await kit.carriers.ask(account, "cancel", parts_of(self.booking), now=now, witness=witness)

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        booking = BOOKINGS.one(tx, self.booking.id)
        if booking.state is not BookingState.GIVING_BACK:
            return
        if isinstance(outcome, Cancelled):
            _close(tx, case, booking, "given_back", wall)
        elif wall >= _until(booking):
            _close(tx, case, booking, "too_late", wall)
        elif isinstance(outcome, CarrierError):
            _ask_again(tx, case, booking, outcome, wall)
        restate(tx, case.pickup.id, wall)


def _pause(tries: int) -> dt.timedelta:
    """2, 4, 8... seconds, an hour at most."""
    return min(dt.timedelta(seconds=2 ** min(tries, 20)), _LONGEST_PAUSE)


def _until(booking: Booking) -> dt.datetime:
    """When what was bought is taken back no more."""
    return booking.created_at + (registry.carrier(booking.carrier).void_window or _PATIENCE)


def _close(tx: sa.Connection, case: Case, booking: Booking, how: str, wall: dt.datetime) -> None:
    """Refused where the carrier (or its silence) ended the booking, cancelled where we did."""
    event = BookingEvent.REFUSED if booking.refusal else BookingEvent.CANCELLED
    BOOKINGS.update(tx, booking.id, state=move(booking.state, event), retry_at=None, updated_at=wall)
    for exception in _alarms(case, booking):
        resolve(tx, case, exception, how, wall)


def _ask_again(tx: sa.Connection, case: Case, booking: Booking, error: CarrierError, wall: dt.datetime) -> None:
    pause = error.retry_after if isinstance(error, Throttled) else _pause(booking.tries)
    BOOKINGS.update(tx, booking.id, retry_at=wall + pause, updated_at=wall)
    if isinstance(error, Refused) or booking.tries >= _TRIES_BEFORE_ALARM:
        _alarm(tx, case, booking, error, wall)


def _alarm(tx: sa.Connection, case: Case, booking: Booking, error: CarrierError, wall: dt.datetime) -> None:
    """Told once. It holds nothing up: automation goes on asking, and the pickup goes on."""
    if _alarms(case, booking):
        return
    said = refusal_of(error)
    why = f"{said.raw_code} {said.raw_message}".strip() or str(said.kind)
    open_exception(
        tx,
        case,
        wall,
        reason=NOT_GIVEN_BACK,
        fault=Fault.CARRIER,
        state="waiting_carrier",
        booking_id=booking.id,
        detail=f"{booking.carrier} has not yet taken back what was bought: {why}; it is asked until {_until(booking):%Y-%m-%d}",
        raw_code=said.raw_code,
        exchange_id=said.exchange,
    )


def _alarms(case: Case, booking: Booking) -> list[PickupException]:
    return [one for one in case.open_exceptions if one.reason == NOT_GIVEN_BACK and one.booking_id == booking.id]
