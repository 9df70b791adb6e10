"""Working days: what is neither a country's weekly day of rest nor one of its public holidays."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.days import is_working_day, next_working_day

DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2032, 12, 31))
COUNTRIES = st.sampled_from(["IN", "DE", "US", "AE", "SA", "NP", "ZZ"])
OFF = st.sets(st.integers(0, 6), max_size=3)


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
        ("2026-03-08", "SA", True),
        ("2026-03-13", "SA", False),  # a Friday
        ("2026-03-14", "NP", False),  # a Saturday
    ],
)
def test_the_day_of_rest_and_public_holidays_are_free(day: str, country: str, working: bool) -> None:
    assert is_working_day(dt.date.fromisoformat(day), country) is working


@given(DAYS, COUNTRIES, OFF)
def test_the_next_working_day_is_the_first_one_after(day: dt.date, country: str, off: set[int]) -> None:
    following = next_working_day(day, country, *off)
    between = [day + dt.timedelta(days=n) for n in range(1, (following - day).days)]
    assert following > day
    assert is_working_day(following, country) and following.weekday() not in off
    assert not any(is_working_day(one, country) and one.weekday() not in off for one in between)


@given(DAYS, COUNTRIES)
def test_nobody_waits_long_for_a_working_day(day: dt.date, country: str) -> None:
    assert (next_working_day(day, country) - day).days <= 10
