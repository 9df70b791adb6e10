"""The label of a pickup, in the format asked for: the carrier's converted, ours drawn; versions are kept, never overwritten."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from gateway.labels.printing import FORMATS, NoPage, Paper, printed
from gateway.labels.why import MOST_PAGES, Busy, Unconvertible, Why
from gateway.services import labelling
from gateway.services.labelling import Found
from gateway.store import labels
from gateway.store.ledger import StoredLabel
from gateway.web.access import Call, answered, scope
from gateway.web.contract import refusals
from gateway.web.pickups import owned
from gateway.web.problems import ErrorItem, ProblemError
from gateway.web.views import PageInfo, View, whole

# The first of a format is the one it is sent as, unless another was asked for.
MEDIA_TYPES = {
    "application/pdf": "pdf",
    "image/png": "png",
    "application/zpl": "zpl",
    "x-application/zpl": "zpl",
    "application/x-zpl": "zpl",
}
_CARRIER = "carrier"
_KINDS = (_CARRIER, *Paper)
_READ = scope("pickups:read", "pickups:write")
_VARY = ResponseHeader(name="Vary", description="Accept, unless `format` was given.", documentation_only=True)
_ID = ResponseHeader(name="X-Label", description="The id of the version this is, or is made from.", documentation_only=True)
_REFUSALS = refusals("not_found", "not_acceptable", "unconvertible")

Form = Annotated[str | None, QueryParameter(name="format", max_length=10, schema_extra={"enum": list(FORMATS)})]
Which = Annotated[
    str | None,
    QueryParameter(
        max_length=20,
        schema_extra={"enum": [str(kind) for kind in _KINDS]},
        description="carrier: the carrier's label. packing_slip, parcel_label: ours, 4 x 6 inch. Left out, the carrier's where it"
        " gives one, else our packing slip.",
    ),
]
OnePage = Annotated[
    int | None,
    QueryParameter(ge=1, le=MOST_PAGES, description="Of a PNG: this page alone. Left out, all pages, one below the other."),
]
Version = Annotated[str | None, QueryParameter(name="version", max_length=40, description="The id of an older version.")]


class LabelVersion(View, frozen=True, kw_only=True):
    """One version of the label, `size` bytes. `source` is carrier, or ours: a packing slip."""

    id: str
    booking: str
    source: str
    format: str
    size: int
    sha256: str
    url: str
    created_at: dt.datetime


class LabelVersionList(View, frozen=True, kw_only=True):
    data: list[LabelVersion]
    page: PageInfo


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a label, its parameters checked."""

    form: str | None
    kind: str | None
    page: int | None
    version: str


class Labels(Controller):
    path = "/pickups/{pickup_id:str}"
    tags = ["Pickups"]

    @get("/label", operation_id="getPickupLabel", summary="Download the label", opt=_READ, responses=_REFUSALS,
         media_type="application/pdf", response_headers=[_VARY, _ID])  # fmt: skip
    async def one(
        self,
        call: NamedDependency[Call],
        pickup_id: FromPath[str],
        form: Form = None,
        kind: Which = None,
        page: OnePage = None,
        version: Version = None,
    ) -> Response[bytes]:
        """In the format of `format`, else of the header Accept, else as it is: PDF, PNG (203 dpi, black and white) or ZPL (for 203
        dpi). The carrier's is converted where that can be done faithfully: ZPL of a carrier is passed on as it is only.
        """
        asked = _asked(form, kind, page, version)
        found = await asyncio.to_thread(_found, call, pickup_id, asked)
        form, media_type = _chosen(call.request, asked, found)
        content = await _content(call, asked, found, form)
        headers = {
            "Content-Disposition": f'inline; filename="{pickup_id}.{form}"',
            "X-Label": found.label.id,
            **({} if asked.form else {"Vary": "Accept"}),
        }
        return Response(content, headers=headers, media_type=media_type)

    @get("/labels", operation_id="listPickupLabels", summary="All versions of the label", opt=_READ,
         responses=refusals("not_found"), sync_to_thread=True)  # fmt: skip
    def versions(self, call: NamedDependency[Call], pickup_id: FromPath[str]) -> Response[LabelVersionList]:
        """Newest first. A label that changed is a new version; none is overwritten."""
        with call.kit.db.read() as tx:
            rows = labels.of_pickup(tx, call.owner, owned(tx, call, pickup_id).id)
        return answered(LabelVersionList(data=[_version(row) for row in rows], page=whole(rows)))


def _version(row: StoredLabel) -> LabelVersion:
    return LabelVersion(
        id=row.id,
        booking=row.booking_id,
        source=row.source,
        format=row.format,
        size=len(row.content),
        sha256=row.digest.hex(),
        url=f"/v1/pickups/{row.pickup_id}/label?version={row.id}",
        created_at=row.created_at,
    )


def _asked(form: str | None, kind: str | None, page: int | None, version: str | None) -> Asked:
    """Raises ProblemError with all that is wrong."""
    errors = []
    if form is not None and form not in FORMATS:
        errors.append(ErrorItem(parameter="format", code="not_one_of", detail=f"there are {', '.join(FORMATS)}"))
    if kind is not None and kind not in _KINDS:
        errors.append(ErrorItem(parameter="kind", code="not_one_of", detail=f"there are {', '.join(_KINDS)}"))
    if page is not None and form not in (None, "png"):
        errors.append(ErrorItem(parameter="page", code="not_here", detail="picks a page of a PNG: leave it out, or ask format=png"))
    if errors:
        raise ProblemError("invalid_parameter", errors=errors)
    return Asked(form="png" if page else form, kind=kind, page=page, version=version or "")


def _found(call: Call, pickup_id: str, asked: Asked) -> Found:
    """Raises ProblemError."""
    call.read(lambda tx: owned(tx, call, pickup_id))
    found = labelling.find(call.kit, call.owner, pickup_id, asked.version, call.wall)
    if found is None:
        missing = "there is no such version" if asked.version else "there is no label yet: it comes with the booking"
        raise ProblemError("not_found", missing)
    if asked.kind == _CARRIER and found.label.source != _CARRIER:
        raise ProblemError("not_found", "the carrier gave no label: ask kind=packing_slip or kind=parcel_label")
    return found


def _paper(asked: Asked, found: Found) -> Paper | None:
    """Which of ours; None: the carrier's label."""
    if asked.kind in (None, _CARRIER):
        return None if found.label.source == _CARRIER else Paper.PACKING_SLIP
    return Paper(asked.kind)


def _chosen(request: Request[Any, Any, Any], asked: Asked, found: Found) -> tuple[str, str]:
    """Format and media type. Raises ProblemError naming the formats there are."""
    formats = _formats(_paper(asked, found), found.label.format)
    types = [media for form in formats for media, its in MEDIA_TYPES.items() if its == form]
    if asked.form:
        best = next((media for media in types if MEDIA_TYPES[media] == asked.form), "")
    else:
        best = request.accept.best_match(types, "")
    if not best:
        why = f": {Why.ZPL.sentence}" if len(formats) == 1 else ""
        raise ProblemError("not_acceptable", f"this label can be had as {', '.join(formats)}{why}")
    return MEDIA_TYPES[best], best


def _formats(paper: Paper | None, own: str) -> tuple[str, ...]:
    """What there is, what it is by itself first."""
    if paper or own == "pdf":
        return FORMATS
    return (own,) if own == "zpl" else (own, *(one for one in FORMATS if one != own))


async def _content(call: Call, asked: Asked, found: Found, form: str) -> bytes:
    """Raises ProblemError."""
    label, paper = found.label, _paper(asked, found)
    if form == label.format and paper == (None if label.source == _CARRIER else Paper.PACKING_SLIP):
        if (asked.page or 1) > 1:
            raise _no_page(Why.NO_PAGE.sentence)
        return label.content
    if paper and found.slip is None:
        raise ProblemError("not_found", "what it would say is not known any more: the booking is over")
    try:
        if paper and found.slip:
            return await asyncio.to_thread(printed, paper, found.slip, form, asked.page)
        return await labelling.converted(call.kit, label, form, asked.page, call.wall)
    except NoPage as error:
        raise _no_page(str(error)) from error
    except Unconvertible as error:
        if error.why is Why.NO_PAGE:
            raise _no_page(error.why.sentence) from error
        raise ProblemError("unconvertible", f"{error}; it can be had as {label.format}") from error
    except Busy as error:
        raise ProblemError("unavailable", str(error), headers={"Retry-After": "5"}) from error


def _no_page(detail: str) -> ProblemError:
    return ProblemError("invalid_parameter", errors=[ErrorItem(parameter="page", code="not_there", detail=detail)])
