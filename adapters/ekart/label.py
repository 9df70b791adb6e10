"""The packing label.

OpenAPI file 3.8.8, `download_label` (A): a PDF for up to 100 ids, one here. Nothing in it says whose label it is.
"""

from __future__ import annotations

import httpx

from adapters.contract.carrier import Access, Booking, Document, SoFar, one_step
from adapters.contract.errors import Misread
from adapters.ekart import wire


def build(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return httpx.Request(
        "POST",
        f"{access.base_url}/api/v1/package/label",
        params={"json_only": "false"},
        headers=wire.bearer(access),
        json={"ids": [booking.awb]},
    )


def parse(response: httpx.Response, booking: Booking, so_far: SoFar) -> Document:
    wire.refuse_failures(response)
    content = response.content
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
        raise Misread("not a whole PDF")
    return Document(content=content, format="pdf")


LABEL = one_step(build, parse, repeatable=True, timeout=30.0)
