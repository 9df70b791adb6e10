"""Cancelling: the visit is called off, then the unused label is given back, unless it was before.

Vendor documentation and recordings (A). A pickup that is not scheduled cannot be called off and need not be; that its refusal
reads PICKUP.STATUS.INVALID is taken from the code's name (D). The refund is only asked for here: `submitted` is decided by the
mover within weeks, `not_applicable` means that only a scan would have cost anything. A parcel on its way is refused: then it was
collected. A booking that ended half-way is cancelled by the same steps: without a label there is nothing to give back.
"""

from __future__ import annotations

import httpx

from adapters.contract.carrier import Access, Booking, Cancelled, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.easypost import pickup, shipment, wire
from adapters.easypost.label import shipment_of
from adapters.easypost.shipment import Shipment

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


def build_look(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, shipment.path(shipment_of(booking)))


def parse_look(response: httpx.Response, booking: Booking, so_far: SoFar) -> Next | Cancelled:
    """Done already where the refund runs, or no label was bought; one that was rejected may be asked for again."""
    found = _ours(response, booking)
    nothing_bought = not (booking.awb or found.tracking_code or found.selected_rate or found.postage_label)
    runs = found.refund_status in REFUND_STATUSES and found.refund_status != shipment.REJECTED
    return Cancelled() if runs or nothing_bought else Next(so_far={})


def _ours(response: httpx.Response, booking: Booking) -> Shipment:
    found = shipment.named(shipment.read(response), shipment_of(booking), booking.carrier_reference)
    if booking.awb and found.tracking_code != booking.awb:
        raise Misread("another label")
    return found


def build_refund(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return shipment.refund(shipment_of(booking), access)


def parse_refund(response: httpx.Response, booking: Booking, so_far: SoFar) -> Cancelled:
    found = _ours(response, booking)
    if found.refund_status not in REFUND_STATUSES:
        raise Misread(f"a refund that is {found.refund_status}")
    return Cancelled()


CANCEL: Operation[Booking, Cancelled] = Operation(
    steps=(
        Step(name="visit", build=build_visit, parse=parse_visit, when=has_visit),
        Step(name="look", build=build_look, parse=parse_look),
        Step(name="refund", build=build_refund, parse=parse_refund),
    ),
    timeout=30.0,
)
