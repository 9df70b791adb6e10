"""Which columns hold sealed records, and what each is bound to: what a new master key has to go through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import idempotency, tables
from gateway.store.database import Database
from gateway.store.vault import Vault

Row = Any


class Column(msgspec.Struct, frozen=True):
    """A column of records; `key` are the columns a row is found and counted through by, `bound` the account its record names."""

    column: sa.Column[bytes]
    key: tuple[str, ...]
    bound: Callable[[Row], str]

    @property
    def name(self) -> str:
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def keys(self) -> list[sa.Column[Any]]:
        return [self.column.table.c[name] for name in self.key]


COLUMNS = (
    Column(tables.carrier_accounts.c.secrets, ("id",), lambda row: str(row.id)),
    Column(tables.webhook_endpoints.c.secrets, ("id",), lambda row: str(row.id)),
    Column(tables.idempotency.c.answer, ("merchant_id", "mode", "route", "key"), lambda row: idempotency.bound(row.route, row.key)),
)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How many records were looked at, and how many of them were sealed anew."""

    seen: int = 0
    resealed: int = 0


def reseal(db: Database, vault: Vault, place: Column, batch: int = 100, told: Callable[[Done], None] = lambda done: None) -> Done:
    """Every record that the first key does not open is sealed with it; broken off, it begins anew and skips what is done.

    A record that somebody else has changed meanwhile is left: the first key has sealed it, or the next pass does. Raises Tampered.
    """
    done, last = Done(), None
    while rows := _next(db, place, last, batch):
        old = [row for row in rows if not vault.is_current(row.record, row.merchant_id, place.bound(row))]
        changed = _replace(db, vault, place, old) if old else 0
        done = Done(seen=done.seen + len(rows), resealed=done.resealed + changed)
        last = _key_of(place, rows[-1])
        told(done)
    return done


def _next(db: Database, place: Column, last: Sequence[Any] | None, batch: int) -> Sequence[Row]:
    table = place.column.table
    columns = dict.fromkeys(("merchant_id", *place.key))
    statement = sa.select(*(table.c[name] for name in columns), place.column.label("record")).where(place.column.is_not(None))
    if last:
        values = (sa.literal(value, column.type) for value, column in zip(last, place.keys, strict=True))
        statement = statement.where(sa.tuple_(*place.keys) > sa.tuple_(*values))
    with db.read() as tx:
        return tx.execute(statement.order_by(*place.keys).limit(batch)).all()


def _replace(db: Database, vault: Vault, place: Column, rows: Sequence[Row]) -> int:
    """Only where the record is still the one that was read."""
    changed = 0
    with db.write() as tx:
        for row in rows:
            clear = vault.open(row.record, row.merchant_id, place.bound(row))
            record = vault.seal(clear, row.merchant_id, place.bound(row))
            same = sa.and_(*(column == value for column, value in zip(place.keys, _key_of(place, row), strict=True)))
            statement = place.column.table.update().where(same, place.column == row.record)
            changed += tx.execute(statement.values({place.column.name: record})).rowcount
    return changed


def _key_of(place: Column, row: Row) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in place.key)


def left(db: Database, vault: Vault, place: Column, batch: int = 500) -> int:
    """How many records the first key does not open."""
    number, last = 0, None
    while rows := _next(db, place, last, batch):
        number += sum(not vault.is_current(row.record, row.merchant_id, place.bound(row)) for row in rows)
        last = _key_of(place, rows[-1])
    return number
