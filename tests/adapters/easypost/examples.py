"""Invented orders, accounts and answers, of which a test says only what matters."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import httpx
from msgspec.structs import replace

from adapters.contract.carrier import Access, AwbList, Booking, Enquiry, Operation, SoFar, Sought
from adapters.contract.errors import CarrierError
from adapters.contract.orders import Direction, Item, Parcel, PickupOrder, ShipmentOrder
from adapters.contract.places import Lane, Party, Window
from adapters.contract.units import Length, Money, Weight

NOW = dt.datetime(2026, 3, 11, 15, 0, tzinfo=dt.UTC)  # Wednesday, eight in the morning in California
REFERENCE = "bkg_01TEST"
AWB = "92000000000000000001"
SHIPMENT, RATE, PICKUP = "shp_1", "rate_ga", "pickup_1"

SECRETS = {"api_key": "lab_key", "webhook_secret": "bell"}

CUSTOMER = Party(
    name="Mia Torres",
    phone="+1 (415) 555-0142",
    line1="12 Rose Street",
    line2="Apt 4",
    landmark="blue door",
    city="San Francisco",
    state="California",
    postal_code="94117",
    country="US",
    email="mia@customer.test",
    timezone="America/Los_Angeles",
)
WAREHOUSE = Party(
    name="Returns Desk",
    company="Kestrel Apparel",
    phone="3125550199",
    line1="700 Dock Road",
    city="Chicago",
    state="IL",
    postal_code="60607-1234",
    country="US",
)
CUSTOMER_WRITTEN = {
    "name": "Mia Torres",
    "street1": "12 Rose Street",
    "street2": "Apt 4, blue door",
    "city": "San Francisco",
    "state": "CA",
    "zip": "94117",
    "country": "US",
    "phone": "4155550142",
    "email": "mia@customer.test",
}
WAREHOUSE_WRITTEN = {
    "name": "Returns Desk",
    "company": "Kestrel Apparel",
    "street1": "700 Dock Road",
    "city": "Chicago",
    "state": "IL",
    "zip": "60607-1234",
    "country": "US",
    "phone": "3125550199",
}
TORONTO = replace(CUSTOMER, city="Toronto", state="Ontario", postal_code="m5v 3l9", country="CA", timezone="America/Toronto")
CALGARY = replace(WAREHOUSE, city="Calgary", state="AB", postal_code="T2P 1J9", country="CA")

PARCEL = Parcel(dead_weight=Weight(480), length=Length(301), width=Length(200), height=Length(55))
SHIRT = Item(sku="SH-1", description="Cotton shirt", quantity=1, unit_value=Money(3900, "USD"))


def access(**settings: str) -> Access:
    return Access(base_url="https://easypost.test/v2", secrets=SECRETS, settings=settings, now=NOW)


def pickup(**changes: Any) -> PickupOrder:
    order = PickupOrder(carrier_reference=REFERENCE, shipper=CUSTOMER, consignee=WAREHOUSE, parcels=(PARCEL,), items=(SHIRT,))
    return replace(order, **changes)


def shipment(**changes: Any) -> ShipmentOrder:
    order = ShipmentOrder(carrier_reference=REFERENCE, shipper=WAREHOUSE, consignee=CUSTOMER, parcels=(PARCEL,), items=(SHIRT,))
    return replace(order, **changes)


def enquiry(**changes: Any) -> Enquiry:
    lane = Lane(origin="94117", destination="60607-1234", origin_country="US", destination_country="US")
    asked = Enquiry(lane=lane, direction=Direction.REVERSE, parcels=(PARCEL,), declared_value=Money(3900, "USD"))
    return replace(asked, **changes)


def canadian_enquiry() -> Enquiry:
    return enquiry(lane=Lane(origin="m5v3l9", destination="T2P 1J9", origin_country="CA", destination_country="CA"))


def booking(**handles: str) -> Booking:
    known = handles or {"shipment": SHIPMENT, "rate": RATE, "mover": "usps", "pickup": PICKUP}
    return Booking(awb=AWB, carrier_reference=REFERENCE, handles=known)


def sought(**handles: str) -> Sought:
    return Sought(carrier_reference=REFERENCE, sent_at=NOW, handles=handles)


def window(day: dt.date, start: dt.time = dt.time(10), end: dt.time = dt.time(14)) -> Window:
    return Window(date=day, start=start, end=end, timezone="America/Los_Angeles")


AWBS = AwbList(awbs=(AWB,))


# --- EasyPost's own things ------------------------------------------------------------------------------


def rate(carrier: str = "USPS", service: str = "GroundAdvantage", amount: str = "7.42", **changes: Any) -> dict[str, Any]:
    return {
        "id": RATE,
        "object": "Rate",
        "carrier": carrier,
        "service": service,
        "rate": amount,
        "currency": "USD",
        "est_delivery_days": 3,
        "delivery_days": 4,
        "shipment_id": SHIPMENT,
        **changes,
    }


def made(**changes: Any) -> dict[str, Any]:
    """A shipment with its rates."""
    return {
        "id": SHIPMENT,
        "object": "Shipment",
        "reference": REFERENCE,
        "is_return": True,
        "rates": [rate()],
        "messages": [],
        "tracking_code": None,
        "selected_rate": None,
        "postage_label": None,
        "refund_status": None,
        "tracker": None,
        **changes,
    }


def bought(**changes: Any) -> dict[str, Any]:
    """A shipment whose label is bought."""
    label = {"object": "PostageLabel", "label_url": "https://files.test/1.png", "label_pdf_url": "https://files.test/1.pdf"}
    tracker = {"object": "Tracker", "public_url": "https://track.test/1"}
    return made(tracking_code=AWB, selected_rate=rate(), postage_label=label, tracker=tracker) | changes


def visit(**changes: Any) -> dict[str, Any]:
    """A pickup with its rates."""
    visits = [
        {"id": "pickuprate_1", "object": "PickupRate", "carrier": "USPS", "service": "NextDay", "rate": "1.50", "currency": "USD"}
    ]
    return {
        "id": PICKUP,
        "object": "Pickup",
        "reference": REFERENCE,
        "status": "unknown",
        "confirmation": None,
        "messages": [],
        "pickup_rates": visits,
        **changes,
    }


def scheduled(**changes: Any) -> dict[str, Any]:
    return visit(status="scheduled", confirmation="WTC1", **changes)


def answer(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def failure(code: str, message: object = "No", errors: object = (), status: int = 422) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message, "errors": errors}})


# --- asking and reading ---------------------------------------------------------------------------------


def sent(request: httpx.Request) -> Any:
    return json.loads(request.content)


def request_of(operation: Operation[Any, Any], step: str, question: object, so_far: SoFar | None = None, **settings: str) -> Any:
    """Method, path with query, and body of a step's request."""
    found = next(one for one in operation.steps if one.name == step)
    request = found.build(question, access(**settings), so_far or {})
    return request.method, str(request.url), sent(request) if request.content else None


def read(
    operation: Operation[Any, Any], response: httpx.Response, question: object, so_far: SoFar | None = None, step: str = ""
) -> Any:
    """What a step (the last, if none is named) makes of an answer; an error is returned as its kind, code, text and field."""
    steps = {one.name: one for one in operation.steps}
    found = steps[step] if step else operation.steps[-1]
    try:
        return found.parse(response, question, so_far or {})
    except CarrierError as error:
        return told(error)


def told(error: CarrierError) -> tuple[object, ...]:
    named = tuple(getattr(error, name, "") for name in ("kind", "raw_code", "raw_message", "field"))
    return (type(error), *named) if any(named) else (type(error),)


def refused_building(operation: Operation[Any, Any], question: object, step: int = 0, **settings: str) -> Mapping[str, object]:
    """What building a request is refused with: kind and field."""
    try:
        operation.steps[step].build(question, access(**settings), {})
    except CarrierError as error:
        return {"kind": getattr(error, "kind", None), "field": getattr(error, "field", None)}
    return {}
