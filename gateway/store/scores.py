"""What the estimates learnt, as rows: cells of sums, the silences that count for now, and who pools its sums with others.

A visit changes a dozen cells: they are read (and on PostgreSQL locked, in one order) by one statement and written by another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store import tables
from gateway.store.rows import Owner, whose
from rates.estimates import Cell

Cells = dict[str, Cell]

_T = tables.cells.c
_WANTED = sa.select(_T.key, _T.successes, _T.exposure).where(whose(tables.cells), _T.key.in_(sa.bindparam("keys", expanding=True)))
_LOCKED = _WANTED.order_by(_T.key).with_for_update()


def _putting(into: Any) -> Any:
    """In place of the row if there is one, else as one."""
    new = {name: into.excluded[name] for name in ("successes", "exposure")}
    return into.on_conflict_do_update(index_elements=list(tables.cells.primary_key.columns), set_=new)


_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert(tables.cells), "postgresql": postgresql.insert(tables.cells)}
_PUT = {name: _putting(into) for name, into in _INSERTS.items()}
_MAKE = {name: into.on_conflict_do_nothing() for name, into in _INSERTS.items()}


def read(tx: sa.Connection, owner: Owner, keys: Iterable[str]) -> Cells:
    """The cells by key; one that has seen nothing is an empty one."""
    wanted = sorted(set(keys))
    found: Cells = {}
    for start in range(0, len(wanted), _AT_ONCE):
        found |= _read(tx, _WANTED, owner, wanted[start : start + _AT_ONCE])
    return found


_AT_ONCE = 1000  # keys in one statement


def locked(tx: sa.Connection, owner: Owner, keys: Iterable[str]) -> Cells:
    """The cells, nobody else's to change until the transaction ends."""
    wanted = sorted(set(keys))
    if tx.dialect.name != "sqlite":  # whose writers take turns anyway
        tx.execute(_MAKE[tx.dialect.name], _rows(owner, dict.fromkeys(wanted, Cell())))
    return _read(tx, _LOCKED, owner, wanted)


def _read(tx: sa.Connection, statement: sa.Select[Any], owner: Owner, keys: list[str]) -> Cells:
    found = {row.key: row for row in tx.execute(statement, {**msgspec.structs.asdict(owner), "keys": keys})}
    return {key: Cell(int(found[key].successes), int(found[key].exposure)) if key in found else Cell() for key in keys}


def write(tx: sa.Connection, owner: Owner, cells: Mapping[str, Cell]) -> None:
    if cells:
        tx.execute(_PUT[tx.dialect.name], _rows(owner, cells))


def _rows(owner: Owner, cells: Mapping[str, Cell]) -> list[dict[str, Any]]:
    who = msgspec.structs.asdict(owner)
    return [{**who, "key": key, "successes": str(cell.successes), "exposure": str(cell.exposure)} for key, cell in cells.items()]


def every(tx: sa.Connection, owner: Owner) -> Cells:
    """All the owner's cells."""
    statement = sa.select(_T.key, _T.successes, _T.exposure).where(whose(tables.cells))
    rows = tx.execute(statement, msgspec.structs.asdict(owner))
    return {row.key: Cell(int(row.successes), int(row.exposure)) for row in rows}


def replace_all(tx: sa.Connection, owner: Owner, cells: Mapping[str, Cell]) -> None:
    tx.execute(tables.cells.delete().where(whose(tables.cells)), msgspec.structs.asdict(owner))
    write(tx, owner, cells)


def owners(tx: sa.Connection) -> list[Owner]:
    """Everybody who has booked something."""
    bookings = tables.bookings.c
    rows = tx.execute(sa.select(bookings.merchant_id, bookings.mode).distinct().order_by(bookings.merchant_id, bookings.mode))
    return [Owner(row.merchant_id, row.mode) for row in rows]


def taken(tx: sa.Connection, owner: Owner) -> Iterator[str]:
    """What each visit and each silence of the owner gave the estimates, as it stands in the ledger, in JSON."""
    for table in (tables.visits, tables.silences):
        statement = sa.select(sa.type_coerce(table.c.scored, sa.Text)).where(whose(table), table.c.scored.is_not(None))
        for some in tx.execute(statement.execution_options(yield_per=2000), msgspec.structs.asdict(owner)).scalars().partitions():
            yield from some


# --- silence ---------------------------------------------------------------------------------------

_OF_BOOKING = sa.select(tables.silences.c.day, tables.silences.c.scored).where(
    tables.silences.c.booking_id == sa.bindparam("booking_id")
)


def silences(tx: sa.Connection, booking_id: str) -> dict[dt.date, Any]:
    """The days of this booking that count as failed because nothing was heard, with what they gave the estimates."""
    return {row.day: row.scored for row in tx.execute(_OF_BOOKING, {"booking_id": booking_id})}


def keep_silence(tx: sa.Connection, owner: Owner, booking_id: str, day: dt.date, scored: Any) -> None:
    row = {"booking_id": booking_id, "day": day, "scored": scored, **msgspec.structs.asdict(owner)}
    tx.execute(tables.silences.insert().values(row))


def drop_silence(tx: sa.Connection, booking_id: str, day: dt.date) -> None:
    table = tables.silences
    tx.execute(table.delete().where(table.c.booking_id == booking_id, table.c.day == day))


# --- the pool --------------------------------------------------------------------------------------

# With fewer others than this, a sum could be told apart into its merchants.
LEAST_OTHERS = 3
_M = tables.pool_members.c
_OTHERS = (_M.mode == sa.bindparam("mode")) & (_M.merchant_id != sa.bindparam("merchant_id"))
_MEMBER = sa.select(_M.merchant_id).where(whose(tables.pool_members))
_HOW_MANY = sa.select(sa.func.count()).select_from(tables.pool_members).where(_OTHERS)
_POOLED = (
    sa.select(_T.key, _T.successes, _T.exposure)
    .join(tables.pool_members, (_T.merchant_id == _M.merchant_id) & (_T.mode == _M.mode))
    .where(_OTHERS, _T.key.in_(sa.bindparam("keys", expanding=True)))
)


def join_pool(tx: sa.Connection, owner: Owner, *, member: bool) -> None:
    """Give own sums to the pool and read the others', or neither."""
    who = msgspec.structs.asdict(owner)
    tx.execute(tables.pool_members.delete().where(whose(tables.pool_members)), who)
    if member:
        tx.execute(tables.pool_members.insert().values(**who))


def pooled(tx: sa.Connection, owner: Owner, keys: Iterable[str]) -> Cells:
    """The other members' sums, added up; nothing for who is no member, or where too few others are."""
    who = msgspec.structs.asdict(owner)
    if tx.execute(_MEMBER, who).first() is None or (tx.scalar(_HOW_MANY, who) or 0) < LEAST_OTHERS:
        return {}
    found: Cells = {}
    for row in tx.execute(_POOLED, {**who, "keys": sorted(set(keys))}):
        found[row.key] = found.get(row.key, Cell()) + Cell(int(row.successes), int(row.exposure))
    return found
