"""Booking with Aramex: a number of its own is reserved, a waybill made under it, a collection ordered for the waybill.

WSDLs (A). The number and our reference (`ForeignHAWB`) stand in the ledger before the waybill is asked for; a second waybill with
the same reference is refused (ERR30, B: test host), which here means that it is made: so a lost answer is just asked for again. A
waybill alone brings nobody to the door and cannot be cancelled: that is why it comes first, and only the collection commits.
"""

from __future__ import annotations

import re

import httpx
import msgspec

from adapters.aramex import goods, hours, pickup, places, wire
from adapters.contract.carrier import Access, Booked, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction, Order

LONGEST_REFERENCE = 40
_ENTITY = re.compile(r"[A-Z]{3}")


# --- a number in advance --------------------------------------------------------------------------


class Range(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    from_waybill: str = ""
    to_waybill: str = ""


def build_number(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    check(order, access)
    fields = {
        **wire.head(access, (order.carrier_reference,)),
        "Entity": wire.setting(access.settings, "account_entity"),
        "ProductGroup": goods.product_of(order, access).group,
        "Count": 1,
    }
    return wire.SHIPPING.request(wire.address(access, "Shipping"), "ReserveShipmentNumberRange", fields)


def parse_number(response: httpx.Response, order: Order, so_far: SoFar) -> Next:
    reply = wire.SHIPPING.read(response, "ReserveShipmentNumberRange", Range)
    wire.judge(reply, (order.carrier_reference,))
    wire.recognise(reply, (order.carrier_reference,))
    number = reply.from_waybill.strip()
    if not number.isdecimal() or number != reply.to_waybill.strip():
        raise Misread(f"not a range of one number: {number[:40]!r}")
    return Next(so_far={"number": number, "group": goods.group(order.shipper.country, order.consignee.country)})


# --- the waybill ----------------------------------------------------------------------------------


class Details(msgspec.Struct, frozen=True, rename="pascal"):
    origin: str = ""


class Shipment(wire.Verdict, frozen=True, kw_only=True, rename="pascal"):
    """`origin` of its details is the entity it leaves from."""

    id: str = msgspec.field(name="ID", default="")
    foreign_hawb: str = msgspec.field(name="ForeignHAWB", default="")
    shipment_details: Details = Details()


class Shipments(msgspec.Struct, frozen=True, rename="pascal"):
    processed_shipment: list[Shipment] = []


class Reply(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    shipments: Shipments = Shipments()


def build(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    check(order, access)
    fields = {
        **wire.head(access, (order.carrier_reference,)),
        "Shipments": {"Shipment": [_shipment(order, access, so_far.get("number", ""))]},
    }
    return wire.SHIPPING.request(wire.address(access, "Shipping"), "CreateShipments", fields)


def _shipment(order: Order, access: Access, number: str) -> dict[str, object]:
    paid = goods.payment(order.direction, access)
    reverse = order.direction is Direction.REVERSE
    merchant, merchant_at = (order.consignee, "/consignee") if reverse else (order.shipper, "/shipper")
    third = {"ThirdParty": places.party(merchant, merchant_at, access, pays=True)} if paid.third_party else {}
    return {
        "Reference1": order.carrier_reference,
        "Reference2": places.written(order.order_number, "/order_number"),
        "Shipper": places.party(order.shipper, "/shipper", access, pays=not reverse),
        "Consignee": places.party(order.consignee, "/consignee", access, pays=reverse),
        **third,
        "ShippingDateTime": hours.hours(order, access.now).ready,
        "OperationsInstructions": places.written(order.instructions, "/instructions"),
        "Details": goods.of_order(order, access),
        "ForeignHAWB": order.carrier_reference,
        "Number": number,
    }


def parse(response: httpx.Response, order: Order, so_far: SoFar) -> Next:
    reply = wire.SHIPPING.read(response, "CreateShipments", Reply)
    made = reply.shipments.processed_shipment
    try:
        wire.judge(reply, (order.carrier_reference,), made)
    except Refused as refusal:
        if refusal.kind is RefusalKind.DUPLICATE and "number" in so_far:
            return Next(so_far={"waybill": so_far["number"]})
        raise
    return _made(made, order, so_far)


def _made(made: list[Shipment], order: Order, so_far: SoFar) -> Next:
    if len(made) != 1 or made[0].foreign_hawb != order.carrier_reference:
        raise Misread("not one waybill under our reference")
    if not made[0].id or made[0].id != so_far.get("number", made[0].id):
        raise Misread(f"a waybill with the number {made[0].id[:40]!r}")
    entity = made[0].shipment_details.origin
    return Next(so_far={"waybill": made[0].id, **({"entity": entity} if _ENTITY.fullmatch(entity) else {})})


# --- both -----------------------------------------------------------------------------------------


def check(order: Order, access: Access) -> None:
    """What cannot be put to the carrier faithfully is refused by name, before anything is sent."""
    if len(order.carrier_reference) > LONGEST_REFERENCE:
        raise wire.unfit("/carrier_reference", f"at most {LONGEST_REFERENCE} characters")
    if order.quality_checks:
        raise wire.unfit("/quality_checks", "Aramex does not check goods at the door")
    places.collecting(order.shipper.country, "/shipper/country")
    goods.only_parcel(order.parcels)
    _shipment(order, access, "")


def build_pickup(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    check(order, access)
    return pickup.build(order, access, so_far)


BOOK: Operation[Order, Booked] = Operation(
    steps=(
        Step(name="number", build=build_number, parse=parse_number),
        Step(name="waybill", build=build, parse=parse),
        Step(name="pickup", build=build_pickup, parse=pickup.parse, commits=True),
    ),
    reads_server_errors=True,
    timeout=30.0,
)
