"""How often a key may ask: a token bucket per key, shared by all processes in Redis.

One Lua script looks, refills and takes in one turn, by Redis's own clock. Where Redis does not answer, each process has a bucket of
its own until it does: the brake then holds per process. It brakes runaway callers; it is no bill.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.web.problems import ProblemError

_PATIENCE = 0.25  # seconds
_AWAY = 5.0  # seconds Redis is left alone after it did not answer

_TAKE = """
local most, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(held[1]) or most, tonumber(held[2]) or now
level = math.min(most, level + math.max(0, now - at) * most / seconds)
local taken = level >= 1
if taken then level = level - 1 end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], seconds * 1000 + 1000)
return {taken and 1 or 0, string.format('%.6f', level)}
"""


class Quota(msgspec.Struct, frozen=True):
    """A bucket of so many requests that fills up in so many seconds."""

    requests: int = 6000
    seconds: int = 10


class Drawn(msgspec.Struct, frozen=True):
    """Whether there was a token, and how full the bucket is after that."""

    taken: bool
    level: float


def draw(level: float, elapsed: float, quota: Quota) -> Drawn:
    """Fill up for the time that has passed, and take one token if there is one."""
    filled = min(float(quota.requests), level + max(elapsed, 0.0) * quota.requests / quota.seconds)
    return Drawn(filled >= 1, filled - 1 if filled >= 1 else filled)


class Left(msgspec.Struct, frozen=True):
    """What is left of a key's quota, as told in the headers RateLimit-Policy and RateLimit (IETF draft, structured fields)."""

    quota: Quota
    level: float

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            "RateLimit-Policy": f'"key";q={self.quota.requests};w={self.quota.seconds}',
            "RateLimit": f'"key";r={math.floor(self.level)};t={self._until(self.quota.requests)}',
        }

    @property
    def retry_after(self) -> int:
        """Whole seconds until there is a token."""
        return max(1, self._until(1))

    def _until(self, level: float) -> int:
        return math.ceil(max(level - self.level, 0.0) * self.quota.seconds / self.quota.requests)


class Buckets(Protocol):
    """Where the buckets are. Raises Away where they cannot be reached."""

    def take(self, key_id: str, quota: Quota) -> Drawn: ...


class Away(RuntimeError):
    """The shared buckets do not answer."""


class Meter:
    """Counts requests by key. Used from many threads."""

    def __init__(self, quota: Quota, shared: Buckets | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._shared = shared
        self._own = OwnBuckets(now)
        self._now = now
        self._away_until = 0.0

    def take(self, key_id: str) -> Left:
        """Count one request. Raises ProblemError `too_many_requests`."""
        drawn = self._draw(key_id)
        left = Left(self._quota, drawn.level)
        if not drawn.taken:
            raise ProblemError("too_many_requests", headers={"Retry-After": str(left.retry_after), **left.headers})
        return left

    def _draw(self, key_id: str) -> Drawn:
        if self._shared and self._now() >= self._away_until:
            try:
                return self._shared.take(key_id, self._quota)
            except Away:
                self._away_until = self._now() + _AWAY
        return self._own.take(key_id, self._quota)


class OwnBuckets:
    """The buckets of one process."""

    _MOST = 10_000  # keys; a full bucket is as good as none

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._levels: dict[str, tuple[float, float]] = {}
        self._turn = threading.Lock()

    def take(self, key_id: str, quota: Quota) -> Drawn:
        with self._turn:
            now = self._now()
            level, at = self._levels.pop(key_id, (float(quota.requests), now))
            drawn = draw(level, now - at, quota)
            self._levels[key_id] = (drawn.level, now)
            if len(self._levels) > self._MOST:
                del self._levels[next(iter(self._levels))]
            return drawn


class RedisBuckets:
    """The buckets of all processes on one Redis; it may be empty, restarted or flushed at any time: a bucket is full then."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._script: Callable[..., list[bytes]] | None = None

    def take(self, key_id: str, quota: Quota) -> Drawn:
        import redis

        try:
            taken, level = self._loaded()(keys=[f"rate:{key_id}"], args=[quota.requests, quota.seconds])
        except redis.RedisError as error:
            raise Away(str(error)) from error
        return Drawn(bool(taken), float(level))

    def _loaded(self) -> Callable[..., list[bytes]]:
        """redis is imported with the first request: an API that starts is spared it."""
        if self._script is None:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            client = Redis.from_url(
                self._url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 1)
            )
            self._script = client.register_script(_TAKE)
        return self._script
