"""The two clocks and the working days.

*Wall* time rules leases, time-outs and buckets. *Business* time rules windows, polls and promises; in test mode it is
wall time plus the merchant's offset, which the test clock moves.
"""

from __future__ import annotations

import datetime as dt
import functools
from zoneinfo import ZoneInfo

import holidays


def wall() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def next_working_day(day: dt.date, country: str) -> dt.date:
    """The first day after `day` that is neither a Sunday nor a public holiday of the country."""
    following = day + dt.timedelta(days=1)
    while not is_working_day(following, country):
        following += dt.timedelta(days=1)
    return following


def is_working_day(day: dt.date, country: str) -> bool:
    return day.weekday() != 6 and day not in _holidays(country, day.year)


@functools.lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[dt.date]:
    """National public holidays; none where the calendar has no such country."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def local_date(at: dt.datetime, timezone: str) -> dt.date:
    return at.astimezone(ZoneInfo(timezone)).date()


def at_local(day: dt.date, time: dt.time, timezone: str) -> dt.datetime:
    """That local time as an instant in UTC."""
    return dt.datetime.combine(day, time, ZoneInfo(timezone)).astimezone(dt.UTC)
