"""Circuit breakers, one per account and operation: a carrier that does not answer is not asked for a while.

Opens where half of at least 20 calls within 30 s failed; then one probe at a time is let through after 30 s, doubled with each
probe that fails, up to 8 min. A refusal is an answer: it does not count against the carrier, nor does "too fast", which the
buckets mind. `next_state` decides and is pure; `Breakers` only remembers.
"""

from __future__ import annotations

import datetime as dt
import enum
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from adapters.contract.errors import CarrierError, OutcomeUnknown, Throttled, Unreachable

LEAST_CALLS = 20
FAILED_SHARE = 0.5
_SLICE, _SLICES = 5.0, 6  # seconds; so many of them in the window
WINDOW = _SLICE * _SLICES
_FIRST_PAUSE, _MOST_DOUBLINGS = 30.0, 4
_PROBE_LOST_AFTER = 180.0  # longer than any call takes


class Heard(enum.Enum):
    """What a call says about the carrier's health."""

    ANSWER = "answer"
    FAILURE = "failure"
    NOTHING = "nothing"


class Slice(NamedTuple):
    """The calls of some seconds: only counted, so that a busy circuit costs no more than a quiet one."""

    number: int
    calls: int
    failed: int


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """Closed while `open_until` is None. `slices` are the window's, the newest last; `opened` how often in a row; `probing_since`:
    a probe is out.
    """

    slices: tuple[Slice, ...] = ()
    open_until: float | None = None
    opened: int = 0
    probing_since: float | None = None

    def wait(self, now: float) -> float | None:
        """Seconds to wait before asking, or None: ask. In a half-open circuit one asks and all others wait."""
        if self.open_until is None:
            return None
        if now < self.open_until:
            return self.open_until - now
        if self.probing_since is not None and now < self.probing_since + _PROBE_LOST_AFTER:
            return 1.0
        return None


_CLOSED = Circuit()


def heard_of(outcome: BaseException | None) -> Heard:
    """The outcome of a call, for the breaker: None is an answer."""
    if isinstance(outcome, Throttled) or (outcome is not None and not isinstance(outcome, CarrierError)):
        return Heard.NOTHING
    return Heard.FAILURE if isinstance(outcome, Unreachable | OutcomeUnknown) else Heard.ANSWER


def asked(circuit: Circuit, now: float) -> Circuit:
    """A call goes out; from an open circuit it is the probe."""
    return msgspec.structs.replace(circuit, probing_since=now) if circuit.open_until is not None else circuit


def next_state(circuit: Circuit, heard: Heard, now: float) -> Circuit:
    """The circuit after a call."""
    if circuit.open_until is not None:
        return _after_open(circuit, heard, now)
    if heard is Heard.NOTHING:
        return circuit
    slices = _counted(circuit.slices, heard, int(now // _SLICE))
    calls, failed = sum(one.calls for one in slices), sum(one.failed for one in slices)
    if calls >= LEAST_CALLS and failed >= FAILED_SHARE * calls:
        return _opened(0, now)
    return msgspec.structs.replace(circuit, slices=slices)


def _counted(slices: tuple[Slice, ...], heard: Heard, number: int) -> tuple[Slice, ...]:
    """One more call in slice `number`; what has left the window is forgotten."""
    recent = [one for one in slices if one.number > number - _SLICES]
    last = recent.pop() if recent and recent[-1].number == number else Slice(number, 0, 0)
    return (*recent, Slice(number, last.calls + 1, last.failed + (heard is Heard.FAILURE)))


def _after_open(circuit: Circuit, heard: Heard, now: float) -> Circuit:
    """Only the probe counts: calls that were out when it opened say what is known already."""
    if circuit.probing_since is None:
        return circuit
    if heard is Heard.FAILURE:
        return _opened(circuit.opened, now)
    return _CLOSED if heard is Heard.ANSWER else msgspec.structs.replace(circuit, probing_since=None)


def _opened(times: int, now: float) -> Circuit:
    return Circuit(open_until=now + _FIRST_PAUSE * (1 << min(times, _MOST_DOUBLINGS)), opened=times + 1)


class Breakers:
    """The circuits of one process. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._circuits: dict[tuple[str, str], Circuit] = {}

    def wait(self, account_id: str, operation: str) -> dt.timedelta | None:
        """How long this is not to be asked, or None."""
        seconds = self._circuits.get((account_id, operation), _CLOSED).wait(self._clock())
        return None if seconds is None else dt.timedelta(seconds=seconds)

    def asked(self, account_id: str, operation: str) -> None:
        circuit = self._circuits.get((account_id, operation))
        if circuit is not None:
            self._circuits[account_id, operation] = asked(circuit, self._clock())

    def heard(self, account_id: str, operation: str, outcome: BaseException | None) -> None:
        """The error of a call, or None for an answer."""
        before = self._circuits.get((account_id, operation), _CLOSED)
        after = next_state(before, heard_of(outcome), self._clock())
        if after is not before:
            self._circuits[account_id, operation] = after
