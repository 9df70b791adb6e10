"""What a scorecard is made of: the wanted facts added up by service, out of blocks and out of the loose ones alike."""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import scores_blocks, tables
from gateway.store.rows import Owner
from gateway.store.scores_blocks import HUNDREDTH, Block, number_of
from gateway.store.scores_facts import hour_of
from gateway.store.slices import Slices, any_of, counted, grouped, total
from gateway.store.tables import MEASURES
from rates.scorecards import MILLION, Sums
from rates.statistics import Ended, Forecast, Wait


class Whom(msgspec.Struct, frozen=True, order=True):
    """What a row of the scorecard is about."""

    carrier: str
    moved_by: str
    service: str


class By(enum.StrEnum):
    """By which day bookings are counted: that of the request, of the booking, of the first visit..."""

    REQUESTED = "requested"
    BOOKED = "booked"
    VISITED = "first_visit"
    COLLECTED = "collected"
    DELIVERED = "delivered"


_DAY = {
    By.REQUESTED: "requested_day",
    By.BOOKED: "day",
    By.VISITED: "visited_day",
    By.COLLECTED: "collected_day",
    By.DELIVERED: "delivered_day",
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which bookings: by a day (`until` is the first day after), and by what else is given. `postal_codes` are beginnings."""

    since: dt.date
    until: dt.date
    by: By = By.BOOKED
    carriers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    windows: tuple[str, ...] = ()
    least_g: int | None = None
    most_g: int | None = None
    quality_check: bool | None = None
    return_reasons: tuple[str, ...] = ()
    chosen_by: tuple[str, ...] = ()


class Tally(msgspec.Struct):
    """First visits of a service in a zone, and its bookings there."""

    known: int = 0
    collected: int = 0
    bookings: int = 0


class Group:
    """All that is told of a service: sums, hours of waiting, forecasts by their hundredth, zones."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._waits: Counter[tuple[Ended, int]] = Counter()
        self._forecasts: dict[int, tuple[int, int, int]] = {}  # hundredth: how many, how many collected, total of the chances
        self.lanes: dict[str, Tally] = {}

    @property
    def sums(self) -> Sums:
        return Sums(**self._sums)

    @property
    def waits(self) -> list[Wait]:
        """How long was waited from booking to collection, open bookings until now."""
        return [Wait(hours, ended, count) for (ended, hours), count in sorted(self._waits.items()) if count]

    @property
    def forecasts(self) -> list[Forecast]:
        """What was forecast for first visits and what came, by hundredths of the forecast."""
        told = (self._forecasts[hundredth] for hundredth in sorted(self._forecasts))
        return [Forecast(chances / n / MILLION, won, n) for n, won, chances in told]

    def add(self, block: Block, chosen: int, hour: int) -> None:
        """These rows of a block; `hour` is now."""
        measures = {name: block.column(name) for name in MEASURES}
        for name, column in measures.items():
            self._sums[name] += total(column, chosen)
        self._add_waits(block, measures, chosen, hour)
        self._add_forecasts(block, measures["first_collected"], chosen)
        self._add_lanes(block, measures, chosen)

    def _add_waits(self, block: Block, measures: Mapping[str, Slices], chosen: int, hour: int) -> None:
        collected = any_of(measures["collected"]) & chosen
        for waited, those in grouped(block.column("hours"), collected | any_of(measures["over"]) & chosen):
            n, came = those.bit_count(), (those & collected).bit_count()
            self._waits[Ended.COLLECTED, waited] += came
            self._waits[Ended.OTHERWISE, waited] += n - came
        for since, those in grouped(block.column("since_hour"), any_of(block.column("waiting")) & chosen):
            self._waits[Ended.OPEN, max(hour - since, 0)] += those.bit_count()

    def _add_forecasts(self, block: Block, collected: Slices, chosen: int) -> None:
        above = block.column("above_hundredth")
        for hundredth, rows in grouped(block.column("hundredth"), any_of(block.column("foretold")) & chosen):
            n = rows.bit_count()
            told = (n, total(collected, rows), n * hundredth * HUNDREDTH + total(above, rows))
            before = self._forecasts.get(hundredth, (0, 0, 0))
            self._forecasts[hundredth] = (before[0] + told[0], before[1] + told[1], before[2] + told[2])

    def _add_lanes(self, block: Block, measures: Mapping[str, Slices], chosen: int) -> None:
        tallied = [any_of(measures[name]) & chosen for name in ("first_known", "first_collected", "bookings")]
        counts = zip(*(counted(rows, block.in_zones) for rows in tallied), strict=True)
        for zone, (known, collected, bookings) in zip(block.lines("zone"), counts, strict=True):
            if bookings:
                tally = self.lanes.setdefault(zone, Tally())
                tally.known += known
                tally.collected += collected
                tally.bookings += bookings


def read(tx: sa.Connection, owner: Owner, wanted: Wanted, now: dt.datetime) -> dict[Whom, Group]:
    """The wanted facts by service, the services in order."""
    found: dict[Whom, Group] = {}
    for service, block, live in scores_blocks.parts(tx, owner, functools.partial(_whom, wanted), _by(wanted), *_spans(wanted)):
        chosen = _chosen(block, wanted, live)
        if chosen:
            _, *whom = service
            group = found.setdefault(Whom(*whom), Group())
            group.add(block, chosen, hour_of(now))
    return dict(sorted(found.items()))


# --- which -----------------------------------------------------------------------------------------


def _spans(wanted: Wanted) -> list[Any]:
    """Conditions on kept blocks, which know of their first and last booking only."""
    block = tables.fact_blocks.c
    return [block.last_day >= wanted.since, block.first_day < wanted.until] if wanted.by is By.BOOKED else []


def _whom(wanted: Wanted, table: sa.Table) -> list[Any]:
    """Conditions on what a block is about."""
    found: list[Any] = []
    if wanted.carriers:
        found.append(table.c.carrier.in_(wanted.carriers) | table.c.moved_by.in_(wanted.carriers))
    if wanted.services:
        found.append(table.c.service.in_(wanted.services))
    return [*found, *([table.c.account_id.in_(wanted.accounts)] if wanted.accounts else [])]


def _by(wanted: Wanted) -> list[str]:
    """The columns that say which facts are wanted."""
    words = [name for name, some in _worded(wanted).items() if some]
    return [_DAY[wanted.by], "weekday", "weight_g", "quality_check", *words]


def _chosen(block: Block, wanted: Wanted, live: int) -> int:
    """The rows of the block that are wanted."""
    chosen = block.within(_DAY[wanted.by], number_of(wanted.since), number_of(wanted.until), live)
    for name, words in _worded(wanted).items():
        chosen = block.among(name, words, chosen, beginning=name == "postal_code") if words else chosen
    if wanted.weekdays:
        chosen = any_of(block.within("weekday", day, day + 1, chosen) for day in wanted.weekdays)
    if wanted.least_g is not None or wanted.most_g is not None:
        most = 1 << 63 if wanted.most_g is None else wanted.most_g + 1
        chosen = block.within("weight_g", wanted.least_g or 0, most, chosen)
    if wanted.quality_check is not None:
        chosen = block.within("quality_check", int(wanted.quality_check), int(wanted.quality_check) + 1, chosen)
    return chosen


def _worded(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    return {
        "zone": wanted.zones,
        "postal_code": wanted.postal_codes,
        "destination": wanted.destinations,
        "return_reason": wanted.return_reasons,
        "chosen_by": wanted.chosen_by,
        "window": wanted.windows,
    }
