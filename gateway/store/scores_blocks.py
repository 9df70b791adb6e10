"""Blocks: thousands of facts of one service side by side, column by column, so that any question about them is a few operations.

A fact is loose until enough of its service are settled to make a block. One that changes afterwards is loose again, a hole in its
block. A block with many holes is given up, and so are many small ones of a service, for one large.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway import ids
from gateway.store import tables
from gateway.store.rows import Owner, whose
from gateway.store.scores_facts import INSERTS, loosen
from gateway.store.slices import Slices, between, chosen_of, every, sliced
from gateway.store.tables import MEASURES
from rates.scorecards import MILLION

MOST, LEAST = 16_384, 1_024  # facts in a block
FINEST = 100  # forecasts are told apart by hundredths
HUNDREDTH = MILLION // FINEST

WHOM = ("account_id", "carrier", "moved_by", "service")
DAYS = ("day", "requested_day", "visited_day", "collected_day", "delivered_day")
_NUMBERS = ("weekday", "weight_g", "quality_check", "waiting", "hours", *MEASURES)
_WORDS = ("zone", "postal_code", "destination", "return_reason", "chosen_by", "window")
_BEFORE = dt.date(2019, 12, 31).toordinal()  # days count from here, none is 0

_FACTS = tables.facts.c
_NAMES = (*WHOM, "booking_id", *DAYS, "booked_hour", "chance", *_NUMBERS, *_WORDS)
# As the driver gives them: days as text with SQLite's. To make values of a million rows' columns takes longer than all the rest.
COLUMNS = [sa.type_coerce(_FACTS[name], sa.types.NullType).label(name) for name in _NAMES]
_ZONE = itemgetter(_NAMES.index("zone"), _NAMES.index("booking_id"))


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


def block_of(rows: Iterable[Sequence[Any]]) -> Block:
    """A block of rows of COLUMNS, by zone."""
    columns: dict[str, Sequence[Any]] = dict(zip(_NAMES, zip(*rows, strict=True), strict=True))
    words = {name: sorted(set(columns[name])) for name in _WORDS}
    numbers = {name: columns[name] for name in _NUMBERS}
    numbers |= {name: _numbered(columns[name]) for name in DAYS}
    numbers |= {name: list(map(_places(words[name]), columns[name])) for name in _WORDS}
    numbers |= _made(columns)
    n, of_zone = len(columns["zone"]), Counter(columns["zone"])
    slices = {name: [one.to_bytes((n + 7) // 8, "little") for one in sliced(numbers[name])] for name in numbers}
    in_zones = [of_zone[zone] for zone in words["zone"]]
    return Block(n=n, in_zones=in_zones, slices=slices, words={name: "\n".join(words[name]) for name in words})


def _numbered(days: Sequence[dt.date | str | None]) -> list[int]:
    numbers = {day: number_of(_day(day)) if day else 0 for day in set(days)}
    return [numbers[day] for day in days]


def _day(day: dt.date | str) -> dt.date:
    return dt.date.fromisoformat(day) if isinstance(day, str) else day


def _places(words: list[str]) -> Callable[[str], int]:
    return {word: place for place, word in enumerate(words)}.__getitem__


def _made(columns: dict[str, Sequence[Any]]) -> dict[str, Sequence[int]]:
    """Since when it waits; whether its first visit was forecast and is known; its chance in hundredths and the rest of them."""
    chances, known = columns["chance"], columns["first_known"]
    hundredths = [min(chance // HUNDREDTH, FINEST - 1) for chance in chances]
    return {
        "since_hour": [hour if waits else 0 for hour, waits in zip(columns["booked_hour"], columns["waiting"], strict=True)],
        "foretold": [int(bool(chance and seen)) for chance, seen in zip(chances, known, strict=True)],
        "hundredth": hundredths,
        "above_hundredth": [chance - whole * HUNDREDTH for chance, whole in zip(chances, hundredths, strict=True)],
    }


# --- reading ---------------------------------------------------------------------------------------

_B, _L = tables.fact_blocks.c, tables.loose_facts.c
_LOOSE = tables.loose_facts.join(tables.facts, _L.booking_id == _FACTS.booking_id)
_DECODER = msgspec.msgpack.Decoder(Block)

Part = tuple[Any, Block, int]  # whom it is about, the columns, the rows that count
Of = Callable[[sa.Table], Iterable[Any]]  # conditions on WHOM, for a table that has it


def parts(tx: sa.Connection, owner: Owner, of: Of, *spans: sa.ColumnElement[bool]) -> Iterator[Part]:
    """The owner's facts in blocks, those of the loose ones made for the occasion; `spans` are conditions on the kept ones."""
    chosen = sa.select(*COLUMNS).select_from(_LOOSE).where(whose(tables.loose_facts), *of(tables.facts))
    rows = tx.execute(chosen, msgspec.structs.asdict(owner)).all()
    changed: dict[Any, list[Any]] = {}
    for row in rows:
        changed.setdefault(_service_of(row), []).append(row)
    for facts in changed.values():
        yield facts[0], block_of(sorted(facts, key=_ZONE)), every(len(facts))
    yield from _kept(tx, owner, {service: sorted(row.booking_id for row in facts) for service, facts in changed.items()}, of, spans)


def _kept(
    tx: sa.Connection,
    owner: Owner,
    changed: Mapping[Any, Sequence[str]],
    of: Of,
    spans: Iterable[Any] = (),
) -> Iterator[Part]:
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


def _service_of(row: Sequence[Any]) -> Sequence[Any]:
    return tuple(row[: len(WHOM)])


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
    chosen = sa.select(*COLUMNS).select_from(_LOOSE).where(_SETTLED, *mine).order_by(_FACTS.booking_id).limit(MOST)
    rows = tx.execute(chosen.with_for_update(of=[tables.facts, tables.loose_facts], skip_locked=True, key_share=True)).all()
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


def _make(tx: sa.Connection, owner: Owner, rows: Sequence[Any]) -> None:
    """A block of these rows of one service."""
    ordered = sorted(rows, key=_ZONE)
    bookings, days = [row.booking_id for row in ordered], [row.day for row in ordered]
    tx.execute(
        tables.fact_blocks.insert().values(
            id=ids.new("fbl"),
            **msgspec.structs.asdict(owner),
            **dict(zip(WHOM, rows[0], strict=False)),
            first_day=_day(min(days)),
            last_day=_day(max(days)),
            first_booking=min(bookings),
            last_booking=max(bookings),
            n=len(rows),
            body=msgspec.msgpack.encode(block_of(ordered)),
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
    for rows in _bundles(_settled(tx, owner)):
        _make(tx, owner, rows)
        made += 1
    return made


_LOOSE_KEY = list(tables.loose_facts.primary_key.columns.keys())
_WAITING = sa.select(*(_FACTS[name] for name in _LOOSE_KEY)).where(whose(tables.facts), _FACTS.waiting.is_(True))
_LOOSEN_WAITING = {
    name: insert(tables.loose_facts).from_select(_LOOSE_KEY, _WAITING).on_conflict_do_nothing() for name, insert in INSERTS.items()
}


def _settled(tx: sa.Connection, owner: Owner) -> Iterator[Any]:
    """All settled facts by booking, some thousands at a time."""
    chosen = sa.select(*COLUMNS).where(whose(tables.facts), _SETTLED, _FACTS.booking_id > sa.bindparam("after"))
    chosen = chosen.order_by(_FACTS.booking_id).limit(MOST)
    after = ""
    while rows := tx.execute(chosen, {**msgspec.structs.asdict(owner), "after": after}).all():
        yield from rows
        after = rows[-1].booking_id


def _bundles(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The rows of one service at a time, as many as a block holds."""
    gathered: dict[Any, list[Any]] = {}
    for row in rows:
        service = _service_of(row)
        bundle = gathered.setdefault(service, [])
        bundle.append(row)
        if len(bundle) == MOST:
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


def _changed(tx: sa.Connection, owner: Owner, of: Of) -> dict[Any, list[str]]:
    """The loose facts' bookings in order, by service."""
    found: dict[Any, list[str]] = {}
    chosen = sa.select(*COLUMNS[: len(WHOM) + 1]).select_from(_LOOSE).where(whose(tables.loose_facts), *of(tables.facts))
    for row in tx.execute(chosen.order_by(_L.booking_id), msgspec.structs.asdict(owner)):
        found.setdefault(_service_of(row), []).append(row.booking_id)
    return found


def _true(tx: sa.Connection, bookings: list[str], block: Block, live: int) -> bool:
    found = tx.execute(sa.select(*COLUMNS).where(_FACTS.booking_id.in_(bookings))).all()
    rows = sorted(found, key=_ZONE)
    if [row.booking_id for row in rows] != bookings:
        return False
    now = block_of(rows)
    return now.words == block.words and all(_same(now.column(name), block.column(name), live) for name in now.slices)


def _same(now: Slices, then: Slices, live: int) -> bool:
    """The rows that count have the same number in both; a slice that one lacks is all zeros."""
    return not any((one ^ other) & live for one, other in zip_longest(now, then, fillvalue=0))
