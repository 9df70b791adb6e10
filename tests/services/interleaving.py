"""Several workers on one ledger, one moving at a time: dice decide who, who dies, and what happens in between.

Each worker has its own connections and its own client of the carriers, and is held up before and after each commit and each call
that changes a carrier's books. Nobody holds a lock while he is held up, so the same dice play the same game.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from gateway.services.kit import Kit
from gateway.values import Account
from tests.services.crashing import CHANGING, Crash

_PATIENCE = 30.0  # seconds for one move; a game that hangs fails
_DEATHS = 0.02


class Worker:
    """Does `deed` on a thread of its own, from one gate to the next."""

    def __init__(self, kit: Kit, deed: Callable[[Kit], None]) -> None:
        self.finished, self.killed = False, False
        self._turn, self._parked = threading.Semaphore(0), threading.Event()
        self._failure: BaseException | None = None
        _put_gates(kit, self._gate)
        self._thread = threading.Thread(target=self._work, args=(kit, deed), daemon=True)
        self._thread.start()
        self._wait()

    def move(self, *, dies: bool = False) -> None:
        """Let it go to its next gate, or die where it stands."""
        self.killed = self.killed or dies
        self._parked.clear()
        self._turn.release()
        self._wait()

    def _wait(self) -> None:
        assert self._parked.wait(_PATIENCE), "a worker hangs"
        if self._failure:
            raise self._failure

    def _gate(self) -> None:
        self._parked.set()
        assert self._turn.acquire(timeout=_PATIENCE)
        if self.killed:
            raise Crash

    def _work(self, kit: Kit, deed: Callable[[Kit], None]) -> None:
        try:
            self._gate()
            deed(kit)
        except Crash:
            pass
        except BaseException as failure:  # told to whoever plays
            self._failure = failure
        self.finished = True
        self._parked.set()


def play(workers: Sequence[Worker], dice: Random, meanwhile: Callable[[Random], None]) -> None:
    """Until all have finished or died; at most one dies."""
    dead = False
    while going := [worker for worker in workers if not worker.finished]:
        dies = not dead and dice.random() < _DEATHS
        dead = dead or dies
        dice.choice(going).move(dies=dies)
        meanwhile(dice)


def _put_gates(kit: Kit, gate: Callable[[], None]) -> None:
    write, step = kit.db.write, kit.carriers.step

    @contextmanager
    def gated_write() -> Iterator[Any]:
        gate()
        with write() as tx:
            yield tx
        gate()

    async def gated_step(account: Account, name: str, *args: Any, **more: Any) -> Any:
        if name not in CHANGING:
            return await step(account, name, *args, **more)
        await asyncio.to_thread(gate)
        try:
            return await step(account, name, *args, **more)
        finally:
            await asyncio.to_thread(gate)

    kit.db.write = gated_write  # type: ignore[method-assign]
    kit.carriers.step = gated_step  # type: ignore[method-assign]
