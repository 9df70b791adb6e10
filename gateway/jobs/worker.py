"""A worker: RQ's SimpleWorker, one process, no forks, no scheduler; beside it, on a thread, the courier of webhooks.

Jobs wait for carriers nearly all the time, so several are in hand at once, each on a thread: one that hangs holds up nobody.

A job that fails is not retried by the queue: the ledger still has it due, and the sweep brings it again when the mark set
here ends. WAITS is the one place that says which error waits how long.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType
from typing import Any

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.exceptions import InvalidJobOperation
from rq.job import Job
from rq.timeouts import JobTimeoutException, TimerDeathPenalty
from rq.worker import WorkerStatus

from gateway.carriers.client import NoLab
from gateway.jobs import work
from gateway.jobs.queue import SERIALIZER, connect, held_key, knows, queues, wake_of
from gateway.services import webhooks_courier
from gateway.settings import Settings
from gateway.store.database import AWAY
from gateway.webhooks.sender import Sender

AT_ONCE = 8  # jobs in hand; fewer than connections to the database
WAITS: tuple[tuple[type[BaseException], dt.timedelta], ...] = (
    *((kind, dt.timedelta(seconds=2)) for kind in AWAY),  # the database is locked or away
    (NoLab, dt.timedelta(seconds=5)),
    (JobTimeoutException, dt.timedelta(seconds=30)),
    (BaseException, dt.timedelta(seconds=60)),  # a bug: not to be repeated in a hurry
)

_AWAY_SECONDS = 1.0
_LEFT_SECONDS = 0.1  # after a job that is left to others, so as not to turn it over and over
_TTL = 30  # seconds; RQ waits for jobs half that long at a time
_log = structlog.get_logger()


class Worker(SimpleWorker):
    """Takes the mark off a wake-up when it begins. Ends when told to, or when Redis was away while it looked for work.

    A job of a kind that it does not know is a newer version's, and goes back into the queue for its workers.
    """

    max_connection_wait_time = 2.0
    death_penalty_class = TimerDeathPenalty  # the library's own is a signal, which only the main thread gets
    told_to_stop = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = threading.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="job")

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> tuple[Job, Queue] | None:
        """The next job, taken when there is a place for it and not before: another worker may have one."""
        self._places.acquire()
        found: tuple[Job, Queue] | None = None
        try:
            found = super().dequeue_job_and_maintain_ttl(*args, **kwargs)
        finally:
            if found is None:
                self._places.release()
        return found

    def execute_job(self, job: Job, queue: Queue) -> None:
        if knows(job):
            self._threads.submit(self._perform, job, queue)
            return
        queue.push_job_id(job.id)
        self._places.release()
        time.sleep(_LEFT_SECONDS)

    def _perform(self, job: Job, queue: Queue) -> None:
        """On a thread. Redis away before the job is begun: the sweep brings it again."""
        try:
            self.connection.delete(held_key(*wake_of(job)))
            self.perform_job(job, queue, self.prepare_execution(job))
        except redis.RedisError as error:
            _log.warning("job.not_noted", job=wake_of(job)[0], subject=wake_of(job)[1], error=type(error).__name__)
        finally:
            self._places.release()

    def get_state(self) -> WorkerStatus:
        """What the library asks before it stops to take jobs: at once, for none is in the main thread's hand."""
        return WorkerStatus.IDLE

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """The jobs in hand are finished before it returns."""
        try:
            return bool(super().work(*args, **kwargs))
        finally:
            self._threads.shutdown()

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """That Redis went away or was flushed while the job ran is no failure of the job."""
        library: Any = super()
        if isinstance(exc_info[1], InvalidJobOperation | redis.RedisError):
            _log.warning("job.not_noted", job=wake_of(job)[0], subject=wake_of(job)[1], error=type(exc_info[1]).__name__)
        else:
            library.handle_exception(job, *exc_info)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """RQ's signal handler; that it cannot tell Redis must not end the job in hand."""
        self.told_to_stop = True
        library: Any = super()
        with contextlib.suppress(redis.RedisError):
            library.request_stop(signum, frame)

    def teardown(self) -> None:
        library: Any = super()
        for end in (library.register_death, library.unsubscribe):
            with contextlib.suppress(redis.RedisError):
                end()


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
    """Work until SIGTERM or SIGINT; the jobs in hand are finished.

    Redis may come and go, but at the start it must be there: raises NoRedis.
    """
    _listen_to_signals()
    connection = connect(settings, blocking=True)
    logging.getLogger("rq.worker").addFilter(_in_one_line)
    with webhooks_courier.at_work(work.kit(), Sender(settings.egress_allow)):
        while not _worked(connection):
            time.sleep(_AWAY_SECONDS)


def _worked(connection: redis.Redis) -> bool:
    """Whether it ended because it was told to, or else for want of Redis: then nothing is in hand, and a signal ends us at once."""
    told = False
    try:
        worker = _worker(connection)
        worker.work(logging_level="WARNING")
        told = worker.told_to_stop
    except redis.RedisError as error:
        _log.warning("worker.waits", error=f"{type(error).__name__}: {error}")
    finally:
        _listen_to_signals()
    return told


def _listen_to_signals() -> None:
    """While the library does not yet, or not any more: it does so only after others can see its worker."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def _end(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _worker(connection: redis.Redis) -> Worker:
    return Worker(
        list(queues(connection).values()),
        connection=connection,
        serializer=SERIALIZER,
        worker_ttl=_TTL,
        exception_handlers=[hold_back],
        log_job_description=False,
    )


def _in_one_line(record: logging.LogRecord) -> bool:
    """RQ tells the whole way down to a Redis that is away."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, redis.RedisError):
        record.msg, record.args, record.exc_info = f"Redis is away: {type(error).__name__}", (), None
    return True
