"""Doing things at once, in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(*work: Callable[[], T]) -> list[T]:
    """All started at the same moment; what each returned. Raises what one of them raised."""
    line = threading.Barrier(len(work))

    def run(one: Callable[[], T]) -> T:
        line.wait(30)
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))
