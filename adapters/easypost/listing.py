"""EasyPost's own list: the labels bought on a day, newest first, a hundred a page.

Vendor documentation and recordings (A): `GET /shipments` with `start_datetime`, `end_datetime` and `before_id`; `purchased` leaves
out what was only priced. A shipment whose refund was asked for is called off, whatever its mover decides. Whether somebody comes
for it does not stand here: that is the pickup's.
"""

from __future__ import annotations

import datetime as dt

import httpx
import msgspec

from adapters.contract.carrier import Access, DayPage, Listed, Listing, SoFar, one_step
from adapters.contract.errors import Misread
from adapters.easypost import wire
from adapters.easypost.shipment import Shipment

PAGE = 100


class Shipments(msgspec.Struct, frozen=True):
    shipments: list[Shipment]
    has_more: bool


def build(page: DayPage, access: Access, so_far: SoFar) -> httpx.Request:
    params = {
        "start_datetime": f"{page.day}T00:00:00Z",
        "end_datetime": f"{page.day + dt.timedelta(days=1)}T00:00:00Z",
        "purchased": "true",
        "page_size": str(PAGE),
    }
    return wire.get(access, "/shipments", params | ({"before_id": page.after} if page.after else {}))


def parse(response: httpx.Response, page: DayPage, so_far: SoFar) -> Listing:
    """Raises Misread for a page that ends nowhere."""
    found = wire.read(response, Shipments)
    if any(one.object != "Shipment" or not one.id for one in found.shipments):
        raise Misread("a list with something else than shipments")
    last = found.shipments[-1].id if found.shipments else ""
    if found.has_more and last in ("", page.after):
        raise Misread("a list that goes on without end")
    lines = tuple(_line(one) for one in found.shipments if one.tracking_code)
    return Listing(lines=lines, more=last if found.has_more else "")


def _line(one: Shipment) -> Listed:
    return Listed(
        awb=one.tracking_code or "",
        carrier_reference=one.reference or "",
        handles={"shipment": one.id},
        cancelled=bool(one.refund_status),
    )


LIST_OF_DAY = one_step(build, parse, repeatable=True, timeout=30.0)
