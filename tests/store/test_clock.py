from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import at_local, local_date, wall

DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2032, 12, 31))
ZONES = st.sampled_from(["Asia/Kolkata", "Europe/Berlin", "America/New_York", "UTC", "Pacific/Kiritimati", "Asia/Kathmandu"])


def test_wall_time_is_utc():
    assert wall().tzinfo is dt.UTC


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
