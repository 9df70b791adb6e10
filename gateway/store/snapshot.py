"""What a transaction that writes has read and may use again, part by part, until it writes to the table that a part is of.

A service states a case anew after each change, and most changes touch one table of nine. That nobody else changes what is kept
is up to the reader: it holds the row that writers take turns on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

_PLACE = "snapshot"


class Snapshot:
    """Of one transaction, or of one savepoint in it. Parts are kept by table and by whatever else tells them apart."""

    def __init__(self, transaction: Any) -> None:
        self.transaction = transaction
        self._parts: dict[str, dict[str, Any]] = {}

    def part(self, table: str, key: str, read: Callable[[], T]) -> T:
        """As it was read first, or anew where `table` was written to since."""
        kept = self._parts.setdefault(table, {})
        if key not in kept:
            kept[key] = read()
        found: T = kept[key]
        return found

    def forget(self, table: str) -> None:
        self._parts.pop(table, None)


def of(tx: sa.Connection) -> Snapshot:
    """The transaction's own; an empty one at its start, and on either side of a savepoint's bounds."""
    transaction = tx.get_nested_transaction() or tx.get_transaction()
    kept: Snapshot | None = tx.info.get(_PLACE)
    if kept is None or kept.transaction is not transaction:
        kept = tx.info[_PLACE] = Snapshot(transaction)
    return kept


def watch(engine: sa.Engine) -> None:
    """Have every INSERT, UPDATE and DELETE through `engine` forget the parts of its table."""

    @sa.event.listens_for(engine, "after_cursor_execute")
    def _forget(tx: sa.Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if context.isinsert or context.isupdate or context.isdelete:
            of(tx).forget(context.invoked_statement.table.name)
