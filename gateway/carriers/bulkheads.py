"""Bulkheads: how many calls an account may have out at once, so that one carrier that hangs takes only its own places.

A quote that finds no place is turned away at once; a booking waits for one. Quotes may take three quarters of the places, so that
bookings always find some. Beside it a retry budget: what is asked again *in vain* may be a tenth of what is asked at all, and a few
to start with, so that an outage is not made worse; and one each five seconds, so that no doubt lasts where nothing else is asked. A
repeat that is answered costs nothing: once the carrier is back, the doubts it left behind are cleared as fast as it answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

PLACES = 32
_FOR_QUICK = PLACES * 3 // 4
_EARNED, _EARNED_A_SECOND, _MOST_SAVED = 0.1, 0.2, 20.0


class Full(RuntimeError):
    """No place now."""


class Bulkhead:
    """The places of one account."""

    def __init__(self, places: int = PLACES, for_quick: int = _FOR_QUICK) -> None:
        self._places = asyncio.Semaphore(places)
        self._left_for_quick = for_quick

    @asynccontextmanager
    async def place(self, *, quick: bool) -> AsyncIterator[None]:
        """One place while a call is out. A `quick` call does not wait for one. Raises Full."""
        if quick and (self._left_for_quick == 0 or self._places.locked()):
            raise Full
        self._left_for_quick -= quick
        try:
            async with self._places:
                yield
        finally:
            self._left_for_quick += quick


class Bulkheads:
    """By account, made when first needed."""

    def __init__(self) -> None:
        self._by_account: dict[str, Bulkhead] = {}

    def of(self, account_id: str) -> Bulkhead:
        found = self._by_account.get(account_id)
        if found is None:
            found = self._by_account[account_id] = Bulkhead()
        return found


class RetryBudgets:
    """By account: each first call earns a tenth of a retry, each second a fifth, an answered one itself. `clock` is monotonic, in
    seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._saved: dict[str, tuple[float, float]] = {}  # how much, and when that was

    def first(self, account_id: str) -> None:
        self._add(account_id, _EARNED)

    def spend(self, account_id: str) -> bool:
        """Whether one more may be asked again."""
        enough = self._add(account_id, 0.0) >= 1
        if enough:
            self._add(account_id, -1.0)
        return enough

    def answered(self, account_id: str) -> None:
        """What was asked again was worth asking."""
        self._add(account_id, 1.0)

    def _add(self, account_id: str, earned: float) -> float:
        """How much is saved then."""
        now = self._clock()
        saved, since = self._saved.get(account_id, (_MOST_SAVED, now))
        level = min(_MOST_SAVED, saved + max(0.0, now - since) * _EARNED_A_SECOND + earned)
        self._saved[account_id] = (level, now)
        return level
