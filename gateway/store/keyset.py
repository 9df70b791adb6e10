"""Lists cut into pages by the value at their edge: a page costs the same however deep it lies, and what is added or goes away
elsewhere moves nothing.

An order ends in the row's id, so that no two rows are equal in it. A row whose value changes meanwhile moves with it.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.store.rows import Rows

T = TypeVar("T", bound=msgspec.Struct)

# The values of an order's columns in one row.
Edge = tuple[Any, ...]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """By these columns, all one way. None of them may be null, and all together are unique."""

    columns: tuple[sa.ColumnElement[Any], ...]
    falling: bool = False


class Part(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page in its order, with its first and last row's edges; `before` and `beyond` say whether there is more."""

    data: list[T]
    first: Edge | None = None
    last: Edge | None = None
    before: bool = False
    beyond: bool = False


def part(
    rows: Rows[T],
    tx: sa.Connection,
    order: Order,
    *conditions: sa.ColumnElement[bool],
    limit: int,
    after: Edge | None = None,
    before: Edge | None = None,
) -> Part[T]:
    """The `limit` rows that follow `after`, or those that come right before `before`, or the first ones."""
    falling = order.falling != (before is not None)
    edge = after if before is None else before
    statement = rows.select.add_columns(*order.columns).where(*conditions, *([_past(order, edge, falling)] if edge else []))
    by = [column.desc() if falling else column.asc() for column in order.columns]
    found = tx.execute(statement.order_by(*by).limit(limit + 1)).all()
    more, kept = len(found) > limit, found[:limit]
    if before is not None:
        kept = kept[::-1]
    width = len(rows.kind.__struct_fields__)
    return Part(
        data=[rows.read(tuple(row)[:width]) for row in kept],
        first=tuple(kept[0])[width:] if kept else None,
        last=tuple(kept[-1])[width:] if kept else None,
        before=more if before is not None else after is not None,
        beyond=before is not None or more,
    )


def _past(order: Order, edge: Edge, falling: bool) -> sa.ColumnElement[bool]:
    values = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(edge, order.columns, strict=True)))
    here = sa.tuple_(*order.columns)
    past: sa.ColumnElement[bool] = here < values if falling else here > values
    return past
