"""Cancelling a shipment.

OpenAPI file 3.8.8, `cancel_shipment` (A): a DELETE, answered with a list of acknowledgements. Until when it works is not written
down; a refusal is a remark without a code, and HTTP 200.
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.contract.carrier import Access, Booking, Cancelled, SoFar, one_step
from adapters.contract.errors import Misread
from adapters.ekart import wire


class Reply(msgspec.Struct):
    data: list[wire.Acknowledgement]


def build(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return httpx.Request(
        "DELETE",
        f"{access.base_url}/api/v1/package/cancel",
        params={"tracking_id": booking.awb},
        headers=wire.bearer(access),
    )


def parse(response: httpx.Response, booking: Booking, so_far: SoFar) -> Cancelled:
    reply = wire.read(response, Reply)
    if len(reply.data) != 1:
        raise Misread(f"{len(reply.data)} acknowledgements for one shipment")
    wire.acknowledged(reply.data[0], booking.awb)
    return Cancelled()


CANCEL = one_step(build, parse)
