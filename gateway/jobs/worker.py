"""A worker: RQ's SimpleWorker, one process, no forks, no scheduler.

A job that fails is not retried by the queue: the ledger still has it due, and the sweep brings it again when the mark set
here ends. WAITS is the one place that says which error waits how long.
"""

from __future__ import annotations

import datetime as dt
from types import TracebackType

import redis
import sqlalchemy as sa
import structlog
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.timeouts import JobTimeoutException

from gateway.carriers.client import NoLab
from gateway.jobs import work
from gateway.jobs.queue import SERIALIZER, connect, held_key, queues, wake_of
from gateway.settings import Settings

WAITS: tuple[tuple[type[BaseException], dt.timedelta], ...] = (
    (sa.exc.OperationalError, dt.timedelta(seconds=2)),  # the database is locked or away
    (NoLab, dt.timedelta(seconds=5)),
    (JobTimeoutException, dt.timedelta(seconds=30)),
    (BaseException, dt.timedelta(seconds=60)),  # a bug: not to be repeated in a hurry
)

_TTL = 30  # seconds; RQ waits for jobs half that long at a time
_log = structlog.get_logger()


class Worker(SimpleWorker):
    """Takes the mark off a wake-up when it begins."""

    max_connection_wait_time = 2.0

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.connection.delete(held_key(*wake_of(job)))
        super().execute_job(job, queue)


def hold_back(job: Job, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> bool:
    """RQ's exception handler: mark the wake-up, so that the sweep leaves it alone for a while."""
    name, subject = wake_of(job)
    pause = wait_after(kind)
    job.connection.set(held_key(name, subject), kind.__name__, px=pause)
    _log.error("job.failed", job=name, subject=subject, error=kind.__name__, again_in=f"{pause.total_seconds():.0f} s")
    return True


def wait_after(kind: type[BaseException]) -> dt.timedelta:
    """How long a job that failed so is left alone."""
    return next(pause for error, pause in WAITS if issubclass(kind, error))


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; the job in hand is finished. Raises NoRedis."""
    connection = connect(settings, blocking=True)
    work.kit()
    worker = Worker(
        list(queues(connection).values()),
        connection=connection,
        serializer=SERIALIZER,
        worker_ttl=_TTL,
        exception_handlers=[hold_back],
        log_job_description=False,
    )
    try:
        worker.work(logging_level="WARNING")
    except redis.ConnectionError as error:
        _log.warning("worker.lost_redis", error=str(error))
