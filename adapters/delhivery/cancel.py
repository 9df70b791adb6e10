"""Cancelling, while the pickup is Scheduled and no rider is out.

Developer portal, shipment cancellation (2026-07): `cancellation` is the *text* "true". Live captures: the answer is XML even where
JSON was asked for, and a repeated cancel answers the same success.
"""

from __future__ import annotations

import httpx

from adapters.contract.carrier import Access, Booking, Cancelled, Operation, SoFar, one_step
from adapters.contract.errors import Misread
from adapters.delhivery import wire


def build(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.post(access, "/api/p/edit", {"waybill": booking.awb, "cancellation": "true"})


def parse(response: httpx.Response, booking: Booking, so_far: SoFar) -> Cancelled:
    said = wire.verdict(response, booking.awb)
    if wire.is_bare(response):
        return Cancelled()
    if not said.waybill or "cancel" not in (said.remark or "").casefold():
        raise Misread("a yes to something else: an edit says yes in the same words")
    return Cancelled()


CANCEL: Operation[Booking, Cancelled] = one_step(build, parse, repeatable=True)
