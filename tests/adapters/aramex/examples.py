"""Invented orders, accounts and answers, of which a test says only what matters."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import httpx
from lxml import etree
from msgspec.structs import replace

from adapters.aramex import CARRIER, wire
from adapters.contract.carrier import Access, Booking, Enquiry, Operation, SoFar, Step
from adapters.contract.errors import CarrierError
from adapters.contract.orders import Direction, Item, Parcel, PickupOrder, ShipmentOrder
from adapters.contract.places import Lane, Party, Window
from adapters.contract.units import Length, Money, Weight

NOW = dt.datetime(2026, 3, 11, 6, 30, tzinfo=dt.UTC)  # Wednesday noon in India
REFERENCE = "bkg_01TEST"
NUMBER = "47000000001"
GUID = "23877685-c680-4bb0-961f-0b430b5b06ee"
SO_FAR = {"number": NUMBER, "group": "DOM", "waybill": NUMBER, "entity": "BLR"}
HANDLES = {"pickup": "K000001", "guid": GUID, "group": "DOM", "entity": "BLR"}

SECRETS = {"username": "api@kestrel.test", "password": "sesame", "account_number": "20016000", "account_pin": "331421"}
SETTINGS = {"account_entity": "BOM", "account_country_code": "IN", "email": "returns@kestrel.test"}

CUSTOMER = Party(
    name="Asha Rao",
    phone="+91 98200-00000",
    line1="12 Rose Lane",
    line2="Indiranagar",
    landmark="opposite the library",
    city="Bengaluru",
    state="Karnataka",
    postal_code="560038",
    country="IN",
    timezone="Asia/Kolkata",
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
    email="desk@kestrel.test",
)
IN_DUBAI = replace(CUSTOMER, city="Dubai", state="", postal_code="", country="AE", phone="+971500000000", timezone="Asia/Dubai")
PARCEL = Parcel(dead_weight=Weight(480), length=Length(301), width=Length(200), height=Length(55))
SHIRT = Item(sku="SH-1", description="Cotton shirt", quantity=2, unit_value=Money(59000, "INR"), hs_code="610510")


def access(**settings: str) -> Access:
    return Access(base_url="https://aramex.test", secrets=SECRETS, settings=SETTINGS | settings, now=NOW)


def pickup(**changes: Any) -> PickupOrder:
    order = PickupOrder(carrier_reference=REFERENCE, shipper=CUSTOMER, consignee=WAREHOUSE, parcels=(PARCEL,), items=(SHIRT,))
    return replace(order, **changes)


def shipment(**changes: Any) -> ShipmentOrder:
    order = ShipmentOrder(carrier_reference=REFERENCE, shipper=WAREHOUSE, consignee=CUSTOMER, parcels=(PARCEL,), items=(SHIRT,))
    return replace(order, **changes)


def enquiry(**changes: Any) -> Enquiry:
    lane = Lane(origin="560038", destination="394101", origin_city="Bengaluru", destination_city="Surat")
    asked = Enquiry(lane=lane, direction=Direction.REVERSE, parcels=(PARCEL,), declared_value=Money(118000, "INR"))
    return replace(asked, **changes)


def booking(**changes: Any) -> Booking:
    return replace(Booking(awb=NUMBER, carrier_reference=REFERENCE, handles=HANDLES), **changes)


def window(start: str, end: str, day: str = "2026-03-12", timezone: str = "Asia/Kolkata") -> Window:
    return Window(
        date=dt.date.fromisoformat(day), start=dt.time.fromisoformat(start), end=dt.time.fromisoformat(end), timezone=timezone
    )


# --- what was sent --------------------------------------------------------------------------------


def step(operation: str, name: str = "") -> Step[Any, Any]:
    """The step of that name, or the last."""
    found: Operation[Any, Any] | None = CARRIER.operation(operation)
    assert found
    return next((one for one in found.steps if one.name == name), found.steps[-1])


def sent(request: httpx.Request, path: str) -> str | None:
    """The text at "Shipments/Shipment/Number"; None where there is no such element, "nil" for one that is."""
    element = etree.fromstring(request.content)[0][0].find("/".join(f"{wire.NAMESPACE}{name}" for name in path.split("/")))
    if element is None:
        return None
    nil = element.get("{http://www.w3.org/2001/XMLSchema-instance}nil")
    return "nil" if nil == "true" else element.text or ""


def built(operation: str, question: object, name: str = "", so_far: SoFar = SO_FAR, **settings: str) -> httpx.Request:
    return step(operation, name).build(question, access(**settings), so_far)


def refused_building(operation: str, question: object, name: str = "", **settings: str) -> Mapping[str, object]:
    """What building a request is refused with: kind and field."""
    try:
        built(operation, question, name, SO_FAR, **settings)
    except CarrierError as error:
        return {"kind": getattr(error, "kind", None), "field": getattr(error, "field", None)}
    return {}


# --- what comes back ------------------------------------------------------------------------------


def transaction(*references: str) -> str:
    filled = references + ("",) * (5 - len(references))
    return "<Transaction>" + "".join(f"<Reference{n}>{text}</Reference{n}>" for n, text in enumerate(filled, 1)) + "</Transaction>"


def notifications(**told: str) -> str:
    inner = "".join(f"<Notification><Code>{code}</Code><Message>{text}</Message></Notification>" for code, text in told.items())
    return f"<Notifications>{inner}</Notifications>"


def answer(
    name: str, inner: str = "", *, head: str = "", errors: str = "false", echo: tuple[str, ...] | None = (REFERENCE,)
) -> httpx.Response:
    """`head` takes the place of the notifications; `echo` None: no transaction comes back."""
    told, came_back = head or notifications(), "" if echo is None else transaction(*echo)
    return envelope(f'<{name} xmlns="{wire.NAMESPACE[1:-1]}">{came_back}{told}<HasErrors>{errors}</HasErrors>{inner}</{name}>')


def envelope(body: str, status: int = 200) -> httpx.Response:
    text = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    return httpx.Response(status, content=text.encode(), headers={"content-type": "text/xml; charset=utf-8"})


def fault(code: str, text: str = "it broke", status: int = 500) -> httpx.Response:
    return envelope(f"<s:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring></s:Fault>", status)


def read(operation: str, response: httpx.Response, question: object, name: str = "", so_far: SoFar = SO_FAR) -> Any:
    """What a step makes of an answer; an error is returned as kind, code and text where it has them."""
    try:
        return step(operation, name).parse(response, question, so_far)
    except CarrierError as error:
        return told(error)


def told(error: CarrierError) -> tuple[object, ...]:
    named = tuple(getattr(error, name, "") for name in ("kind", "raw_code", "raw_message"))
    return (type(error), *named) if any(named) else (type(error),)
