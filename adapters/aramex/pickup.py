"""The last step of a booking: the collector is ordered for a waybill that exists.

WSDLs (A). The GUID cancels, the ID is what people read out and what `TrackPickup` takes. "Duplicate collection already exists (ID)"
answers a second order of the same collection (B: the carrier's own plug-in reads the ID out of it): the booking is adopted, but its
GUID was lost with the first answer, so that it cannot be cancelled any more.
"""

from __future__ import annotations

import re

import httpx
import msgspec

from adapters.aramex import goods, hours, places, wire
from adapters.contract.carrier import Access, Booked, SoFar
from adapters.contract.errors import Misread, Refused
from adapters.contract.orders import Order
from adapters.contract.places import Party

TRACKING_PAGE = "https://www.aramex.com/track/shipments?ShipmentNumber="

# Kept with a booking for its label: the waybill's product group and the entity it leaves from.
WAYBILLS_OWN = ("group", "entity")

_ID = re.compile(r"[\w-]{1,40}", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_GUID = "00000000-0000-0000-0000-000000000000"
_EXISTS = re.compile(r"duplicate collection already exists[^()]*\(\s*([\w-]{1,40})\s*\)", re.IGNORECASE)


class Attached(msgspec.Struct, frozen=True, rename="pascal"):
    """A waybill of the collection, where the answer lists them."""

    id: str = msgspec.field(name="ID", default="")


class AttachedList(msgspec.Struct, frozen=True, rename="pascal"):
    processed_shipment: list[Attached] = []


class Pickup(msgspec.Struct, frozen=True, rename="pascal"):
    id: str = msgspec.field(name="ID", default="")
    guid: str = msgspec.field(name="GUID", default="")
    reference1: str = ""
    processed_shipments: AttachedList = AttachedList()


class Reply(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    processed_pickup: Pickup = Pickup()


def build(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    fields = {**wire.head(access, (order.carrier_reference,)), "Pickup": _pickup(order, access, so_far)}
    return wire.SHIPPING.request(wire.address(access, "Shipping"), "CreatePickup", fields)


def _pickup(order: Order, access: Access, so_far: SoFar) -> dict[str, object]:
    door, when = order.shipper, hours.hours(order, access.now)
    group = goods.product_of(order, access).group
    entity = so_far.get("entity") or wire.setting(access.settings, "account_entity")
    return {
        "PickupAddress": places.address(door, "/shipper"),
        "PickupContact": places.contact(door, "/shipper", access),
        "PickupLocation": _spot(door),
        "PickupDate": when.ready,
        "ReadyTime": when.ready,
        "LastPickupTime": when.last,
        "ClosingTime": when.closing,
        "Comments": places.written(order.instructions, "/instructions"),
        "Reference1": order.carrier_reference,
        "Reference2": places.written(order.order_number, "/order_number"),
        "Vehicle": "",
        "PickupItems": {"PickupItemDetail": [_contents(order, access)]},
        "Status": "Ready",
        "ExistingShipments": {"ExistingShipment": [{"Number": so_far["waybill"], "OriginEntity": entity, "ProductGroup": group}]},
    }


def _spot(door: Party) -> str:
    return places.written(door.landmark, "/shipper/landmark")


def _contents(order: Order, access: Access) -> dict[str, object]:
    what, parcel = goods.product_of(order, access), goods.only_parcel(order.parcels)
    return {
        "ProductGroup": what.group,
        "ProductType": what.type,
        "NumberOfShipments": 1,
        "PackageType": "",
        "Payment": goods.payment(order.direction, access).type,
        "ShipmentWeight": goods.weight(parcel.dead_weight),
        "ShipmentVolume": None,
        "NumberOfPieces": 1,
        "CashAmount": None,
        "ExtraCharges": None,
        "ShipmentDimensions": goods.dimensions(parcel),
        "Comments": goods.described(order),
    }


def parse(response: httpx.Response, order: Order, so_far: SoFar) -> Booked:
    reply = wire.SHIPPING.read(response, "CreatePickup", Reply)
    try:
        wire.judge(reply, (order.carrier_reference,))
    except Refused as refusal:
        existing = _EXISTS.search(refusal.raw_message)
        if existing is None:
            raise
        return _booked(so_far, {"pickup": existing[1]})
    return _ordered(reply.processed_pickup, order, so_far)


def _ordered(found: Pickup, order: Order, so_far: SoFar) -> Booked:
    """The positive signs: an ID, a GUID that is one, our reference, and no waybill but ours."""
    if not _ID.fullmatch(found.id) or not _GUID.fullmatch(found.guid) or found.guid == _NO_GUID:
        raise Misread("a collection without its ID and GUID")
    waybills = {attached.id for attached in found.processed_shipments.processed_shipment if attached.id}
    if found.reference1 != order.carrier_reference or not waybills <= {so_far["waybill"]}:
        raise Misread("a collection for another booking")
    return _booked(so_far, {"pickup": found.id, "guid": found.guid})


def _booked(so_far: SoFar, handles: dict[str, str]) -> Booked:
    known = {name: so_far[name] for name in WAYBILLS_OWN if name in so_far}
    waybill = so_far["waybill"]
    return Booked(awb=waybill, handles={**handles, **known}, pickup_token=handles["pickup"], tracking_url=TRACKING_PAGE + waybill)
