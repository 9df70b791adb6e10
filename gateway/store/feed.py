"""Events in the order in which they became visible, so that whoever reads on from where he stopped misses none.

Ids are made before a transaction commits, so a slow one may show an older event after a newer one was read. Therefore each
event bears `feed`. On SQLite, where writers come one after another, it counts up. On PostgreSQL it is the number of its
transaction (never less than that of the pickup's event before it), and only those below the oldest transaction that still
writes are shown: what comes later has a higher number. A transaction that hangs holds the feed up; nothing is left out.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import tables
from gateway.store.rows import Rows, T
from gateway.store.transactions import OldestWriting, Writing

_EVENTS = tables.events.c

# How events are told: by their place in the feed, those of one transaction by their sequence.
ORDER = (_EVENTS.feed, _EVENTS.sequence, _EVENTS.id)


class Feed(Rows[T]):
    """The rows of `events`, each given its place in the feed when it is inserted."""

    def insert(self, tx: sa.Connection, value: T) -> T:
        fields = msgspec.structs.asdict(value)
        mine = {f"its_{name}": fields[name] for name in ("merchant_id", "mode", "pickup_id")}
        tx.execute(_INSERTS[tx.dialect.name], {**fields, **mine})
        return value


def _counting_up() -> sa.ColumnElement[int]:
    mine = (_EVENTS.merchant_id == sa.bindparam("its_merchant_id")) & (_EVENTS.mode == sa.bindparam("its_mode"))
    return _newest().where(mine).scalar_subquery() + 1


def _by_transaction() -> sa.ColumnElement[int]:
    before = _newest().where(_EVENTS.pickup_id == sa.bindparam("its_pickup_id", type_=sa.String))
    return sa.func.greatest(Writing(), before.scalar_subquery())


def _newest() -> sa.Select[Any]:
    return sa.select(sa.func.coalesce(sa.func.max(_EVENTS.feed), 0))


# Put together once: that costs more than running them.
_INSERTS = {
    "sqlite": tables.events.insert().values(feed=_counting_up()),
    "postgresql": tables.events.insert().values(feed=_by_transaction()),
}


def settled() -> sa.ColumnElement[bool]:
    """The events that nothing can come before any more."""
    return _EVENTS.feed < OldestWriting()
