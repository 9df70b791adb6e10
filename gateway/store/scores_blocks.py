"""Blocks: thousands of facts of one service side by side, column by column, so that any question about them is a few operations.

A fact is loose until enough of its service are settled to make a block. One that changes afterwards is loose again, a hole in its
block. A block with many holes is given up, and so are many small ones of a service, for one large.
"""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import gc
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway import ids
from gateway.store import tables
from gateway.store.rows import Owner, whose
from gateway.store.scores_facts import AMOUNTS, COUNTS, INSERTS, MOST_COUNTED, loosen
from gateway.store.slices import Slices, any_of, between, chosen_of, every, sliced
from rates.scorecards import MILLION

MOST, LEAST = 16_384, 1_024  # facts in a block
FINEST = 100  # forecasts are told apart by hundredths
HUNDREDTH = MILLION // FINEST

WHOM = ("account_id", "carrier", "moved_by", "service")
DAYS = ("day", "requested_day", "visited_day", "collected_day", "delivered_day")
_NUMBERS = ("weekday", "weight_g", "quality_check", "waiting", "hours", *AMOUNTS)
_WORDS = ("zone", "postal_code", "destination", "return_reason", "chosen_by", "window")
_BEFORE = dt.date(2019, 12, 31).toordinal()  # days count from here, none is 0

# Counts are read seven in one number: to make values of a million rows' columns takes longer than all the rest.
_SEVEN, _COUNT_BITS = 7, MOST_COUNTED.bit_length()
_READ_AS_ONE = {f"counts_{start}": COUNTS[start : start + _SEVEN] for start in range(0, len(COUNTS), _SEVEN)}

_FACTS = tables.facts.c
_MADE_FROM = ("booked_hour", "chance")
_ALWAYS = ("waiting", "hours", "zone", *_MADE_FROM, *AMOUNTS)  # columns that each scorecard needs
_ALL = (*DAYS, *_NUMBERS, *_WORDS, *_MADE_FROM)

Columns = dict[str, Sequence[Any]]
Service = tuple[Any, ...]  # WHOM's values


def _columns(names: Iterable[str]) -> list[sa.ColumnElement[Any]]:
    """As the driver gives them: days as text with SQLite's."""
    plain = [sa.type_coerce(_FACTS[name], sa.types.NullType).label(name) for name in (*WHOM, "booking_id", *names)]
    return [*plain, *(_as_one(counts).label(name) for name, counts in _READ_AS_ONE.items())]


def _as_one(counts: Sequence[str]) -> sa.ColumnElement[Any]:
    shifted = [_FACTS[name] * sa.literal_column(str(1 << place * _COUNT_BITS)) for place, name in enumerate(counts)]
    return sa.type_coerce(functools.reduce(operator.add, shifted), sa.types.NullType)


_WHOLE = _columns(_ALL)


def number_of(day: dt.date) -> int:
    """The day as a number that a column of days holds."""
    return max(day.toordinal() - _BEFORE, 1)


class Block(msgspec.Struct):
    """The columns of n facts, as slices; those of words hold places in the lines of `words`, which are sorted. Rows are sorted by
    zone: `in_zones` is how many there are of each.
    """

    n: int
    in_zones: list[int]
    slices: dict[str, list[bytes]]
    words: dict[str, str]

    def column(self, name: str) -> Slices:
        return [int.from_bytes(one, "little") for one in self.slices[name]]

    def lines(self, name: str) -> list[str]:
        """The words of a column, in the order of their places."""
        return self.words[name].split("\n")

    def within(self, name: str, low: int, high: int, chosen: int) -> int:
        """Those of the chosen rows that have a number of at least low and below high."""
        return between(self.column(name), low, high, chosen)

    def among(self, name: str, wanted: Iterable[str], chosen: int, *, beginning: bool = False) -> int:
        """Those of the chosen rows that have one of these words, or one that begins so."""
        words, places, found = self.lines(name), self.column(name), 0
        for word in wanted:
            low = bisect.bisect_left(words, word)
            high = bisect.bisect_right(words, word + "\U0010ffff" if beginning else word)
            found |= between(places, low, high, chosen) if low < high else 0
        return found


def block_of(columns: Columns) -> Block:
    """A block of facts by zone, of as many of their columns as are given."""
    words = {name: sorted(set(columns[name])) for name in _WORDS if name in columns}
    numbers = {name: columns[name] for name in _NUMBERS if name in columns}
    numbers |= {name: list(map(_numbered, columns[name])) for name in DAYS if name in columns}
    numbers |= {name: list(map(_places(words[name]), columns[name])) for name in words}
    found: dict[str, Slices] = {name: sliced(numbers[name]) for name in numbers}
    for name, counts in _READ_AS_ONE.items():
        found |= _told_apart(sliced(columns[name]), counts)
    found |= _made(columns, found)
    n, of_zone = len(columns["zone"]), Counter(columns["zone"])
    slices = {name: [one.to_bytes((n + 7) // 8, "little") for one in mine] for name, mine in found.items()}
    in_zones = [of_zone[zone] for zone in words["zone"]]
    return Block(n=n, in_zones=in_zones, slices=slices, words={name: "\n".join(words[name]) for name in words})


def _told_apart(slices: Slices, counts: Iterable[str]) -> dict[str, Slices]:
    """The slices of each of the counts that were read as one."""
    found: dict[str, Slices] = {}
    for place, name in enumerate(counts):
        mine = list(slices[place * _COUNT_BITS : (place + 1) * _COUNT_BITS])
        while mine and not mine[-1]:
            mine.pop()
        found[name] = mine
    return found


def _made(columns: Columns, slices: Mapping[str, Slices]) -> dict[str, Slices]:
    """Since when it waits; whether its first visit was forecast and is known; its chance in hundredths and the rest of them."""
    chances, waiting = columns["chance"], any_of(slices["waiting"])
    hundredths = [chance // HUNDREDTH if chance < MILLION else FINEST - 1 for chance in chances]
    above = [chance - whole * HUNDREDTH for chance, whole in zip(chances, hundredths, strict=True)]
    hundredth, rest = sliced(hundredths), sliced(above)
    foretold = any_of([*hundredth, *rest]) & any_of(slices["first_known"])
    return {
        "since_hour": [one & waiting for one in sliced(columns["booked_hour"])] if waiting else [],
        "foretold": [foretold] if foretold else [],
        "hundredth": hundredth,
        "above_hundredth": rest,
    }


@functools.cache
def _numbered(day: dt.date | str | None) -> int:
    return number_of(_day(day)) if day else 0


def _day(day: dt.date | str) -> dt.date:
    return dt.date.fromisoformat(day) if isinstance(day, str) else day


def _places(words: list[str]) -> Callable[[str], int]:
    return {word: place for place, word in enumerate(words)}.__getitem__


# --- rows ------------------------------------------------------------------------------------------

Rows = Sequence[sa.Row[Any]]
_SOME = 1_024  # rows fetched at once


def _by_service(rows: Rows) -> dict[Service, list[sa.Row[Any]]]:
    found: dict[Service, list[sa.Row[Any]]] = {}
    for row in rows:
        found.setdefault(_service_of(row), []).append(row)
    return found


def _service_of(row: sa.Row[Any]) -> Service:
    return tuple(row[: len(WHOM)])


def _columns_of(rows: Rows) -> Columns:
    """The columns of facts by zone, those of a zone by booking."""
    names = rows[0]._fields
    ordered = sorted(rows, key=operator.itemgetter(names.index("booking_id")))
    ordered.sort(key=operator.itemgetter(names.index("zone")))
    return dict(zip(names, zip(*ordered, strict=True), strict=True))


@contextmanager
def _rows_are_no_garbage() -> Iterator[None]:
    """To look for garbage among rows by the hundred thousand takes a quarter of the time, and finds none."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


# --- reading ---------------------------------------------------------------------------------------

_B, _L = tables.fact_blocks.c, tables.loose_facts.c
_LOOSE = tables.loose_facts.join(tables.facts, _L.booking_id == _FACTS.booking_id)
_DECODER = msgspec.msgpack.Decoder(Block)

Part = tuple[Service, Block, int]  # whose facts, their columns, the rows that count
Of = Callable[[sa.Table], Iterable[Any]]  # conditions on WHOM, for a table that has it


def parts(tx: sa.Connection, owner: Owner, of: Of, by: Iterable[str], *spans: sa.ColumnElement[bool]) -> Iterator[Part]:
    """The owner's facts in blocks, those of the loose ones made for the occasion. `by` names columns that rows are chosen by,
    `spans` are conditions on the kept blocks.
    """
    chosen = sa.select(*_columns(sorted({*_ALWAYS, *by}))).select_from(_LOOSE).where(whose(tables.loose_facts), *of(tables.facts))
    changed = _by_service(tx.execute(chosen, msgspec.structs.asdict(owner)).all())
    for service, rows in changed.items():
        yield service, block_of(_columns_of(rows)), every(len(rows))
    bookings = {service: sorted(row.booking_id for row in rows) for service, rows in changed.items()}
    for row, block, live in _kept(tx, owner, bookings, of, spans):
        yield _service_of(row), block, live


def _kept(
    tx: sa.Connection,
    owner: Owner,
    changed: Mapping[Service, Sequence[str]],
    of: Of,
    spans: Iterable[Any] = (),
) -> Iterator[tuple[Any, Block, int]]:
    """The blocks, without the rows of bookings that changed."""
    wanted = [_B[name] for name in (*WHOM, "id", "first_booking", "last_booking", "body")]
    chosen = sa.select(*wanted).where(whose(tables.fact_blocks), *of(tables.fact_blocks), *spans)
    for row in tx.execute(chosen.execution_options(yield_per=8), msgspec.structs.asdict(owner)):
        block = _DECODER.decode(row.body)
        yield row, block, every(block.n) & ~_holes(tx, row, changed.get(_service_of(row), ()))


def _holes(tx: sa.Connection, row: Any, changed: Sequence[str]) -> int:
    """The rows of the block that count no more, of bookings in order."""
    first, last = bisect.bisect_left(changed, row.first_booking), bisect.bisect_right(changed, row.last_booking)
    within = set(changed[first:last])
    there = _bookings(tx, row.id) if within else []
    return chosen_of(map(within.__contains__, there))


def _bookings(tx: sa.Connection, block_id: str) -> list[str]:
    text = tx.scalar(sa.select(_B.bookings).where(_B.id == block_id)) or b""
    return bytes(text).decode().split()


# --- making ----------------------------------------------------------------------------------------

_SERVICE = ("merchant_id", "mode", *WHOM)
_SETTLED = _FACTS.waiting.is_(False)
_MANY_SMALL = MOST // LEAST
_AT_ONCE = 10_000  # facts in one statement


def pack(tx: sa.Connection, least: int = LEAST) -> bool:
    """Give up blocks that are worn, then make one of settled facts, of whichever service has enough; whether there was one."""
    by = [_FACTS[name] for name in _SERVICE]
    enough = sa.select(*by).select_from(_LOOSE).where(_SETTLED).group_by(*by).having(sa.func.count() >= least).limit(1)
    service = tx.execute(enough).first()
    if service is None:
        return False
    owner = Owner(service.merchant_id, service.mode)
    _give_up(tx, owner, _worn(tx, owner, lambda table: [table.c[name] == getattr(service, name) for name in WHOM]))
    mine = [column == value for column, value in zip(by, service, strict=True)]
    chosen = sa.select(*_WHOLE).select_from(_LOOSE).where(_SETTLED, *mine).order_by(_FACTS.booking_id).limit(MOST)
    held = chosen.with_for_update(of=[tables.facts, tables.loose_facts], skip_locked=True, key_share=True)
    rows = tx.execute(held).all()
    if rows:
        _make(tx, owner, rows)
        tx.execute(_SETTLE, [{"booking": row.booking_id, "who": owner.merchant_id, "how": owner.mode} for row in rows])
    return bool(rows)


def _worn(tx: sa.Connection, owner: Owner, of: Of) -> list[str]:
    """The service's blocks an eighth of which are holes, and the small ones where there are many."""
    blocks = [(row.id, block.n, live.bit_count()) for row, block, live in _kept(tx, owner, _changed(tx, owner, of), of)]
    small = [block_id for block_id, n, _ in blocks if n < MOST // 2]
    holey = [block_id for block_id, n, live in blocks if (n - live) * 8 >= n]
    return sorted({*holey, *(small if len(small) >= _MANY_SMALL else [])})


def _give_up(tx: sa.Connection, owner: Owner, blocks: Sequence[str]) -> None:
    bookings = sorted(booking for block_id in blocks for booking in _bookings(tx, block_id))
    for start in range(0, len(bookings), _AT_ONCE):
        some = bookings[start : start + _AT_ONCE]
        _hold(tx, _FACTS.booking_id.in_(some))
        loosen(tx, owner, some)
    tx.execute(tables.fact_blocks.delete().where(_B.id.in_(blocks)))


def _hold(tx: sa.Connection, which: sa.ColumnElement[bool], **values: str) -> None:
    """Let nobody else change these facts until the transaction ends. Everybody takes them in the order of their bookings, and
    before what says whether they are loose: so nobody waits for who waits for him.
    """
    if tx.dialect.name != "sqlite":  # whose writers take turns anyway
        held = sa.select(_FACTS.booking_id).where(which).order_by(_FACTS.booking_id).with_for_update(key_share=True)
        tx.execute(sa.select(sa.func.count()).select_from(held.subquery()), values)


def _make(tx: sa.Connection, owner: Owner, rows: Rows) -> None:
    """A block of these facts of one service."""
    columns = _columns_of(rows)
    bookings, days = columns["booking_id"], columns["day"]
    tx.execute(
        tables.fact_blocks.insert().values(
            id=ids.new("fbl"),
            **msgspec.structs.asdict(owner),
            **{name: columns[name][0] for name in WHOM},
            first_day=_day(min(set(days))),
            last_day=_day(max(set(days))),
            first_booking=min(bookings),
            last_booking=max(bookings),
            n=len(rows),
            body=msgspec.msgpack.encode(block_of(columns)),
            bookings=" ".join(bookings).encode(),
        )
    )


_SETTLE = tables.loose_facts.delete().where(
    _L.merchant_id == sa.bindparam("who"), _L.mode == sa.bindparam("how"), _L.booking_id == sa.bindparam("booking")
)


# --- anew ------------------------------------------------------------------------------------------


def rebuild(tx: sa.Connection, owner: Owner) -> int:
    """All blocks of the owner anew, of every settled fact, in one pass; how many. Facts that are known do not change meanwhile."""
    who = msgspec.structs.asdict(owner)
    _hold(tx, whose(tables.facts), **who)
    for table in (tables.loose_facts, tables.fact_blocks):
        tx.execute(table.delete().where(whose(table)), who)
    tx.execute(_LOOSEN_WAITING[tx.dialect.name], who)
    made = 0
    with _rows_are_no_garbage():
        for rows in _bundles(_settled(tx, owner)):
            _make(tx, owner, rows)
            made += 1
    return made


_LOOSE_KEY = list(tables.loose_facts.primary_key.columns.keys())
_WAITING = sa.select(*(_FACTS[name] for name in _LOOSE_KEY)).where(whose(tables.facts), _FACTS.waiting.is_(True))
_LOOSEN_WAITING = {
    name: insert(tables.loose_facts).from_select(_LOOSE_KEY, _WAITING).on_conflict_do_nothing() for name, insert in INSERTS.items()
}


def _settled(tx: sa.Connection, owner: Owner) -> Iterator[Rows]:
    """All settled facts by booking, some at a time."""
    chosen = sa.select(*_WHOLE).where(whose(tables.facts), _SETTLED, _FACTS.booking_id > sa.bindparam("after"))
    chosen = chosen.order_by(_FACTS.booking_id).limit(_SOME)
    after = ""
    while rows := tx.execute(chosen, {**msgspec.structs.asdict(owner), "after": after}).all():
        yield rows
        after = rows[-1].booking_id


def _bundles(facts: Iterable[Rows]) -> Iterator[Rows]:
    """The facts of one service at a time, as many as a block holds or some less."""
    gathered: dict[Service, list[sa.Row[Any]]] = {}
    for some in facts:
        for service, rows in _by_service(some).items():
            bundle = gathered.setdefault(service, [])
            bundle += rows
            if len(bundle) > MOST - _SOME:
                yield gathered.pop(service)
    yield from gathered.values()


def differing(tx: sa.Connection, owner: Owner) -> list[str]:
    """Blocks that do not say what their facts say, and facts that are in no block and not loose either."""
    changed, wrong = _changed(tx, owner, _all), []
    known = {booking for bookings in changed.values() for booking in bookings}
    for row, block, live in _kept(tx, owner, changed, _all):
        bookings = _bookings(tx, row.id)
        wrong += [] if _true(tx, bookings, block, live) else [row.id]
        known |= set(bookings)
    there = tx.scalars(sa.select(_FACTS.booking_id).where(whose(tables.facts)), msgspec.structs.asdict(owner))
    return sorted([*wrong, *(f"fact of {booking}" for booking in there if booking not in known)])


def _all(table: sa.Table) -> Iterable[Any]:
    return ()


def _changed(tx: sa.Connection, owner: Owner, of: Of) -> dict[Service, list[str]]:
    """The loose facts' bookings in order, by service."""
    chosen = sa.select(*_columns(())).select_from(_LOOSE).where(whose(tables.loose_facts), *of(tables.facts))
    found = _by_service(tx.execute(chosen, msgspec.structs.asdict(owner)).all())
    return {service: sorted(row.booking_id for row in rows) for service, rows in found.items()}


def _true(tx: sa.Connection, bookings: list[str], block: Block, live: int) -> bool:
    rows = tx.execute(sa.select(*_WHOLE).where(_FACTS.booking_id.in_(bookings))).all()
    if len(rows) != len(bookings):
        return False
    columns = _columns_of(rows)
    if list(columns["booking_id"]) != bookings:
        return False
    now = block_of(columns)
    return now.words == block.words and all(_same(now.column(name), block.column(name), live) for name in now.slices)


def _same(now: Slices, then: Slices, live: int) -> bool:
    """The rows that count have the same number in both; a slice that one lacks is all zeros."""
    return not any((one ^ other) & live for one, other in zip_longest(now, then, fillvalue=0))
