"""API keys: made by a key with the scope `admin`, for its own merchant and mode; shown once, kept as a digest."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.services.commanding import WrongState
from gateway.store import merchants
from gateway.store.merchants import KEYS
from gateway.web import paging, setup_views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, LOCATION, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.noting import noted
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once
from gateway.web.setup_shapes import KeyRequest
from gateway.web.views import page_info

_ADMIN = scope()


class ApiKeys(Controller):
    path = "/api-keys"
    tags = ["Settings"]

    @post(
        "/",
        operation_id="createApiKey",
        summary="Make an API key",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, *WITH_KEY),
        response_headers=[LOCATION, REPLAYED],
        sync_to_thread=True,
    )
    def create(
        self, call: NamedDependency[Call], data: JsonBody[KeyRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[setup_views.KeyView]:
        """The answer holds the key itself: it is not told again."""
        attempt = attempt_of(call, idempotency_key, data.content)
        return once(call, attempt, lambda _: data.read(KeyRequest, call.wall), lambda tx, request: _create(tx, call, request))

    @get(
        "/",
        operation_id="listApiKeys",
        summary="List API keys",
        opt=_ADMIN,
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
    ) -> Response[setup_views.KeyList]:
        """Newest first, revoked ones too."""
        page = call.read(lambda tx: paging.page_of(tx, call, KEYS, [], limit, after, before))
        found = setup_views.KeyList(data=[setup_views.key(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @delete(
        "/{key_id:str}",
        operation_id="revokeApiKey",
        summary="Revoke an API key",
        opt=_ADMIN,
        responses=refusals("not_found", "wrong_state"),
        sync_to_thread=True,
    )
    def delete(self, call: NamedDependency[Call], key_id: FromPath[str]) -> None:
        """At once, and for good. A key cannot revoke itself, so that nobody locks himself out."""
        with call.kit.db.write() as tx, noted(call, tx):
            row = KEYS.get(tx, call.owner, key_id)
            if row is None:
                raise ProblemError("not_found", f"there is no key {key_id}")
            if row.id == call.key.id:
                raise WrongState("this key is asking: revoke it with another one")
            KEYS.update(tx, row.id, revoked_at=row.revoked_at or call.wall)


def _create(tx: sa.Connection, call: Call, request: KeyRequest) -> Response[Any]:
    scopes = tuple(dict.fromkeys(request.scopes))
    row, text = merchants.create_key(tx, call.owner, request.name, scopes, call.wall, request.expires_at)
    return answered(setup_views.key(row, text), 201, {"Location": f"/v1/api-keys/{row.id}"})
