"""How the ledger and the queue stand, read when somebody looks: outbox, open pickups, exceptions, bookings in doubt, waiting jobs.

The same whichever process tells it. Each figure comes off an index that holds open things only, and is kept for some seconds.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily as Gauge

from gateway import clock
from gateway.store import tables
from gateway.store.database import AWAY, Database

# The queues' names; a test holds them against gateway/jobs/queue.py, which stands above this.
QUEUES = ("pickups", "polls", "audits", "lists")

_KEPT = 5.0
_PATIENCE = 1.0
_log = structlog.get_logger()

Depths = Callable[[], dict[str, int]]


def registry(db: Database, depths: Depths) -> CollectorRegistry:
    """The gauges as Prometheus takes them."""
    made = CollectorRegistry(auto_describe=False)
    made.register(_Gauges(db, depths))
    return made


class _Gauges:
    """A collector: what it read a moment ago it tells again."""

    def __init__(self, db: Database, depths: Depths) -> None:
        self._db = db
        self._depths = depths
        self._lock = threading.Lock()
        self._until = 0.0
        self._known: list[Gauge] = []

    def collect(self) -> Iterable[Gauge]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = [*_queue(self._depths), *self._ledger()]
                self._until = time.monotonic() + _KEPT
            return self._known

    def _ledger(self) -> list[Gauge]:
        """Nothing while the database is away: the gap is the message."""
        try:
            with self._db.read() as tx:
                return list(ledger(tx, clock.wall()))
        except AWAY as error:
            _log.warning("metrics.no_ledger", error=type(error).__name__)
            return []


def ledger(tx: sa.Connection, wall: dt.datetime) -> Iterator[Gauge]:
    """What is open in the ledger, by kind and mode."""
    yield from _outbox(tx, wall)
    pickups, exceptions, bookings = tables.pickups.c, tables.exceptions.c, tables.bookings.c
    yield _counted(tx, "gateway_pickups_open", "Pickups that have not ended, by state.", pickups.state, pickups.mode,
                   pickups.ended.is_(False))  # fmt: skip
    yield _counted(tx, "gateway_exceptions_open", "Exceptions not resolved, by reason.", exceptions.reason, exceptions.mode,
                   exceptions.state != "resolved")  # fmt: skip
    yield _counted(tx, "gateway_bookings_in_doubt", "Bookings whose outcome at the carrier is unknown, by state.", bookings.state,
                   bookings.mode, bookings.state.in_(("unknown", "cancel_unknown")))  # fmt: skip


def _outbox(tx: sa.Connection, wall: dt.datetime) -> Iterator[Gauge]:
    outbox = tables.outbox.c
    number, oldest = tx.execute(sa.select(sa.func.count(), sa.func.min(outbox.created_at)).where(outbox.queued_at.is_(None))).one()
    yield Gauge("gateway_outbox_waiting", "Wake-ups the relay has not taken yet.", value=number)
    age = (wall - oldest).total_seconds() if oldest else 0.0
    yield Gauge("gateway_outbox_age_seconds", "How old the oldest of them is.", value=max(age, 0.0))


def _counted(
    tx: sa.Connection, name: str, what: str, kind: sa.ColumnElement[str], mode: sa.ColumnElement[str], which: sa.ColumnElement[bool]
) -> Gauge:
    gauge = Gauge(name, what, labels=("kind", "mode"))
    for row in tx.execute(sa.select(kind, mode, sa.func.count()).where(which).group_by(kind, mode)):
        gauge.add_metric([row[0], row[1]], row[2])
    return gauge


def _queue(depths: Depths) -> list[Gauge]:
    gauge = Gauge("gateway_queue_jobs", "Jobs that wait for a worker, by queue.", labels=("queue",))
    for queue, number in depths().items():
        gauge.add_metric([queue], number)
    return [gauge] if gauge.samples else []


def depths_at(url: str) -> Depths:
    """The length of RQ's lists; nothing while Redis is away."""
    made: list[Any] = []

    def depths() -> dict[str, int]:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        if not made:
            made.append(
                redis.Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 0))
            )
        try:
            return {queue: int(made[0].llen(f"rq:queue:{queue}")) for queue in QUEUES}
        except redis.RedisError as error:
            _log.warning("metrics.no_redis", error=type(error).__name__)
            return {}

    return depths
