"""Lists in pages: newest first, by cursor, with the neighbours in the body and in the header Link (RFC 8288)."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import sqlalchemy as sa
from litestar.params import QueryParameter

from gateway.store.rows import Page, Rows
from gateway.web.access import Call
from gateway.web.problems import ErrorItem, ProblemError

E = TypeVar("E", bound=enum.StrEnum)

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many on a page.")]
After = Annotated[str | None, QueryParameter(max_length=40, description="Older than this one: `page.next` of the page before.")]
Before = Annotated[str | None, QueryParameter(max_length=40, description="Newer than this one: `page.prev` of the page after.")]
Since = Annotated[dt.datetime | None, QueryParameter(name="created_at[gte]", description="Made then or later, with offset.")]
Until = Annotated[dt.datetime | None, QueryParameter(name="created_at[lt]", description="Made before then, with offset.")]


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
    if after and before:
        error = ErrorItem(parameter="before", code="not_both", detail="give either `after` or `before`")
        raise ProblemError("invalid_parameter", errors=[error])
    return rows.page(tx, call.owner, *conditions, limit=limit, after=after or "", before=before or "")


def link(call: Call, page: Page[Any]) -> dict[str, str]:
    """The header Link to the neighbouring pages."""
    ends = [("next", "after", page.next), ("prev", "before", page.prev)]
    links = [f'<{_address(call, name, cursor)}>; rel="{rel}"' for rel, name, cursor in ends if cursor]
    return {"Link": ", ".join(links)} if links else {}


def _address(call: Call, name: str, cursor: str) -> str:
    kept = [(key, value) for key, value in call.request.query_params.multi_items() if key not in ("after", "before")]
    return f"{call.request.scope['path']}?{urlencode([*kept, (name, cursor)])}"


def one_of(parameter: str, text: str | None, options: type[E]) -> list[E]:
    """A comma-separated choice. Raises ProblemError naming what there is."""
    names = [name for name in (text or "").split(",") if name]
    known = {str(option) for option in options}
    strange = [name for name in names if name not in known]
    if strange:
        words = f"{', '.join(strange)[:120]}: there are {', '.join(sorted(known))}"
        raise ProblemError("invalid_parameter", errors=[ErrorItem(parameter=parameter, code="not_one_of", detail=words)])
    return [options(name) for name in names]


def made_between(column: sa.Column[dt.datetime], since: dt.datetime | None, until: dt.datetime | None) -> list[Any]:
    """Raises ProblemError for a time without its offset."""
    for name, at in (("created_at[gte]", since), ("created_at[lt]", until)):
        if at is not None and at.tzinfo is None:
            words = "needs its offset, such as 2026-11-25T10:00:00Z (and + written as %2B)"
            raise ProblemError("invalid_parameter", errors=[ErrorItem(parameter=name, code="invalid_format", detail=words)])
    return [*([column >= since] if since else []), *([column < until] if until else [])]
