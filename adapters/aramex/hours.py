"""When the collector may come, in the door's local time: the wire names no zone.

The carrier wants last and closing later than ready (B: its answers), within its entity's business hours and at most seven days
ahead; that closing must be later than last is assumed (D), and kept. What is wrong with a time, it says itself (ERR35 to ERR38).
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec

from adapters.aramex.places import COUNTRIES
from adapters.contract.days import next_working_day
from adapters.contract.orders import Order

# Where the order names no window: assumed to lie within every entity's business hours (D).
OPENS, LAST = dt.time(10), dt.time(17)
_STAYS_OPEN = dt.timedelta(minutes=30)
_END_OF_DAY = dt.time(23, 59, 59)


class Hours(msgspec.Struct, frozen=True):
    """Naive local times of one day."""

    ready: dt.datetime
    last: dt.datetime
    closing: dt.datetime


def hours(order: Order, now: dt.datetime) -> Hours:
    """What is left of the order's window; without one, the next working day of the shipper's country."""
    zone = _zone(order)
    if order.window:
        ready, last = (at.astimezone(zone).replace(tzinfo=None) for at in order.window.to_come(now))
    else:
        day = next_working_day(now.astimezone(zone).date(), order.shipper.country)
        ready, last = dt.datetime.combine(day, OPENS), dt.datetime.combine(day, LAST)
    return Hours(ready, last, min(last + _STAYS_OPEN, dt.datetime.combine(last.date(), _END_OF_DAY)))


def _zone(order: Order) -> ZoneInfo:
    return ZoneInfo(order.shipper.timezone or COUNTRIES[order.shipper.country].timezone)
