"""Following a parcel: what a carrier reports, by push or poll, is always recorded and moves what the tables let it move.

State is computed from the whole set of scans, so that late, doubled and disordered reports come out the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from adapters.contract.carrier import Act, Standing
from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway import clock, ids
from gateway.carriers import registry
from gateway.life.booking import FOLLOWED, BookingEvent, BookingState, move, takes
from gateway.life.pickup import Intent
from gateway.life.polling import next_poll
from gateway.life.visits import COLLECTED, VisitView, visits
from gateway.services import orphans, overlapping, scoring, silence
from gateway.services.kit import Kit
from gateway.services.notifying import open_exception, resolve, resolve_of_cancel, restate
from gateway.services.promising import PATIENCE, door_zone, first_promise
from gateway.store import cases, outbox, tables
from gateway.store.accounts import CarrierAccount
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, PICKUPS, VISITS, Booking, StoredScan, Visit

_TO_COME = frozenset({Milestone.PICKUP_SCHEDULED, Milestone.OUT_FOR_PICKUP, Milestone.PICKUP_FAILED})
_STILL_COMING = frozenset({BookingState.LIVE, BookingState.CANCEL_UNKNOWN})
_OVER = frozenset({BookingState.CANCELLED, BookingState.REFUSED})

_log = structlog.get_logger()


def push(kit: Kit, account: CarrierAccount, tracked: Iterable[Tracked], *, verified: bool, wall: dt.datetime) -> int:
    """Take a push; one that is not verified, or does not say why, is only a hint to poll. How many bookings it was about."""
    with kit.db.write() as tx:
        found = [(find_booking(tx, account.id, one), one) for one in tracked]
        known = [(whose, one) for whose, one in found if whose]
        for pickup_id in sorted({booking.pickup_id for booking, _ in known}):
            PICKUPS.held(tx, pickup_id)  # in one order, all before anything else: two pushes never wait for each other
        for booking, one in known:
            if verified and not _vague(one):
                record(tx, booking.id, one, "push", wall)
            else:
                BOOKINGS.update(tx, booking.id, poll_at=cases.load(tx, booking.pickup_id).now(wall))
        for whose, one in found:
            if whose is None and verified:
                orphans.note(tx, account, one, wall)
    return len(known)


def _vague(tracked: Tracked) -> bool:
    """Whether a visit failed without a reason: carriers whose pushes leave it out tell it when asked."""
    return any(scan.milestone is Milestone.PICKUP_FAILED and scan.reason is Reason.UNKNOWN for scan in tracked.scans)


def find_booking(tx: sa.Connection, account_id: str, tracked: Tracked) -> Booking | None:
    """The booking a report is about: by AWB, else by our own reference echoed, unless that booking has another AWB."""
    table = tables.bookings.c
    by_awb = BOOKINGS.first(tx, table.account_id == account_id, table.awb == tracked.awb) if tracked.awb else None
    if by_awb or not tracked.carrier_reference:
        return by_awb
    ours = BOOKINGS.first(tx, table.account_id == account_id, table.carrier_reference == tracked.carrier_reference)
    another = ours is not None and tracked.awb and ours.awb not in (None, tracked.awb)
    return None if another else ours


def record(tx: sa.Connection, booking_id: str, tracked: Tracked, source: str, wall: dt.datetime) -> bool:
    """Take one report into the ledger; whether it said anything new."""
    before = cases.load(tx, BOOKINGS.one(tx, booking_id).pickup_id)
    adopted = _adopt(tx, before, before.booking(booking_id), tracked, wall)
    fresh = _store_scans(tx, BOOKINGS.one(tx, booking_id), tracked.scans, source, wall)
    case = cases.load(tx, before.pickup.id)
    if fresh or adopted:
        # What the carrier would not cancel before, it may cancel now.
        BOOKINGS.update(tx, booking_id, tables.bookings.c.state == BookingState.LIVE, retry_at=None)
        case = _consider(tx, case, booking_id, wall)
        outbox.wake(tx, case.pickup.id, wall)
    plan_poll(tx, case, booking_id, quiet=not fresh, wall=wall)
    return fresh


def _adopt(tx: sa.Connection, case: Case, booking: Booking, tracked: Tracked, wall: dt.datetime) -> bool:
    """A report that names our reference and an AWB ends the doubt about a booking whose answer was lost."""
    if booking.awb or not tracked.awb or not takes(booking.state, BookingEvent.BOOKED):
        return False
    last = tracked.scans[-1] if tracked.scans else None
    if booking.state is BookingState.CANCELLED and last and last.milestone is Milestone.CANCELLED:
        return False
    adopt(tx, case, booking, tracked.awb, wall)
    if booking.state in _OVER:
        overlapping.open_orphan(tx, case, booking, last.code if last else "a booking", wall)
    return True


def adopt(tx: sa.Connection, case: Case, booking: Booking, awb: str, wall: dt.datetime, how: str = "found") -> None:
    """The carrier has booked it after all, under this number; `how` closes the exception of the doubt.

    Beside another booking in force it is an overlap, and cancelled.
    """
    now = case.now(wall)
    orphans.adopted(tx, booking.account_id, awb, wall)
    BOOKINGS.update(
        tx,
        booking.id,
        awb=awb,
        state=move(booking.state, BookingEvent.BOOKED),
        overlap=overlapping.beside_another(case, booking),
        booked_at=now,
        promised_at=first_promise(case, booking, now),
        poll_at=now,
        retry_at=None,
        updated_at=wall,
    )
    for exception in case.open_exceptions:
        if exception.reason == "booking_unknown" and exception.booking_id == booking.id:
            resolve(tx, case, exception, how, wall)


def _store_scans(tx: sa.Connection, booking: Booking, scans: Sequence[Scan], source: str, wall: dt.datetime) -> bool:
    known = set(tx.scalars(sa.select(tables.scans.c.digest).where(tables.scans.c.booking_id == booking.id)))
    fresh = {digest: scan for scan in map(_storable, scans) if (digest := _digest(booking, scan)) not in known}
    erased = bool(fresh) and PICKUPS.one(tx, booking.pickup_id).erased_at is not None
    for digest, scan in fresh.items():
        told = msgspec.structs.replace(scan, text="", place="") if erased else scan
        row = StoredScan(booking_id=booking.id, digest=digest, source=source, received_at=wall, **msgspec.structs.asdict(told))
        tx.execute(tables.scans.insert().values(**msgspec.structs.asdict(row)))
        if scan.milestone is Milestone.UNKNOWN:
            _log.warning("scan.unmapped", carrier=booking.carrier, awb=booking.awb, code=scan.code)
    return bool(fresh)


def _storable(scan: Scan) -> Scan:
    """The scan with its texts no longer than the ledger keeps them, and without NULs, which PostgreSQL refuses."""
    cut = {name: getattr(scan, name).replace("\0", "")[:longest] for name, longest in (("code", 80), ("text", 500), ("place", 200))}
    return msgspec.structs.replace(scan, **cut)


def _digest(booking: Booking, scan: Scan) -> bytes:
    """A scan counts once: by carrier, AWB, code, time and place."""
    text = f"{booking.carrier}|{booking.awb}|{scan.code}|{scan.at.isoformat()}|{scan.place}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _consider(tx: sa.Connection, case: Case, booking_id: str, wall: dt.datetime) -> Case:
    """What the scans now say: visits, the booking's state, exceptions, the pickup's state."""
    booking = case.booking(booking_id)
    views = visits(case.scans[booking_id], door_zone(case, booking))
    _forget_visits(tx, case, booking, {view.day for view in views})
    for number, view in enumerate(views, 1):
        _store_visit(tx, case, booking, number, view, wall)
    _move_booking(tx, cases.load(tx, case.pickup.id), booking, wall)
    return restate(tx, case.pickup.id, wall)


def _forget_visits(tx: sa.Connection, case: Case, booking: Booking, days: set[dt.date]) -> None:
    """A visit that an older scan, come late, has explained away never was."""
    for visit in case.visits_of(booking.id):
        if visit.day not in days:
            scoring.take_back_visit(tx, case.owner, visit)
            tx.execute(tables.visits.delete().where(tables.visits.c.id == visit.id))


def _store_visit(tx: sa.Connection, case: Case, booking: Booking, number: int, view: VisitView, wall: dt.datetime) -> None:
    """Insert the visit or bring it up to date; a newly failed one opens an exception, an ended one is scored."""
    known = next((visit for visit in case.visits_of(booking.id) if visit.day == view.day), None)
    facts = _facts(number, view)
    if known and known.disputed:
        facts["fault"] = known.fault
    if known and all(getattr(known, name) == value for name, value in facts.items()):
        return
    visit = VISITS.replace(tx, known, **facts) if known else VISITS.insert(tx, _new_visit(case, booking, view, facts))
    scoring.score(tx, case, booking, visit, case.now(wall))
    if visit.outcome == "failed" and not (known and (known.outcome, known.reason) == (visit.outcome, visit.reason)):
        _open_for_visit(tx, case, booking, visit, wall)


def _facts(number: int, view: VisitView) -> dict[str, Any]:
    fault = view.reason.fault if view.reason else None
    return {"number": number, "outcome": view.outcome, "reason": view.reason, "ended_at": view.ended_at, "fault": fault}


def _new_visit(case: Case, booking: Booking, view: VisitView, facts: dict[str, Any]) -> Visit:
    return Visit(
        id=ids.new("vis"),
        merchant_id=case.pickup.merchant_id,
        mode=case.pickup.mode,
        pickup_id=case.pickup.id,
        booking_id=booking.id,
        day=view.day,
        **facts,
    )


def _open_for_visit(tx: sa.Connection, case: Case, booking: Booking, visit: Visit, wall: dt.datetime) -> None:
    if booking.overlap or booking.state not in FOLLOWED:
        return  # nobody waits for this rider
    if any(later.day > visit.day for later in case.visits_of(booking.id)):
        return  # told late: what counts has happened since
    supersede(tx, cases.load(tx, case.pickup.id), booking.id, wall)  # a report may tell of several failed visits
    _open(tx, case, booking, visit.reason or Reason.UNKNOWN, wall, visit_id=visit.id)


def _open(tx: sa.Connection, case: Case, booking: Booking, reason: Reason, wall: dt.datetime, visit_id: str | None = None) -> None:
    """An exception with the carrier's own last words."""
    last = case.scans[booking.id][-1]
    open_exception(
        tx,
        case,
        wall,
        reason=reason,
        fault=reason.fault,
        booking_id=booking.id,
        visit_id=visit_id,
        detail=last.text,
        raw_code=last.code,
    )


def supersede(tx: sa.Connection, case: Case, booking_id: str, wall: dt.datetime) -> None:
    """A newer exception of the same booking takes the place of those still open."""
    for exception in case.open_exceptions:
        if exception.booking_id == booking_id:
            resolve(tx, case, exception, "superseded", wall)


def _move_booking(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """Collected wins always; a cancel by the carrier closes the booking, unless it can be opened again."""
    scans = case.scans[booking.id]
    if any(scan.milestone in COLLECTED for scan in scans):
        _collected(tx, case, booking, wall)
    elif scans and scans[-1].milestone is Milestone.CANCELLED and takes(booking.state, BookingEvent.CLOSED):
        _closed_by_carrier(tx, case, booking, scans[-1], wall)
    elif booking.state is BookingState.CANCELLED and scans and _goes_on(booking, scans[-1]):
        overlapping.alive_after_all(tx, case, booking, scans[-1].code, wall)


def _goes_on(booking: Booking, last: StoredScan) -> bool:
    """Whether its carrier still means to come after what we took for its cancel."""
    return last.milestone in _TO_COME and (booking.cancelled_at is None or last.at > booking.cancelled_at)


def _collected(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """This rider has it. Another one who may still come is called off at once; one who has been there too is a person's matter."""
    if not takes(booking.state, BookingEvent.COLLECTED):
        return
    _take(tx, booking, BookingEvent.COLLECTED, wall)
    resolve_of_cancel(tx, case, booking.id, "collected", wall)
    if booking.state is BookingState.CANCELLED:
        _collected_though_cancelled(tx, case, booking, wall)
    for other in case.bookings:
        if other.id != booking.id and other.state in _STILL_COMING:
            BOOKINGS.update(tx, other.id, retry_at=None)
        elif other.id != booking.id and other.state is BookingState.DONE:
            overlapping.collected_twice(tx, case, booking, other, wall)


def _collected_though_cancelled(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """The late truth wins. Where the merchant wanted nothing collected, a person has to see to it."""
    BOOKINGS.update(tx, booking.id, overlap=booking.overlap or overlapping.beside_another(case, booking))
    state = "needs_decision" if case.pickup.intent is Intent.CANCEL else "waiting_carrier"
    overlapping.open_orphan(tx, case, booking, case.scans[booking.id][-1].code, wall, state)


def _closed_by_carrier(tx: sa.Connection, case: Case, booking: Booking, last: StoredScan, wall: dt.datetime) -> None:
    if booking.state is BookingState.LIVE and can_reopen(case, booking, case.now(wall)):
        return
    _take(tx, booking, BookingEvent.CLOSED, wall)
    BOOKINGS.update(tx, booking.id, cancelled_at=last.at)
    ours = booking.overlap or booking.state in (BookingState.CANCELLING, BookingState.CANCEL_UNKNOWN)
    told = any(exception.booking_id == booking.id for exception in cases.load(tx, case.pickup.id).open_exceptions)
    resolve_of_cancel(tx, case, booking.id, "cancelled", wall)
    if not ours and not told:
        _open(tx, case, booking, last.reason or Reason.CANCELLED_BY_CARRIER, wall)


def can_reopen(case: Case, booking: Booking, now: dt.datetime) -> bool:
    """Whether the carrier takes a reschedule of what it has just cancelled."""
    carrier = registry.carrier(booking.carrier)
    if not carrier.act_from or not carrier.reschedule:
        return False
    return carrier.act_from(Act.RESCHEDULE, standing(case, booking), now) is not None


def standing(case: Case, booking: Booking) -> Standing:
    """Where the booking stands at its carrier."""
    scans = case.scans[booking.id]
    last = scans[-1] if scans else None
    seen = (
        Scan(code=last.code, at=last.at, milestone=last.milestone, text=last.text, place=last.place, reason=last.reason)
        if last
        else None
    )
    return Standing(last=seen, visits=len([visit for visit in case.visits_of(booking.id) if visit.outcome != "out"]))


def _take(tx: sa.Connection, booking: Booking, event: BookingEvent, wall: dt.datetime) -> None:
    if takes(booking.state, event):
        BOOKINGS.update(tx, booking.id, state=move(booking.state, event), retry_at=None, updated_at=wall)


def plan_poll(tx: sa.Connection, case: Case, booking_id: str, *, quiet: bool, wall: dt.datetime) -> None:
    booking = case.booking(booking_id)
    silence.note(tx, case, booking, wall)
    quiet_polls = booking.quiet_polls + 1 if quiet else 0
    now = case.now(wall)
    zone = door_zone(case, booking)
    due_day = clock.local_date(booking.promised_at - PATIENCE, zone) if booking.promised_at else None
    at = next_poll(case.pickup.state, now, due_day, zone, quiet_polls, booking.id) if booking.state in FOLLOWED else None
    BOOKINGS.update(tx, booking.id, poll_at=at, quiet_polls=quiet_polls)
