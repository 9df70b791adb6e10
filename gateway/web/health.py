"""Is the process alive, and can it serve: for supervisors and load balancers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Controller, Request, Response, get

from gateway.store.database import OldSchema
from gateway.web import setup_views
from gateway.web.access import answered
from gateway.web.contract import refusals
from gateway.web.problems import ProblemError


class Health(Controller):
    path = "/health"
    tags = ["Health"]
    security = [{}]

    @get("/live", operation_id="getLiveness", summary="The process is alive", responses=refusals(always=()), sync_to_thread=False)
    def live(self) -> Response[setup_views.Health]:
        return answered(setup_views.Health(status="ok"))

    @get(
        "/ready",
        operation_id="getReadiness",
        summary="The process can serve",
        responses=refusals("unavailable", always=("internal",)),
        sync_to_thread=True,
    )
    def ready(self, request: Request[Any, Any, Any]) -> Response[setup_views.Health]:
        """The ledger answers and has this version's schema."""
        db = request.app.state.kit.db
        try:
            with db.read() as tx:
                tx.execute(sa.select(1))
            db.check()
        except OldSchema as error:
            raise ProblemError("unavailable", str(error), headers={"Retry-After": "5"}) from error
        return answered(setup_views.Health(status="ok"))
