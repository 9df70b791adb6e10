"""Who is asking, what they may do, how often, and whether they have asked this before.

Every handler under /v1 that is not open takes a `Call`: the key is checked before a body is read. A key's last use is written
at most once a minute. Parameters nobody declared are refused, so that a misspelt filter does not silently list everything.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
import sqlalchemy as sa
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter

from gateway import clock
from gateway.services.kit import Kit
from gateway.settings import Settings
from gateway.store import merchants
from gateway.store.merchants import KEYS, ApiKey, Merchant
from gateway.store.rows import Owner
from gateway.values import Mode
from gateway.web.problems import ErrorItem, ProblemError

T = TypeVar("T")

LONGEST_KEY = 255  # characters of an Idempotency-Key
_MINUTE = dt.timedelta(minutes=1)
_DATED = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SAFE_PATH = re.compile(r"[A-Za-z0-9_-]{1,64}")

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A value of yours that stands for this one request: asked again with it, you get the first answer.",
        schema_extra={"min_length": 1, "max_length": LONGEST_KEY, "pattern": "^[ -~]+$"},
    ),
]


class Call:
    """One authenticated request: whose it is, and what handlers work with."""

    def __init__(self, request: Request[Any, Any, Any], kit: Kit, settings: Settings, key: ApiKey, merchant: Merchant) -> None:
        self.request = request
        self.kit = kit
        self.settings = settings
        self.key = key
        self.merchant = merchant
        self.wall = clock.wall()

    @property
    def owner(self) -> Owner:
        return Owner(self.key.merchant_id, self.key.mode)

    @property
    def mode(self) -> Mode:
        return self.key.mode

    @property
    def now(self) -> dt.datetime:
        """The merchant's business time."""
        return self.merchant.now(self.mode, self.wall)

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        with self.kit.db.read() as tx:
            return work(tx)


def scope(*names: str) -> dict[str, Any]:
    """A handler's `opt`: a key with any of these scopes (or `admin`) may call it."""
    return {"scopes": frozenset(names) | {"admin"}}


# --- the guard -------------------------------------------------------------------------------------

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]


def in_thread(guard: Guard) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]:
    """A guard that asks the ledger and Redis, kept off the loop."""

    async def guarded(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        await asyncio.to_thread(guard, connection, handler)

    return guarded


def authenticate(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's guard of all that takes a Call; OPTIONS, which it answers itself, is open. Raises ProblemError."""
    if connection.scope.get("method") == "OPTIONS":
        return
    state = connection.app.state
    wall = clock.wall()
    with state.kit.db.read() as tx:
        found = merchants.find_key(tx, bearer(connection), wall)
    if found is None:
        raise ProblemError("unauthorized", headers={"WWW-Authenticate": 'Bearer realm="pickup gateway"'})
    key, merchant = found
    _count(connection, key.id)
    if not handler.opt["scopes"] & set(key.scopes):
        raise ProblemError("forbidden", f"this needs one of the scopes {', '.join(sorted(handler.opt['scopes']))}")
    _check_address(connection, handler)
    _mark_used(state.kit, key, wall)
    connection.scope["state"]["call"] = Call(request_of(connection), state.kit, state.settings, key, merchant)


def admit(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, key_id: str) -> None:
    """A request with a good key counts, and its address is looked at. Raises ProblemError."""
    _count(connection, key_id)
    _check_address(connection, handler)


def _count(connection: ASGIConnection[Any, Any, Any, Any], key_id: str) -> None:
    """From here on every answer tells what is left of the key's quota. Raises ProblemError `too_many_requests`."""
    connection.scope["state"]["quota"] = connection.app.state.meter.take(key_id)


def request_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Request[Any, Any, Any]:
    if not isinstance(connection, Request):
        raise TypeError("the API has no websockets")
    return connection


def bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _mark_used(kit: Kit, key: ApiKey, wall: dt.datetime) -> None:
    if key.last_used_at is None or wall - key.last_used_at >= _MINUTE:
        with kit.db.write() as tx:
            KEYS.update(tx, key.id, last_used_at=wall)


def _check_address(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """An id that cannot be one is not found; a parameter nobody declared, or with control characters in it, is refused. So is what
    Litestar would take for something else: a number for seconds since 1970, null for a parameter that was left out.
    """
    if any(not _SAFE_PATH.fullmatch(str(value)) for value in connection.path_params.values()):
        raise ProblemError("not_found")
    known: Mapping[str, type] = handler.opt.get("query", {})
    errors = []
    for name, value in connection.query_params.multi_items():
        if name not in known:
            words = f"there is no such parameter here{'; there are ' + ', '.join(sorted(known)) if known else ''}"
            errors.append(ErrorItem(parameter=name[:120], code="unknown_parameter", detail=words))
        elif any(ord(letter) < 32 for letter in value):
            errors.append(ErrorItem(parameter=name, code="control_character", detail="has a control character in it"))
        elif known[name] is not str and value.lower() == "null":
            errors.append(ErrorItem(parameter=name, code="invalid_format", detail="is no value: leave the parameter out"))
        elif known[name] is dt.datetime and not _DATED.match(value):
            errors.append(ErrorItem(parameter=name, code="invalid_format", detail="is no time such as 2026-11-25T10:00:00Z"))
    if errors:
        raise ProblemError("invalid_parameter", errors=errors)


def provide_call(request: Request[Any, Any, Any]) -> Call:
    """The dependency `call`."""
    call: Call = request.scope["state"]["call"]
    return call


# --- answers ---------------------------------------------------------------------------------------


def answered(value: msgspec.Struct | None, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """An answer as bytes: what is sent is what is kept for those who ask again."""
    content = b"" if value is None else msgspec.json.encode(value)
    return Response(content, status_code=status, headers=dict(headers or {}), media_type="application/json")
