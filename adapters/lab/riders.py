"""When riders go, whether they collect, and what the parcel does then: pure decisions over dice that are handed in.

Invented and simple on purpose: working days are Monday to Saturday, a rider starts between ten and two, a booking made
before ten is visited the same day. No carrier documents such figures; they only have to look like a carrier's day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypeVar
from zoneinfo import ZoneInfo

from adapters.contract.scans import Milestone

T = TypeVar("T")

_MORNING = dt.time(10)  # riders leave; until then a booking makes it into the same day
_EVENING = dt.time(17)  # nobody sets out later
_SETTING_OUT = dt.timedelta(hours=4)
_AT_THE_DOOR = dt.timedelta(minutes=30), dt.timedelta(hours=5)
_SOONEST = dt.timedelta(minutes=30)
_SUNDAY = 6

_ZONE_SPREAD = 0.30
_REPEAT_PENALTY = 0.08
_WORST, _BEST = 0.05, 0.98


def working(day: dt.date) -> bool:
    return day.weekday() != _SUNDAY


def next_working_day(day: dt.date) -> dt.date:
    """The first working day after `day`."""
    following = day + dt.timedelta(days=1)
    return following if working(following) else next_working_day(following)


def first_day(now: dt.datetime, zone: ZoneInfo) -> dt.date:
    """Today if it is a working day and not yet ten o'clock at the carrier's, else the next working day."""
    local = now.astimezone(zone)
    return local.date() if working(local.date()) and local.time() < _MORNING else next_working_day(local.date())


def day_after(now: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The next working day, seen from the carrier's calendar."""
    return next_working_day(now.astimezone(zone).date())


def leaves_at(day: dt.date, zone: ZoneInfo, now: dt.datetime, luck: float) -> dt.datetime:
    """When the rider sets out on `day`, at the soonest in half an hour; the next working day if that is too late in the evening."""
    day = max(day, now.astimezone(zone).date())
    morning = dt.datetime.combine(day, _MORNING, zone).astimezone(dt.UTC)
    leaves = max(morning + luck * _SETTING_OUT, now + _SOONEST)
    in_time = leaves <= dt.datetime.combine(day, _EVENING, zone)
    return _whole(leaves) if in_time else leaves_at(next_working_day(day), zone, now, luck)


def arrives_at(left_at: dt.datetime, luck: float) -> dt.datetime:
    """When the rider stands at the door."""
    least, spread = _AT_THE_DOOR
    return _whole(left_at + least + luck * spread)


def journey(collected_at: dt.datetime, tat_days: int, zone: ZoneInfo, luck: float) -> tuple[tuple[Milestone, dt.datetime], ...]:
    """What the parcel does after it was collected, in order; delivered `tat_days` later, or the working day after that."""
    day = collected_at.astimezone(zone).date() + dt.timedelta(days=max(1, tat_days))
    day = day if working(day) else next_working_day(day)
    out = dt.datetime.combine(day, dt.time(9), zone).astimezone(dt.UTC) + luck * dt.timedelta(hours=2)
    return (
        (Milestone.IN_TRANSIT, _whole(collected_at + dt.timedelta(hours=2 + 6 * luck))),
        (Milestone.OUT_FOR_DELIVERY, _whole(out)),
        (Milestone.DELIVERED, _whole(out + dt.timedelta(hours=1 + 5 * luck))),
    )


def vanishing(collected_at: dt.datetime, luck: float) -> tuple[tuple[Milestone, dt.datetime], ...]:
    """What a parcel does that gets lost: a last scan, and two days later the carrier says so."""
    seen = _whole(collected_at + dt.timedelta(hours=2 + 6 * luck))
    return (Milestone.IN_TRANSIT, seen), (Milestone.LOST, seen + dt.timedelta(days=2))


def chance(mean: float, zone_luck: float, visit: int) -> float:
    """The chance that this visit collects: the carrier's mean, moved by the zone, a bit lower for a repeated visit."""
    moved = mean + _ZONE_SPREAD * (zone_luck - 0.5) - _REPEAT_PENALTY * (visit - 1)
    return min(_BEST, max(_WORST, moved))


def draw(weights: Mapping[T, float], luck: float) -> T | None:
    """One of the weighted things, or None if all of them weigh nothing."""
    left = luck * sum(weights.values())
    drawn = None
    for thing, weight in weights.items():
        if weight > 0:
            drawn = thing
            if left < weight:
                break
            left -= weight
    return drawn


def _whole(at: dt.datetime) -> dt.datetime:
    """Whole seconds: carriers print no more, and the books keep no more."""
    return at.replace(microsecond=0)
