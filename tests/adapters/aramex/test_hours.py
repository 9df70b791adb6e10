"""When the collector may come."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.aramex.hours import Hours, hours
from adapters.aramex.places import COUNTRIES

from .examples import CUSTOMER, IN_DUBAI, pickup, window


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_a_window_is_kept_and_closes_a_little_later():
    found = hours(pickup(window=window("14:00", "16:00")), at("2026-03-11T06:30+00:00"))
    assert found == Hours(ready=at("2026-03-12T14:00"), last=at("2026-03-12T16:00"), closing=at("2026-03-12T16:30"))


def test_of_a_window_that_is_open_what_is_left_is_asked_for():
    assert hours(pickup(window=window("10:00", "18:00")), at("2026-03-12T08:30:40+00:00")) == Hours(
        ready=at("2026-03-12T14:05"), last=at("2026-03-12T18:00"), closing=at("2026-03-12T18:30")
    )


def test_a_window_given_in_another_zone_is_told_in_the_doors():
    order = pickup(shipper=IN_DUBAI, window=window("14:00", "16:00"))
    assert hours(order, at("2026-03-11T06:30+00:00")).ready == at("2026-03-12T12:30")


def test_the_day_ends_at_midnight():
    assert hours(pickup(window=window("20:00", "23:45")), at("2026-03-11T06:30+00:00")).closing == at("2026-03-12T23:59:59")


@pytest.mark.parametrize(
    ("country", "now", "day"),
    [
        ("IN", "2026-03-11T06:30+00:00", "2026-03-12"),
        ("IN", "2026-03-14T06:30+00:00", "2026-03-16"),
        ("SA", "2026-03-12T06:30+00:00", "2026-03-14"),
        ("SA", "2026-03-14T06:30+00:00", "2026-03-15"),
        ("IN", "2026-03-11T20:00+00:00", "2026-03-13"),
        ("IN", "2026-01-24T06:30+00:00", "2026-01-27"),
        ("AE", "2026-12-01T06:30+00:00", "2026-12-04"),
    ],
    ids=[
        "tomorrow",
        "not on a Sunday",
        "nor on a Friday there",
        "but on a Sunday",
        "tomorrow at the door",
        "nor on a public holiday",
        "nor on two",
    ],
)
def test_without_a_window_it_is_the_next_day_they_collect(country, now, day):
    door = replace(CUSTOMER, country=country, timezone="")
    assert hours(pickup(shipper=door), at(now)).ready == at(f"{day}T10:00")


@given(
    st.sampled_from(sorted(COUNTRIES)),
    st.times(max_value=dt.time(23, 58)).map(lambda time: time.replace(second=0, microsecond=0)),
    st.integers(1, 1439),
    st.datetimes(dt.datetime.fromisoformat("2026-01-01"), dt.datetime.fromisoformat("2027-12-31"), timezones=st.just(dt.UTC)),
)
def test_ready_is_before_last_and_last_before_closing(country, start, minutes, now):
    end = min(
        dt.datetime.combine(now.date(), start) + dt.timedelta(minutes=minutes), dt.datetime.combine(now.date(), dt.time(23, 59))
    )
    zone = COUNTRIES[country].timezone
    asked = window(f"{start:%H:%M}", f"{end:%H:%M}", f"{now:%Y-%m-%d}", zone)
    for order in (pickup(window=asked), pickup()):
        door = replace(CUSTOMER, country=country, timezone=zone)
        found = hours(replace(order, shipper=door), now)
        assert found.ready.tzinfo is None
        assert found.ready < found.last < found.closing
