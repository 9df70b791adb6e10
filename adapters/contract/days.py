"""Working days: what is neither a country's weekly day of rest nor one of its public holidays."""

from __future__ import annotations

import datetime as dt
import functools
from types import MappingProxyType

import holidays

_FRIDAY, SATURDAY, _SUNDAY = 4, 5, 6

# The day of the week on which nobody collects, where it is not Sunday: assumed of every carrier there (D), none publishes it.
_REST = MappingProxyType(
    {
        **dict.fromkeys(("BD", "BH", "DZ", "EG", "IQ", "JO", "KW", "LY", "OM", "QA", "SA", "YE"), _FRIDAY),
        **dict.fromkeys(("IL", "NP"), SATURDAY),
    }
)


def next_working_day(day: dt.date, country: str, *off: int) -> dt.date:
    """The first one after `day`. `off` are more days of the week on which a carrier does not collect (0 is Monday)."""
    following = day + dt.timedelta(days=1)
    while following.weekday() in off or not is_working_day(following, country):
        following += dt.timedelta(days=1)
    return following


def is_working_day(day: dt.date, country: str) -> bool:
    return day.weekday() != _REST.get(country, _SUNDAY) and day not in _holidays(country, day.year)


@functools.lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[dt.date]:
    """National public holidays; none where the calendar has no such country."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()
