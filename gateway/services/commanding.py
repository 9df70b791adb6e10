"""What a caller may do to a pickup: cancel, reschedule, correct, re-queue, and the single actions on an exception.

A command writes its intent and wakes the driver; the driver does the rest. Raises WrongState where the pickup does not allow it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Act
from adapters.contract.places import Party, Window
from adapters.contract.scans import Reason
from gateway.carriers import registry
from gateway.life.booking import BookingEvent, BookingState, move, takes
from gateway.life.pickup import ENDS, Intent, PickupState
from gateway.services import judging, orphans
from gateway.services.booking import not_booked
from gateway.services.following import adopt, standing
from gateway.services.instructing import new_instruction
from gateway.services.notifying import (
    NOT_AT_CARRIER,
    OF_A_CANCEL,
    ORPHAN,
    OVERLAP,
    STALLED,
    emit,
    outlasts,
    resolve,
    resolve_of_cancel,
    restate,
)
from gateway.services.overlapping import overlap
from gateway.store import outbox, tables
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, INSTRUCTIONS, PICKUPS, VISITS, Booking, Pickup, PickupException
from rates.recovery import Answer

_RETURN_OFF = frozenset({Reason.CUSTOMER_DECLINED, Reason.CANCELLED_BY_CUSTOMER, Reason.CANCELLED_BY_CUSTOMER_VERIFIED})
_CANCEL_ASKED = frozenset({BookingState.CANCELLING, BookingState.CANCEL_UNKNOWN})
# What can be said of a rider who is not needed any more, too.
_AFTER_THE_DOOR = frozenset({"assign", "not_booked", "close"})
_CLOSED_BY_HAND = (ORPHAN, OVERLAP, NOT_AT_CARRIER, STALLED)
_COLLECTED = frozenset({PickupState.COLLECTED, PickupState.IN_TRANSIT})


class WrongState(ValueError):
    """The pickup, or its carrier, does not take this now; the text says why and what can be done."""


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """One action on an exception, with what some of them need."""

    action: str
    day: dt.date | None = None
    awb: str = ""
    note: str = ""
    assignee: str = ""


def cancel(tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
    """Want it cancelled; the carrier is asked, and a rider who was faster wins."""
    _open(case)
    if case.pickup.intent is Intent.CANCEL:
        return
    PICKUPS.update(tx, case.pickup.id, intent=Intent.CANCEL, handed_over=False, updated_at=wall)
    restate(tx, case.pickup.id, wall)
    outbox.wake(tx, case.pickup.id, wall)


def reschedule(tx: sa.Connection, case: Case, window: Window, wall: dt.datetime) -> None:
    """Another day: told to the live carrier where it takes that, else kept for the next booking. Raises WrongState."""
    _open(case)
    live = live_booking(case)
    if live is None and any(booking.in_force for booking in case.bookings):
        raise WrongState("the carrier is being asked right now; try again in a moment")
    if live:
        _instruct(tx, case, live, _act_for_day(case, live, wall), window.date, wall)
    _store_wanted(tx, case.pickup, wall, window=window)
    emit(tx, PICKUPS.one(tx, case.pickup.id), "pickup.rescheduled", {"window": window}, case.now(wall), wall)
    outbox.wake(tx, case.pickup.id, wall)


def contact(tx: sa.Connection, case: Case, shipper: Party, note: str, wall: dt.datetime) -> None:
    """The corrected address, phone or note: kept, told to the live carrier where it takes that, and recovery goes on."""
    _open(case)
    before = case.people.shipper
    tx.execute(tables.people.update().where(tables.people.c.pickup_id == case.pickup.id).values(shipper=shipper))
    lane = f"{shipper.postal_code}-{case.people.consignee.postal_code}"
    PICKUPS.update(tx, case.pickup.id, lane=lane, updated_at=wall)
    _store_wanted(tx, PICKUPS.one(tx, case.pickup.id), wall, instructions=note or case.pickup.body.instructions)
    live = live_booking(case)
    if live and shipper.postal_code != before.postal_code:
        PICKUPS.update(tx, case.pickup.id, intent=Intent.SWITCH)  # no carrier edits a postal code
    elif live:
        _edit(tx, case, live, before, shipper, wall)
    answered(tx, case, Answer.CORRECTED, None, wall)
    outbox.wake(tx, case.pickup.id, wall)


def requeue(tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
    """Take an exhausted pickup back into automation, with a fresh choice. Raises WrongState."""
    _open(case)
    if not case.pickup.handed_over:
        raise WrongState(f"the pickup is {case.pickup.state}: only an exhausted one can be re-queued")
    _in_no_doubt(case)
    intent = Intent.SWITCH if any(booking.in_force for booking in case.bookings) else Intent.COLLECT
    PICKUPS.update(tx, case.pickup.id, handed_over=False, intent=intent, updated_at=wall)
    for exception in case.open_exceptions:
        if not outlasts(case, exception):
            resolve(tx, case, exception, "requeued", wall)
    restate(tx, case.pickup.id, wall)
    outbox.wake(tx, case.pickup.id, wall)


def answered(tx: sa.Connection, case: Case, answer: Answer, day: dt.date | None, wall: dt.datetime) -> None:
    """The customer or merchant answered: what waited for that is decided anew."""
    for exception in case.open_exceptions:
        if exception.reason in set(Reason):
            changes = {"step": None, "state": "new", "answer": answer, "answer_day": day, "version": exception.version + 1}
            EXCEPTIONS.update(tx, exception.id, **changes)
            PICKUPS.update(tx, case.pickup.id, handed_over=False)
    restate(tx, case.pickup.id, wall)


def _reattempt(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    live = live_booking(case)
    if live is None:
        return requeue(tx, case, wall)
    _instruct(tx, case, live, _act_for_day(case, live, wall), wanted.day, wall)
    PICKUPS.update(tx, case.pickup.id, handed_over=False)
    EXCEPTIONS.update(tx, exception.id, state="scheduled_retry", version=exception.version + 1)
    return None


def _switch(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """Also although the carrier has not said whether it cancelled: then the overlap is recorded."""
    unsure = next((one for one in case.bookings if one.id == exception.booking_id and one.state in _CANCEL_ASKED), None)
    if unsure and unsure.in_force:
        PICKUPS.update(tx, case.pickup.id, handed_over=False)
        return overlap(tx, case, unsure, wall)
    PICKUPS.update(tx, case.pickup.id, intent=Intent.SWITCH, handed_over=False, updated_at=wall)
    resolve(tx, case, exception, "switched", wall)
    return None


def _cancel(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    cancel(tx, case, wall)
    resolve(tx, case, exception, "cancelled", wall)


def _confirm(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """The customer confirms the carrier's word: what the reason asks for is done."""
    if exception.visit_id:
        judging.confirm(tx, case, VISITS.one(tx, exception.visit_id), wall)
    off = exception.reason in _RETURN_OFF
    answered(tx, case, Answer.OFF if off else Answer.READY, wanted.day, wall)


def _dispute(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """The customer denies the carrier's word: the fault moves to the carrier, recovery goes on."""
    if exception.visit_id:
        judging.dispute(tx, case, VISITS.one(tx, exception.visit_id), wall)
    EXCEPTIONS.update(tx, exception.id, fault="carrier")
    answered(tx, case, Answer.DENIED, wanted.day, wall)


def _adopt(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """The operator found the booking in the carrier's panel: this is its AWB."""
    if not wanted.awb:
        raise WrongState("`awb` is needed: the number the carrier's panel shows for our reference")
    adopt(tx, case, _doubtful(case, exception), wanted.awb, wall, how="adopted")


def _not_booked(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """The operator saw that the carrier has nothing: it or another carrier is asked, or its cancel is confirmed."""
    if exception.reason in OF_A_CANCEL or exception.reason == NOT_AT_CARRIER:
        return _is_over(tx, case, exception, wall)
    not_booked(tx, case, _doubtful(case, exception), wall)
    resolve(tx, case, exception, "not_booked", wall)
    return None


def _is_over(tx: sa.Connection, case: Case, exception: PickupException, wall: dt.datetime) -> None:
    booking = case.booking(exception.booking_id or "")
    event = BookingEvent.CANCELLED if booking.state in _CANCEL_ASKED else BookingEvent.CLOSED
    if not takes(booking.state, event):
        raise WrongState(f"the booking is {booking.state}")
    BOOKINGS.update(tx, booking.id, state=move(booking.state, event), retry_at=None, cancelled_at=case.now(wall), updated_at=wall)
    resolve_of_cancel(tx, case, booking.id, "not_booked", wall)
    resolve(tx, case, exception, "not_booked", wall)


def _assign(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    EXCEPTIONS.update(tx, exception.id, assignee=wanted.assignee, note=wanted.note or exception.note, version=exception.version + 1)


def _hold(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    PICKUPS.update(tx, case.pickup.id, handed_over=True, updated_at=wall)
    EXCEPTIONS.update(tx, exception.id, state="needs_decision", note=wanted.note or exception.note, version=exception.version + 1)


def _close(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """What two carriers have, one has that should not, or one that should has not or is silent about, was sorted out by hand."""
    if exception.reason not in _CLOSED_BY_HAND:
        raise WrongState(f"{exception.reason} is closed by what is done about it: only {', '.join(_CLOSED_BY_HAND)} by hand")
    EXCEPTIONS.update(tx, exception.id, note=wanted.note or exception.note)
    resolve(tx, case, exception, "closed", wall)


def _requeue(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    requeue(tx, case, wall)


_Command = Callable[[sa.Connection, Case, PickupException, Resolution, dt.datetime], None]

RESOLUTIONS: dict[str, _Command] = {
    "reattempt": _reattempt,
    "switch_carrier": _switch,
    "requeue": _requeue,
    "cancel": _cancel,
    "confirm": _confirm,
    "dispute": _dispute,
    "adopt": _adopt,
    "not_booked": _not_booked,
    "assign": _assign,
    "hold": _hold,
    "close": _close,
}


def act_on(tx: sa.Connection, case: Case, exception: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """One of RESOLUTIONS on an open exception. Raises WrongState."""
    if wanted.action not in _AFTER_THE_DOOR:
        _open(case)
    if exception.state == "resolved":
        raise WrongState(f"the exception is resolved already: {exception.resolution}")
    RESOLUTIONS[wanted.action](tx, case, exception, wanted, wall)
    restate(tx, case.pickup.id, wall)
    outbox.wake(tx, case.pickup.id, wall)


def act_on_orphan(tx: sa.Connection, orphan: PickupException, wanted: Resolution, wall: dt.datetime) -> None:
    """`assign` or `close` a case about an AWB of no booking. Raises WrongState."""
    if orphan.state == "resolved":
        raise WrongState(f"the exception is resolved already: {orphan.resolution}")
    if wanted.action == "close":
        orphans.close(tx, orphan, wanted.note, wall)
    elif wanted.action == "assign":
        orphans.assign(tx, orphan, wanted.assignee, wanted.note)
    else:
        raise WrongState("no booking of ours has this AWB: sort it out with the carrier, then `close` it")


def live_booking(case: Case) -> Booking | None:
    """The one whose rider is awaited."""
    return next((booking for booking in case.bookings if booking.state is BookingState.LIVE and booking.in_force), None)


def _open(case: Case) -> None:
    if case.pickup.state in ENDS | _COLLECTED:
        raise WrongState(f"the pickup is {case.pickup.state}")


def _in_no_doubt(case: Case) -> None:
    if any(booking.state is BookingState.UNKNOWN for booking in case.bookings):
        raise WrongState("a booking's outcome is unknown: answer its exception with `adopt` (and the AWB) or `not_booked` first")


def _doubtful(case: Case, exception: PickupException) -> Booking:
    found = [b for b in case.bookings if b.id == exception.booking_id and b.state is BookingState.UNKNOWN]
    if not found:
        raise WrongState("no booking of this exception is in doubt any more")
    return found[0]


def _act_for_day(case: Case, live: Booking, wall: dt.datetime) -> Act:
    """The act by which the carrier takes another visit now. Raises WrongState."""
    carrier = registry.carrier(live.carrier)
    where = standing(case, live)
    for act in (Act.REATTEMPT, Act.RESCHEDULE):
        if carrier.operation(act) and carrier.act_from and carrier.act_from(act, where, case.now(wall)):
            return act
    raise WrongState(
        f"{carrier.name} takes no re-attempt or new date where the pickup stands now; it goes again by itself, or cancel"
    )


def _instruct(tx: sa.Connection, case: Case, live: Booking, act: Act, day: dt.date | None, wall: dt.datetime) -> None:
    """Plan an instruction. Raises WrongState while another one is with the carrier."""
    if any(one.booking_id == live.id and one.state in ("planned", "sending") for one in case.instructions):
        raise WrongState("an instruction is with the carrier already; wait for its answer")
    now = case.now(wall)
    carrier = registry.carrier(live.carrier)
    send_at = carrier.act_from(act, standing(case, live), now) if carrier.act_from else now
    INSTRUCTIONS.insert(tx, new_instruction(case, live, act, day, send_at or now, wall))


def _edit(tx: sa.Connection, case: Case, live: Booking, before: Party, after: Party, wall: dt.datetime) -> None:
    """Tell the live carrier of what changed, as far as it takes that; the rest reaches it with the next booking or re-attempt."""
    carrier, where, now = registry.carrier(live.carrier), standing(case, live), case.now(wall)
    contact_changed = (before.phone, before.alternate_phone, before.name) != (after.phone, after.alternate_phone, after.name)
    address_changed = (before.line1, before.line2, before.landmark, before.city) != (
        after.line1,
        after.line2,
        after.landmark,
        after.city,
    )
    for act, changed in ((Act.EDIT_CONTACT, contact_changed), (Act.EDIT_ADDRESS, address_changed)):
        send_at = carrier.act_from(act, where, now) if changed and carrier.operation(act) and carrier.act_from else None
        if send_at:
            INSTRUCTIONS.insert(tx, new_instruction(case, live, act, None, send_at, wall))


def _store_wanted(tx: sa.Connection, pickup: Pickup, wall: dt.datetime, **changes: object) -> None:
    PICKUPS.update(tx, pickup.id, body=msgspec.structs.replace(pickup.body, **changes), updated_at=wall)
