"""Where a process can die, as far as it makes a difference: after each commit, and after each call that changes a carrier's books.

What survives a death is the ledger and those books. Both stay as they are from one such moment to the next, so dying before a
commit, before a call, while prices are asked or anywhere between leaves what dying after the last of them left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.values import Account
from tests.services.carriers import WideWorld

CHANGING = frozenset({"book", "cancel"})


class Crash(BaseException):
    """Like kill -9: no handler catches it."""


class Fuse:
    """Burns at the n-th place where a process can die; counts the places."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def burn(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise Crash


def crashes(world: WideWorld, at: int, deed: Callable[[], None]) -> bool:
    """Do it and die at the n-th place; whether it got that far. Then the services are started anew on the same ledger."""
    _plant(world, Fuse(at))
    try:
        deed()
        died = False
    except Crash:
        died = True
    world.restart()
    return died


def _plant(world: WideWorld, fuse: Fuse) -> None:
    """Until the restart. Reading is left alone: nothing is decided by it that a commit or a call does not show."""
    write, step = world.db.write, world.kit.carriers.step

    @contextmanager
    def fragile_write() -> Iterator[Any]:
        with write() as tx:
            yield tx
        fuse.burn()

    async def fragile_step(account: Account, name: str, *args: Any, **more: Any) -> Any:
        try:
            return await step(account, name, *args, **more)
        finally:
            if name in CHANGING:
                fuse.burn()  # the answer is lost with the process

    world.db.write = fragile_write  # type: ignore[method-assign]
    world.kit.carriers.step = fragile_step  # type: ignore[method-assign]
