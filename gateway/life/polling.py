"""When to ask a carrier next how a parcel fares: often when something is due, seldom when nothing is, never at the end. Pure."""

from __future__ import annotations

import datetime as dt
import zlib
from zoneinfo import ZoneInfo

from gateway.life.pickup import ENDS, PickupState

_MINUTES: dict[PickupState, int] = {
    PickupState.OUT_FOR_PICKUP: 45,
    PickupState.VISIT_FAILED: 180,
    PickupState.BOOKED: 720,
    PickupState.CANCELLING: 120,
    PickupState.EXHAUSTED: 360,
    PickupState.COLLECTED: 360,
    PickupState.IN_TRANSIT: 360,
}
_LONGEST = dt.timedelta(hours=24)
_SERVICE_HOURS = range(8, 22)


def next_poll(
    state: PickupState, now: dt.datetime, due: dt.date | None, timezone: str, quiet_polls: int, salt: str
) -> dt.datetime | None:
    """The instant of the next poll; None when the pickup has ended.

    `due` is the day a visit is expected. The pause grows by half with every unchanged answer and is spread by +-10 % (by `salt`).
    """
    if state in ENDS:
        return None
    pause = dt.timedelta(minutes=_minutes(state, now, due, timezone)) * 1.5 ** min(quiet_polls, 6)
    return now + min(pause, _LONGEST) * _spread(salt, quiet_polls)


def _minutes(state: PickupState, now: dt.datetime, due: dt.date | None, timezone: str) -> int:
    here = now.astimezone(ZoneInfo(timezone))
    if due and state is PickupState.BOOKED and here.date() >= due and here.hour in _SERVICE_HOURS:
        return 60
    return _MINUTES.get(state, 360)


def _spread(salt: str, quiet_polls: int) -> float:
    return 0.9 + (zlib.crc32(f"{salt}/{quiet_polls}".encode()) % 2001) / 10_000
