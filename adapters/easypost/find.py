"""What became of a booking whose answer was lost.

Vendor documentation (A): things are retrieved by their ids; "many endpoints" also take our reference in place of the id, which no
recording shows. A bought label without a scheduled visit is no booking yet: the next step is then simply asked again.
"""

from __future__ import annotations

import httpx

from adapters.contract.carrier import Access, Booked, Next, Operation, SoFar, Sought, Step
from adapters.contract.errors import Misread, Refused
from adapters.easypost import book, pickup, shipment, wire


def had_visit(sought: Sought, access: Access) -> bool:
    return bool(_id(sought, "pickup"))


def build_pickup(sought: Sought, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, pickup.path(_id(sought, "pickup")))


def parse_pickup(response: httpx.Response, sought: Sought, so_far: SoFar) -> Next | None:
    """None: not made, not bought, or called off."""
    try:
        found = pickup.named(pickup.read(response), sought.handles.get("pickup", ""), sought.carrier_reference)
    except Refused as refusal:
        if _is_unheard_of(refusal):
            return None
        raise
    if not sought.handles.get("pickup") and not found.reference:
        raise Misread("a pickup without our reference")
    if found.status != pickup.SCHEDULED:
        return None
    return Next(so_far={"pickup": found.id, "confirmation": found.confirmation or ""})


def build_shipment(sought: Sought, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, shipment.path(_id(sought, "shipment")))


def parse_shipment(response: httpx.Response, sought: Sought, so_far: SoFar) -> Booked | None:
    """None: not bought, given back, or bought without a visit."""
    try:
        found = shipment.named(shipment.read(response), sought.handles.get("shipment", ""), sought.carrier_reference)
    except Refused as refusal:
        if _is_unheard_of(refusal):
            return None
        raise
    if not sought.handles.get("shipment") and not found.reference:
        raise Misread("a shipment without our reference")
    if not found.bought or found.refund_status or "pickup" not in so_far:
        return None
    return book.booked(found, {**sought.handles, "pickup": so_far["pickup"]}, so_far["confirmation"])


def _is_unheard_of(refusal: Refused) -> bool:
    return refusal.raw_code.endswith("NOT_FOUND")


def _id(sought: Sought, name: str) -> str:
    """EasyPost's own id; our reference where not even the shipment's id is known; blank where this was never made."""
    return sought.handles.get(name) or ("" if sought.handles.get("shipment") else sought.carrier_reference)


FIND: Operation[Sought, Booked | None] = Operation(
    steps=(
        Step(name="pickup", build=build_pickup, parse=parse_pickup, when=had_visit),
        Step(name="shipment", build=build_shipment, parse=parse_shipment),
    ),
    repeatable=True,
    timeout=30.0,
)
