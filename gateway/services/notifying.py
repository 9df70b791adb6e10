"""Telling: the pickup's state is derived anew after every change, and each change becomes an event in its sequence."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway import ids
from gateway.life.booking import OPEN
from gateway.life.events import TOLD_STATES
from gateway.life.pickup import ENDS, BookingView, PickupState, derive, step
from gateway.services import facts
from gateway.store import cases, tables
from gateway.store.cases import Case
from gateway.store.ledger import EVENTS, EXCEPTIONS, PICKUPS, Event, Pickup, PickupException

# What is told of a booking that its carrier may hold although it is to hold it no more.
CANCEL_UNCONFIRMED = "cancel_unconfirmed"
OVERLAP = "overlap"
ORPHAN = "orphan"
OF_A_CANCEL = frozenset({CANCEL_UNCONFIRMED, OVERLAP, ORPHAN})
# And of one that it is to hold, and does not.
NOT_AT_CARRIER = "not_at_carrier"
# And of one that has collected, and has said nothing since.
STALLED = "stalled"

_CLOSING = ENDS | {PickupState.COLLECTED, PickupState.IN_TRANSIT}


def emit(tx: sa.Connection, pickup: Pickup, kind: str, data: dict[str, Any], now: dt.datetime, wall: dt.datetime) -> Pickup:
    """Append an event; its sequence counts per pickup, without a gap."""
    pickup = PICKUPS.replace(tx, pickup, sequence=pickup.sequence + 1, updated_at=wall)
    append(tx, pickup, kind, data, now, wall)
    return pickup


def append(tx: sa.Connection, pickup: Pickup, kind: str, data: dict[str, Any], now: dt.datetime, wall: dt.datetime) -> None:
    """The event that the pickup, as it is stored, has counted already."""
    event = Event(
        id=ids.new("evt"),
        merchant_id=pickup.merchant_id,
        mode=pickup.mode,
        pickup_id=pickup.id,
        sequence=pickup.sequence,
        type=kind,
        data={"pickup": {"id": pickup.id, "reference": pickup.reference, "state": pickup.state}, **data},
        at=now,
        created_at=wall,
    )
    EVENTS.insert(tx, event)


def restate(tx: sa.Connection, pickup_id: str, wall: dt.datetime) -> Case:
    """Read the case again, move the pickup to the state its facts amount to, tell of it; the case as it now stands."""
    case = cases.load(tx, pickup_id)
    facts.keep(tx, case)
    state = step(case.pickup.state, derived(case))
    if state is case.pickup.state:
        return case
    previous = case.pickup.state
    pickup = PICKUPS.replace(tx, case.pickup, state=state, ended=state in ENDS, version=case.pickup.version + 1, updated_at=wall)
    if state in TOLD_STATES:
        emit(tx, pickup, f"pickup.{state}", {"previous": {"state": previous}}, case.now(wall), wall)
    if state in _CLOSING:
        for exception in case.open_exceptions:
            if not outlasts(case, exception):
                resolve(tx, case, exception, str(state), wall)
    return cases.load(tx, pickup_id)


def outlasts(case: Case, exception: PickupException) -> bool:
    """Whether it is about a rider who may still come, although the pickup needs him no more."""
    about = next((booking for booking in case.bookings if booking.id == exception.booking_id), None)
    going = about is not None and about.state in OPEN
    unsettled = exception.reason in (OVERLAP, ORPHAN) and exception.state == "needs_decision"
    return unsettled or (going and exception.reason in OF_A_CANCEL)


def derived(case: Case) -> PickupState:
    """The state the case's facts amount to."""
    views = [
        BookingView(
            state=booking.state,
            milestones=tuple(scan.milestone for scan in case.scans[booking.id]),
            overlap=booking.overlap,
        )
        for booking in case.bookings
    ]
    return derive(views, case.pickup.intent, handed_over=case.pickup.handed_over)


def open_exception(
    tx: sa.Connection,
    case: Case,
    wall: dt.datetime,
    *,
    reason: str,
    fault: Fault,
    state: str = "new",
    booking_id: str | None = None,
    visit_id: str | None = None,
    detail: str = "",
    raw_code: str = "",
    exchange_id: str = "",
) -> None:
    """Open a case for automation (`new`) or a person (`needs_decision`), and tell."""
    exception = PickupException(
        id=ids.new("exc"),
        merchant_id=case.pickup.merchant_id,
        mode=case.pickup.mode,
        pickup_id=case.pickup.id,
        booking_id=booking_id,
        visit_id=visit_id,
        reason=reason,
        fault=fault,
        state=state,
        detail=detail,
        raw_code=raw_code,
        exchange_id=exchange_id,
        opened_at=case.now(wall),
    )
    EXCEPTIONS.insert(tx, exception)
    emit(tx, PICKUPS.one(tx, case.pickup.id), "exception.opened", {"exception": _told(exception)}, case.now(wall), wall)


def resolve(tx: sa.Connection, case: Case, exception: PickupException, how: str, wall: dt.datetime) -> None:
    """Close it, saying how; closing what is closed changes nothing."""
    still_open = tables.exceptions.c.state != "resolved"
    changes = {"state": "resolved", "resolution": how, "resolved_at": case.now(wall), "version": exception.version + 1}
    if EXCEPTIONS.update(tx, exception.id, still_open, **changes):
        pickup = PICKUPS.one(tx, case.pickup.id)
        emit(tx, pickup, "exception.resolved", {"exception": _told(exception) | {"resolution": how}}, case.now(wall), wall)


def resolve_of_cancel(tx: sa.Connection, case: Case, booking_id: str, how: str, wall: dt.datetime) -> None:
    """Whatever was told of a booking's cancel is over."""
    for exception in case.open_exceptions:
        if exception.reason in OF_A_CANCEL and exception.booking_id == booking_id:
            resolve(tx, case, exception, how, wall)


def _told(exception: PickupException) -> dict[str, Any]:
    return {"id": exception.id, "reason": exception.reason, "fault": exception.fault, "booking": exception.booking_id}
