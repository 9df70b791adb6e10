"""When a message is tried again, and what its endpoint's answers say of the endpoint. Pure.

A message has eight tries: at once, and after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h, each pause up to a tenth longer.
An endpoint that fails is asked with one message at a time, after pauses that double from 5 s to 5 min: when it comes back it
meets no storm, and while it is away it costs a try now and then.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence

import msgspec

_PAUSES = (
    dt.timedelta(seconds=5),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
    dt.timedelta(hours=5),
    dt.timedelta(hours=10),
    dt.timedelta(hours=10),
)
MOST_TRIES = len(_PAUSES) + 1
PATIENCE = dt.timedelta(days=5)
SLOW = 2000  # milliseconds

_GONE = 410
_JITTER = 0.1
_FIRST_HOLD, _LONGEST_HOLD = dt.timedelta(seconds=5), dt.timedelta(minutes=5)
_MOST_DOUBLINGS = 6


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try. `status` None: no answer came, and `error` says why; `answer` is the beginning of the answer's body."""

    at: dt.datetime
    milliseconds: int
    status: int | None = None
    answer: str = ""
    error: str = ""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == _GONE


class State(enum.StrEnum):
    """An endpoint's: `paused` by the merchant or after days of failures, `stopped` by its own answer 410."""

    ENABLED = "enabled"
    PAUSED = "paused"
    STOPPED = "stopped"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an endpoint. `streak` counts rounds that failed since the last message it took; `slow`: it takes long."""

    state: State = State.ENABLED
    reason: str = ""
    failing_since: dt.datetime | None = None
    streak: int = 0
    slow: bool = False
    hold_until: dt.datetime | None = None

    @property
    def struggling(self) -> bool:
        return self.slow or self.streak > 0


def next_try(tries: int, at: dt.datetime, dice: float) -> dt.datetime | None:
    """When a message that has failed `tries` times is tried again; None: not by itself. `dice` is from 0 to 1."""
    return at + _PAUSES[tries - 1] * (1 + _JITTER * dice) if tries < MOST_TRIES else None


def after_round(health: Health, round_: Sequence[Attempt], at: dt.datetime) -> Health:
    """The endpoint after a round of tries, which ended at `at`."""
    if any(attempt.gone for attempt in round_):
        return Health(state=State.STOPPED, reason="it answered 410 Gone")
    if not round_:
        return health
    slow = any(attempt.milliseconds > SLOW for attempt in round_)
    if any(attempt.taken for attempt in round_):
        return Health(state=health.state, reason=health.reason, slow=slow)
    since, streak = health.failing_since or round_[0].at, health.streak + 1
    failing = Health(
        state=health.state, reason=health.reason, failing_since=since, streak=streak, slow=slow, hold_until=at + _hold(streak)
    )
    return _given_up(failing, at) if at - since >= PATIENCE and health.state is State.ENABLED else failing


def _given_up(failing: Health, at: dt.datetime) -> Health:
    reason = f"it has failed since {failing.failing_since:%Y-%m-%d %H:%M} UTC"
    return msgspec.structs.replace(failing, state=State.PAUSED, reason=reason)


def _hold(streak: int) -> dt.timedelta:
    return min(_LONGEST_HOLD, _FIRST_HOLD * (1 << min(streak - 1, _MOST_DOUBLINGS)))
