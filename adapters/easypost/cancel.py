"""Cancelling: the visit is called off, then the unused label is given back.

Vendor documentation and recordings (A). A pickup that is not scheduled cannot be called off and need not be; that its refusal
reads PICKUP.STATUS.INVALID is taken from the code's name (D). The refund is only asked for here: `submitted` is decided by the
mover within weeks, `not_applicable` means that only a scan would have cost anything. A parcel on its way is refused: then it was
collected.
"""

from __future__ import annotations

import httpx

from adapters.contract.carrier import Access, Booking, Cancelled, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.easypost import pickup, shipment, wire
from adapters.easypost.label import shipment_of

# With each of these the visit is off; whether the label's price comes back is the mover's to say.
REFUND_STATUSES = ("submitted", "refunded", shipment.REJECTED, "not_applicable")


def has_visit(booking: Booking, access: Access) -> bool:
    return "pickup" in booking.handles


def build_visit(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.post(access, pickup.path(booking.handles["pickup"], "/cancel"), {})


def parse_visit(response: httpx.Response, booking: Booking, so_far: SoFar) -> Next:
    try:
        found = pickup.named(pickup.read(response), booking.handles["pickup"], booking.carrier_reference)
    except Refused as refusal:
        if refusal.kind is RefusalKind.WRONG_STATE:
            return Next(so_far={})
        raise
    if found.status != pickup.CANCELED:
        raise Misread(f"a cancelled pickup that is {found.status}")
    return Next(so_far={})


def build_refund(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return shipment.refund(shipment_of(booking), access)


def parse_refund(response: httpx.Response, booking: Booking, so_far: SoFar) -> Cancelled:
    found = shipment.named(shipment.read(response), shipment_of(booking), booking.carrier_reference)
    if booking.awb and found.tracking_code != booking.awb:
        raise Misread("the refund of another label")
    if found.refund_status not in REFUND_STATUSES:
        raise Misread(f"a refund that is {found.refund_status}")
    return Cancelled()


CANCEL: Operation[Booking, Cancelled] = Operation(
    steps=(
        Step(name="visit", build=build_visit, parse=parse_visit, when=has_visit),
        Step(name="refund", build=build_refund, parse=parse_refund),
    ),
    timeout=30.0,
)
