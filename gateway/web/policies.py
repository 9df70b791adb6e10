"""The policy by which carriers are chosen and failed visits are met; each change is a new version, decisions refer to theirs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Controller, Response, get, put
from litestar.di import NamedDependency

from gateway.store import accounts
from gateway.store.accounts import POLICIES
from gateway.web import paging, setup_views
from gateway.web.access import Call, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, WITH_BODY, refusals
from gateway.web.repeats import once
from gateway.web.setup_shapes import PolicyRequest, to_policy
from gateway.web.surroundings import start_of_policy
from gateway.web.views import page_info
from rates.policy import Policy

_ADMIN, _READ = scope(), scope("pickups:read", "pickups:write", "analytics:read")


class Policies(Controller):
    path = "/policies"
    tags = ["Settings"]

    @get(
        "/",
        operation_id="listPolicies",
        summary="List the policy's versions",
        opt=_READ,
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        call: NamedDependency[Call],
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[setup_views.PolicyList]:
        """Newest first; none until you set one."""
        page = call.read(lambda tx: paging.page_of(tx, call, POLICIES, [], limit, after, before))
        found = setup_views.PolicyList(data=[setup_views.stored_policy(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get(
        "/current",
        operation_id="getPolicy",
        summary="Read the policy in force",
        opt=_READ,
        responses=refusals("no_policy"),
        sync_to_thread=True,
    )
    def current(self, call: NamedDependency[Call]) -> Response[setup_views.PolicyView]:
        """The newest version; until you set one, the default as version 0."""
        with call.kit.db.read() as tx:
            stored = accounts.policy_of(tx, call.owner)
            if stored:
                return answered(setup_views.stored_policy(stored))
            return answered(setup_views.policy(accounts.policy_or_default(tx, call.owner, call.merchant.currency)))

    @put(
        "/current",
        operation_id="setPolicy",
        summary="Set the policy",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY),
        sync_to_thread=True,
    )
    def replace(self, call: NamedDependency[Call], data: JsonBody[PolicyRequest]) -> Response[setup_views.PolicyView]:
        """A new version, in force for all decisions from now on. What is left out has the default."""
        start = start_of_policy(call)

        def work(tx: sa.Connection, policy: Policy) -> Response[Any]:
            return answered(setup_views.stored_policy(accounts.store_policy(tx, call.owner, policy, call.wall)))

        return once(call, None, lambda _: to_policy(data.read(PolicyRequest, start), start), work)
