"""Visits read from scans, in whatever order the scans came."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.scans import NEEDS_REASON, Milestone, Reason, Scan
from gateway.life.visits import COLLECTED, VisitView, visits

M, R = Milestone, Reason
ZONE = "Asia/Kolkata"
MONDAY = dt.date(2026, 3, 9)
NOON = dt.datetime(2026, 3, 9, 6, 30, tzinfo=dt.UTC)


def scan(milestone: Milestone, day: float = 0, hours: float = 0, reason: Reason | None = None) -> Scan:
    """`day` days and so many hours after noon of Monday."""
    at = NOON + dt.timedelta(days=day, hours=hours)
    if milestone in NEEDS_REASON and reason is None:
        reason = R.CUSTOMER_UNAVAILABLE
    return Scan(code=milestone, at=at, milestone=milestone, reason=reason)


def visit(outcome: str, day: int = 0, reason: Reason | None = None, ended: float | None = None) -> VisitView:
    ended_at = None if ended is None else NOON + dt.timedelta(days=day, hours=ended)
    return VisitView(day=MONDAY + dt.timedelta(days=day), outcome=outcome, reason=reason, ended_at=ended_at)


OUT, FAILED = scan(M.OUT_FOR_PICKUP), scan(M.PICKUP_FAILED, hours=2)


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        ([], []),
        ([scan(M.LABEL_CREATED), scan(M.PICKUP_SCHEDULED, hours=1)], []),
        ([OUT], [visit("out")]),
        ([OUT, scan(M.OUT_FOR_PICKUP, hours=3)], [visit("out")]),
        ([OUT, FAILED], [visit("failed", reason=R.CUSTOMER_UNAVAILABLE, ended=2)]),
        ([FAILED], [visit("failed", reason=R.CUSTOMER_UNAVAILABLE, ended=2)]),
        ([OUT, FAILED, scan(M.PICKED_UP, hours=4)], [visit("collected", ended=4)]),
        ([scan(M.PICKED_UP)], [visit("collected", ended=0)]),
        ([scan(M.IN_TRANSIT, day=1)], [visit("collected", day=1, ended=0)]),
        ([OUT, scan(M.PICKED_UP, hours=1), scan(M.DELIVERED, day=3)], [visit("collected", ended=1)]),
        (
            [OUT, scan(M.OUT_FOR_PICKUP, day=1), scan(M.PICKED_UP, day=1, hours=1)],
            [visit("failed", reason=R.NO_EVENT), visit("collected", day=1, ended=1)],
        ),
        (
            [OUT, FAILED, scan(M.OUT_FOR_PICKUP, day=1)],
            [visit("failed", reason=R.CUSTOMER_UNAVAILABLE, ended=2), visit("out", day=1)],
        ),
        ([OUT, scan(M.CANCELLED, hours=1, reason=R.CUSTOMER_DECLINED)], [visit("failed", reason=R.CUSTOMER_DECLINED, ended=1)]),
        ([scan(M.CANCELLED, reason=R.CANCELLED_BY_MERCHANT)], []),
        (
            [FAILED, scan(M.CANCELLED, hours=3, reason=R.MAX_VISITS_REACHED)],
            [visit("failed", reason=R.CUSTOMER_UNAVAILABLE, ended=3)],
        ),
        ([OUT, scan(M.DELAYED, hours=1), scan(M.UNKNOWN, hours=2)], [visit("out")]),
        ([scan(M.UNKNOWN), scan(M.ON_HOLD, day=1)], []),
    ],
)
def test_a_visit_is_one_local_day_at_the_door(scans, expected):
    assert visits(scans, ZONE) == expected


def test_the_reason_of_a_later_failure_of_the_same_day_is_the_one_that_counts():
    scans = [scan(M.PICKUP_FAILED, reason=R.ADDRESS_INCOMPLETE), scan(M.PICKUP_FAILED, hours=1, reason=R.CUSTOMER_DECLINED)]
    assert visits(scans, ZONE) == [visit("failed", reason=R.CUSTOMER_DECLINED, ended=1)]


def test_a_failure_without_a_reason_has_an_unknown_one():
    bare = Scan(code="x", at=NOON, milestone=M.PICKUP_FAILED)
    assert visits([bare], ZONE) == [visit("failed", reason=R.UNKNOWN, ended=0)]


def test_a_day_is_a_day_at_the_customers():
    evening = [scan(M.OUT_FOR_PICKUP, hours=11), scan(M.PICKUP_FAILED, hours=12.5)]  # 23:00 and 0:30 in India, one day in UTC
    assert [one.day for one in visits(evening, ZONE)] == [MONDAY, MONDAY + dt.timedelta(days=1)]
    assert [one.day for one in visits(evening, "UTC")] == [MONDAY]


# --- laws -----------------------------------------------------------------------------------------------

SCANS = st.lists(
    st.builds(
        scan,
        milestone=st.sampled_from([M.OUT_FOR_PICKUP, M.PICKUP_FAILED, M.CANCELLED, M.PICKED_UP, M.IN_TRANSIT, M.UNKNOWN]),
        day=st.integers(0, 2),
        hours=st.integers(0, 1),  # so that instants repeat
        reason=st.sampled_from([R.CUSTOMER_UNAVAILABLE, R.NOT_ATTEMPTED, R.MAX_VISITS_REACHED]),
    ),
    max_size=10,
)


@pytest.mark.parametrize(
    "scans",
    [
        [scan(M.PICKUP_FAILED, reason=R.NOT_ATTEMPTED), scan(M.PICKUP_FAILED, reason=R.CUSTOMER_UNAVAILABLE)],
        [scan(M.OUT_FOR_PICKUP), scan(M.CANCELLED, reason=R.CUSTOMER_DECLINED)],
        [scan(M.PICKUP_FAILED), scan(M.PICKED_UP)],
    ],
)
def test_scans_of_one_instant_have_an_order_of_their_own(scans):
    assert visits(reversed(scans), ZONE) == visits(scans, ZONE)


AT_ONCE = st.lists(
    st.builds(
        scan,
        milestone=st.sampled_from([M.OUT_FOR_PICKUP, M.PICKUP_FAILED, M.CANCELLED]),
        day=st.integers(0, 1),
        reason=st.sampled_from([R.CUSTOMER_UNAVAILABLE, R.NOT_ATTEMPTED]),
    ),
    max_size=5,
)


@given((SCANS | AT_ONCE).flatmap(lambda scans: st.tuples(st.just(scans), st.permutations(scans))))
def test_the_order_in_which_scans_came_does_not_matter(both):
    scans, shuffled = both
    assert visits(shuffled, ZONE) == visits(scans, ZONE)


@given(SCANS, st.data())
def test_a_scan_told_twice_counts_once(scans, data):
    again = data.draw(st.lists(st.sampled_from(scans), max_size=5)) if scans else []
    assert visits(scans + again, ZONE) == visits(scans, ZONE)


@given(SCANS)
def test_there_is_at_most_one_visit_a_day_and_they_are_in_order(scans):
    days = [one.day for one in visits(scans, ZONE)]
    assert days == sorted(set(days))


@given(SCANS)
def test_only_the_last_visit_can_be_open_or_collect(scans):
    found = visits(scans, ZONE)
    assert {one.outcome for one in found[:-1]} <= {"failed"}
    assert {one.outcome for one in found[-1:]} <= {"failed", "out", "collected"}
    assert any(one.outcome == "collected" for one in found) == any(one.milestone in COLLECTED for one in scans)


@given(SCANS)
def test_a_visit_has_a_reason_exactly_when_it_failed(scans):
    assert all((one.reason is not None) == (one.outcome == "failed") for one in visits(scans, ZONE))


@given(SCANS)
def test_what_happens_after_the_collection_makes_no_visit(scans):
    collected = [one.at for one in scans if one.milestone in COLLECTED]
    until = [one for one in scans if not collected or one.at <= min(collected)]
    assert visits(scans, ZONE) == visits(until, ZONE)
