"""Invented orders, accounts and answers, of which a test says only what matters."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import httpx
from msgspec.structs import replace

from adapters.contract.carrier import Access, AwbList, Booking, Enquiry, Instruction, Operation, SoFar, Stop
from adapters.contract.errors import CarrierError
from adapters.contract.orders import Direction, Item, Parcel, PickupOrder, ReturnReason, ShipmentOrder
from adapters.contract.places import Lane, Party, Window
from adapters.contract.units import Length, Money, Weight

NOW = dt.datetime(2026, 3, 11, 6, 30, tzinfo=dt.UTC)  # Wednesday noon in India
TODAY = dt.date(2026, 3, 11)
REFERENCE = "bkg_01TEST"
AWB = "500999A3408005"

SECRETS = {"client_id": "EKART_1", "username": "api@warehouse.test", "password": "sesame", "webhook_secret": "push-secret"}
SETTINGS = {
    "seller_name": "Kestrel Apparel",
    "seller_address": "4 Mill Road, Bengaluru",
    "seller_gst_tin": "29ABCDE1234F1Z5",
    "gst_percent": "18",
    "alternate_phone": "8040001000",
    "category_of_goods": "Apparel",
}

CUSTOMER = Party(
    name="Asha Rao",
    phone="+91 98765 43210",
    line1="12 Rose Lane",
    line2="Indiranagar",
    landmark="opposite the library",
    city="Bengaluru",
    state="Karnataka",
    postal_code="560038",
    country="IN",
    alternate_phone="09123456780",
)
WAREHOUSE = Party(
    name="Returns Desk",
    company="Kestrel Apparel",
    phone="8040002000",
    line1="Plot 7, Industrial Area",
    city="Surat",
    state="Gujarat",
    postal_code="394101",
    country="IN",
)
PARCEL = Parcel(dead_weight=Weight(480), length=Length(301), width=Length(200), height=Length(55))
SHIRT = Item(
    sku="SH-1",
    description="Cotton shirt",
    quantity=1,
    unit_value=Money(118000, "INR"),
    return_reason=ReturnReason.SIZE_OR_FIT,
)


def access(**settings: str) -> Access:
    return Access(base_url="https://ekart.test", secrets=SECRETS, settings=SETTINGS | settings, now=NOW, token="tok")


def pickup(**changes: Any) -> PickupOrder:
    order = PickupOrder(carrier_reference=REFERENCE, shipper=CUSTOMER, consignee=WAREHOUSE, parcels=(PARCEL,), items=(SHIRT,))
    return replace(order, **changes)


def shipment(**changes: Any) -> ShipmentOrder:
    order = ShipmentOrder(carrier_reference=REFERENCE, shipper=WAREHOUSE, consignee=CUSTOMER, parcels=(PARCEL,), items=(SHIRT,))
    return replace(order, **changes)


def enquiry(**changes: Any) -> Enquiry:
    lane = Lane(origin="560038", destination="394101")
    value = Money(118000, "INR")
    return replace(Enquiry(lane=lane, direction=Direction.REVERSE, parcels=(PARCEL,), declared_value=value), **changes)


def stop(**changes: Any) -> Stop:
    return replace(Stop(postal_code="560038", country="IN", direction=Direction.REVERSE, collect=True), **changes)


def booking(awb: str = AWB) -> Booking:
    return Booking(awb=awb, carrier_reference=REFERENCE)


def instruction(**changes: Any) -> Instruction:
    return replace(Instruction(booking=booking()), **changes)


def window(day: dt.date) -> Window:
    return Window(date=day, start=dt.time(10), end=dt.time(18), timezone="Asia/Kolkata")


AWBS = AwbList(awbs=(AWB,))


def answer(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def failure(status: int = 400, **changes: Any) -> httpx.Response:
    body = {"statusCode": status, "code": "C", "message": "M", "description": "D", "severity": "ERROR"} | changes
    return httpx.Response(status, json=body)


def sent(request: httpx.Request) -> Any:
    return json.loads(request.content)


def body_of(operation: Operation[Any, Any], question: object, asked_with: Access, step: int = 0) -> Any:
    return sent(operation.steps[step].build(question, asked_with, {}))


def read(operation: Operation[Any, Any], response: httpx.Response, question: object, so_far: SoFar | None = None) -> Any:
    """What the last step makes of an answer; an error is returned as kind, code, text and field where it has them."""
    try:
        return operation.steps[-1].parse(response, question, so_far or {})
    except CarrierError as error:
        return told(error)


def told(error: CarrierError) -> tuple[object, ...]:
    named = tuple(getattr(error, name, "") for name in ("kind", "raw_code", "raw_message", "field"))
    return (type(error), *named) if any(named) else (type(error),)


def refused_building(operation: Operation[Any, Any], question: object, asked_with: Access | None = None) -> Mapping[str, object]:
    """What building a request is refused with: kind and field."""
    try:
        operation.steps[-1].build(question, asked_with or access(), {})
    except CarrierError as error:
        return {"kind": getattr(error, "kind", None), "field": getattr(error, "field", None)}
    return {}
