"""The queue in Redis: wake-ups carried by RQ, ids only, JSON.

A wake-up that waits in the queue is marked `held:<job>:<id>`, so that it is not queued twice, by two relays at once neither; the
worker takes the mark away when it begins. Marks end by themselves, so a queue that lost its jobs is filled again by the sweep:
Redis may be empty, restarted or flushed at any time.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.queue import EnqueueData

from gateway.settings import Settings
from gateway.store.outbox import ADVANCE, AUDIT

POLL = "poll"
RECONCILE = "reconcile"
SERIALIZER = "json"

_HELD_SECONDS = 60
_TAKEN_SECONDS = 5  # between mark and job, in case the relay dies there
_PATIENCE = 5.0
_FAILED_KEPT_SECONDS = 3600

Wake = tuple[str, str]  # job, id


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` a job may take: longer than its calls, shorter than a pickup's lease (polls take none).

    Old and new versions work side by side while one is replaced: a kind never changes what it is called with or does. What is to
    change is a new kind, in a queue of its own, which older workers do not listen to.
    """

    function: str
    queue: str
    seconds: int


KINDS: Mapping[str, Kind] = {
    ADVANCE: Kind(function="gateway.jobs.work.advance", queue="pickups", seconds=170),
    POLL: Kind(function="gateway.jobs.work.poll", queue="polls", seconds=320),
    AUDIT: Kind(function="gateway.jobs.work.audit", queue="audits", seconds=150),
    RECONCILE: Kind(function="gateway.jobs.work.reconcile", queue="lists", seconds=900),
}
_BY_FUNCTION = {kind.function: job for job, kind in KINDS.items()}


class NoRedis(RuntimeError):
    """Redis does not answer; the text says where, and what to do."""


def connect(settings: Settings, *, blocking: bool = False) -> redis.Redis:
    """A client that answers. A `blocking` one waits for jobs, so its reads have no time-out of their own. Raises NoRedis."""
    client: redis.Redis = redis.Redis.from_url(
        settings.redis,
        socket_timeout=None if blocking else _PATIENCE,
        socket_connect_timeout=_PATIENCE,
        health_check_interval=15,
        retry=Retry(ConstantBackoff(0.1), 3),  # the library's own would be tried for seconds
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        raise NoRedis(_why(settings.redis, error)) from error
    return client


def _why(url: str, error: Exception) -> str:
    """In one line, without the password."""
    place, told = _place(url), str(error).splitlines()[0].rstrip(".")
    for kind, words in _REASONS:
        if isinstance(error, kind) or (kind is ssl.SSLError and "SSL" in told):
            return words.format(place=place, told=told)
    return f"no Redis at {place}: start `gateway serve`, or set REDIS_URL to one that runs"


# The more special first. redis-py hides a failed handshake in a ConnectionError.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (
        redis.AuthenticationError,
        "Redis at {place} asks for another user or password than REDIS_URL gives: redis://user:password@host/0",
    ),
    (redis.exceptions.NoPermissionError, "Redis at {place} does not let the user of REDIS_URL do this ({told})"),
    (redis.BusyLoadingError, "Redis at {place} is still loading its data: try again in a moment"),
    (redis.ResponseError, "Redis at {place} refuses: {told}; see REDIS_URL"),
    (
        ssl.SSLError,
        "Redis at {place}: the TLS connection failed ({told}); ?ssl_ca_certs=FILE names a certificate authority of your own",
    ),
)


def _place(url: str) -> str:
    """The address without its password."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"


def queues(connection: redis.Redis) -> dict[str, Queue]:
    """By name, the most urgent first."""
    return {kind.queue: Queue(kind.queue, connection=connection, serializer=SERIALIZER) for kind in KINDS.values()}


class Wakes:
    """The queue as the relay sees it."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._queues = queues(connection)

    def check(self) -> None:
        """Raises RedisError where nothing could be queued now."""
        self._redis.ping()

    def waiting(self) -> int:
        """How many wake-ups of those the sweep brings no worker has taken yet."""
        return sum(self._queues[KINDS[job].queue].count for job in (ADVANCE, POLL))

    def enqueue(self, wakes: Iterable[Wake], most: int | None = None) -> int:
        """Queue those that are not held; how many there were."""
        wanted = list(dict.fromkeys(wakes))
        fresh = self._taken(wanted if most is None else self._unheld(wanted)[:most])
        with self._redis.pipeline() as pipeline:
            for wake in fresh:
                pipeline.set(held_key(*wake), "queued", ex=_HELD_SECONDS)
            for job, kind in KINDS.items():
                data = [_data(kind, subject) for name, subject in fresh if name == job]
                self._queues[kind.queue].enqueue_many(data, pipeline=pipeline)
            pipeline.execute()
        return len(fresh)

    def _taken(self, wakes: Sequence[Wake]) -> list[Wake]:
        """Those that got their mark just now: of two relays one gets it."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for wake in wakes:
                pipeline.set(held_key(*wake), "taken", nx=True, ex=_TAKEN_SECONDS)
            marked = pipeline.execute()
        return [wake for wake, mark in zip(wakes, marked, strict=True) if mark]

    def _unheld(self, wakes: Sequence[Wake]) -> list[Wake]:
        held = self._redis.mget([held_key(*wake) for wake in wakes]) if wakes else []
        return [wake for wake, mark in zip(wakes, held, strict=True) if mark is None]


def _data(kind: Kind, subject: str) -> EnqueueData:
    return Queue.prepare_data(
        kind.function, args=(subject,), timeout=kind.seconds, result_ttl=0, failure_ttl=_FAILED_KEPT_SECONDS, description=subject
    )


def held_key(job: str, subject: str) -> str:
    return f"held:{job}:{subject}"


def knows(job: Job) -> bool:
    """Whether it is of a kind that this version has."""
    return job.func_name in _BY_FUNCTION


def wake_of(job: Job) -> Wake:
    """Which wake-up an RQ job of a known kind carries."""
    return _BY_FUNCTION[str(job.func_name)], str(job.args[0])
