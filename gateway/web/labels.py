"""The label of a pickup: the newest one, in a format it exists in; versions are kept, never overwritten."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from gateway.store import tables
from gateway.store.ledger import LABELS, StoredLabel
from gateway.web.access import Call, scope
from gateway.web.contract import refusals
from gateway.web.pickups import owned
from gateway.web.problems import ProblemError

MEDIA_TYPES = {"pdf": "application/pdf", "png": "image/png", "zpl": "application/zpl"}


class Labels(Controller):
    path = "/pickups/{pickup_id:str}/label"
    tags = ["Pickups"]

    @get(
        "/",
        operation_id="getPickupLabel",
        summary="Download the label",
        opt=scope("pickups:read", "pickups:write"),
        responses=refusals("not_found", "not_acceptable"),
        media_type="application/pdf",
        sync_to_thread=True,
    )
    def get(
        self,
        call: NamedDependency[Call],
        pickup_id: FromPath[str],
        form: Annotated[str | None, QueryParameter(name="format", max_length=10, description="pdf, png or zpl.")] = None,
    ) -> Response[bytes]:
        """The carrier's label, or a packing slip where the carrier gives none. By `format`, else by the header Accept."""
        with call.kit.db.read() as tx:
            table = tables.labels.c
            found = LABELS.all(tx, table.pickup_id == owned(tx, call, pickup_id).id, order=table.id.desc())
        if not found:
            raise ProblemError("not_found", "there is no label yet: it comes with the booking")
        label = _wanted(call, [one for one in found if one.booking_id == found[0].booking_id], form)
        headers = {"Content-Disposition": f'inline; filename="{pickup_id}.{label.format}"'}
        return Response(label.content, headers=headers, media_type=MEDIA_TYPES[label.format])


def _wanted(call: Call, labels: list[StoredLabel], form: str | None) -> StoredLabel:
    """Raises ProblemError naming the formats there are."""
    by_format: dict[str, StoredLabel] = {}
    for label in labels:
        by_format.setdefault(label.format, label)
    chosen = form or _accepted(call.request, list(by_format))
    if chosen not in by_format:
        raise ProblemError("not_acceptable", f"this label exists as {', '.join(by_format)}")
    return by_format[chosen]


def _accepted(request: Any, formats: list[str]) -> str:
    best = request.accept.best_match([MEDIA_TYPES[form] for form in formats], "")
    return next((form for form in formats if MEDIA_TYPES[form] == best), "")
