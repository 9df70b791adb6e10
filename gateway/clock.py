"""The two clocks.

*Wall* time rules leases, time-outs and buckets. *Business* time rules windows, polls and promises; in test mode it is
wall time plus the merchant's offset, which the test clock moves.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def wall() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def local_date(at: dt.datetime, timezone: str) -> dt.date:
    return at.astimezone(ZoneInfo(timezone)).date()


def exists(day: dt.date, time: dt.time, timezone: str) -> bool:
    """Whether clocks there show that time on that day: where summer time begins they skip some."""
    return at_local(day, time, timezone).astimezone(ZoneInfo(timezone)).replace(tzinfo=None) == dt.datetime.combine(day, time)


def at_local(day: dt.date, time: dt.time, timezone: str) -> dt.datetime:
    """That local time as an instant in UTC."""
    return dt.datetime.combine(day, time, ZoneInfo(timezone)).astimezone(dt.UTC)
