"""Carriers' pushes. The address holds a secret of the account; what its adapter cannot verify is only a hint to poll."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Controller, Request, Response, post
from litestar.params import FromPath, RawBody

from adapters.contract.errors import Misread
from gateway import clock
from gateway.carriers import registry
from gateway.services import following
from gateway.services.kit import Kit
from gateway.store import accounts
from gateway.store.accounts import CarrierAccount
from gateway.web import setup_views
from gateway.web.access import answered
from gateway.web.contract import refusals
from gateway.web.problems import ProblemError

_log = structlog.get_logger()


class Callbacks(Controller):
    path = "/callbacks"
    tags = ["Callbacks"]
    security = [{}]

    @post(
        "/{carrier:str}/{token:str}",
        operation_id="takeCallback",
        summary="Take a carrier's push",
        status_code=200,
        responses=refusals("malformed", "not_found", "too_large", always=("internal", "unavailable")),
        sync_to_thread=True,
    )
    def take(
        self, request: Request[Any, Any, Any], carrier: FromPath[str], token: FromPath[str], body: RawBody
    ) -> Response[setup_views.Taken]:
        """For carriers only; `token` is told once, when the carrier account is made. The body is the carrier's own."""
        kit: Kit = request.app.state.kit
        row = _account(kit, carrier, token)
        read = registry.carrier(row.carrier).read_callback
        if read is None:
            raise ProblemError("not_found", f"{carrier} pushes nothing")
        account = accounts.opened(kit.vault, row)
        try:
            pushed = read(dict(request.headers), bytes(body), {**account.settings, **account.secrets})
        except Misread as error:
            _log.warning("push.misread", carrier=carrier, account=row.id, error=str(error))
            raise ProblemError("malformed", f"not a push of {carrier}: {error}") from error
        number = following.push(kit, row, pushed.tracked, verified=pushed.verified, wall=clock.wall())
        return answered(setup_views.Taken(bookings=number))


def _account(kit: Kit, carrier: str, token: str) -> CarrierAccount:
    """Raises ProblemError; that the carrier is unknown and that the token is looks the same."""
    with kit.db.read() as tx:
        row = accounts.by_callback(tx, carrier, token) if "\0" not in carrier else None
    if row is None:
        raise ProblemError("not_found", "no carrier account has this address")
    return row
