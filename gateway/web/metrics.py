"""GET /metrics on the API's port: this process's figures, and how ledger and queue stand; with a token, or from this machine."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.types import Scope
from prometheus_client import CollectorRegistry

from gateway import metrics
from gateway.services import gauges
from gateway.services.kit import Kit
from gateway.settings import Settings
from gateway.web.problems import ProblemError


class Metrics(Controller):
    path = "/metrics"
    include_in_schema = False

    @get("/", sync_to_thread=True)
    def read(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        settings: Settings = request.app.state.settings
        client = request.client.host if request.client else ""
        if not metrics.may_read(settings.metrics_token, request.headers.get("authorization", ""), client, request.headers):
            raise ProblemError("forbidden", "metrics are for who brings GATEWAY_METRICS_TOKEN; unset, for this machine only")
        content = metrics.text(_gauges(request.app.state.kit, settings, request.app.state))
        return Response(content, headers={"Content-Type": metrics.CONTENT_TYPE})


def _gauges(kit: Kit, settings: Settings, state: Any) -> CollectorRegistry:
    """One for the application: it remembers for some seconds."""
    found: CollectorRegistry | None = state.get("gauges")
    if found is None:
        state.gauges = found = gauges.registry(kit.db, gauges.depths_at(settings.redis))
    return found


def count(scope: Scope, status: int) -> None:
    """A request is about to be answered."""
    known: dict[str, Any] = scope.get("state", {})
    metrics.answered(scope.get("path_template") or "none", str(scope.get("method", "")), status, known.get("began"))
