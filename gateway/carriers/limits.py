"""Carriers' quotas, kept on our side: a question that would be one too many is not put, and one that was says until when.

One token bucket per account and operation, shared by all processes in Redis: a single Lua script looks, refills, takes and closes,
by Redis's own clock. A carrier that answers "too fast" closes its bucket until the time it names. Where Redis does not answer each
process keeps buckets of its own until it does. Operations without a quota are minded in each process only: asking Redis before each
of their calls would cost more than the one call too many.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from adapters.contract.carrier import Quota

# redis is imported where it is first asked: processes that ask no carrier are spared it.
if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.commands.core import AsyncScript

LONGEST_CLOSED = dt.timedelta(hours=1)

_PATIENCE = 0.25  # seconds
_AWAY = 5.0  # seconds Redis is left alone after it did not answer

# KEYS[1]: the bucket. ARGV: its size, the seconds it fills up in, and for how many seconds it is to be closed (0: take one).
# Answers the seconds to wait; 0: one was taken.
_TAKE = """
local most, seconds, shut = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'level', 'at', 'closed')
local level, at, closed = tonumber(held[1]) or most, tonumber(held[2]) or now, tonumber(held[3]) or 0
local wait = 0
if shut > 0 then
  closed = math.max(closed, now + shut)
  level, at, wait = 0, closed, closed - now
elseif closed > now then
  wait = closed - now
else
  level = math.min(most, level + math.max(0, now - at) * most / seconds)
  at = now
  if level >= 1 then level = level - 1 else wait = (1 - level) * seconds / most end
end
local function text(number) return string.format('%.6f', number) end
redis.call('HSET', KEYS[1], 'level', text(level), 'at', text(at), 'closed', text(closed))
redis.call('PEXPIRE', KEYS[1], math.ceil((seconds + math.max(0, closed - now)) * 1000) + 1000)
return text(wait)
"""


class Away(RuntimeError):
    """The shared buckets do not answer."""


class Buckets:
    """The buckets of one process. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}
        self._closed: dict[tuple[str, str], float] = {}

    def take(self, account_id: str, operation: str, quota: Quota) -> dt.timedelta | None:
        """Take one token; None when there was one, else how long until there is."""
        closed = self.closed(account_id, operation)
        if closed:
            return closed
        rate = quota.calls / quota.seconds
        now = self._clock()
        level, since = self._levels.get((account_id, operation), (float(quota.calls), now))
        level = min(quota.calls, level + max(0.0, now - since) * rate)
        if level < 1:
            self._levels[account_id, operation] = (level, now)
            return dt.timedelta(seconds=(1 - level) / rate)
        self._levels[account_id, operation] = (level - 1, now)
        return None

    def close(self, account_id: str, operation: str, pause: dt.timedelta) -> None:
        """Nothing more until then; it is empty when it opens again."""
        key = account_id, operation
        until = max(self._closed.get(key, 0.0), self._clock() + pause.total_seconds())
        self._closed[key] = until
        self._levels[key] = (0.0, until)

    def closed(self, account_id: str, operation: str) -> dt.timedelta | None:
        """How long the carrier wants to be left alone, or None."""
        until = self._closed.get((account_id, operation))
        left = until - self._clock() if until is not None else 0.0
        if until is not None and left <= 0:
            del self._closed[account_id, operation]
        return dt.timedelta(seconds=left) if left > 0 else None


class Shared(Protocol):
    """Buckets that all processes share. Raises Away."""

    async def take(self, account_id: str, operation: str, quota: Quota) -> dt.timedelta | None: ...

    async def close(self, account_id: str, operation: str, quota: Quota, pause: dt.timedelta) -> None: ...

    async def aclose(self) -> None: ...


class Limiter:
    """The shared buckets while they answer, else this process's own."""

    def __init__(self, shared: Shared | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._own = Buckets(clock)
        self._clock = clock
        self._away_until = 0.0

    async def take(self, account_id: str, operation: str, quota: Quota | None) -> dt.timedelta | None:
        """None: ask now; else how long not to."""
        closed = self._own.closed(account_id, operation)
        if closed or quota is None:
            return closed
        if self._shared and self._clock() >= self._away_until:
            try:
                return await self._shared.take(account_id, operation, quota)
            except Away:
                self._away_until = self._clock() + _AWAY
        return self._own.take(account_id, operation, quota)

    async def close(self, account_id: str, operation: str, quota: Quota | None, pause: dt.timedelta) -> None:
        """The carrier said "too fast"."""
        pause = min(pause, LONGEST_CLOSED)
        self._own.close(account_id, operation, pause)
        if self._shared and quota and self._clock() >= self._away_until:
            try:
                await self._shared.close(account_id, operation, quota, pause)
            except Away:
                self._away_until = self._clock() + _AWAY

    async def aclose(self) -> None:
        if self._shared:
            await self._shared.aclose()


class InRedis:
    """On one event loop. Redis may be empty, restarted or flushed at any time: a bucket is full then."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Redis | None = None
        self._script: AsyncScript | None = None

    async def take(self, account_id: str, operation: str, quota: Quota) -> dt.timedelta | None:
        wait = await self._run(account_id, operation, quota, 0.0)
        return dt.timedelta(seconds=wait) if wait > 0 else None

    async def close(self, account_id: str, operation: str, quota: Quota, pause: dt.timedelta) -> None:
        if pause > dt.timedelta(0):
            await self._run(account_id, operation, quota, pause.total_seconds())

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _run(self, account_id: str, operation: str, quota: Quota, shut: float) -> float:
        import redis

        try:
            found = await self._loaded()(keys=[f"quota:{account_id}:{operation}"], args=[quota.calls, quota.seconds, shut])
        except redis.RedisError as error:
            raise Away(str(error)) from error
        return float(found)

    def _loaded(self) -> AsyncScript:
        if self._script is None:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            self._client = Redis.from_url(
                self._url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 1)
            )
            self._script = self._client.register_script(_TAKE)
        return self._script
