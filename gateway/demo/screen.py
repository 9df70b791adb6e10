"""What is seen: a live table with the news above it on a terminal, plain lines elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from gateway.demo.api import Pickup
from gateway.demo.telling import name

ZONE = ZoneInfo("Asia/Kolkata")

_COLOURS = {"delivered": "green", "cancelled": "yellow", "visit_failed": "red", "booking_unknown": "red", "exhausted": "red"}


class Screen(Protocol):
    def __enter__(self) -> Screen: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def at(self, now: dt.datetime) -> None:
        """The business time from here on."""

    def line(self, reference: str, words: str) -> None:
        """Something happened to a return."""

    def show(self, pickups: Sequence[Pickup]) -> None:
        """How the returns stand."""


def stamp(now: dt.datetime) -> str:
    """To the nearest minute, in India."""
    return f"{now.astimezone(ZONE) + dt.timedelta(seconds=30):%a %d %b %H:%M}"


class Lines:
    """For logs and pipes: one line per event."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._now = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing to put away."""

    def at(self, now: dt.datetime) -> None:
        self._now = stamp(now)

    def line(self, reference: str, words: str) -> None:
        self._console.print(f"{self._now}  {reference}  {words}", markup=False, highlight=False, soft_wrap=True)

    def show(self, pickups: Sequence[Pickup]) -> None:
        """The lines have told it."""


class Board(Lines):
    """For a terminal: the lines scroll above a table of all returns."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._last: dict[str, str] = {}

    def __enter__(self) -> Board:
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.__exit__(kind, error, trace)

    def line(self, reference: str, words: str) -> None:
        self._last[reference] = words
        super().line(reference, words)

    def show(self, pickups: Sequence[Pickup]) -> None:
        self._live.update(self._table(pickups), refresh=True)

    def _table(self, pickups: Sequence[Pickup]) -> Table:
        table = Table(title=f"simulated: {self._now} in India", title_justify="left", expand=True)
        for head, ratio in (("return", 2), ("from", 2), ("carrier", 2), ("state", 3), ("visits", 1), ("last", 6)):
            table.add_column(head, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for pickup in pickups:
            table.add_row(*self._row(pickup))
        return table

    def _row(self, pickup: Pickup) -> tuple[str, ...]:
        colour = _COLOURS.get(pickup.state, "cyan")
        carrier = name(pickup.bookings[-1].carrier) if pickup.bookings else ""
        state = f"[{colour}]{pickup.state}[/{colour}]"
        last = escape(self._last.get(pickup.reference, ""))
        return (pickup.reference, pickup.metadata.get("city", ""), carrier, state, str(len(pickup.visits)), last)


def screen(console: Console) -> Screen:
    return Board(console) if console.is_terminal else Lines(console)
