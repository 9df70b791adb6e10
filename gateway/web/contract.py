"""What every operation's documentation says of its refusals and headers; the OpenAPI document is made from it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from gateway.web.problems import KINDS, MEDIA_TYPE, CarrierPart, ErrorItem, Problem

# Any call with a key may be answered so.
ALWAYS = ("invalid_parameter", "unauthorized", "forbidden", "too_many_requests", "internal", "unavailable")
# Any call with a body, too.
WITH_BODY = ("malformed", "too_large", "unsupported_media_type", "invalid")
# Any call that takes an Idempotency-Key.
WITH_KEY = ("in_flight", "key_reused")

LOCATION = ResponseHeader(name="Location", description="Where the new thing is.", documentation_only=True)
REPLAYED = ResponseHeader(
    name="Idempotency-Replayed", description="true: this is the first answer, given again.", documentation_only=True
)
LINK = ResponseHeader(name="Link", description="The next and previous pages (RFC 8288).", documentation_only=True)


def refusals(*codes: str, always: tuple[str, ...] = ALWAYS) -> dict[int, ResponseSpec]:
    """The problem answers of an operation, by status, each kind with its example."""
    kinds = defaultdict(list)
    for code in (*always, *codes):
        kinds[KINDS[code].status].append(code)
    return {status: _spec(found) for status, found in sorted(kinds.items())}


def _spec(codes: list[str]) -> ResponseSpec:
    return ResponseSpec(
        data_container=Problem,
        generate_examples=False,
        description=" / ".join(KINDS[code].title for code in codes) + ".",
        media_type=MEDIA_TYPE,
        examples=[Example(summary=KINDS[code].title, value=_example(code)) for code in codes],
    )


def _example(code: str) -> Any:
    kind = KINDS[code]
    problem = Problem(
        type=f"/problems/{code}",
        title=kind.title,
        status=kind.status,
        detail=kind.cure,
        instance="/v1/...",
        code=code,
        request_id="req_01jd3f8r6zq9v2k4m7xa",
        errors=_ERRORS.get(code, ()),
        existing=_EXISTING.get(code, ""),
        carrier=_CARRIER.get(code),
    )
    return msgspec.to_builtins(problem)


_EXISTING = {"duplicate_reference": "pck_01jd3f8r6zq9v2k4m7xa", "name_taken": "mer_01jd3f8r6zq9v2k4m7xa"}
_CARRIER = {
    "carrier_refused": CarrierPart(code="unauthorized", raw_code="401", raw_message="Unauthorized client", retryable=False),
    "carrier_unavailable": CarrierPart(
        code="throttled", raw_code="", raw_message="too fast, retry after 12 s", retryable=True, retry_after=12
    ),
}
_ERRORS = {
    "invalid": (
        ErrorItem(
            pointer="/shipper/postal_code",
            code="invalid_postal_code",
            detail="is no postal code of IN: six digits, the first not 0",
        ),
        ErrorItem(pointer="/parcels/0/weight_g", code="too_small", detail="is 0, at least 1 is needed"),
    ),
    "invalid_parameter": (ErrorItem(parameter="limit", code="invalid", detail="Expected `int` <= 200"),),
}
