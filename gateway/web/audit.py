"""The audit log, newest first: a merchant's own in the key's mode, or with a key of the installation that one's."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import sqlalchemy as sa
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.store import audit, tables
from gateway.store.audit import ENTRIES
from gateway.web import admin_shapes, paging
from gateway.web.access import answered, scope
from gateway.web.contract import LINK, refusals
from gateway.web.installation import Visitor
from gateway.web.views import page_info

_SORTS = paging.Sorts({"-number": audit.BY_NUMBER})
_LOG = tables.audit_log.c

Exactly = Annotated[str | None, QueryParameter(max_length=80)]


class AuditLog(Controller):
    path = "/audit-log"
    tags = ["Administration"]

    @get(
        "/",
        operation_id="listAuditLog",
        summary="Read the audit log",
        opt=scope(),
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        visitor: NamedDependency[Visitor],
        actor: Exactly = None,
        action: Exactly = None,
        about: Annotated[
            str | None, QueryParameter(name="object", max_length=80, description="The id of what was changed.")
        ] = None,
        request_id: Annotated[str | None, QueryParameter(name="request_id", max_length=80)] = None,
        since: paging.CreatedSince = None,
        until: paging.CreatedBefore = None,
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[admin_shapes.AuditPage]:
        """Every change made by API or command line: who, what, which object, by which request. Each entry holds the hash of the one
        before; `gateway audit verify` checks the whole log.
        """
        exact = ((_LOG.actor, actor), (_LOG.action, action), (_LOG.object_id, about), (_LOG.request_id, request_id))
        conditions = [audit.entries_of(visitor.chain), *(column == value for column, value in exact if value)]
        conditions += _between(since, until)
        with visitor.kit.db.read() as tx:
            page = _SORTS.page(tx, ENTRIES, conditions, sort=None, limit=limit, after=after, before=before)
        found = admin_shapes.AuditPage(data=[admin_shapes.audit_entry(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(visitor, page))


def _between(since: dt.datetime | None, until: dt.datetime | None) -> list[sa.ColumnElement[bool]]:
    """The log's times are texts that sort as times do."""
    paging.bounds("created_at", sa.literal(None, sa.DateTime()), gte=since, lt=until)
    found: list[Any] = [_LOG.at >= audit.stamp(since)] if since else []
    return [*found, _LOG.at < audit.stamp(until)] if until else found
