"""Exceptions: pickups that do not go on by themselves as promised, and what an operator may decide about one."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from gateway.services import commanding
from gateway.services.commanding import Resolution
from gateway.store import cases, tables
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PICKUPS, PickupException
from gateway.web import paging, shapes, views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once

_READ = scope("pickups:read", "exceptions:write")


class State(enum.StrEnum):
    """Whose turn it is."""

    NEW = "new"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_CARRIER = "waiting_carrier"
    SCHEDULED_RETRY = "scheduled_retry"
    NEEDS_DECISION = "needs_decision"
    RESOLVED = "resolved"


class Exceptions(Controller):
    path = "/exceptions"
    tags = ["Exceptions"]

    @get(
        "/",
        operation_id="listExceptions",
        summary="List exceptions",
        opt=_READ,
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        call: NamedDependency[Call],
        states: Annotated[str | None, QueryParameter(name="state", max_length=200, description="Comma-separated states.")] = None,
        reason: Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated reasons.")] = None,
        carrier: Annotated[str | None, QueryParameter(max_length=200, description="Comma-separated carriers.")] = None,
        pickup: Annotated[str | None, QueryParameter(max_length=40, description="A pickup's id.")] = None,
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[views.ExceptionList]:
        """Newest first."""
        conditions = _conditions(call, states, reason, carrier, pickup)
        with call.kit.db.read() as tx:
            page = paging.page_of(tx, call, EXCEPTIONS, conditions, limit, after, before)
            found = views.ExceptionList(data=_views(tx, page.data), page=views.page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get("/{exception_id:str}", operation_id="getException", summary="Read an exception", opt=_READ,
         responses=refusals("not_found"), sync_to_thread=True)  # fmt: skip
    def one(self, call: NamedDependency[Call], exception_id: FromPath[str]) -> Response[views.ExceptionView]:
        return answered(call.read(lambda tx: _views(tx, [_owned(tx, call, exception_id)])[0]))

    @post("/{exception_id:str}/actions", operation_id="actOnException", summary="Decide about an exception", status_code=200,
          opt=scope("exceptions:write"), responses=refusals(*WITH_BODY, *WITH_KEY, "not_found", "wrong_state", "stale_version"),
          response_headers=[REPLAYED], sync_to_thread=True)  # fmt: skip
    def act(
        self,
        call: NamedDependency[Call],
        exception_id: FromPath[str],
        data: JsonBody[shapes.ActionRequest],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[views.ExceptionView]:
        """`reattempt` (on `day`), `switch_carrier`, `requeue`, `cancel`, `confirm` or `dispute` the carrier's word, `adopt` a
        booking found in the carrier's panel by its `awb`, `not_booked` where there is none, `assign`, `hold`.
        """
        attempt = attempt_of(call, idempotency_key, data.content)

        def work(tx: sa.Connection, request: shapes.ActionRequest) -> Response[Any]:
            _act(tx, call, exception_id, request)
            return answered(_views(tx, [EXCEPTIONS.one(tx, exception_id)])[0])

        return once(call, attempt, lambda: data.read(shapes.ActionRequest, call.now), work)


def _act(tx: sa.Connection, call: Call, exception_id: str, request: shapes.ActionRequest) -> None:
    """Raises ProblemError where it is not ours or was changed meanwhile, WrongState where it does not take this."""
    exception = _owned(tx, call, exception_id)
    if request.version is not None and request.version != exception.version:
        raise ProblemError("stale_version", f"it is at version {exception.version}: {exception.state}")
    wanted = Resolution(action=request.action, day=request.day, awb=request.awb, note=request.note, assignee=request.assignee)
    commanding.act_on(tx, cases.load(tx, exception.pickup_id), exception, wanted, call.wall)


def _owned(tx: sa.Connection, call: Call, exception_id: str) -> PickupException:
    row = EXCEPTIONS.get(tx, call.owner, exception_id)
    if row is None:
        raise ProblemError("not_found", f"there is no exception {exception_id}")
    return row


def _views(tx: sa.Connection, rows: Sequence[PickupException]) -> list[views.ExceptionView]:
    bookings = {
        one.id: one for one in BOOKINGS.all(tx, tables.bookings.c.id.in_([row.booking_id for row in rows if row.booking_id]))
    }
    pickups = {one.id: one for one in PICKUPS.all(tx, tables.pickups.c.id.in_([row.pickup_id for row in rows]))}
    return [views.exception(row, pickups[row.pickup_id].reference, bookings.get(row.booking_id or "")) for row in rows]


def _conditions(
    call: Call, states: str | None, reason: str | None, carrier: str | None, pickup: str | None
) -> list[sa.ColumnElement[bool]]:
    table, asked = tables.exceptions.c, tables.bookings.c
    chosen = paging.one_of("state", states, State)
    found: list[sa.ColumnElement[bool]] = [table.state.in_(chosen)] if chosen else []
    if reason:
        found.append(table.reason.in_(reason.split(",")))
    if carrier:
        mine = BOOKINGS.owned(call.owner) & asked.carrier.in_(carrier.split(","))
        found.append(table.booking_id.in_(sa.select(asked.id).where(mine)))
    return [*found, table.pickup_id == pickup] if pickup else found
