"""Cancelling a live booking: asked, then seen confirmed; a lost answer is asked again, a rider on the way wins."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract import carrier as contract
from adapters.contract.carrier import AwbList, Cancelled
from adapters.contract.errors import CarrierError, OutcomeUnknown, Refused, Throttled
from adapters.contract.scans import Fault, Milestone, Tracked
from gateway.carriers import registry
from gateway.life.booking import BookingEvent, BookingState, move
from gateway.life.pickup import Intent
from gateway.services.booking import backoff, cancel_wait_until, refusal_of
from gateway.services.kit import Kit
from gateway.services.notifying import CANCEL_UNCONFIRMED, OF_A_CANCEL, open_exception, resolve_of_cancel, restate
from gateway.services.promising import next_promise
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.ledger import BOOKINGS, PICKUPS, Booking
from gateway.values import Account

_TRIES_BEFORE_ALARM = 8
# A carrier that will not cancel now may do so after the visit.
_AFTER_THE_VISIT = dt.timedelta(hours=1)


def at_carrier(booking: Booking) -> contract.Booking:
    """The booking as the carrier knows it."""
    return contract.Booking(awb=booking.awb or "", carrier_reference=booking.carrier_reference, handles=booking.handles)


async def milestone_at_carrier(kit: Kit, account: Account, booking: Booking, now: dt.datetime) -> Milestone | None:
    """The last milestone the carrier tells when asked now; None where it does not say."""
    awb = booking.awb or ""
    try:
        answer = await kit.carriers.ask(account, "track", AwbList(awbs=(awb,)), now=now)
    except CarrierError:
        return None
    tracked = answer.get(awb)
    return tracked.scans[-1].milestone if isinstance(tracked, Tracked) and tracked.scans else None


class Cancel(msgspec.Struct, frozen=True):
    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        state = move(self.booking.state, BookingEvent.CANCEL)
        BOOKINGS.update(tx, self.booking.id, state=state, tries=self.booking.tries + 1, retry_at=None, updated_at=wall)
        restate(tx, case.pickup.id, wall)

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        if registry.carrier(self.booking.carrier).cancel is None:
            return Refused(None, "", f"{self.booking.carrier} takes no cancel")
        try:
            return await kit.carriers.ask(account, "cancel", at_carrier(self.booking), now=now, witness=witness)
        except Refused as refusal:
            # Perhaps because an earlier cancel, its answer lost, was done.
            done = await milestone_at_carrier(kit, account, self.booking, now) is Milestone.CANCELLED
            return Cancelled() if done else refusal

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        booking = BOOKINGS.one(tx, self.booking.id)
        if booking.state is not BookingState.CANCELLING:
            return  # a scan was faster
        event, retry_at = _meaning(outcome, booking, wall)
        refusal = refusal_of(outcome) if isinstance(outcome, CarrierError) else None
        until = cancel_wait_until(tx, case, booking, wall) if event is BookingEvent.LOST_ANSWER else None
        cancelled_at = case.now(wall) if event is BookingEvent.CANCELLED else None
        changes = {"retry_at": retry_at, "refusal": refusal, "cancel_wait_until": until, "cancelled_at": cancelled_at}
        BOOKINGS.update(tx, booking.id, state=move(booking.state, event), updated_at=wall, **changes)
        if event is BookingEvent.TOO_LATE and case.pickup.intent is Intent.SWITCH and not booking.overlap:
            _stay(tx, case, booking, wall)
        else:
            _tell(tx, case, booking, outcome, wall)
        restate(tx, case.pickup.id, wall)


def _stay(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """The carrier will not be left: it is waited for once more, and its silence noted once more."""
    PICKUPS.update(tx, case.pickup.id, intent=Intent.COLLECT)
    BOOKINGS.update(tx, booking.id, promised_at=next_promise(case, booking, case.now(wall)))


def _tell(tx: sa.Connection, case: Case, booking: Booking, outcome: Any, wall: dt.datetime) -> None:
    """What is not confirmed, by a no or for long, somebody is told of once; it goes on being asked for."""
    told = [one for one in case.open_exceptions if one.reason in OF_A_CANCEL and one.booking_id == booking.id]
    if isinstance(outcome, Cancelled):
        resolve_of_cancel(tx, case, booking.id, "cancelled", wall)
    elif not told and (isinstance(outcome, Refused) or booking.tries >= _TRIES_BEFORE_ALARM):
        said = refusal_of(outcome)
        why = f"{said.raw_code} {said.raw_message}".strip() or str(said.kind)
        open_exception(
            tx,
            case,
            wall,
            reason=CANCEL_UNCONFIRMED,
            fault=Fault.CARRIER,
            state="waiting_carrier",
            booking_id=booking.id,
            detail=f"{booking.carrier} has not confirmed the cancel and is asked again: {why}",
            raw_code=said.raw_code,
            exchange_id=said.exchange,
        )


def _meaning(outcome: Any, booking: Booking, wall: dt.datetime) -> tuple[BookingEvent, dt.datetime | None]:
    if isinstance(outcome, Cancelled):
        return BookingEvent.CANCELLED, None
    if isinstance(outcome, Refused):
        return BookingEvent.TOO_LATE, wall + _AFTER_THE_VISIT
    pause = outcome.retry_after if isinstance(outcome, Throttled) else backoff(booking.tries)
    in_doubt = isinstance(outcome, OutcomeUnknown) or booking.cancel_wait_until is not None  # an earlier one may have been done
    return BookingEvent.LOST_ANSWER if in_doubt else BookingEvent.UNSENT, wall + pause
