"""Booking exactly once: the intent is in the ledger before a byte leaves, the outcome after, and doubt is cleared by asking.

A lost answer is never answered by asking to book again: first the carrier is asked what it knows under our reference; where
it cannot be asked, its push is waited for, and after that a person (or the merchant's policy) decides.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Booked, Carrier, Later, Next, Sought
from adapters.contract.errors import CarrierError, OutcomeUnknown, Pending, RefusalKind, Refused, Throttled
from adapters.contract.orders import PickupOrder
from adapters.contract.scans import Fault
from gateway.carriers import registry
from gateway.carriers.isolation import Held
from gateway.life.booking import BookingEvent, BookingState, move
from gateway.services import orphans, pausing, renewing
from gateway.services.kit import Kit
from gateway.services.notifying import emit, open_exception, resolve, restate
from gateway.services.promising import first_promise
from gateway.store import accounts, outbox
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.ledger import BOOKINGS, PICKUPS, Booking, Refusal
from gateway.values import Account

_MOST_TRIES = 5
_FIRST_LOOK = dt.timedelta(seconds=3)
_LOOKS_BEFORE_ALARM = 8
# How long past the slowest commit a carrier's push is waited for where nothing can be asked.
PUSH_GRACE = dt.timedelta(seconds=60)
# Refusals that may mean the carrier has it already: found out before anything else is done.
_LOOK_FIRST = frozenset({RefusalKind.DUPLICATE, RefusalKind.AWB_POOL})


def order_of(case: Case, booking: Booking) -> PickupOrder:
    """The question put to the carrier: the same bytes whenever it is put again."""
    wanted, people = case.pickup.body, case.people
    return PickupOrder(
        carrier_reference=booking.carrier_reference,
        shipper=people.shipper,
        consignee=people.consignee,
        parcels=wanted.parcels,
        items=wanted.items,
        service=booking.service,
        window=booking.window,
        quality_checks=wanted.quality_checks,
        order_number=wanted.order_number or case.pickup.reference,
        instructions=wanted.instructions,
        extra=wanted.extra,
    )


class Send(msgspec.Struct, frozen=True):
    """Ask the carrier to book: one step of it."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        state = move(self.booking.state, BookingEvent.SEND)
        BOOKINGS.update(tx, self.booking.id, state=state, sent_at=wall, tries=self.booking.tries + 1, updated_at=wall)
        restate(tx, case.pickup.id, wall)

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        if not account.enabled and self.booking.state is BookingState.PLANNED and not self.booking.step:
            raise Refused(RefusalKind.ACCOUNT, raw_message=f"the account is switched off: {account.disabled_reason or 'by you'}")
        order = order_of(case, self.booking)
        again = self.booking.tries > 0
        return await kit.carriers.step(
            account, "book", self.booking.step, order, self.booking.so_far, now=now, witness=witness, again=again
        )

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        booking = BOOKINGS.one(tx, self.booking.id)
        if booking.state is not BookingState.SENDING:
            _after_a_push(tx, booking, outcome)
        elif isinstance(outcome, Booked):
            booked(tx, case, booking, outcome, wall)
        elif isinstance(outcome, Next | Later):
            _step_done(tx, case, booking, outcome, wall)
        elif isinstance(outcome, CarrierError):
            _not_booked(tx, case, booking, outcome, wall)
        restate(tx, case.pickup.id, wall)


def booked(tx: sa.Connection, case: Case, booking: Booking, answer: Booked, wall: dt.datetime) -> None:
    """The positive sign: the AWB goes into the ledger, the promise is noted, polling is planned."""
    now = case.now(wall)
    promised = first_promise(case, booking, now)
    orphans.adopted(tx, booking.account_id, answer.awb, wall)
    BOOKINGS.update(
        tx,
        booking.id,
        state=move(booking.state, BookingEvent.BOOKED),
        awb=answer.awb,
        handles={**booking.handles, **answer.handles},
        pickup_token=answer.pickup_token,
        tracking_url=answer.tracking_url,
        price=answer.price or booking.price,
        booked_at=now,
        promised_at=promised,
        poll_at=now + dt.timedelta(hours=1),
        retry_at=None,
        refusal=None,
        updated_at=wall,
    )
    renewing.price_booked(tx, case, booking, answer.price, wall)
    if priced_by_card(registry.carrier(booking.carrier)):
        outbox.want(tx, outbox.AUDIT, booking.id, wall)


def _after_a_push(tx: sa.Connection, booking: Booking, outcome: Any) -> None:
    """The carrier's push was faster than its answer: only what the push did not say is added."""
    if isinstance(outcome, Booked) and outcome.awb == booking.awb:
        handles = {**booking.handles, **outcome.handles}
        BOOKINGS.update(tx, booking.id, handles=handles, pickup_token=outcome.pickup_token, tracking_url=outcome.tracking_url)


def priced_by_card(carrier: Carrier) -> bool:
    """Whether offers of this carrier are priced from the card although it has a price call: then the card is audited."""
    return carrier.quote is not None and "quote" not in carrier.offers_from


def _step_done(tx: sa.Connection, case: Case, booking: Booking, answer: Next | Later, wall: dt.datetime) -> None:
    """On to the next step; unless the carrier now names a price for which the choice is made anew."""
    if isinstance(answer, Next) and answer.price and renewing.left(tx, case, booking, answer.price, wall):
        return
    step = booking.step + 1 if isinstance(answer, Next) else booking.step
    BOOKINGS.update(
        tx,
        booking.id,
        state=move(booking.state, BookingEvent.STEP_DONE),
        step=step,
        so_far={**booking.so_far, **answer.so_far},
        tries=0,
        retry_at=answer.at if isinstance(answer, Later) else None,
        updated_at=wall,
    )


def _not_booked(tx: sa.Connection, case: Case, booking: Booking, error: CarrierError, wall: dt.datetime) -> None:
    if isinstance(error, Refused) and (error.kind not in _LOOK_FIRST or undoable(booking)):
        refuse(tx, case, booking, refusal_of(error), wall)
    elif isinstance(error, OutcomeUnknown | Pending | Refused):
        start = {"step": 0, "so_far": {}} if isinstance(error, Refused) else {}  # the number in hand is used up
        state = move(booking.state, BookingEvent.LOST_ANSWER)
        BOOKINGS.update(
            tx, booking.id, state=state, retry_at=wall + _FIRST_LOOK, refusal=refusal_of(error), updated_at=wall, **start
        )
    elif isinstance(error, Held):  # nobody was asked: it waits as long as it must, and this was no try
        state, tries = move(booking.state, BookingEvent.UNSENT), booking.tries - 1
        BOOKINGS.update(tx, booking.id, state=state, retry_at=wall + error.retry_after, tries=tries, updated_at=wall)
    elif booking.tries >= _MOST_TRIES:
        refuse(tx, case, booking, refusal_of(error), wall)
    else:
        pause = error.retry_after if isinstance(error, Throttled) else backoff(booking.tries)
        state = move(booking.state, BookingEvent.UNSENT)
        BOOKINGS.update(tx, booking.id, state=state, retry_at=wall + pause, refusal=refusal_of(error), updated_at=wall)


def refuse(tx: sa.Connection, case: Case, booking: Booking, refusal: Refusal, wall: dt.datetime) -> None:
    """This carrier will not: the choice is made anew without it; wrong credentials pause the account."""
    event, fresh = (BookingEvent.GIVE_BACK, {"tries": 0}) if undoable(booking) else (BookingEvent.REFUSED, {})
    state = move(booking.state, event)
    BOOKINGS.update(tx, booking.id, state=state, refusal=refusal, retry_at=None, updated_at=wall, **fresh)
    if refusal.kind in pausing.OF_THE_ACCOUNT:
        _pause(tx, case, booking, refusal, wall)


def _pause(tx: sa.Connection, case: Case, booking: Booking, refusal: Refusal, wall: dt.datetime) -> None:
    """Of the bookings that are refused so at once one tells."""
    reason = pausing.switch_off(tx, booking.account_id, refusal.kind, refusal.raw_code, refusal.raw_message, wall)
    if reason:
        pickup, told = PICKUPS.one(tx, case.pickup.id), {"carrier_account": booking.account_id, "carrier": booking.carrier}
        emit(tx, pickup, "carrier_account.disabled", {**told, "reason": reason}, case.now(wall), wall)


def undoable(booking: Booking) -> bool:
    """Whether something may be bought already for a booking that is not finished."""
    word = registry.carrier(booking.carrier).undo_by
    return bool(word) and word in booking.so_far


def refusal_of(error: CarrierError) -> Refusal:
    """The error as the ledger keeps it; kinds beside the carrier's own no are named by their class."""
    if isinstance(error, Refused):
        return Refusal(
            kind=error.kind,
            raw_code=error.raw_code,
            raw_message=error.raw_message[:500],
            field=error.field,
            exchange=error.exchange,
        )
    return Refusal(kind=type(error).__name__.lower(), raw_message=str(error)[:500], exchange=error.exchange)


def backoff(tries: int) -> dt.timedelta:
    """2, 4, 8... seconds, a minute at most."""
    return dt.timedelta(seconds=min(60, 2 ** max(1, tries)))


class LookUp(msgspec.Struct, frozen=True):
    """Find out what became of a booking whose answer was lost."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        BOOKINGS.update(tx, self.booking.id, lookups=self.booking.lookups + 1, updated_at=wall)

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        booking = self.booking
        if registry.carrier(booking.carrier).find is None:
            return None
        sought = Sought(carrier_reference=booking.carrier_reference, sent_at=booking.sent_at or now, handles=booking.so_far)
        return await kit.carriers.ask(account, "find", sought, now=now, witness=witness, again=booking.lookups > 0)

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        booking = BOOKINGS.one(tx, self.booking.id)
        if booking.state is not BookingState.UNKNOWN:
            return  # a push was faster
        carrier = registry.carrier(booking.carrier)
        settled_at = (booking.sent_at or wall) + carrier.limits.slowest_commit
        if isinstance(outcome, Booked):
            booked(tx, case, booking, outcome, wall)
            _no_doubt(tx, case, booking, "found", wall)
        elif isinstance(outcome, Held):
            BOOKINGS.update(tx, booking.id, retry_at=wall + outcome.retry_after, lookups=booking.lookups - 1)
        elif isinstance(outcome, CarrierError):
            _look_again(tx, case, booking, wall + backoff(booking.lookups + 1), refusal_of(outcome).raw_message, wall)
        elif carrier.find is None:
            _no_way_to_ask(tx, case, booking, settled_at + PUSH_GRACE, wall)
        elif wall < settled_at:
            BOOKINGS.update(tx, booking.id, retry_at=min(settled_at, wall + backoff(booking.lookups)))
        else:
            not_booked(tx, case, booking, wall)
            _no_doubt(tx, case, booking, "not_booked", wall)
        restate(tx, case.pickup.id, wall)


def _no_doubt(tx: sa.Connection, case: Case, booking: Booking, how: str, wall: dt.datetime) -> None:
    """The carrier has said what became of it: nobody has to look into its panel any more."""
    for exception in case.open_exceptions:
        if exception.reason == "booking_unknown" and exception.booking_id == booking.id:
            resolve(tx, case, exception, how, wall)


def not_booked(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """The carrier knows of no such booking: it is asked again, and once that was often enough another one."""
    if booking.tries >= _MOST_TRIES:
        refuse(tx, case, booking, booking.refusal or Refusal(kind="outcomeunknown"), wall)
    else:
        _ask_again(tx, booking, wall)


def _ask_again(tx: sa.Connection, booking: Booking, wall: dt.datetime) -> None:
    """It is sent again under the same reference."""
    state = move(booking.state, BookingEvent.NOT_FOUND)
    BOOKINGS.update(tx, booking.id, state=state, retry_at=None, lookups=0, updated_at=wall)


def _look_again(tx: sa.Connection, case: Case, booking: Booking, at: dt.datetime, why: str, wall: dt.datetime) -> None:
    BOOKINGS.update(tx, booking.id, retry_at=at)
    if booking.lookups == _LOOKS_BEFORE_ALARM:
        _alarm(tx, case, booking, f"the carrier cannot be asked: {why}", wall)


def _no_way_to_ask(tx: sa.Connection, case: Case, booking: Booking, deadline: dt.datetime, wall: dt.datetime) -> None:
    """Without a way to ask, wait for the push; past the deadline the merchant's policy or a person decides."""
    if wall < deadline:
        BOOKINGS.update(tx, booking.id, retry_at=deadline)
        return
    policy = accounts.policy_or_default(tx, case.owner, case.merchant.currency)
    if policy.uncertain_booking == "prefer_double" and booking.tries < _MOST_TRIES:
        _ask_again(tx, booking, wall)
        return
    BOOKINGS.update(tx, booking.id, retry_at=None)
    _alarm(tx, case, booking, f"{booking.carrier} has no way to ask and pushed nothing: look into its panel", wall)


def _alarm(tx: sa.Connection, case: Case, booking: Booking, detail: str, wall: dt.datetime) -> None:
    if any(exception.reason == "booking_unknown" for exception in case.open_exceptions):
        return
    open_exception(
        tx,
        case,
        wall,
        reason="booking_unknown",
        fault=Fault.CARRIER,
        state="needs_decision",
        booking_id=booking.id,
        detail=detail,
        exchange_id=booking.refusal.exchange if booking.refusal else "",
    )


class Withdraw(msgspec.Struct, frozen=True):
    """Drop a booking that is no booking yet; what may have been bought for it goes back."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        event = BookingEvent.GIVE_BACK if undoable(self.booking) else BookingEvent.WITHDRAW
        state = move(self.booking.state, event)
        BOOKINGS.update(tx, self.booking.id, state=state, retry_at=None, refusal=None, tries=0, updated_at=wall)
        restate(tx, case.pickup.id, wall)


class Bury(msgspec.Struct, frozen=True):
    """A driver died while this booking's call was out: its outcome is unknown."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        state = move(self.booking.state, BookingEvent.LOST_ANSWER)
        until = cancel_wait_until(tx, case, self.booking, wall) if state is BookingState.CANCEL_UNKNOWN else None
        BOOKINGS.update(tx, self.booking.id, state=state, retry_at=wall, cancel_wait_until=until, updated_at=wall)
        restate(tx, case.pickup.id, wall)


def cancel_wait_until(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> dt.datetime:
    """Until when the answer to its cancel is waited for (business time): counted from the first that was lost."""
    policy = accounts.policy_or_default(tx, case.owner, case.merchant.currency)
    return booking.cancel_wait_until or case.now(wall) + dt.timedelta(minutes=policy.cancel_wait_minutes)
