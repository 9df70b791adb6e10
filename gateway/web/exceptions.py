"""Exceptions: pickups that do not go on by themselves as promised, and what an operator may decide about one."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from adapters.contract.scans import Fault
from gateway.services import commanding
from gateway.services.commanding import Resolution
from gateway.store import cases, searching, tables
from gateway.store.accounts import ACCOUNTS
from gateway.store.keyset import Order
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PICKUPS, PickupException
from gateway.web import paging, shapes, views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.paging import words
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once
from rates.rules import Action

_READ = scope("pickups:read", "exceptions:write")
_NEVER = sa.literal(dt.datetime(9999, 1, 1, tzinfo=dt.UTC), tables.Instant)
_OPENED = (tables.exceptions.c.opened_at, tables.exceptions.c.id)
_DEADLINE = (sa.func.coalesce(tables.exceptions.c.answer_by, _NEVER, type_=tables.Instant), tables.exceptions.c.id)
_SORTS = paging.Sorts(
    {
        "-opened_at": Order(columns=_OPENED, falling=True),
        "opened_at": Order(columns=_OPENED),
        "answer_by": Order(columns=_DEADLINE),
    }
)

_OpenedSince = Annotated[
    dt.datetime | None, QueryParameter(name="opened_at[gte]", description="Opened then or later, with offset.")
]
_OpenedAfter = Annotated[dt.datetime | None, QueryParameter(name="opened_at[gt]", description="Opened later than this.")]
_OpenedUntil = Annotated[dt.datetime | None, QueryParameter(name="opened_at[lte]", description="Opened then or earlier.")]
_OpenedBefore = Annotated[dt.datetime | None, QueryParameter(name="opened_at[lt]", description="Opened earlier than this.")]


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
        states: Annotated[
            str | None,
            QueryParameter(name="state", max_length=200, description="Comma-separated states.", schema_extra=paging.listed(State)),
        ] = None,
        reason: Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated reasons.")] = None,
        fault: Annotated[
            str | None,
            QueryParameter(max_length=80, description="Comma-separated: whose doing it is.", schema_extra=paging.listed(Fault)),
        ] = None,
        action: Annotated[
            str | None,
            QueryParameter(
                max_length=400, description="Comma-separated: what automation tried.", schema_extra=paging.listed(Action)
            ),
        ] = None,
        carrier: Annotated[str | None, QueryParameter(max_length=200, description="Comma-separated carriers.")] = None,
        service: Annotated[str | None, QueryParameter(max_length=200, description="Comma-separated services.")] = None,
        account: Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated carrier accounts.")] = None,
        postal_code: Annotated[str | None, QueryParameter(max_length=200, description="Comma-separated: collected there.")] = None,
        assignee: Annotated[str | None, QueryParameter(max_length=120, description="Who took it on; `none`: nobody.")] = None,
        pickup: Annotated[str | None, QueryParameter(max_length=40, description="A pickup's id.")] = None,
        quiet_hours: Annotated[int | None, QueryParameter(ge=1, le=2160, description="Nothing happened for so many hours.")] = None,
        q: paging.Search = None,
        since: _OpenedSince = None,
        later: _OpenedAfter = None,
        until: _OpenedUntil = None,
        earlier: _OpenedBefore = None,
        answer_by: Annotated[
            dt.datetime | None, QueryParameter(name="answer_by[lt]", description="To be answered before this (business time).")
        ] = None,
        sort: Annotated[
            str | None,
            QueryParameter(max_length=40, schema_extra={"enum": _SORTS.names}, description="The first unless given."),
        ] = None,
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[views.ExceptionList]:
        """Newest first, unless sorted otherwise: by `answer_by`, what must be answered soonest comes first."""
        table, booked = tables.exceptions.c, tables.bookings.c
        chosen = [booked.carrier.in_(words(carrier))] if carrier else []
        chosen += [booked.service.in_(words(service))] if service else []
        chosen += [booked.account_id.in_(words(account))] if account else []
        of_bookings = sa.exists().where(booked.id == table.booking_id, *chosen)
        conditions = [
            EXCEPTIONS.owned(call.owner),
            *paging.is_among(table.state, paging.one_of("state", states, State)),
            *paging.is_among(table.fault, paging.one_of("fault", fault, Fault)),
            *paging.is_among(table.action, paging.one_of("action", action, Action)),
            *paging.is_among(table.reason, words(reason)),
            *([of_bookings | _of_orphans(carrier, service, account)] if chosen else []),
            *([table.assignee == ("" if assignee == "none" else assignee)] if assignee else []),
            *([table.pickup_id == pickup] if pickup else []),
            *_of_pickups(call, postal_code, q),
            *([searching.silent_since(table.pickup_id, call.now - dt.timedelta(hours=quiet_hours))] if quiet_hours else []),
            *paging.bounds("opened_at", table.opened_at, gte=since, gt=later, lte=until, lt=earlier),
            *paging.bounds("answer_by", table.answer_by, lt=answer_by),
        ]
        with call.kit.db.read() as tx:
            page = _SORTS.page(tx, EXCEPTIONS, conditions, sort=sort, limit=limit, after=after, before=before)
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
        booking found in the carrier's panel by its `awb`, `not_booked` where there is none, `assign`, `hold`, `close` an `orphan`,
        an `overlap`, what was `not_at_carrier` or is `stalled` on its way when it was sorted out by hand.
        """
        attempt = attempt_of(call, idempotency_key, data.content)

        def work(tx: sa.Connection, request: shapes.ActionRequest) -> Response[Any]:
            _act(tx, call, exception_id, request)
            return answered(_views(tx, [EXCEPTIONS.one(tx, exception_id)])[0])

        return once(call, attempt, lambda _: data.read(shapes.ActionRequest, call.now), work)


def _act(tx: sa.Connection, call: Call, exception_id: str, request: shapes.ActionRequest) -> None:
    """Raises ProblemError where it is not ours or was changed meanwhile, WrongState where it does not take this."""
    pickup_id = _owned(tx, call, exception_id).pickup_id
    case = cases.load(tx, pickup_id) if pickup_id else None
    exception = _owned(tx, call, exception_id)  # as it is now that nobody else can change it
    if request.version is not None and request.version != exception.version:
        raise ProblemError("stale_version", f"it is at version {exception.version}: {exception.state}")
    wanted = Resolution(action=request.action, day=request.day, awb=request.awb, note=request.note, assignee=request.assignee)
    if exception.account_id:
        commanding.act_on_orphan(tx, exception, wanted, call.wall)
    elif case:
        commanding.act_on(tx, case, exception, wanted, call.wall)


def _owned(tx: sa.Connection, call: Call, exception_id: str) -> PickupException:
    row = EXCEPTIONS.get(tx, call.owner, exception_id)
    if row is None:
        raise ProblemError("not_found", f"there is no exception {exception_id}")
    return row


def _views(tx: sa.Connection, rows: Sequence[PickupException]) -> list[views.ExceptionView]:
    bookings = {
        one.id: one for one in BOOKINGS.all(tx, tables.bookings.c.id.in_([row.booking_id for row in rows if row.booking_id]))
    }
    references = {one.id: one.reference for one in PICKUPS.all(tx, tables.pickups.c.id.in_([row.pickup_id for row in rows]))}
    accounts = {one.id: one for one in ACCOUNTS.all(tx, tables.carrier_accounts.c.id.in_([row.account_id for row in rows]))}
    carriers = {row.id: accounts[row.account_id].carrier for row in rows if row.account_id}
    return [
        views.exception(row, references.get(row.pickup_id or "", ""), bookings.get(row.booking_id or ""), carriers.get(row.id))
        for row in rows
    ]


def _of_orphans(carrier: str | None, service: str | None, account: str | None) -> sa.ColumnElement[bool]:
    """Those under such an account; no service is known of an orphan."""
    table, mine = tables.carrier_accounts.c, tables.exceptions.c.account_id
    wanted = [table.carrier.in_(words(carrier))] if carrier else []
    wanted += [table.id.in_(words(account))] if account else []
    return sa.false() if service else mine.in_(sa.select(table.id).where(*wanted))


def _of_pickups(call: Call, postal_code: str | None, q: str | None) -> list[sa.ColumnElement[bool]]:
    """Those of pickups that are collected there, or found so."""
    ids, table = tables.exceptions.c.pickup_id, tables.pickups.c
    there = [searching.collected_at(table.lane, words(postal_code))] if postal_code else []
    found: list[sa.ColumnElement[bool]] = [ids.in_(sa.select(table.id).where(PICKUPS.owned(call.owner), *there))] if there else []
    about = ids.in_(searching.found_by(call.owner, q)) | (tables.exceptions.c.awb == q) if q else None
    return found if about is None else [*found, about]
