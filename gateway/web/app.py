"""The API as one Litestar application, for granian: `create_app(settings)`, or `app` with the settings of the environment.

Its kit lives on the server's loop from start to shutdown. Handlers that touch the ledger run in threads (32), those that wait for
carriers hold none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.typing import FieldDefinition

from gateway.services.kit import Kit, on_loop
from gateway.settings import Settings, from_environment
from gateway.web import installation
from gateway.web.access import Guard, authenticate, in_thread, provide_call
from gateway.web.api_keys import ApiKeys
from gateway.web.audit import AuditLog
from gateway.web.batch import PickupBatches
from gateway.web.bodies import LARGEST, RawBody
from gateway.web.callbacks import Callbacks
from gateway.web.carrier_accounts import CarrierAccounts
from gateway.web.carriers import Carriers
from gateway.web.clocks import Clock
from gateway.web.erasure import Erasure
from gateway.web.events import Events
from gateway.web.exceptions import Exceptions
from gateway.web.health import Health
from gateway.web.labels import Labels
from gateway.web.limits import Meter, Quota, RedisBuckets
from gateway.web.locations import Locations
from gateway.web.merchants import Merchants
from gateway.web.metrics import Metrics, count
from gateway.web.pages import Pages
from gateway.web.pickups import Pickups
from gateway.web.policies import Policies
from gateway.web.problems import HANDLERS, request_id
from gateway.web.quotes import Quotes, Serviceability
from gateway.web.rate_cards import RateCards
from gateway.web.scorecards import Scorecards
from gateway.web.tracking import Tracking
from gateway.web.visits import Visits
from gateway.web.webhooks import Webhooks

OpenKit = Callable[[Settings, asyncio.AbstractEventLoop], Kit]

_THREADS = 32
_RESOURCES = [
    Quotes,
    Serviceability,
    Pickups,
    PickupBatches,
    Visits,
    Labels,
    Tracking,
    Events,
    Webhooks,
    Exceptions,
    Carriers,
    CarrierAccounts,
    RateCards,
    Locations,
    Policies,
    Scorecards,
    ApiKeys,
    Erasure,
    Clock,
]
_INSTALLATION = [Merchants, AuditLog]  # a merchant's key or one of the installation
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def app() -> Litestar:
    """For a server that starts by name. Raises BadSetting."""
    return create_app(from_environment())


def create_app(
    settings: Settings, open_kit: OpenKit = on_loop, quota: Quota | None = None, openapi: OpenAPIConfig | None = None
) -> Litestar:
    """The API over one data folder or database. `openapi` is needed only where the contract is written anew."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they print addresses, and those may hold keys
    made = Litestar(
        route_handlers=[
            _behind(authenticate, _RESOURCES),
            _behind(installation.authenticate, _INSTALLATION),
            Router("/v1", route_handlers=[Callbacks]),
            Health,
            Metrics,
            Pages,
        ],
        dependencies={
            "call": Provide(provide_call, sync_to_thread=False),
            "visitor": Provide(installation.provide_visitor, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        middleware=[_named],
        before_send=[_add_headers],
        lifespan=[_living(settings, open_kit)],
        state=State({"settings": settings, "meter": Meter(quota or Quota(*settings.rate_limit), RedisBuckets(settings.redis))}),
        request_max_body_size=LARGEST,
        logging_config=None,
        openapi_config=openapi,
    )
    _note_parameters(made)
    return made


def _behind(guard: Guard, resources: list[Any]) -> Router:
    return Router("/v1", route_handlers=resources, guards=[in_thread(guard)], dto=RawBody, return_dto=None)


def _living(settings: Settings, open_kit: OpenKit) -> Callable[[Litestar], Any]:
    @contextlib.asynccontextmanager
    async def living(made: Litestar) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="api"))
        kit = open_kit(settings, loop)
        made.state.kit = kit
        try:
            yield
        finally:
            await kit.converter.close()
            await kit.carriers.close()
            kit.db.close()

    return living


def _note_parameters(made: Litestar) -> None:
    """The query parameters that each handler declares, by their type: all others are refused. And an address's methods, for its
    OPTIONS: Litestar would name those of the first handler only.
    """
    for route in made.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                fields = handler.parsed_fn_signature.parameters
                known = {found.field_alias: fields[found.field_name] for found in model.expected_query_params}
                handler.opt["query"] = {name: _kind(field) for name, field in known.items()}
            route.route_handler_map["OPTIONS"][0].opt["methods"] = ", ".join(sorted(route.methods))


def _kind(field: FieldDefinition) -> Any:
    """Its type, where it is given at all."""
    return field.inner_types[0].annotation if field.inner_types else field.annotation


def _named(app: ASGIApp) -> ASGIApp:
    """Middleware: whatever is logged within a request carries its id."""

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["began"] = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request=request_id(scope)):
            await app(scope, receive, send)

    return named


async def _add_headers(message: Message, scope: Scope) -> None:
    """Before an answer leaves: its request's id, what browsers must know, and what is left of the key's quota."""
    if message["type"] != "http.response.start":
        return
    count(scope, message["status"])
    headers = MutableScopeHeaders.from_message(message)
    if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS" and message["status"] == 204:
        headers["Allow"] = scope["route_handler"].opt["methods"]
    quota = scope.get("state", {}).get("quota")
    for name, value in {"X-Request-Id": request_id(scope), **_HEADERS, **(quota.headers if quota else {})}.items():
        headers.setdefault(name, value)
