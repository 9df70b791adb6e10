"""Sums read for a scorecard: the kept sums where it is asked about services, accounts, zones and days, else the facts.

A span of days is read as its whole weeks and the days at its ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import tables
from gateway.store.rows import Owner, whose
from gateway.store.scores_facts import COLLECTED, DAY, FINEST, FORECAST, OVER, WEEK, ZONE_DAY, ZONE_WEEK, hour_of
from gateway.store.tables import MEASURES
from rates.scorecards import LONGEST, MILLION, Sums
from rates.statistics import Ended, Forecast, Wait

_WEEK = dt.timedelta(days=7)
_WHOM = ("carrier", "moved_by", "service")


class Whom(msgspec.Struct, frozen=True, order=True):
    """What a row of the scorecard is about."""

    carrier: str
    moved_by: str
    service: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which bookings: by the day they were booked (`until` is the first day after), and by what else is given.

    `postal_codes` are beginnings; from them on only the facts can tell.
    """

    since: dt.date
    until: dt.date
    carriers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    least_g: int | None = None
    most_g: int | None = None
    quality_check: bool | None = None
    return_reasons: tuple[str, ...] = ()
    chosen_by: tuple[str, ...] = ()

    @property
    def needs_facts(self) -> bool:
        rest = (self.postal_codes, self.destinations, self.weekdays, self.return_reasons, self.chosen_by)
        return any(rest) or any(one is not None for one in (self.least_g, self.most_g, self.quality_check))


def sums(tx: sa.Connection, owner: Owner, wanted: Wanted) -> dict[Whom, Sums]:
    """The sums by service."""
    return {_whom(row): Sums(**_measured(row)) for row in _grouped(tx, owner, wanted, (), MEASURES, by_zone=False)}


class Tally(msgspec.Struct, frozen=True):
    """First visits of a service in a zone, and its bookings there."""

    known: int
    collected: int
    bookings: int


def lanes(tx: sa.Connection, owner: Owner, wanted: Wanted) -> dict[Whom, dict[str, Tally]]:
    """By service and zone."""
    found: dict[Whom, dict[str, Tally]] = {}
    names = ("first_known", "first_collected", "bookings")
    for row in _grouped(tx, owner, wanted, ("zone",), names, by_zone=True):
        found.setdefault(_whom(row), {})[row.zone] = Tally(*(int(getattr(row, name)) for name in names))
    return found


def waits(tx: sa.Connection, owner: Owner, wanted: Wanted, now: dt.datetime) -> dict[Whom, list[Wait]]:
    """How long was waited from booking to collection, open bookings until now."""
    found: dict[Whom, list[Wait]] = {}
    for kind, ended in ((COLLECTED, Ended.COLLECTED), (OVER, Ended.OTHERWISE)):
        for row in _bins(tx, owner, wanted, kind):
            found.setdefault(_whom(row), []).append(Wait(row.bin, ended, int(row.n)))
    for row in _open(tx, owner, wanted):
        hours = max(hour_of(now) - row.booked_hour, 0)
        found.setdefault(_whom(row), []).append(Wait(hours, Ended.OPEN, int(row.n)))
    return found


def forecasts(tx: sa.Connection, owner: Owner, wanted: Wanted) -> dict[Whom, list[Forecast]]:
    """What was forecast for first visits and what came, by hundredths of the forecast."""
    found: dict[Whom, list[Forecast]] = {}
    for row in _bins(tx, owner, wanted, FORECAST):
        n = int(row.n)
        if n:
            found.setdefault(_whom(row), []).append(Forecast(int(row.total) / n / MILLION, int(row.won), n))
    return found


def _whom(row: Any) -> Whom:
    return Whom(row.carrier, row.moved_by, row.service)


def _measured(row: Any) -> dict[str, int]:
    return {name: int(getattr(row, name)) for name in MEASURES}


# --- statements ------------------------------------------------------------------------------------


def _grouped(
    tx: sa.Connection, owner: Owner, wanted: Wanted, more: tuple[str, ...], measures: tuple[str, ...], *, by_zone: bool
) -> list[Any]:
    """Rows by service (and `more`) with these sums."""
    if wanted.needs_facts:
        rows: Any = sa.select(*(tables.facts.c[name] for name in (*_WHOM, *more, *measures))).where(*_facts(wanted)).subquery()
    else:
        rows = _spanned(tables.score_days, wanted, (*_WHOM, *more, *measures), by_zone=by_zone)
    by = [rows.c[name] for name in (*_WHOM, *more)]
    total = [sa.func.sum(rows.c[name]).label(name) for name in measures]
    return list(tx.execute(sa.select(*by, *total).group_by(*by).order_by(*by), msgspec.structs.asdict(owner)))


def _bins(tx: sa.Connection, owner: Owner, wanted: Wanted, kind: str) -> list[Any]:
    if wanted.needs_facts:
        rows: Any = _bins_of_facts(wanted, kind)
    else:
        table = tables.score_bins
        rows = _spanned(table, wanted, (*_WHOM, "bin", "n", "won", "total"), table.c.kind == kind, by_zone=False)
    by = [rows.c[name] for name in (*_WHOM, "bin")]
    total = [sa.func.sum(rows.c[name]).label(name) for name in ("n", "won", "total")]
    return list(tx.execute(sa.select(*by, *total).group_by(*by).order_by(*by), msgspec.structs.asdict(owner)))


def _bins_of_facts(wanted: Wanted, kind: str) -> Any:
    table = tables.facts.c
    place, condition = {
        COLLECTED: (table.hours, table.collected > 0),
        OVER: (table.hours, (table.over > 0) & (table.collected == 0)),
        FORECAST: (table.chance * FINEST // MILLION, (table.first_known > 0) & (table.chance > 0)),
    }[kind]
    amounts = (sa.literal(1).label("n"), table.first_collected.label("won"), table.chance.label("total"))
    whom = [table[name] for name in _WHOM]
    return sa.select(*whom, place.label("bin"), *amounts).where(*_facts(wanted), condition).subquery()


def _open(tx: sa.Connection, owner: Owner, wanted: Wanted) -> list[Any]:
    table = tables.facts.c
    by = [*(table[name] for name in _WHOM), table.booked_hour]
    chosen = sa.select(*by, sa.func.count().label("n")).where(*_facts(wanted), table.waiting.is_(True), table.hours <= LONGEST)
    return list(tx.execute(chosen.group_by(*by), msgspec.structs.asdict(owner)))


def _spanned(table: sa.Table, wanted: Wanted, names: tuple[str, ...], *conditions: Any, by_zone: bool) -> Any:
    """The rows of the span's weeks and days, one select each."""
    zoned = by_zone or bool(wanted.zones)
    everywhere = [] if zoned else [table.c.zone == ""]
    columns = [table.c[name] for name in names]
    parts = [
        sa.select(*columns).where(
            whose(table),
            table.c.grain == (_ZONED[grain] if zoned else grain),
            table.c.start >= first,
            table.c.start < last,
            *everywhere,
            *_kept(table, wanted),
            *conditions,
        )
        for grain, first, last in spans(wanted.since, wanted.until)
    ]
    return sa.union_all(*parts).subquery()


_ZONED = {DAY: ZONE_DAY, WEEK: ZONE_WEEK}


def spans(since: dt.date, until: dt.date) -> Iterator[tuple[str, dt.date, dt.date]]:
    """(grain, first, day after the last): whole weeks from Monday on, and the days before and after them."""
    monday = since + dt.timedelta(days=-since.weekday() % 7)
    weeks_end = until - dt.timedelta(days=until.weekday())
    if monday + _WEEK > weeks_end:
        yield DAY, since, until
        return
    yield WEEK, monday, weeks_end
    for first, last in ((since, monday), (weeks_end, until)):
        if first < last:
            yield DAY, first, last


def _kept(table: sa.Table, wanted: Wanted) -> list[Any]:
    """Conditions on columns that sums and facts both have."""
    found: list[Any] = []
    if wanted.carriers:
        found.append(table.c.carrier.in_(wanted.carriers) | table.c.moved_by.in_(wanted.carriers))
    if wanted.services:
        found.append(table.c.service.in_(wanted.services))
    if wanted.accounts:
        found.append(table.c.account_id.in_(wanted.accounts))
    return [*found, *([table.c.zone.in_(wanted.zones)] if wanted.zones else [])]


def _beginning(column: Any, starts: tuple[str, ...]) -> list[Any]:
    return [sa.or_(*(column.startswith(start, autoescape=True) for start in starts))] if starts else []


def _facts(wanted: Wanted) -> list[Any]:
    table = tables.facts.c
    found = [whose(tables.facts), table.day >= wanted.since, table.day < wanted.until, *_kept(tables.facts, wanted)]
    found += _beginning(table.postal_code, wanted.postal_codes)
    for column, chosen in (
        (table.destination, wanted.destinations),
        (table.weekday, wanted.weekdays),
        (table.return_reason, wanted.return_reasons),
        (table.chosen_by, wanted.chosen_by),
    ):
        found += [column.in_(chosen)] if chosen else []
    found += [table.weight_g >= wanted.least_g] if wanted.least_g is not None else []
    found += [table.weight_g <= wanted.most_g] if wanted.most_g is not None else []
    return [*found, *([table.quality_check.is_(wanted.quality_check)] if wanted.quality_check is not None else [])]
