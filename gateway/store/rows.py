"""Rows as values: one small repository for every aggregate, whose Struct's fields are the table's columns.

Putting a statement together costs three times what running it does: those that every quote and booking need are made once, with
`whose` for the owner, and run by `found`.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.values import Mode

T = TypeVar("T", bound=msgspec.Struct)


class NoSuchRow(LookupError):
    """An id that names nothing: ours, so a bug."""


class Owner(msgspec.Struct, frozen=True):
    """Whose rows: a merchant in a mode. Every question to the store that serves a caller names one."""

    merchant_id: str
    mode: Mode


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list, newest first; `next` and `prev` are the cursors, empty at the ends."""

    data: list[T]
    next: str = ""
    prev: str = ""


class Rows(Generic[T]):
    """The rows of `table` as values of `kind`."""

    def __init__(self, table: sa.Table, kind: type[T]) -> None:
        self.table = table
        self.kind = kind
        self.select = sa.select(*(table.c[name] for name in kind.__struct_fields__))

    def insert(self, tx: sa.Connection, value: T) -> T:
        tx.execute(self._insert, msgspec.structs.asdict(value))
        return value

    def update(self, tx: sa.Connection, row_id: str, *conditions: sa.ColumnElement[bool], **changes: Any) -> bool:
        """Whether a row was there and met the conditions: compare-and-set."""
        statement = self._update.where(*conditions) if conditions else self._update
        return bool(tx.execute(statement, {"row_id": row_id, **changes}).rowcount)

    def replace(self, tx: sa.Connection, value: T, **changes: Any) -> T:
        """Store the changes; the value with them."""
        self.update(tx, value.id, **changes)  # type: ignore[attr-defined]
        return msgspec.structs.replace(value, **changes)

    def get(self, tx: sa.Connection, owner: Owner, row_id: str) -> T | None:
        return self.first(tx, self.owned(owner), self.table.c.id == row_id)

    def one(self, tx: sa.Connection, row_id: str) -> T:
        """Without an owner: for the gateway's own jobs only. Raises NoSuchRow."""
        rows = self.found(tx, self._by_id, row_id=row_id)
        if not rows:
            raise NoSuchRow(f"{self.table.name} has no {row_id}")
        return rows[0]

    def held(self, tx: sa.Connection, row_id: str) -> T:
        """The same, and nobody else changes it before this transaction ends; on SQLite writers take turns anyway."""
        rows = self.found(tx, self._by_id_held, row_id=row_id)
        if not rows:
            raise NoSuchRow(f"{self.table.name} has no {row_id}")
        return rows[0]

    def first(self, tx: sa.Connection, *conditions: sa.ColumnElement[bool]) -> T | None:
        row = tx.execute(self.select.where(*conditions).limit(1)).first()
        return self.read(row) if row else None

    def all(self, tx: sa.Connection, *conditions: sa.ColumnElement[bool], order: Any = None, limit: int | None = None) -> list[T]:
        order = self.table.c.id if order is None else order
        return self.found(tx, self.select.where(*conditions).order_by(order).limit(limit))

    def free(self, tx: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int) -> list[T]:
        """Those that no other transaction has in hand; nobody else gets them before this one ends."""
        statement = self.select.where(*conditions).order_by(self.table.c.id).limit(limit)
        return self.found(tx, statement.with_for_update(key_share=True, skip_locked=True))

    def of_owner(self, tx: sa.Connection, owner: Owner) -> list[T]:
        """All that the owner has, oldest first."""
        return self.found(tx, self._of_owner, **msgspec.structs.asdict(owner))

    def found(self, tx: sa.Connection, statement: sa.Select[Any], **values: Any) -> list[T]:
        """The rows of a statement that goes on from `select`."""
        return [self.read(row) for row in tx.execute(statement, values)]

    def page(
        self, tx: sa.Connection, owner: Owner, *conditions: sa.ColumnElement[bool], limit: int, after: str = "", before: str = ""
    ) -> Page[T]:
        """Newest first; `after` goes on to older rows, `before` back to newer ones."""
        key = self.table.c.id
        edge = [key > before] if before else [key < after] if after else []
        found = self.all(tx, self.owned(owner), *conditions, *edge, order=key.asc() if before else key.desc(), limit=limit + 1)
        more, rows = len(found) > limit, found[:limit]
        return _page(list(reversed(rows)) if before else rows, more, after, before)

    def owned(self, owner: Owner) -> sa.ColumnElement[bool]:
        return (self.table.c.merchant_id == owner.merchant_id) & (self.table.c.mode == owner.mode)

    def read(self, row: Sequence[Any]) -> T:
        return msgspec.convert(dict(zip(self.kind.__struct_fields__, row, strict=True)), self.kind)

    @functools.cached_property
    def _insert(self) -> sa.Insert:
        return self.table.insert()

    @functools.cached_property
    def _update(self) -> sa.Update:
        """Sets the columns that the values it is run with name."""
        return self.table.update().where(self.table.c.id == sa.bindparam("row_id"))

    @functools.cached_property
    def _by_id(self) -> sa.Select[Any]:
        return self.select.where(self.table.c.id == sa.bindparam("row_id"))

    @functools.cached_property
    def _by_id_held(self) -> sa.Select[Any]:
        """FOR NO KEY UPDATE: rows that refer to it may still be added."""
        return self._by_id.with_for_update(key_share=True)

    @functools.cached_property
    def _of_owner(self) -> sa.Select[Any]:
        return self.select.where(whose(self.table)).order_by(self.table.c.id)


def whose(table: sa.Table) -> sa.ColumnElement[bool]:
    """The owner's rows, in a statement made once: run it with the fields of an Owner."""
    return (table.c.merchant_id == sa.bindparam("merchant_id")) & (table.c.mode == sa.bindparam("mode"))


def _page(rows: list[T], more: bool, after: str, before: str) -> Page[T]:
    ids: Sequence[str] = [row.id for row in rows]  # type: ignore[attr-defined]
    older = ids[-1] if ids and (more or before) else ""
    newer = ids[0] if ids and (more if before else after) else ""
    return Page(data=rows, next=older, prev=newer)


def due(column: sa.Column[dt.datetime], at: dt.datetime) -> sa.ColumnElement[bool]:
    """Rows whose time has come."""
    return column.is_not(None) & (column <= at)
