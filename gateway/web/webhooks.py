"""Webhook endpoints: where a merchant's events are sent, the log of every message, and sending it again."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any

import sqlalchemy as sa
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from gateway.services import webhooks
from gateway.store import tables
from gateway.store import webhooks as store
from gateway.store.webhooks import DELIVERIES, ENDPOINTS, Delivery, Endpoint
from gateway.web import paging
from gateway.web import webhook_shapes as shapes
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, LOCATION, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.noting import noted
from gateway.web.problems import ErrorItem, ProblemError
from gateway.web.repeats import attempt_of, once
from gateway.web.views import page_info
from gateway.web.webhook_shapes import EndpointAbout, EndpointPatch, EndpointRequest, RotationRequest
from gateway.webhooks.sender import Sender

_ADMIN = scope()
_STATES = ("pending", "delivered", "failed")


class Webhooks(Controller):
    path = "/webhook-endpoints"
    tags = ["Webhooks"]

    @post(
        "/",
        operation_id="createWebhookEndpoint",
        summary="Add an endpoint",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, *WITH_KEY, "wrong_state"),
        response_headers=[LOCATION, REPLAYED],
        sync_to_thread=True,
    )
    def create(
        self, call: NamedDependency[Call], data: JsonBody[EndpointRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[shapes.EndpointView]:
        """The answer holds the secret that messages are signed with (Standard Webhooks): it is not told again."""
        attempt = attempt_of(call, idempotency_key, data.content)
        return once(call, attempt, lambda _: data.read(EndpointRequest, _about(call)), lambda tx, asked: _create(tx, call, asked))

    @get(
        "/",
        operation_id="listWebhookEndpoints",
        summary="List endpoints",
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
    ) -> Response[shapes.EndpointList]:
        """Newest first."""
        page = call.read(lambda tx: paging.page_of(tx, call, ENDPOINTS, [], limit, after, before))
        found = shapes.EndpointList(data=[shapes.endpoint(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get(
        "/{endpoint_id:str}",
        operation_id="getWebhookEndpoint",
        summary="Read an endpoint",
        opt=_ADMIN,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def one(self, call: NamedDependency[Call], endpoint_id: FromPath[str]) -> Response[shapes.EndpointView]:
        return answered(shapes.endpoint(call.read(lambda tx: _owned(tx, call, endpoint_id))))

    @patch(
        "/{endpoint_id:str}",
        operation_id="updateWebhookEndpoint",
        summary="Change, pause or switch on an endpoint",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "not_found"),
        sync_to_thread=True,
    )
    def update(
        self, call: NamedDependency[Call], endpoint_id: FromPath[str], data: JsonBody[EndpointPatch]
    ) -> Response[shapes.EndpointView]:
        """What is left out stays. Messages of a paused endpoint wait, and go out when it is switched on."""
        with call.kit.db.write() as tx, noted(call, tx):
            row = _owned(tx, call, endpoint_id)
            asked = data.read(EndpointPatch, _about(call))
            given = {name: getattr(asked, name) for name in asked.__struct_fields__}
            changes = {name: value for name, value in given.items() if value is not None}
            changed = webhooks.change(tx, row, call.wall, **changes)
        return answered(shapes.endpoint(changed))

    @delete(
        "/{endpoint_id:str}",
        operation_id="deleteWebhookEndpoint",
        summary="Remove an endpoint and its log",
        opt=_ADMIN,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def delete(self, call: NamedDependency[Call], endpoint_id: FromPath[str]) -> None:
        with call.kit.db.write() as tx, noted(call, tx):
            store.delete(tx, _owned(tx, call, endpoint_id).id)

    @post(
        "/{endpoint_id:str}/rotate-secret",
        operation_id="rotateWebhookSecret",
        summary="Get a new secret",
        status_code=200,
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, *WITH_KEY, "not_found"),
        response_headers=[REPLAYED],
        sync_to_thread=True,
    )
    def rotate(
        self,
        call: NamedDependency[Call],
        endpoint_id: FromPath[str],
        data: JsonBody[RotationRequest],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[shapes.EndpointView]:
        """The new secret, told once. The one before signs beside it for `overlap_hours`; one older than that not any more."""
        call.read(lambda tx: _owned(tx, call, endpoint_id))
        attempt = attempt_of(call, idempotency_key, data.content)
        return once(call, attempt, lambda _: data.read(RotationRequest), lambda tx, asked: _rotate(tx, call, endpoint_id, asked))

    @post(
        "/{endpoint_id:str}/ping",
        operation_id="pingWebhookEndpoint",
        summary="Send a test message",
        status_code=200,
        opt=_ADMIN,
        responses=refusals("not_found"),
    )
    async def ping(self, call: NamedDependency[Call], endpoint_id: FromPath[str]) -> Response[shapes.DeliveryView]:
        """Now, whatever state the endpoint is in, and once: the answer says what it answered."""
        row = await asyncio.to_thread(call.read, lambda tx: _owned(tx, call, endpoint_id))
        found = await webhooks.ping(call.kit, Sender(call.settings.egress_allow), row)
        await asyncio.to_thread(_log, call, found)
        return answered(shapes.delivery(found))

    @get(
        "/{endpoint_id:str}/deliveries",
        operation_id="listWebhookDeliveries",
        summary="The log of an endpoint",
        opt=_ADMIN,
        responses=refusals("not_found"),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def deliveries(
        self,
        call: NamedDependency[Call],
        endpoint_id: FromPath[str],
        states: Annotated[
            str | None,
            QueryParameter(name="state", max_length=60, description="Comma-separated.", schema_extra=paging.listed(_STATES)),
        ] = None,
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[shapes.DeliveryList]:
        """Newest first, with every try; kept for 30 days after the last."""
        table = tables.webhook_deliveries.c
        chosen = paging.is_among(table.state, paging.some_of("state", states, _STATES))
        page = call.read(
            lambda tx: paging.page_of(
                tx, call, DELIVERIES, [table.endpoint_id == _owned(tx, call, endpoint_id).id, *chosen], limit, after, before
            )
        )
        found = shapes.DeliveryList(data=[shapes.delivery(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @post(
        "/{endpoint_id:str}/deliveries/{delivery_id:str}/replay",
        operation_id="replayWebhookDelivery",
        summary="Send a message again",
        status_code=202,
        opt=_ADMIN,
        responses=refusals(*WITH_KEY, "not_found", "wrong_state"),
        response_headers=[REPLAYED],
        sync_to_thread=True,
    )
    def replay(
        self,
        call: NamedDependency[Call],
        endpoint_id: FromPath[str],
        delivery_id: FromPath[str],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[shapes.DeliveryView]:
        """The same message with the same `webhook-id`, as a delivery of its own."""
        attempt = attempt_of(call, idempotency_key, b"")
        return once(call, attempt, lambda _: None, lambda tx, _: _replay(tx, call, endpoint_id, delivery_id))

    @post(
        "/{endpoint_id:str}/replay",
        operation_id="replayWebhookEvents",
        summary="Send all events of a time again",
        status_code=202,
        opt=_ADMIN,
        responses=refusals(*WITH_KEY, "not_found", "wrong_state"),
        response_headers=[REPLAYED],
        sync_to_thread=True,
    )
    def replay_range(
        self,
        call: NamedDependency[Call],
        endpoint_id: FromPath[str],
        since: Annotated[dt.datetime | None, QueryParameter(name="from", description="Made then or later, with offset.")] = None,
        until: Annotated[dt.datetime | None, QueryParameter(name="to", description="Made before then, with offset.")] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[shapes.Replayed]:
        """Whatever the endpoint asks for, delivered before or not; `from` and `to` are needed, at most 10,000 events are sent."""
        call.read(lambda tx: _owned(tx, call, endpoint_id))
        bounds = _range(since, until)
        attempt = attempt_of(call, idempotency_key, " ".join(at.isoformat() for at in bounds).encode())
        return once(call, attempt, lambda _: None, lambda tx, _: _replay_range(tx, call, endpoint_id, *bounds))


def _about(call: Call) -> EndpointAbout:
    return EndpointAbout(mode=call.mode, egress_allow=call.settings.egress_allow)


def _owned(tx: sa.Connection, call: Call, endpoint_id: str) -> Endpoint:
    row = ENDPOINTS.get(tx, call.owner, endpoint_id)
    if row is None:
        raise ProblemError("not_found", f"there is no webhook endpoint {endpoint_id}")
    return row


def _create(tx: sa.Connection, call: Call, asked: EndpointRequest) -> Response[Any]:
    row, secret = webhooks.create(tx, call.kit.vault, call.owner, asked.url, asked.event_types, asked.description, call.wall)
    return answered(shapes.endpoint(row, secret), 201, {"Location": f"/v1/webhook-endpoints/{row.id}"})


def _rotate(tx: sa.Connection, call: Call, endpoint_id: str, asked: RotationRequest) -> Response[Any]:
    overlap = dt.timedelta(hours=asked.overlap_hours)
    row, secret = webhooks.rotate(tx, call.kit.vault, _owned(tx, call, endpoint_id), overlap, call.wall)
    return answered(shapes.endpoint(row, secret))


def _log(call: Call, found: Delivery) -> None:
    """The ping stands in the log, unless its endpoint was removed meanwhile."""
    with call.kit.db.write() as tx:
        if ENDPOINTS.get(tx, call.owner, found.endpoint_id):
            DELIVERIES.insert(tx, found)


def _replay(tx: sa.Connection, call: Call, endpoint_id: str, delivery_id: str) -> Response[Any]:
    row = DELIVERIES.get(tx, call.owner, delivery_id)
    if row is None or row.endpoint_id != endpoint_id:
        raise ProblemError("not_found", f"{endpoint_id} has no delivery {delivery_id}")
    return answered(shapes.delivery(webhooks.replay(tx, _owned(tx, call, endpoint_id), row, call.wall)), 202)


def _replay_range(tx: sa.Connection, call: Call, endpoint_id: str, since: dt.datetime, until: dt.datetime) -> Response[Any]:
    number = webhooks.replay_range(tx, _owned(tx, call, endpoint_id), since, until, call.wall)
    return answered(shapes.Replayed(deliveries=number), 202)


def _range(since: dt.datetime | None, until: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    """Both ends, in their order. Raises ProblemError telling what is wrong with either."""
    faults = [*_end_faults("from", since), *_end_faults("to", until)]
    if since and until and not faults and until <= since:
        faults = [ErrorItem(parameter="to", code="out_of_range", detail="must be after `from`")]
    if faults or since is None or until is None:
        raise ProblemError("invalid_parameter", errors=faults)
    return since, until


def _end_faults(name: str, at: dt.datetime | None) -> list[ErrorItem]:
    if at is None:
        return [ErrorItem(parameter=name, code="missing", detail="is missing")]
    if at.tzinfo is None:
        return [ErrorItem(parameter=name, code="invalid_format", detail="needs its offset, such as 2026-11-25T10:00:00Z")]
    return []
