"""Lists in pages: by cursor, with the neighbours in the body and in the header Link (RFC 8288).

Most lists are newest first by id. Those that can be sorted have cursors that hold the sort and the edge row's values in it; a
cursor is good for the list and sort it came from.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import enum
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
from litestar import Request
from litestar.params import QueryParameter

from gateway.store import keyset, tables
from gateway.store.keyset import Edge, Order
from gateway.store.rows import Page, Rows
from gateway.web.access import Call
from gateway.web.problems import ErrorItem, ProblemError

E = TypeVar("E", bound=enum.StrEnum)
T = TypeVar("T", bound=msgspec.Struct)

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many on a page.")]
After = Annotated[str | None, QueryParameter(max_length=300, description="What follows: `page.next` of the page before.")]
Before = Annotated[str | None, QueryParameter(max_length=300, description="What comes before: `page.prev` of the page after.")]
Search = Annotated[
    str | None,
    QueryParameter(min_length=2, max_length=120, description="How a reference, an AWB or an order number begins; case counts."),
]
CreatedSince = Annotated[dt.datetime | None, QueryParameter(name="created_at[gte]", description="Made then or later, with offset.")]
CreatedAfter = Annotated[dt.datetime | None, QueryParameter(name="created_at[gt]", description="Made later than this.")]
CreatedUntil = Annotated[dt.datetime | None, QueryParameter(name="created_at[lte]", description="Made then or earlier.")]
CreatedBefore = Annotated[dt.datetime | None, QueryParameter(name="created_at[lt]", description="Made earlier than this.")]

_LARGEST = 2**63 - 1
_BOUNDS: Mapping[str, Callable[[Any, Any], Any]] = {
    "gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt,
}  # fmt: skip


def refused(parameter: str, code: str, detail: str) -> ProblemError:
    """One parameter that is wrong."""
    return ProblemError("invalid_parameter", errors=[ErrorItem(parameter=parameter, code=code, detail=detail)])


# --- newest first ------------------------------------------------------------------------------------


def page_of(
    tx: sa.Connection,
    call: Call,
    rows: Rows[Any],
    conditions: list[sa.ColumnElement[bool]],
    limit: int,
    after: str | None,
    before: str | None,
) -> Page[Any]:
    """Raises ProblemError where both ends are given."""
    _one_end(after, before)
    return rows.page(tx, call.owner, *conditions, limit=limit, after=after or "", before=before or "")


def _one_end(after: str | None, before: str | None) -> None:
    if after and before:
        raise refused("before", "not_both", "give either `after` or `before`")


# --- as sorted ---------------------------------------------------------------------------------------


class Sorts:
    """The orders a list may have, by their name; the first is the usual one."""

    def __init__(self, orders: Mapping[str, Order]) -> None:
        self._orders = orders

    @property
    def names(self) -> list[str]:
        return list(self._orders)

    def page(
        self,
        tx: sa.Connection,
        rows: Rows[T],
        conditions: list[sa.ColumnElement[bool]],
        *,
        sort: str | None,
        limit: int,
        after: str | None,
        before: str | None,
    ) -> Page[T]:
        """One page; `conditions` say whose rows. Raises ProblemError for a sort there is not, or a cursor of elsewhere."""
        _one_end(after, before)
        name = next(iter(self._orders)) if sort is None else sort
        order = self._order(name)
        edges = {"after": _edge("after", after, name, order), "before": _edge("before", before, name, order)}
        part = keyset.part(rows, tx, order, *conditions, limit=limit, **edges)
        return Page(
            data=part.data,
            next=cursor(name, part.last) if part.beyond and part.last else "",
            prev=cursor(name, part.first) if part.before and part.first else "",
        )

    def _order(self, name: str) -> Order:
        if name not in self._orders:
            raise refused("sort", "not_one_of", f"{name[:120]}: there are {', '.join(self._orders)}")
        return self._orders[name]


def cursor(name: str, edge: Edge) -> str:
    """An edge as text that can stand in an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode((name, *edge))).rstrip(b"=").decode()


def _edge(parameter: str, text: str | None, name: str, order: Order) -> Edge | None:
    return read_cursor(parameter, text, name, order.columns) if text else None


def read_cursor(parameter: str, text: str, name: str, columns: tuple[sa.ColumnElement[Any], ...]) -> Edge:
    """The edge a cursor of this sort stands for. Raises ProblemError."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found, *values = msgspec.json.decode(content, type=list)
        edge = tuple(msgspec.convert(value, _kind(column)) for value, column in zip(values, columns, strict=True))
    except (binascii.Error, msgspec.DecodeError, ValueError, TypeError):
        found, edge = None, ()
    if found != name:
        raise refused(parameter, "invalid_cursor", "is no cursor of this list and sort: take `page.next` or `page.prev`")
    return edge


def _kind(column: sa.ColumnElement[Any]) -> Any:
    """What a cursor may hold of a column: nothing that a database would choke on."""
    return next(kind for types, kind in _KINDS if isinstance(column.type, types))


_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], Any], ...] = (
    (tables.Instant, Annotated[dt.datetime, msgspec.Meta(tz=True)]),
    (sa.Integer, Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]),
    (sa.String, Annotated[str, msgspec.Meta(max_length=120, pattern=r"^[^\x00-\x1f]*$")]),
)


# --- the neighbours ----------------------------------------------------------------------------------


class Asked(Protocol):
    """A Call, or whoever else asks."""

    request: Request[Any, Any, Any]


def link(call: Asked, page: Page[Any]) -> dict[str, str]:
    """The header Link to the neighbouring pages."""
    ends = [("next", "after", page.next), ("prev", "before", page.prev)]
    links = [f'<{_address(call, name, cursor)}>; rel="{rel}"' for rel, name, cursor in ends if cursor]
    return {"Link": ", ".join(links)} if links else {}


def _address(call: Asked, name: str, cursor: str) -> str:
    kept = [(key, value) for key, value in call.request.query_params.multi_items() if key not in ("after", "before")]
    return f"{call.request.scope['path']}?{urlencode([*kept, (name, cursor)])}"


# --- filters -----------------------------------------------------------------------------------------


def one_of(parameter: str, text: str | None, options: type[E]) -> list[E]:
    """A comma-separated choice. Raises ProblemError naming what there is."""
    return [options(name) for name in some_of(parameter, text, [str(option) for option in options])]


def some_of(parameter: str, text: str | None, known: Sequence[str]) -> list[str]:
    """The same of plain words."""
    names = words(text)
    strange = [name for name in names if name not in known]
    if strange:
        raise refused(parameter, "not_one_of", f"{', '.join(strange)[:120]}: there are {', '.join(sorted(known))}")
    return names


def listed(options: Iterable[str]) -> dict[str, str]:
    """How the contract tells of a comma-separated choice: `schema_extra` of its parameter."""
    one = f"({'|'.join(re.escape(str(option)) for option in options)})?"
    return {"pattern": f"^{one}(,{one})*$"}


def words(text: str | None) -> list[str]:
    """A comma-separated list of anything."""
    return [word for word in (text or "").split(",") if word]


def is_among(column: sa.ColumnElement[Any], chosen: Sequence[Any]) -> list[sa.ColumnElement[bool]]:
    """Nothing where nothing was chosen."""
    return [column.in_(chosen)] if chosen else []


def bounds(parameter: str, column: sa.ColumnElement[Any], **limits: dt.datetime | None) -> list[sa.ColumnElement[bool]]:
    """`bounds("created_at", column, gte=..., lt=...)`. Raises ProblemError for a time without its offset."""
    given = {name: at for name, at in limits.items() if at is not None}
    for name, at in given.items():
        if at.tzinfo is None:
            told = "needs its offset, such as 2026-11-25T10:00:00Z (and + written as %2B)"
            raise refused(f"{parameter}[{name}]", "invalid_format", told)
    return [_BOUNDS[name](column, at) for name, at in given.items()]
