"""Orders, accounts and replies for Delhivery's tests; every name, phone and number is invented."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec

from adapters.contract.carrier import Access, Booking, Instruction
from adapters.contract.orders import Item, Order, Parcel, PickupOrder, QualityCheck, ReturnReason, ShipmentOrder
from adapters.contract.places import Party
from adapters.contract.units import Length, Money, Weight
from adapters.delhivery import book

NOW = dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)  # a Tuesday, noon in India
AWB = "57930810000066"
REFERENCE = "bkg_01jd"

CUSTOMER = Party(
    name="Meera Iyer",
    phone="+91 98450 11223",
    line1="Flat #4, 12/3 Lake Road",
    line2="Block B & C",
    landmark="opposite the park",
    city="Bengaluru",
    state="Karnataka",
    postal_code="560 001",
    country="IN",
)
WAREHOUSE = Party(
    name="Returns dock",
    company="Loom & Thread",
    phone="022-2345 6789",
    line1="Plot 7, Industrial Area",
    city="Bhiwandi",
    state="Maharashtra",
    postal_code="421302",
    country="IN",
)
PARCEL = Parcel(dead_weight=Weight(700), length=Length(201), width=Length(150), height=Length(50))
SHIRT = Item(
    sku="SHIRT-B",
    description="Cotton shirt",
    quantity=2,
    unit_value=Money(74950, "INR"),
    return_reason=ReturnReason.SIZE_OR_FIT,
    images=("https://pictures.example/shirt.jpg",),
    brand="Loom",
    category="apparel",
)
COLOUR = QualityCheck(question="Is it blue?", expected="Blue")


def access(
    settings: Mapping[str, str] | None = None, *, now: dt.datetime = NOW, token: str = "lab_loom", base: str = "https://dlv.example"
) -> Access:
    usual = {"client": "LOOM-HQ", "pickup_location": "Loom Main WH", "qc_questions": '{"Is it blue?": "LOOM-Q1"}'}
    return Access(base_url=base, secrets={"token": token}, settings=usual | dict(settings or {}), now=now)


def pickup(**changes: Any) -> PickupOrder:
    order = PickupOrder(
        carrier_reference=REFERENCE,
        shipper=CUSTOMER,
        consignee=WAREHOUSE,
        parcels=(PARCEL,),
        items=(SHIRT,),
        service="surface",
    )
    return msgspec.structs.replace(order, **changes)


def shipment(**changes: Any) -> ShipmentOrder:
    order = ShipmentOrder(
        carrier_reference=REFERENCE,
        shipper=WAREHOUSE,
        consignee=CUSTOMER,
        parcels=(PARCEL,),
        items=(SHIRT,),
        service="express",
    )
    return msgspec.structs.replace(order, **changes)


def customer(**changes: Any) -> Party:
    return msgspec.structs.replace(CUSTOMER, **changes)


def booking(awb: str = AWB, **handles: str) -> Booking:
    return Booking(awb=awb, carrier_reference=REFERENCE, handles=handles)


def instruction(**changes: Any) -> Instruction:
    return msgspec.structs.replace(Instruction(booking=booking()), **changes)


def says(body: object, status: int = 200) -> httpx.Response:
    """A reply: JSON, unless `body` is bytes."""
    return httpx.Response(status, content=body if isinstance(body, bytes) else json.dumps(body).encode())


def created(**changes: object) -> dict[str, object]:
    """A package of a successful create.json."""
    return {"status": "Success", "waybill": AWB, "refnum": REFERENCE, "remarks": [""], "payment": "Pickup"} | changes


def success(*packages: Mapping[str, object]) -> httpx.Response:
    return says({"success": True, "packages": list(packages or (created(),)), "package_count": 1, "upload_wbn": "UPL1"})


def failure(*remarks: str, **package: object) -> httpx.Response:
    failed = created(status="Fail", waybill="", remarks=list(remarks)) | package
    rmk = "An internal Error has occurred, Please get in touch with client.support@delhivery.com"
    return says({"success": False, "packages": [failed], "rmk": rmk})


def sent(request: httpx.Request) -> Any:
    """The JSON document within a create request's form."""
    return json.loads(parse_qs(request.content.decode())["data"][0])


def first_shipment(order: Order, **settings: str) -> Any:
    return sent(book.build(order, access(settings), {}))["shipments"][0]
