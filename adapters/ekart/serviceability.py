"""Does Ekart Elite go there, and in how many days?

OpenAPI file 3.8.8: `getpostal_code_v2` and `/data/v3/serviceability` (A). The first tells collecting from delivering and both
directions apart, one PIN code a call. The second knows the lane and its days, but no direction: it is read for the days only.
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.contract.carrier import Access, Enquiry, Serviceability, SoFar, Stop, Tat, one_step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction
from adapters.ekart import wire

_FLAGS = {
    (Direction.FORWARD, True): "forward_pickup",
    (Direction.FORWARD, False): "forward_drop",
    (Direction.REVERSE, True): "reverse_pickup",
    (Direction.REVERSE, False): "reverse_drop",
}


class Pincode(msgspec.Struct):
    forward_pickup: bool
    forward_drop: bool
    reverse_pickup: bool
    reverse_drop: bool


class PincodeReply(msgspec.Struct):
    status: bool
    pincode: int
    remark: str = ""
    details: Pincode | None = None


def build_serviceability(stop: Stop, access: Access, so_far: SoFar) -> httpx.Request:
    wire.country(stop.country, "/country")
    pin = wire.pin(stop.postal_code, "/postal_code")
    return httpx.Request("GET", f"{access.base_url}/api/v2/serviceability/{pin}", headers=wire.bearer(access))


def parse_serviceability(response: httpx.Response, stop: Stop, so_far: SoFar) -> Serviceability:
    reply = wire.read(response, PincodeReply)
    if reply.pincode != wire.pin(stop.postal_code, "/postal_code"):
        raise Misread("an answer about another PIN code")
    if not reply.status:
        return Serviceability(serviceable=False, cause=reply.remark)
    if reply.details is None:
        raise Misread("a serviceable PIN code without its flags")
    flag = _FLAGS[stop.direction, stop.collect]
    served: bool = getattr(reply.details, flag)
    return Serviceability(serviceable=served, cause="" if served else f"{flag} is false")


SERVICEABILITY = one_step(build_serviceability, parse_serviceability, repeatable=True)


# --- TAT ------------------------------------------------------------------------------------------


class Days(msgspec.Struct):
    max: int
    min: int = 0


class Partner(msgspec.Struct):
    tat: Days


def build_tat(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    seller, customer = wire.seller_and_customer(enquiry.lane, enquiry.direction)
    parcel = wire.only_parcel(enquiry.parcels)
    value = wire.rupees(enquiry.declared_value, "/declared_value")
    return httpx.Request(
        "POST",
        f"{access.base_url}/data/v3/serviceability",
        headers=wire.bearer(access),
        json={
            "pickupPincode": str(seller),
            "dropPincode": str(customer),
            "length": str(parcel.length.whole_centimetres),
            "width": str(parcel.width.whole_centimetres),
            "height": str(parcel.height.whole_centimetres),
            "weight": str(parcel.dead_weight.grams),
            "paymentType": "Prepaid",  # a pickup is no word here; nothing is collected in cash
            "serviceType": "SURFACE",
            "invoiceAmount": f"{value:f}",
        },
    )


def parse_tat(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Tat:
    """The latest day of the slowest partner. An empty list means that nobody serves the lane."""
    partners = wire.read(response, list[Partner])
    if not partners:
        raise Refused(RefusalKind.NOT_SERVICEABLE, raw_message="no courier partner for this lane")
    days = max(partner.tat.max for partner in partners)
    if days < 0:
        raise Misread(f"{days} days")
    return Tat(days=days)


TAT = one_step(build_tat, parse_tat, repeatable=True)
