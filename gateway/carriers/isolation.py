"""What stands between us and a carrier that is slow, away or tired of us: for each account a circuit, a bucket, a budget, places.

A quote is turned away at once, a booking is held until it may go: nothing was sent either way, and it is no fault of the booking.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from adapters.contract.carrier import Quota
from adapters.contract.errors import Throttled
from gateway.carriers.breakers import Breakers, Heard, heard_of
from gateway.carriers.bulkheads import Bulkheads, Full, RetryBudgets
from gateway.carriers.limits import Limiter, Shared

# What a quote is made of: better no answer than a late one.
QUICK = frozenset({"serviceability", "tat", "quote", "windows", "validate"})

_SOON = dt.timedelta(seconds=1)
_LATER = dt.timedelta(seconds=15)


class Held(Throttled):
    """Not sent, by our own doing: to be asked after `retry_after`, and not counted as a try."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Of a call, what decides whether it goes out now. `again`: it has been asked before."""

    account_id: str
    operation: str
    quota: Quota | None = None
    again: bool = False


class Isolation:
    """One per process. `clock` is monotonic, in seconds."""

    def __init__(self, shared: Shared | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter = Limiter(shared, clock)
        self._breakers = Breakers(clock)
        self._bulkheads = Bulkheads()
        self._budgets = RetryBudgets(clock)

    @asynccontextmanager
    async def call(self, question: Question) -> AsyncIterator[None]:
        """Around one call: what it ends in is learnt from. Raises Held before anything is sent."""
        account_id, operation = question.account_id, question.operation
        try:
            async with self._bulkheads.of(account_id).place(quick=operation in QUICK):
                await self._admit(question)
                self._breakers.asked(account_id, operation)
                outcome: BaseException | None = None
                try:
                    yield
                except BaseException as error:
                    outcome = error
                    raise
                finally:
                    await self._learn(question, outcome)
        except Full as error:
            raise Held("as many calls at once as the account is allowed", retry_after=_SOON) from error

    async def _admit(self, question: Question) -> None:
        """Raises Held. What turns most away and costs nothing comes first."""
        account_id, operation = question.account_id, question.operation
        wait = self._breakers.wait(account_id, operation)
        if wait:
            raise Held(f"{operation} is not asked for {wait.total_seconds():.0f} s: it was not answered lately", retry_after=wait)
        if question.again and not self._budgets.spend(account_id):
            raise Held(f"{operation} was asked again too often lately", retry_after=_LATER)
        wait = await self._limiter.take(account_id, operation, question.quota)
        if wait:
            raise Held(f"the carrier's quota for {operation} is used up", retry_after=wait)
        if not question.again:
            self._budgets.first(account_id)

    async def _learn(self, question: Question, outcome: BaseException | None) -> None:
        """From the error a call ended in, or None for an answer."""
        self._breakers.heard(question.account_id, question.operation, outcome)
        if question.again and heard_of(outcome) is Heard.ANSWER:
            self._budgets.answered(question.account_id)
        if isinstance(outcome, Throttled):
            await self._limiter.close(question.account_id, question.operation, question.quota, outcome.retry_after)

    def unavailable(self, account_id: str, operations: tuple[str, ...]) -> str:
        """Which of these is not asked for now because its circuit is open, in words; or ""."""
        for operation in operations:
            wait = self._breakers.wait(account_id, operation)
            if wait:
                return f"{operation} was not answered lately; it is asked again in {wait.total_seconds():.0f} s"
        return ""

    async def close(self) -> None:
        await self._limiter.aclose()
