"""Healing: each exception is met by the reason table, inside the merchant's limits and what its carrier can take now.

The decision is `rates.recovery.next_action`, pure; here its facts are gathered and its word is carried out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Act
from adapters.contract.scans import Milestone, Reason
from adapters.contract.units import Money
from gateway.carriers import registry
from gateway.life.booking import GIVEN_UP, BookingState
from gateway.life.pickup import Intent
from gateway.services import silence
from gateway.services.following import standing
from gateway.services.instructing import drop_unsent, new_instruction
from gateway.services.notifying import open_exception, resolve, restate
from gateway.services.promising import door_zone, end_of_day, next_day
from gateway.store import accounts, tables
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, INSTRUCTIONS, PICKUPS, Booking, PickupException
from gateway.store.merchants import MERCHANTS
from rates import recovery
from rates.recovery import Answer, Past, Step, What, next_action

_TIME_TO_ANSWER = dt.timedelta(hours=24)
_AFTER_A_POLL = dt.timedelta(hours=6)


class Recover(msgspec.Struct, frozen=True):
    """Decide what is done about an exception, and set it going."""

    exception: PickupException

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        policy = accounts.policy_or_default(tx, case.owner, case.merchant.currency)
        booking = case.booking(self.exception.booking_id or "")
        step = next_action(facts(tx, case, booking, self.exception, case.now(wall)), policy)
        _bar(tx, case, booking, step, wall)
        state = _CARRY_OUT[step.what](tx, case, booking, self.exception, step, wall)
        changes = {"step": step, "action": step.tried, "detail": step.why, "state": state, "version": self.exception.version + 1}
        EXCEPTIONS.update(tx, self.exception.id, tables.exceptions.c.state != "resolved", **changes)
        restate(tx, case.pickup.id, wall)


def facts(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, now: dt.datetime) -> recovery.Case:
    """All that the decision depends on, from the ledger."""
    ended = [visit for visit in case.visits if visit.outcome == "failed"]
    movers = {one.id: one.moved_by for one in case.bookings}
    return recovery.Case(
        reason=Reason(exception.reason),
        history=_history(case, exception),
        visits_here=len([visit for visit in ended if movers[visit.booking_id] == booking.moved_by]),
        visits_in_all=len(ended),
        days_elapsed=max((now - case.pickup.business_created_at).total_seconds() / 86400, 0.0),
        spent=_spent(case),
        # A carrier that is silent past its promise has lost the right to come by itself.
        own_visits_left=0 if exception.reason == Reason.NO_EVENT else _own_visits_left(case, booking),
        acts=_acts(case, booking, now),
        answer=_answer(exception, now),
        date=exception.answer_day,
        another_carrier=_another(tx, case, booking),
    )


def _history(case: Case, exception: PickupException) -> tuple[Past, ...]:
    known = set(Reason)
    earlier = [one for one in case.exceptions if one.id < exception.id and one.reason in known]
    return tuple(Past(reason=Reason(one.reason), tried=one.action, disputed=one.answer == Answer.DENIED) for one in earlier)


def _spent(case: Case) -> Money | None:
    """What is due already although nobody collected."""
    due = [one.due_if_not_collected for one in case.bookings if one.due_if_not_collected and one.awb and case.visits_of(one.id)]
    currencies = {money.currency for money in due}
    return Money(sum(money.minor for money in due), currencies.pop()) if len(currencies) == 1 else None


def _own_visits_left(case: Case, booking: Booking) -> int:
    """Visits the carrier still makes without being told; none once it has closed the file."""
    scans = case.scans[booking.id]
    if booking.state is not BookingState.LIVE or (scans and scans[-1].milestone is Milestone.CANCELLED):
        return 0
    service = registry.carrier(booking.carrier).service(booking.service)
    return max(service.own_visits - len(case.visits_of(booking.id)), 0)


def _acts(case: Case, booking: Booking, now: dt.datetime) -> dict[str, dt.datetime]:
    carrier = registry.carrier(booking.carrier)
    if booking.state is not BookingState.LIVE or not carrier.act_from:
        return {}
    refused = {one.act for one in case.instructions if one.booking_id == booking.id and one.state == "refused"}
    where = standing(case, booking)
    times = {act: carrier.act_from(act, where, now) for act in Act if act not in refused and carrier.operation(act)}
    return {str(act): at for act, at in times.items() if at}


def _answer(exception: PickupException, now: dt.datetime) -> Answer:
    if exception.answer:
        return Answer(exception.answer)
    over = exception.answer_by is not None and now >= exception.answer_by
    return Answer.SILENT if over else Answer.WAITING


def _another(tx: sa.Connection, case: Case, booking: Booking) -> bool:
    """Whether somebody else could be asked: another mover with an account that is on, not left or refused before."""
    gone = {one.moved_by for one in case.bookings if one.avoid or one.state in GIVEN_UP} | {booking.moved_by}
    enabled = [row for row in accounts.of_owner(tx, case.owner) if row.enabled]
    movers = {service.moved_by or row.carrier for row in enabled for service in registry.carrier(row.carrier).services}
    return bool(movers - gone)


# --- carrying out ----------------------------------------------------------------------------------


def _wait(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    """The carrier comes again by itself: silence is measured from its next working day."""
    _promise(tx, case, booking, next_day(case, booking, case.now(wall), step.wait_days), wall)
    return "waiting_carrier"


def _ask_customer(
    tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime
) -> str:
    EXCEPTIONS.update(tx, exception.id, answer_by=case.now(wall) + _TIME_TO_ANSWER)
    return "waiting_customer"


def _instruct(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    now = case.now(wall)
    day = step.date or next_day(case, booking, now, step.wait_days)
    drop_unsent(tx, case, booking)
    for act, at, on in (*((edit, now, None) for edit in step.edits), (step.act, step.act_from or now, day)):
        INSTRUCTIONS.insert(tx, new_instruction(case, booking, Act(act), on, at, wall))
    _promise(tx, case, booking, day, wall)
    return "scheduled_retry"


def _rebook(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    PICKUPS.update(tx, case.pickup.id, intent=Intent.SWITCH)
    return "scheduled_retry"


def _switch(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    BOOKINGS.update(tx, booking.id, avoid=True)
    if exception.reason == Reason.NO_EVENT:
        silence.left(tx, case, booking, wall)
    return _rebook(tx, case, booking, exception, step, wall)


def _poll(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    now = case.now(wall)
    BOOKINGS.update(tx, booking.id, poll_at=now, promised_at=now + _AFTER_A_POLL)
    return "waiting_carrier"


def _hand_over(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    PICKUPS.update(tx, case.pickup.id, handed_over=True)
    return "needs_decision"


def _cancel(tx: sa.Connection, case: Case, booking: Booking, exception: PickupException, step: Step, wall: dt.datetime) -> str:
    PICKUPS.update(tx, case.pickup.id, intent=Intent.CANCEL)
    return "scheduled_retry"


_CARRY_OUT: dict[What, Callable[[sa.Connection, Case, Booking, PickupException, Step, dt.datetime], str]] = {
    What.WAIT_FOR_OWN_VISIT: _wait,
    What.ASK_CUSTOMER: _ask_customer,
    What.INSTRUCT: _instruct,
    What.REBOOK: _rebook,
    What.SWITCH_CARRIER: _switch,
    What.POLL: _poll,
    What.HOLD_FOR_MERCHANT: _hand_over,
    What.CANCEL: _cancel,
    What.CLOSE: _cancel,
    What.REVIEW: _hand_over,
    What.HAND_OVER: _hand_over,
}


def _promise(tx: sa.Connection, case: Case, booking: Booking, day: dt.date, wall: dt.datetime) -> None:
    BOOKINGS.update(tx, booking.id, promised_at=end_of_day(day, door_zone(case, booking)), updated_at=wall)


def _bar(tx: sa.Connection, case: Case, booking: Booking, step: Step, wall: dt.datetime) -> None:
    """The carrier is not sent to this postal code for some days."""
    if not step.bar_days:
        return
    table = tables.bars
    key = {
        "merchant_id": case.pickup.merchant_id,
        "mode": case.pickup.mode,
        "moved_by": booking.moved_by,
        "postal_code": case.people.shipper.postal_code,
    }
    MERCHANTS.held(tx, case.pickup.merchant_id)  # another pickup may bar the same
    tx.execute(table.delete().where(*(table.c[name] == value for name, value in key.items())))
    tx.execute(table.insert().values(**key, until=case.now(wall) + dt.timedelta(days=step.bar_days)))


# --- silence ---------------------------------------------------------------------------------------


class NoteSilence(msgspec.Struct, frozen=True):
    """Nothing was heard past the promise: that is an exception too."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        for exception in case.open_exceptions:
            if exception.booking_id == self.booking.id:
                resolve(tx, case, exception, "superseded", wall)
        BOOKINGS.update(tx, self.booking.id, promised_at=None)
        open_exception(
            tx,
            case,
            wall,
            reason=Reason.NO_EVENT,
            fault=Reason.NO_EVENT.fault,
            booking_id=self.booking.id,
            detail="nothing was heard of the rider past the promised day",
        )
        restate(tx, case.pickup.id, wall)
