"""Calls with a key of the installation (`gw_admin_...`), and with a merchant's own where that may be asked too.

Such a key makes merchants and reads the installation's audit log. It opens nothing of a merchant's: no pickup, no account.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gateway import clock
from gateway.services.kit import Kit
from gateway.services.recording import Author
from gateway.store import merchants
from gateway.store.audit import INSTALLATION, Chain, chain_of
from gateway.store.merchants import ADMIN_KEYS, AdminKey
from gateway.web import access
from gateway.web.access import Call
from gateway.web.noting import author
from gateway.web.problems import ProblemError

_MINUTE = dt.timedelta(minutes=1)


class Visitor:
    """Who asks: the installation (`key`), or a merchant (`call`)."""

    def __init__(self, request: Request[Any, Any, Any], kit: Kit, key: AdminKey | None, call: Call | None) -> None:
        self.request = request
        self.kit = kit
        self.key = key
        self.call = call
        self.wall = clock.wall()

    @property
    def chain(self) -> Chain:
        """The audit log this key may read."""
        return chain_of(self.call.owner) if self.call else INSTALLATION

    def may_see(self, merchant_id: str) -> bool:
        return self.call is None or self.call.merchant.id == merchant_id

    def installation(self) -> AdminKey:
        """The installation's key. Raises ProblemError for a merchant's."""
        if self.key is None:
            raise ProblemError("forbidden", "this needs a key of the installation: `gateway keys create --admin` makes one")
        return self.key

    def author(self, chain: Chain = INSTALLATION) -> Author:
        return author(self.request, chain, self.installation().id)


def authenticate(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of what takes a Visitor: either kind of key is checked before a body is read. Raises ProblemError."""
    if connection.scope.get("method") == "OPTIONS":
        return
    state = connection.app.state
    key = _admin_key(connection)
    if key is None:
        access.authenticate(connection, handler)
    else:
        access.admit(connection, handler, key.id)
    call = connection.scope["state"].get("call")
    connection.scope["state"]["visitor"] = Visitor(access.request_of(connection), state.kit, key, call)


def _admin_key(connection: ASGIConnection[Any, Any, Any, Any]) -> AdminKey | None:
    """The key of the installation the request carries, its use noted at most once a minute."""
    kit, wall, text = connection.app.state.kit, clock.wall(), access.bearer(connection)
    if not merchants.is_admin_key(text):
        return None
    with kit.db.read() as tx:
        key = merchants.find_admin_key(tx, text, wall)
    if key and (key.last_used_at is None or wall - key.last_used_at >= _MINUTE):
        with kit.db.write() as tx:
            ADMIN_KEYS.update(tx, key.id, last_used_at=wall)
    return key


def provide_visitor(request: Request[Any, Any, Any]) -> Visitor:
    """The dependency `visitor`."""
    found: Visitor = request.scope["state"]["visitor"]
    return found
