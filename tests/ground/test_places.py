from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.places import Window

ZONES = st.sampled_from(["Asia/Kolkata", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC", "Pacific/Kiritimati"])
TIMES = st.times(max_value=dt.time(23, 59)).map(lambda time: time.replace(microsecond=0))
WINDOWS = st.builds(
    Window, date=st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 31)), start=TIMES, end=TIMES, timezone=ZONES
).filter(lambda window: window.start <= window.end)


def window(zone: str, day: str = "2026-03-09") -> Window:
    return Window(date=dt.date.fromisoformat(day), start=dt.time(10), end=dt.time(18), timezone=zone)


@pytest.mark.parametrize(
    ("zone", "day", "opens"),
    [
        ("Asia/Kolkata", "2026-03-09", "2026-03-09T04:30:00+00:00"),
        ("UTC", "2026-03-09", "2026-03-09T10:00:00+00:00"),
        ("Europe/Berlin", "2026-03-28", "2026-03-28T09:00:00+00:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T08:00:00+00:00"),
    ],
)
def test_a_window_opens_at_local_time_also_across_a_change_of_clocks(zone, day, opens):
    assert window(zone, day).opens == dt.datetime.fromisoformat(opens)


def test_a_window_in_the_hour_that_comes_twice_lasts_until_its_second_end():
    one = Window(date=dt.date(2026, 10, 25), start=dt.time(2, 15), end=dt.time(2, 45), timezone="Europe/Berlin")
    assert (one.opens.time(), one.closes.time()) == (dt.time(0, 15), dt.time(1, 45))


def test_a_window_that_begins_in_the_hour_that_is_skipped_is_not_over_before_it_begins():
    one = Window(date=dt.date(2026, 3, 29), start=dt.time(2, 30), end=dt.time(3, 15), timezone="Europe/Berlin")
    assert (one.opens.time(), one.closes.time()) == (dt.time(0, 30), dt.time(1, 15))


@given(WINDOWS)
def test_a_window_opens_before_it_closes_and_both_are_utc(one):
    assert one.opens <= one.closes
    assert {one.opens.tzinfo, one.closes.tzinfo} == {dt.UTC}


@pytest.mark.parametrize(
    ("now", "opens"),
    [("09:00", "10:00"), ("09:56", "10:01"), ("17:54", "17:59"), ("17:55", "10:00"), ("19:00", "10:00")],
    ids=["all of it", "what is left", "the last minute", "nothing can be done in that time", "over"],
)
def test_what_is_to_come_of_a_window_begins_in_five_minutes_at_the_soonest(now, opens):
    one, at = window("UTC"), dt.datetime.combine(dt.date(2026, 3, 9), dt.time.fromisoformat(now), dt.UTC)
    assert one.to_come(at) == (at.replace(hour=int(opens[:2]), minute=int(opens[3:])), one.closes)


@given(WINDOWS)
def test_a_window_written_down_reads_back_the_same(one):
    assert msgspec.json.decode(msgspec.json.encode(one), type=Window) == one


def test_a_window_is_written_in_the_vocabularys_words():
    written = msgspec.json.decode(msgspec.json.encode(window("Asia/Kolkata")))
    assert written == {"date": "2026-03-09", "from": "10:00:00", "to": "18:00:00", "timezone": "Asia/Kolkata"}
