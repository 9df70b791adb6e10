from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.life.pickup import ENDS, PickupState
from gateway.life.polling import next_poll

P = PickupState
ZONE = "Asia/Kolkata"
NOON = dt.datetime(2026, 3, 9, 6, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 9)
WAITING = sorted(set(P) - ENDS)
INSTANTS = st.datetimes(dt.datetime.fromisoformat("2026-01-01"), dt.datetime.fromisoformat("2027-12-31"), timezones=st.just(dt.UTC))


def pause(state: PickupState, now: dt.datetime = NOON, due: dt.date | None = None, quiet: int = 0, salt: str = "bkg_1") -> float:
    """Until the next poll, in minutes."""
    at = next_poll(state, now, due, ZONE, quiet, salt)
    assert at is not None
    return (at - now).total_seconds() / 60


def around(minutes: float) -> object:
    return pytest.approx(minutes, rel=0.1 + 1e-9)


@pytest.mark.parametrize("state", sorted(ENDS))
def test_what_has_ended_is_polled_no_more(state):
    assert next_poll(state, NOON, TODAY, ZONE, 0, "bkg_1") is None


@pytest.mark.parametrize(
    ("state", "minutes"),
    [
        (P.OUT_FOR_PICKUP, 45),
        (P.VISIT_FAILED, 180),
        (P.BOOKED, 720),
        (P.CANCELLING, 120),
        (P.COLLECTED, 360),
        (P.IN_TRANSIT, 360),
        (P.EXHAUSTED, 360),
        (P.BOOKING_UNKNOWN, 360),
    ],
)
def test_the_pause_depends_on_what_is_waited_for(state, minutes):
    assert pause(state) == around(minutes)


@pytest.mark.parametrize(
    ("hour", "due", "minutes"),
    [
        (12, TODAY, 60),
        (8, TODAY, 60),
        (21, TODAY, 60),
        (22, TODAY, 720),
        (7, TODAY, 720),
        (12, TODAY - dt.timedelta(days=1), 60),
        (12, TODAY + dt.timedelta(days=1), 720),
        (12, None, 720),
    ],
)
def test_on_the_day_a_visit_is_due_a_booking_is_polled_hourly_in_the_carriers_hours(hour, due, minutes):
    local = dt.datetime(2026, 3, 9, hour, tzinfo=dt.timezone(dt.timedelta(hours=5.5)))
    assert pause(P.BOOKED, local.astimezone(dt.UTC), due) == around(minutes)


def test_the_pause_grows_by_half_with_every_unchanged_answer_up_to_a_day():
    pauses = [pause(P.OUT_FOR_PICKUP, quiet=quiet) for quiet in range(12)]
    expected = [45 * 1.5 ** min(quiet, 6) for quiet in range(12)]
    assert pauses == [around(min(minutes, 1440)) for minutes in expected]


@given(st.sampled_from(WAITING), INSTANTS, st.none() | st.dates(TODAY, TODAY + dt.timedelta(days=9)), st.integers(0, 50), st.text())
def test_the_next_poll_lies_ahead_but_no_more_than_a_day(state, now, due, quiet, salt):
    at = next_poll(state, now, due, ZONE, quiet, salt)
    assert at is not None
    assert dt.timedelta(minutes=40) < at - now <= dt.timedelta(hours=24) * 1.1


@given(st.sampled_from(WAITING), st.integers(0, 9), st.text(max_size=9))
def test_the_same_booking_is_polled_at_the_same_time(state, quiet, salt):
    assert pause(state, quiet=quiet, salt=salt) == pause(state, quiet=quiet, salt=salt)


def test_bookings_made_at_once_are_not_polled_at_once():
    pauses = [pause(P.BOOKED, salt=f"bkg_{number}") for number in range(200)]
    assert len(set(pauses)) > 150
    assert [min(pauses), max(pauses)] == pytest.approx([720 * 0.9, 720 * 1.1], rel=0.02)
