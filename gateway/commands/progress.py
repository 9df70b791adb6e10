"""A bar for work that may take minutes: on a terminal's standard error, so that what is printed can be piped."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def shown(what: str, things: Iterable[T], total: int) -> Iterator[T]:
    """The things, one by one, each a step further."""
    yield from track(things, what, total=total, transient=True, console=Console(stderr=True), disable=not sys.stderr.isatty())
