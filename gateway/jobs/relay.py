"""The relay: what the ledger wants done is handed to the queue.

Twice: the outbox at once, and by a sweep every pickup and account whose time has come, by the wall or by business time.
The sweep alone would do; the outbox is only faster. With Redis or the database away it waits, and nothing is lost. Any number may
run on PostgreSQL: rows of the outbox that one has in hand the others skip.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable

import redis
import structlog

from gateway import clock
from gateway.jobs.queue import POLL, RECONCILE, Wakes
from gateway.services import erasing, polling, reconciling, webhooks
from gateway.services.kit import Kit
from gateway.store import idempotency, outbox, scores_blocks
from gateway.store.database import AWAY
from gateway.store.outbox import ADVANCE

_BATCH = 100
_BUSY, _IDLE, _AWAY = 0.05, 0.15, 1.0  # seconds until the next look
_SWEEP, _SWEEP_EMBEDDED = 2.0, 0.5
# The sweep fills the queue up to here only: in a backlog whatever is due is in it already, or is found when it has shrunk.
_MOST_WAITING = 500
_MOST_OVERDUE = 2000
_TIDY = 3600.0
_PACK, _PACK_MORE = 60.0, 1.0
_RECONCILE = 60.0
_EXPIRE_MORE = 1.0  # a few pickups a second, so that nothing waits for it

_log = structlog.get_logger()


class _Chore:
    """Done when its time has come; `pause` tells from what came of it how many seconds until the next time."""

    def __init__(self, work: Callable[[], int], pause: Callable[[int], float]) -> None:
        self._work = work
        self._pause = pause
        self._at = 0.0

    def do(self) -> None:
        if time.monotonic() >= self._at:
            self._at = time.monotonic() + self._pause(self._work())


class Relay:
    """`embedded`: the database is a file of this machine, so looking often costs next to nothing."""

    def __init__(self, kit: Kit, wakes: Wakes, *, embedded: bool, retention_days: int = 0) -> None:
        self._kit = kit
        self._wakes = wakes
        self._retention_days = retention_days
        self._away = False
        self._chores = (
            _Chore(self.sweep, lambda _: _SWEEP_EMBEDDED if embedded else _SWEEP),
            _Chore(self.tidy, lambda _: _TIDY),
            _Chore(self.reconcile, lambda _: _RECONCILE),
            _Chore(self.expire, lambda more: _EXPIRE_MORE if more else _TIDY),
            _Chore(self.pack, lambda more: _PACK_MORE if more else _PACK),
        )

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        pause = 0.0
        while not stop.wait(pause):
            pause = self._look()

    def _look(self) -> float:
        """One look at the ledger; seconds until the next."""
        try:
            handed = self.hand_over()
            for chore in self._chores:
                chore.do()
        except (redis.RedisError, *AWAY) as error:
            self._tell(error)
            return _AWAY
        self._away = False
        return _BUSY if handed else _IDLE

    def _tell(self, error: Exception) -> None:
        """Once, not every second."""
        if not self._away:
            _log.warning("relay.waits", error=f"{type(error).__name__}: {str(error).splitlines()[0]}")
        self._away = True

    def hand_over(self) -> int:
        """Queue a batch of the outbox, then strike it out: dying in between queues it twice, which does no harm."""
        with self._kit.db.read() as tx:
            if not outbox.any_waiting(tx):
                return 0
        self._wakes.check()  # before the ledger is locked for writing
        with self._kit.db.write() as tx:
            rows = outbox.waiting(tx, _BATCH)
            self._wakes.enqueue((job, subject) for _, job, subject in rows)
            outbox.queued(tx, [row_id for row_id, _, _ in rows])
        return len(rows)

    def sweep(self) -> int:
        """Queue what is due and not held; how many."""
        room = _MOST_WAITING - self._wakes.waiting()
        if room <= 0:
            return 0
        wall = clock.wall()
        with self._kit.db.read() as tx:
            overdue = outbox.overdue(tx, wall, dt.timedelta(0), _MOST_OVERDUE)
        due = [(ADVANCE, pickup) for pickup in overdue] + [(POLL, account) for account in polling.due_accounts(self._kit, wall)]
        return self._wakes.enqueue(due, most=room)

    def tidy(self) -> int:
        """Strike out old webhook deliveries, and idempotency keys that have lapsed; how many keys."""
        with self._kit.db.write() as tx:
            webhooks.tidy(tx, clock.wall())
            return idempotency.purge(tx, clock.wall())

    def pack(self) -> bool:
        """Put settled facts of one service into a block, where there are enough; whether there were."""
        with self._kit.db.write() as tx:
            return scores_blocks.pack(tx)

    def reconcile(self) -> int:
        """Queue the accounts that were not held against their carrier's list today; how many."""
        with self._kit.db.read() as tx:
            due = reconciling.due_accounts(tx, clock.wall())
        return self._wakes.enqueue((RECONCILE, account) for account in due)

    def expire(self) -> int:
        """Erase people from pickups whose time of keeping is over; how many."""
        number = erasing.expire(self._kit, self._retention_days, clock.wall())
        if number:
            self._kit.db.forget()
        return number
