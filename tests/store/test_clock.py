from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import at_local, is_working_day, local_date, next_working_day, wall

DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2032, 12, 31))
COUNTRIES = st.sampled_from(["IN", "DE", "US", "AE", "ZZ"])
ZONES = st.sampled_from(["Asia/Kolkata", "Europe/Berlin", "America/New_York", "UTC", "Pacific/Kiritimati", "Asia/Kathmandu"])


def test_wall_time_is_utc():
    assert wall().tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("day", "country", "working"),
    [
        ("2026-03-09", "IN", True),
        ("2026-03-07", "IN", True),  # a Saturday
        ("2026-03-08", "IN", False),  # a Sunday
        ("2026-01-26", "IN", False),  # Republic Day
        ("2026-01-26", "DE", True),
        ("2026-12-25", "DE", False),
        ("2026-12-25", "ZZ", True),  # no calendar: only Sundays are free
        ("2026-03-08", "ZZ", False),
    ],
)
def test_sundays_and_public_holidays_are_free(day, country, working):
    assert is_working_day(dt.date.fromisoformat(day), country) is working


@given(DAYS, COUNTRIES)
def test_the_next_working_day_is_the_first_one_after(day, country):
    following = next_working_day(day, country)
    between = [day + dt.timedelta(days=n) for n in range(1, (following - day).days)]
    assert following > day
    assert is_working_day(following, country)
    assert not any(is_working_day(one, country) for one in between)


@given(st.dates(dt.date(2024, 1, 1), dt.date(2032, 12, 31)), COUNTRIES)
def test_nobody_waits_long_for_a_working_day(day, country):
    assert (next_working_day(day, country) - day).days <= 8


@given(DAYS, st.times(max_value=dt.time(23, 59)), ZONES)
def test_a_local_time_is_an_instant_of_that_local_day(day, time, zone):
    at = at_local(day, time, zone)
    assert at.tzinfo is dt.UTC
    skipped = abs(at_local(day, dt.time(0), zone) - at) > dt.timedelta(hours=25)
    assert local_date(at, zone) == day or skipped


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        ("2026-03-08T18:29:59+00:00", "Asia/Kolkata", "2026-03-08"),
        ("2026-03-08T18:30:00+00:00", "Asia/Kolkata", "2026-03-09"),
        ("2026-03-08T18:30:00+00:00", "UTC", "2026-03-08"),
        ("2026-03-09T02:00:00+00:00", "America/New_York", "2026-03-08"),
    ],
)
def test_a_day_is_told_where_it_is_lived(at, zone, day):
    assert local_date(dt.datetime.fromisoformat(at), zone) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(("day", "hour"), [("2026-03-28", 9), ("2026-03-29", 8), ("2026-10-25", 9)])
def test_ten_oclock_is_ten_oclock_also_when_clocks_have_changed(day, hour):
    at = at_local(dt.date.fromisoformat(day), dt.time(10), "Europe/Berlin")
    assert at.hour == hour
