"""What a booking came to, for the scorecards: derived from the ledger, kept as a fact whenever its case is stated anew.

Where it was booked from, for whom and how it was chosen is noted once; what it came to is derived anew each time. Bookings that
no carrier took are no facts. Pure but for `keep`, `derive_all` and `differing`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Act
from adapters.contract.scans import Fault, Milestone, Reason
from adapters.contract.units import Money
from gateway import clock
from gateway.life.booking import BookingState
from gateway.life.visits import COLLECTED
from gateway.services.promising import door_zone, next_day
from gateway.services.scoring import before, says_something
from gateway.store import cases, scores_facts, tables
from gateway.store.cases import Case
from gateway.store.ledger import DECISIONS, Booking, Visit
from gateway.store.rows import Owner
from gateway.store.scores_facts import Fact, Given
from rates.decisions import Decision
from rates.scorecards import LONGEST, MILLION, Sums
from rates.zones import coarse, normal, zone

_NOBODY_CAME = frozenset({Reason.NOT_ATTEMPTED, Reason.NO_EVENT})
_COMES_AGAIN = frozenset({Act.REATTEMPT, Act.RESCHEDULE})
_HOUR = dt.timedelta(hours=1)


def keep(tx: sa.Connection, case: Case) -> None:
    """Bring the facts of the case's bookings up to date."""
    if not any(booking.booked_at for booking in case.bookings):
        return
    known, silent = scores_facts.of_pickup(tx, case.pickup.id), scores_facts.silent_days(tx, case.pickup.id)
    for booking in case.bookings:
        if booking.booked_at is None:
            continue
        before = known.get(booking.id)
        start = before or _noted(tx, case, booking, booking.booked_at)
        after = derived(case, booking, start, silent.get(booking.id, []))
        if after != before:
            scores_facts.put(tx, after)


# --- noted once ------------------------------------------------------------------------------------


def _noted(tx: sa.Connection, case: Case, booking: Booking, booked_at: dt.datetime) -> Fact:
    shipper, wanted = case.people.shipper, case.pickup.body
    chosen_by, chance, given = _from_decision(_decision(tx, booking))
    return Fact(
        booking_id=booking.id,
        merchant_id=booking.merchant_id,
        mode=booking.mode,
        pickup_id=booking.pickup_id,
        day=clock.local_date(booked_at, door_zone(case, booking)),
        account_id=booking.account_id,
        carrier=booking.carrier,
        moved_by=booking.moved_by,
        service=booking.service,
        zone=zone(shipper.postal_code, shipper.country),
        postal_code=normal(coarse(shipper.postal_code, shipper.country))[:16],
        destination=normal(case.people.consignee.postal_code)[:16],
        weight_g=sum(parcel.dead_weight.grams for parcel in wanted.parcels),
        quality_check=bool(wanted.quality_checks),
        return_reason=str(wanted.items[0].return_reason or "") if wanted.items else "",
        chosen_by=chosen_by,
        booked_at=booked_at,
        waiting=True,
        hours=0,
        chance=chance,
        given=given,
        sums=Sums(),
    )


def _decision(tx: sa.Connection, booking: Booking) -> Decision | None:
    found = DECISIONS.first(tx, tables.decisions.c.id == booking.decision_id) if booking.decision_id else None
    return msgspec.convert(found.body, Decision) if found else None


def _from_decision(decision: Decision | None) -> tuple[str, int, Given]:
    """How it was chosen, the chance of its first visit in millionths, and the figures its cost is reckoned by."""
    if decision is None or decision.chosen is None:
        return "rule", 0, Given()
    row, policy = decision.chosen, decision.policy
    candidate = decision.of(row)
    given = Given(
        price=candidate.price_minor,
        due=candidate.due_minor,
        quoted=candidate.price.minor,
        quoted_currency=candidate.price.currency,
        index=round(row.index),
        elapsed_days=decision.situation.elapsed_days,
        failed_visit_cost=policy.failed_visit_cost.minor,
        cost_per_day=policy.cost_per_day.minor,
        deadline_days=policy.deadline_days,
        deadline_penalty=policy.deadline_penalty.minor,
    )
    chosen_by = "explored" if decision.explored else str(decision.override or "rule")
    return chosen_by, round(row.p * MILLION), given


# --- derived ---------------------------------------------------------------------------------------


def derived(case: Case, booking: Booking, start: Fact, silent: Iterable[dt.date]) -> Fact:
    """The fact as the ledger has it now."""
    visits = [visit for visit in case.visits_of(booking.id) if visit.outcome != "out"]
    collected_at = next((scan.at for scan in case.scans[booking.id] if scan.milestone in COLLECTED), None)
    collected = collected_at is not None
    over = not collected and booking.state in (BookingState.CANCELLED, BookingState.REFUSED, BookingState.DONE)
    ended = collected_at or (_last_heard(case, booking, visits) if over else None)
    hours = min(max((ended - start.booked_at) // _HOUR, 0), LONGEST + 1) if ended else 0
    missed = len(list(silent))
    sums = _visited(case, booking, visits, missed, collected=collected, over=over)
    if collected_at or over:
        sums = sums + _paid(booking, start.given, sums, hours, collected=collected)
    return msgspec.structs.replace(
        start,
        waiting=not (collected or over),
        hours=hours,
        **_days(case, booking, visits, collected_at),
        window=_window(booking),
        sums=sums + Sums(on_time=int(bool(collected_at and _on_time(case, booking, collected_at)))),
    )


def _days(case: Case, booking: Booking, visits: list[Visit], collected_at: dt.datetime | None) -> dict[str, dt.date | None]:
    """The local days by which bookings are counted, besides the one of the booking itself."""
    timezone = door_zone(case, booking)
    delivered_at = next((scan.at for scan in case.scans[booking.id] if scan.milestone is Milestone.DELIVERED), None)
    return {
        "requested_day": clock.local_date(case.pickup.business_created_at, timezone),
        "visited_day": min((visit.day for visit in visits), default=None),
        "collected_day": clock.local_date(collected_at, timezone) if collected_at else None,
        "delivered_day": clock.local_date(delivered_at, timezone) if delivered_at else None,
    }


def _window(booking: Booking) -> str:
    return f"{booking.window.start:%H:%M}-{booking.window.end:%H:%M}" if booking.window else ""


def _last_heard(case: Case, booking: Booking, visits: list[Visit]) -> dt.datetime | None:
    times = [scan.at for scan in case.scans[booking.id]] + [visit.ended_at for visit in visits if visit.ended_at]
    return max(times, default=booking.booked_at)


def _visited(case: Case, booking: Booking, visits: list[Visit], missed: int, *, collected: bool, over: bool) -> Sums:
    failed = [visit for visit in visits if visit.outcome == "failed"]
    faults = [visit.fault or Fault.UNKNOWN for visit in failed]
    known, first = _first_visit(case, visits, missed)
    fresh = known or not visits
    third = fresh and (collected or over or len(failed) + missed >= 3) and bool(visits or missed)
    return Sums(
        bookings=1,
        first_known=int(known),
        first_collected=int(first),
        three_known=int(third),
        three_collected=int(third and collected and len(failed) + missed < 3),
        visits=len(visits) + missed,
        by_customer=faults.count(Fault.CUSTOMER),
        by_carrier=faults.count(Fault.CARRIER) + missed,
        by_merchant=faults.count(Fault.MERCHANT),
        by_nobody=faults.count(Fault.NOBODY),
        by_unknown=faults.count(Fault.UNKNOWN),
        not_attempted=len([visit for visit in failed if visit.reason in _NOBODY_CAME]) + missed,
        excused=len([visit for visit in failed if not says_something(visit)]),
        quality_failed=len([visit for visit in failed if visit.reason and visit.reason.startswith("qc_")]),
        collected=int(collected),
        over=int(over),
        lost=int(any(scan.milestone in (Milestone.LOST, Milestone.DAMAGED) for scan in case.scans[booking.id])),
        forecast_known=0,
    )


def _first_visit(case: Case, visits: list[Visit], missed: int) -> tuple[bool, bool]:
    """Whether the pickup's first visit that counts was this booking's, and whether it collected."""
    telling = [visit for visit in visits if visit.outcome == "collected" or says_something(visit)]
    if missed and not telling:
        return not any(one.tells_of_the_customer for one in case.visits), False
    if not telling:
        return False, False
    first = telling[0]
    return not before(case, first), first.outcome == "collected"


def _paid(booking: Booking, given: Given, sums: Sums, hours: int, *, collected: bool) -> Sums:
    """What the carrier is owed, and that with the failed visits and the waiting at the policy's prices."""
    cost = _price(booking.price, given) if collected else given.due if sums.visits else 0
    failed = sums.visits - int(collected)
    all_in = cost + given.failed_visit_cost * max(failed, 0) + _waiting(given, hours / 24)
    return Sums(
        cost=cost,
        cost_squared=cost * cost,
        cost_of_collected=cost if collected else 0,
        all_in=all_in,
        all_in_squared=all_in * all_in,
        all_in_of_collected=all_in if collected else 0,
        forecast=given.index or 0,
        forecast_known=int(given.index is not None),
    )


def _price(booked: Money | None, given: Given) -> int:
    """The booked price in the merchant's currency, by the rate the quote was converted at."""
    if booked is None or booked.currency != given.quoted_currency or not given.quoted:
        return given.price
    return round(given.price * booked.minor / given.quoted)


def _waiting(given: Given, days: float) -> int:
    late = given.elapsed_days <= given.deadline_days < given.elapsed_days + days
    return round(given.cost_per_day * days) + (given.deadline_penalty if late else 0)


def _on_time(case: Case, booking: Booking, collected_at: dt.datetime) -> bool:
    """On the day promised or last agreed on; within the window's hours, where one was booked."""
    timezone = door_zone(case, booking)
    day, agreed = clock.local_date(collected_at, timezone), agreed_days(case, booking)
    if agreed:
        return day == agreed[-1]
    if booking.window:
        local = collected_at.astimezone(ZoneInfo(booking.window.timezone))
        return local.date() == booking.window.date and booking.window.start <= local.time() <= booking.window.end
    return day <= next_day(case, booking, booking.booked_at or collected_at)


def agreed_days(case: Case, booking: Booking) -> list[dt.date]:
    """Days of re-attempts that the carrier took, in the order they were asked for."""
    taken = [said for said in case.instructions if said.booking_id == booking.id and said.state == "confirmed"]
    return [said.day for said in taken if said.act in _COMES_AGAIN and said.day]


# --- from the ledger -------------------------------------------------------------------------------


def pickups_of(tx: sa.Connection, owner: Owner) -> list[str]:
    """The owner's pickups that a carrier was booked for."""
    table = tables.bookings.c
    mine = (table.merchant_id == owner.merchant_id) & (table.mode == owner.mode) & table.booked_at.is_not(None)
    return list(tx.scalars(sa.select(table.pickup_id).where(mine).distinct().order_by(table.pickup_id)))


def differing(tx: sa.Connection, pickup_id: str) -> list[str]:
    """Bookings of the pickup whose fact is not what the ledger says."""
    case, known, silent = cases.load(tx, pickup_id), scores_facts.of_pickup(tx, pickup_id), scores_facts.silent_days(tx, pickup_id)
    booked = {booking.id: booking for booking in case.bookings if booking.booked_at}
    wrong = known.keys() ^ booked.keys()
    for booking_id in known.keys() & booked.keys():
        fact = known[booking_id]
        if derived(case, booked[booking_id], fact, silent.get(booking_id, [])) != fact:
            wrong |= {booking_id}
    return sorted(wrong)
