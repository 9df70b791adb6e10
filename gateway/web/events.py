"""All events of a merchant, to be pulled: the same ones that are sent to its webhook endpoints."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.life.events import EVENT_TYPES
from gateway.store import feed, keyset, tables
from gateway.store.keyset import Order
from gateway.store.ledger import EVENTS
from gateway.store.rows import Page
from gateway.web import paging, views
from gateway.web.access import Call, answered, scope
from gateway.web.contract import LINK, refusals

_ORDER = Order(columns=feed.ORDER)
_NAME = "feed"


class Events(Controller):
    path = "/events"
    tags = ["Events"]

    @get(
        "/",
        operation_id="listEvents",
        summary="Pull events",
        opt=scope("pickups:read", "pickups:write"),
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        call: NamedDependency[Call],
        types: Annotated[
            str | None,
            QueryParameter(
                name="type", max_length=800, description="Comma-separated types.", schema_extra=paging.listed(EVENT_TYPES)
            ),
        ] = None,
        pickup: Annotated[str | None, QueryParameter(max_length=40, description="A pickup's id.")] = None,
        since: paging.CreatedSince = None,
        later: paging.CreatedAfter = None,
        until: paging.CreatedUntil = None,
        earlier: paging.CreatedBefore = None,
        limit: paging.Limit = 25,
        after: paging.After = None,
    ) -> Response[views.EventList]:
        """In the order in which they became known, oldest first; within a pickup by `sequence`. `page.next` is always there once
        there was an event: keep it, ask again with `after`, and you miss none and get none twice. What became known stays in that
        order.
        """
        table = tables.events.c
        conditions = [
            EVENTS.owned(call.owner),
            feed.PLACED,
            *paging.is_among(table.type, paging.some_of("type", types, EVENT_TYPES)),
            *([table.pickup_id == pickup] if pickup else []),
            *paging.bounds("created_at", table.created_at, gte=since, gt=later, lte=until, lt=earlier),
        ]
        edge = paging.read_cursor("after", after, _NAME, feed.ORDER) if after else None
        feed.bring_up_to_date(call.kit.db, call.wall)
        part = call.read(lambda tx: keyset.part(EVENTS, tx, _ORDER, *conditions, limit=limit, after=edge))
        reached = paging.cursor(_NAME, part.last) if part.last else after
        info = views.PageInfo(next=reached, prev=None, has_more=part.beyond)
        found = views.EventList(data=[views.event(row) for row in part.data], page=info)
        return answered(found, headers=paging.link(call, Page(data=[], next=reached or "" if part.beyond else "")))
