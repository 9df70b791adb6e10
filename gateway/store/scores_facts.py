"""Facts: what each booking came to, and their sums by day and week, over all zones and by zone, kept as the facts change.

Sums only add, so a change is the new fact less the old one; no row is read for it. `recount` makes the sums anew from the facts.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store import tables
from gateway.store.rows import Owner, whose
from gateway.store.tables import MEASURES
from gateway.values import Mode
from rates.scorecards import LONGEST, MILLION, Sums

DAY, WEEK, ZONE_DAY, ZONE_WEEK = "day", "week", "zone_day", "zone_week"
COLLECTED, OVER, FORECAST = "collected", "over", "forecast"
FINEST = 100  # forecasts are kept by hundredths


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision said of the chosen offer, and its policy's prices; amounts in minor units of the merchant's currency."""

    price: int = 0
    due: int = 0
    quoted: int = 0
    quoted_currency: str = ""
    index: int | None = None
    elapsed_days: float = 0.0
    failed_visit_cost: int = 0
    cost_per_day: int = 0
    deadline_days: int = 0
    deadline_penalty: int = 0


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One booking: when, with whom, where from and to, what it carries, how it was chosen, and what it came to."""

    booking_id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    day: dt.date
    account_id: str
    carrier: str
    moved_by: str
    service: str
    zone: str
    postal_code: str
    destination: str
    weight_g: int
    quality_check: bool
    return_reason: str
    chosen_by: str
    booked_at: dt.datetime
    waiting: bool
    hours: int
    chance: int
    given: Given
    sums: Sums

    @property
    def week(self) -> dt.date:
        return self.day - dt.timedelta(days=self.day.weekday())


_PLAIN = tuple(name for name in Fact.__struct_fields__ if name != "sums")
_COLUMNS = [tables.facts.c[name] for name in (*_PLAIN, *MEASURES)]
_OF_PICKUP = sa.select(*_COLUMNS).where(tables.facts.c.pickup_id == sa.bindparam("pickup_id"))
_SILENT = (
    sa.select(tables.silences.c.booking_id, tables.silences.c.day)
    .join(tables.bookings, tables.bookings.c.id == tables.silences.c.booking_id)
    .where(tables.bookings.c.pickup_id == sa.bindparam("pickup_id"))
)


def of_pickup(tx: sa.Connection, pickup_id: str) -> dict[str, Fact]:
    """The facts of a pickup's bookings, by booking."""
    return {row.booking_id: _fact(row) for row in tx.execute(_OF_PICKUP, {"pickup_id": pickup_id})}


def silent_days(tx: sa.Connection, pickup_id: str) -> dict[str, list[dt.date]]:
    """Promised days of which nothing was heard and that count as failed, by booking."""
    found: dict[str, list[dt.date]] = {}
    for row in tx.execute(_SILENT, {"pickup_id": pickup_id}):
        found.setdefault(row.booking_id, []).append(row.day)
    return found


def _fact(row: sa.Row[Any]) -> Fact:
    plain = dict(zip(_PLAIN, row[: len(_PLAIN)], strict=True))
    plain["given"] = msgspec.convert(plain["given"], Given)
    plain["mode"] = Mode(plain["mode"])
    return Fact(**plain, sums=Sums(**dict(zip(MEASURES, row[len(_PLAIN) :], strict=True))))


# --- keeping ---------------------------------------------------------------------------------------

_KEY = ("merchant_id", "mode", "grain", "start", "account_id", "carrier", "moved_by", "service", "zone")
_COUNTS = ("n", "won", "total")


def _adding(into: Any, values: tuple[str, ...]) -> Any:
    """Into the row if there is one, else as one."""
    sums = {name: into.table.c[name] + into.excluded[name] for name in values}
    return into.on_conflict_do_update(index_elements=list(into.table.primary_key.columns), set_=sums)


def _putting(into: Any) -> Any:
    """As a row, or in place of what the row says the booking came to."""
    new = {name: into.excluded[name] for name in ("waiting", "hours", *MEASURES)}
    return into.on_conflict_do_update(index_elements=["booking_id"], set_=new)


_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_PUT = {name: _putting(insert(tables.facts)) for name, insert in _INSERTS.items()}
_ADD_SUMS = {name: _adding(insert(tables.score_days), MEASURES) for name, insert in _INSERTS.items()}
_ADD_BINS = {name: _adding(insert(tables.score_bins), _COUNTS) for name, insert in _INSERTS.items()}


def put(tx: sa.Connection, before: Fact | None, after: Fact) -> None:
    """Store the fact in place of the one before, and let the sums follow."""
    tx.execute(_PUT[tx.dialect.name], _row(after))
    _change(tx, before, after)


def _row(fact: Fact) -> dict[str, Any]:
    plain = {name: getattr(fact, name) for name in _PLAIN}
    more = {"week": fact.week, "weekday": fact.day.isoweekday(), "booked_hour": hour_of(fact.booked_at)}
    return {**plain, **more, **msgspec.structs.asdict(fact.sums)}


def hour_of(at: dt.datetime) -> int:
    """Whole hours since 1970."""
    return int(at.timestamp()) // 3600


def _change(tx: sa.Connection, before: Fact | None, after: Fact) -> None:
    more = after.sums - (before.sums if before else Sums())
    bins = bins_of(after)
    bins.subtract(bins_of(before) if before else {})
    keys = _keys(after)
    if more != Sums():
        tx.execute(_ADD_SUMS[tx.dialect.name], [{**key, **msgspec.structs.asdict(more)} for key in keys])
    changed = [bin_row for bin_row in _bin_rows(bins) if any(bin_row[name] for name in _COUNTS)]
    if changed:
        tx.execute(_ADD_BINS[tx.dialect.name], [{**key, **bin_row} for key in keys for bin_row in changed])


def _keys(fact: Fact) -> list[dict[str, Any]]:
    """The four rows that a fact is part of, always in the same order."""
    shared = {name: getattr(fact, name) for name in ("merchant_id", "mode", "account_id", "carrier", "moved_by", "service")}
    grains = ((DAY, fact.day, ""), (WEEK, fact.week, ""), (ZONE_DAY, fact.day, fact.zone), (ZONE_WEEK, fact.week, fact.zone))
    return [{**shared, "grain": grain, "start": start, "zone": zone} for grain, start, zone in grains]


def bins_of(fact: Fact) -> Counter[tuple[str, int, str]]:
    """What the fact adds to each bin: (kind, bin, n | won | total) -> amount."""
    bins: Counter[tuple[str, int, str]] = Counter()
    if fact.sums.collected or fact.sums.over:
        bins[COLLECTED if fact.sums.collected else OVER, min(fact.hours, LONGEST + 1), "n"] = 1
    if fact.sums.first_known and fact.chance:
        tenth = min(fact.chance * FINEST // MILLION, FINEST - 1)
        for name, amount in (("n", 1), ("won", fact.sums.first_collected), ("total", fact.chance)):
            bins[FORECAST, tenth, name] = amount
    return bins


def _bin_rows(bins: Counter[tuple[str, int, str]]) -> Iterator[dict[str, Any]]:
    for kind, place in sorted({(kind, place) for kind, place, _ in bins}):
        yield {"kind": kind, "bin": place, **{name: bins[kind, place, name] for name in _COUNTS}}


# --- making the sums anew --------------------------------------------------------------------------


def recount(tx: sa.Connection, owner: Owner) -> None:
    """The sums, from the facts; the database does the adding."""
    who = msgspec.structs.asdict(owner)
    for table in (tables.score_days, tables.score_bins):
        tx.execute(table.delete().where(whose(table)), who)
    for grain in (DAY, WEEK, ZONE_DAY, ZONE_WEEK):
        tx.execute(tables.score_days.insert().from_select([*_KEY, *MEASURES], _sums_of(grain)), who)
        for chosen in _bins_of(grain):
            tx.execute(tables.score_bins.insert().from_select([*_KEY, "kind", "bin", *_COUNTS], chosen), who)


class _Grouped:
    """The facts by the key of a grain: the columns of the key, and those of the facts that they are grouped by."""

    def __init__(self, grain: str) -> None:
        table = tables.facts.c
        start = table.day if grain in (DAY, ZONE_DAY) else table.week
        who = [table.merchant_id, table.mode]
        whom = [table.account_id, table.carrier, table.moved_by, table.service]
        zones = [table.zone] if grain in (ZONE_DAY, ZONE_WEEK) else []
        self.by = [*who, start, *whom, *zones]
        place: list[Any] = [*zones] or [sa.literal("")]
        self.key = [*who, sa.literal(grain), start, *whom, *place]


def _sums_of(grain: str) -> sa.Select[Any]:
    grouped = _Grouped(grain)
    sums = [sa.func.sum(tables.facts.c[name]) for name in MEASURES]
    return sa.select(*grouped.key, *sums).where(whose(tables.facts)).group_by(*grouped.by)


def _bins_of(grain: str) -> list[sa.Select[Any]]:
    table, grouped, one = tables.facts.c, _Grouped(grain), sa.literal(1)
    hours = sa.case((table.hours > LONGEST, LONGEST + 1), else_=table.hours)
    tenth = sa.case((table.chance >= MILLION, FINEST - 1), else_=table.chance * FINEST // MILLION)
    nothing = sa.literal(0)
    kinds: list[tuple[str, Any, Any, list[Any]]] = [
        (COLLECTED, hours, table.collected > 0, [one, nothing, nothing]),
        (OVER, hours, (table.over > 0) & (table.collected == 0), [one, nothing, nothing]),
        (FORECAST, tenth, (table.first_known > 0) & (table.chance > 0), [one, table.first_collected, table.chance]),
    ]
    return [_bin_of(grouped, kind, place.label("bin"), condition, amounts) for kind, place, condition, amounts in kinds]


def _bin_of(grouped: _Grouped, kind: str, place: Any, condition: Any, amounts: list[Any]) -> sa.Select[Any]:
    sums = [sa.func.sum(amount) for amount in amounts]
    chosen = sa.select(*grouped.key, sa.literal(kind), place, *sums).where(whose(tables.facts), condition)
    return chosen.group_by(*grouped.by, place)


def differing(tx: sa.Connection, owner: Owner) -> list[str]:
    """Grains whose sums are not what the facts add up to."""
    who = msgspec.structs.asdict(owner)
    return [grain for grain in (DAY, WEEK, ZONE_DAY, ZONE_WEEK) if _kept(tx, grain, who) != _true(tx, grain, who)]


def _kept(tx: sa.Connection, grain: str, who: dict[str, Any]) -> tuple[set[Any], set[Any]]:
    days, bins = tables.score_days.c, tables.score_bins.c
    sums = sa.select(*(days[name] for name in (*_KEY, *MEASURES))).where(whose(tables.score_days), days.grain == grain)
    counts = sa.select(*(bins[name] for name in (*_KEY, "kind", "bin", *_COUNTS))).where(
        whose(tables.score_bins), bins.grain == grain, (bins.n != 0) | (bins.won != 0) | (bins.total != 0)
    )
    return _rows(tx, sums, who, len(_KEY)), _rows(tx, counts, who, len(_KEY) + 2)


def _true(tx: sa.Connection, grain: str, who: dict[str, Any]) -> tuple[set[Any], set[Any]]:
    sums = _rows(tx, _sums_of(grain), who, len(_KEY))
    return sums, set().union(*(_rows(tx, statement, who, len(_KEY) + 2) for statement in _bins_of(grain)))


def _rows(tx: sa.Connection, statement: Any, who: dict[str, Any], key: int) -> set[Any]:
    """Rows as plain values: PostgreSQL sums to Decimal."""
    return {(*row[:key], *(int(value) for value in row[key:])) for row in tx.execute(statement, who) if any(row[key:])}
