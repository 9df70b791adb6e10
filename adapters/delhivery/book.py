"""Booking: create.json, and before it a waybill of our own where the account wants it so.

Developer portal, shipment creation (2026-07). In a reverse pickup the *customer* stands in name/add/pin/phone and the warehouse in
return_*; the rider comes by himself, there is no pickup request. The body is `format=json&data=` and url-encoded JSON.
Refusals come with HTTP 200, and "might have been partially saved" is appended to plain ones: the cause comes first.
"""

from __future__ import annotations

from urllib.parse import urlencode

import httpx
import msgspec

from adapters.contract.carrier import Access, Booked, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.orders import Direction, Order
from adapters.contract.places import Party
from adapters.delhivery import wire
from adapters.delhivery.qc import quality_check
from adapters.wire import json

LONGEST_REFERENCE = 50
MODES = {"surface": "Surface", "express": "Express"}
_PAYMENT = {Direction.REVERSE: "Pickup", Direction.FORWARD: "Prepaid"}

# Optional fields of the handbook that a merchant may add by `extra["delhivery"]`.
EXTRAS = frozenset(
    {
        "address_type", "dangerous_good", "ewbn", "fragile_shipment", "hsn_code", "order_date", "plastic_packaging", "seller_add",
        "seller_gst_tin", "seller_inv", "seller_name", "transport_speed",
    }
)  # fmt: skip


# --- a waybill in advance ---------------------------------------------------------------------------


WAYBILLS = ("carrier", "prefetched")


def wants_waybill(order: Order, access: Access) -> bool:
    """The setting `waybills`."""
    return access.settings.get("waybills") == "prefetched"


def build_waybill(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    """The one call that takes the token in its query."""
    _check(order, access)
    return wire.get(access, "/waybill/api/fetch/json/", {"token": wire.setting(access.secrets, "token")})


def parse_waybill(response: httpx.Response, order: Order, so_far: SoFar) -> Next:
    """A JSON text of digits, nothing around it."""
    wire.screen(response)
    waybill = json.read(response, str).strip()
    if not waybill.isdecimal():
        raise Misread(f"not a waybill: {waybill[:40]!r}")
    wire.positive(response)
    return Next(so_far={"waybill": waybill})


# --- the booking ------------------------------------------------------------------------------------


def build(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    data = {
        "shipments": [_shipment(order, access, so_far.get("waybill", ""))],
        "pickup_location": {"name": wire.setting(access.settings, "pickup_location")},
    }
    body = urlencode({"format": "json", "data": wire.encode(data).decode()})
    headers = wire.headers(access) | {"Content-Type": "application/x-www-form-urlencoded"}
    return httpx.Request("POST", f"{access.base_url}/api/cmu/create.json", content=body, headers=headers)


def _shipment(order: Order, access: Access, waybill: str) -> dict[str, object]:
    _check(order, access)
    parcel = wire.only_parcel(order.parcels)
    return {
        **_door(order),
        **_warehouse(order),
        "client": wire.setting(access.settings, "client"),
        "order": order.carrier_reference,
        "waybill": waybill,  # blank: the carrier allots one
        "payment_mode": _PAYMENT[order.direction],
        "products_desc": order.description,
        "total_amount": order.declared_value.decimal,
        "quantity": order.pieces,
        "weight": parcel.dead_weight.grams,
        "shipment_length": parcel.length.whole_centimetres,
        "shipment_width": parcel.width.whole_centimetres,
        "shipment_height": parcel.height.whole_centimetres,
        **_mode(order),
        **_tariff_codes(order),
        **_extras(order),
        **quality_check(order, access),
    }


def door(order: Order) -> tuple[Party, str]:
    """The customer, and where in the order he stands."""
    return (order.shipper, "/shipper") if order.direction is Direction.REVERSE else (order.consignee, "/consignee")


def _door(order: Order) -> dict[str, str]:
    customer, field = door(order)
    wire.in_india(customer, field)
    return {
        "name": customer.name,
        "add": wire.address(customer),
        "pin": wire.pin(customer.postal_code, f"{field}/postal_code"),
        "city": customer.city,
        "state": customer.state,
        "country": "India",
        "phone": wire.phone(customer.phone, f"{field}/phone"),
    }


def _warehouse(order: Order) -> dict[str, str]:
    """Where it goes, or comes back to; it wins over the registered pickup location."""
    reverse = order.direction is Direction.REVERSE
    warehouse, field = (order.consignee, "/consignee") if reverse else (order.shipper, "/shipper")
    wire.in_india(warehouse, field)
    return {
        "return_name": warehouse.name,
        "return_add": wire.address(warehouse),
        "return_pin": wire.pin(warehouse.postal_code, f"{field}/postal_code"),
        "return_city": warehouse.city,
        "return_state": warehouse.state,
        "return_country": "India",
        "return_phone": wire.phone(warehouse.phone, f"{field}/phone"),
    }


def _check(order: Order, access: Access) -> None:
    """What cannot be put to the carrier faithfully is refused by name, before anything is sent."""
    if (access.settings.get("waybills") or WAYBILLS[0]) not in WAYBILLS:
        raise Refused(RefusalKind.ACCOUNT, "", f"the setting waybills is none of {', '.join(WAYBILLS)}")
    if len(order.carrier_reference) > LONGEST_REFERENCE:
        raise wire.unfit("/carrier_reference", f"an order id has at most {LONGEST_REFERENCE} characters")
    wire.only_parcel(order.parcels)
    foreign = next((n for n, item in enumerate(order.items) if item.unit_value.currency != wire.CURRENCY), None)
    if foreign is not None:
        raise wire.unfit(f"/items/{foreign}/unit_value/currency", "values are in rupees")
    quality_check(order, access)


def _mode(order: Order) -> dict[str, str]:
    if order.service and order.service not in MODES:
        raise wire.unfit("/service", f"no service {order.service!r}")
    return {"shipping_mode": MODES[order.service]} if order.service else {}


def _tariff_codes(order: Order) -> dict[str, str]:
    codes = dict.fromkeys(item.hs_code for item in order.items if item.hs_code)
    return {"hsn_code": ",".join(codes)} if codes else {}


def _extras(order: Order) -> dict[str, object]:
    extra = order.extra.get("delhivery", {})
    for name, value in extra.items():
        if name not in EXTRAS or not isinstance(value, (str, int, float)):
            raise wire.unfit(f"/extra/delhivery/{name}", "not an optional field of Delhivery's")
    return dict(extra)


# --- the answer -------------------------------------------------------------------------------------


class Package(msgspec.Struct, frozen=True, kw_only=True):
    status: str | None = None
    waybill: str | int | None = None
    refnum: str | int | None = None
    remarks: list[str | None] | str | None = None
    err_code: str | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    success: bool | None = None
    packages: list[Package] | None = None
    rmk: str | None = None
    detail: str | None = None


# The handbook's common remarks, in its order; each is looked for anywhere in the texts.
REFUSALS: wire.Table = (
    ("shipment list contains no data", RefusalKind.ACCOUNT),  # a wrong client name
    ("unterminated string", RefusalKind.INVALID_REQUEST),
    ("format key missing", RefusalKind.INVALID_REQUEST),
    ("unable to consume waybill", RefusalKind.AWB_POOL),
    ("clientwarehouse matching query does not exist", RefusalKind.ACCOUNT),
    ("client-warehouse is not active", RefusalKind.ACCOUNT),
    ("suspicious order/consignee", RefusalKind.REFUSED),
    ("failure rate of the seller is very high", RefusalKind.ACCOUNT),
    ("duplicate order id", RefusalKind.DUPLICATE),
    ("insufficient balance", RefusalKind.ACCOUNT),
    ("object has no attribute 'get'", RefusalKind.INVALID_REQUEST),
    ("non serviceable pincode", RefusalKind.NOT_SERVICEABLE),
    ("incorrect phone number", RefusalKind.INVALID_REQUEST),
    ("duplicate waybill", RefusalKind.AWB_POOL),
    ("oid does not pass the validator", RefusalKind.INVALID_REQUEST),
    ("available capacity of this pincode", RefusalKind.CAPACITY),
    ("capacity has exceeded", RefusalKind.CAPACITY),
    ("client is not active", RefusalKind.UNAUTHORIZED),
    ("object has no attribute 'end_date'", RefusalKind.UNAUTHORIZED),  # the other environment's token, or a wrong warehouse
    ("authentication credentials were not provided", RefusalKind.UNAUTHORIZED),
    ("historical delivery outcomes", RefusalKind.REFUSED),
)
_PACKAGE_TYPE = ("package type", "not serviceable for")  # "Package type Pickup not serviceable for <account>"
_AMBIGUOUS = ("partially saved", "might be saved", "timeout", "timed out", "lost connection")


def parse(response: httpx.Response, order: Order, so_far: SoFar) -> Booked:
    wire.screen(response)
    reply = _reply(response)
    packages = reply.packages or []
    if any(package.refnum and str(package.refnum) != order.carrier_reference for package in packages):
        raise Misread("an answer to another booking")
    if reply.success and packages and all(package.status == "Success" for package in packages):
        wire.positive(response)
        return _booked(packages, order, so_far)
    raise _no(reply, packages, order)


def _reply(response: httpx.Response) -> Reply:
    """Some refusals are a bare text."""
    if response.content.lstrip()[:1] in (b"{", b"[", b"<"):
        return json.read_once(response, Reply)
    return Reply(rmk=wire.raw(response))


def _booked(packages: list[Package], order: Order, so_far: SoFar) -> Booked:
    if len(packages) != 1 or str(packages[0].refnum) != order.carrier_reference:
        raise Misread("not one package with our order id")
    waybill = str(packages[0].waybill or "").strip()
    if not waybill or waybill != so_far.get("waybill", waybill):
        raise Misread(f"a booking with the waybill {waybill!r}")
    customer, field = door(order)
    return Booked(awb=waybill, handles={"pin": wire.pin(customer.postal_code, f"{field}/postal_code")})


def _no(reply: Reply, packages: list[Package], order: Order) -> Refused | OutcomeUnknown:
    """The specific cause, wherever it stands; then whether something may have been saved after all."""
    text = _words(reply, packages)
    kind = _kind(text)
    failed = reply.success is False and packages and all(package.status == "Fail" for package in packages)
    if kind is None and (not failed or any(phrase in text.casefold() for phrase in _AMBIGUOUS)):
        return Misread(text or "neither a booking nor a refusal")
    code = next((package.err_code for package in packages if package.err_code), "")
    return Refused(kind, code, text, _field(text, order))


def _kind(text: str) -> RefusalKind | None:
    if all(phrase in text.casefold() for phrase in _PACKAGE_TYPE):
        return RefusalKind.ACCOUNT
    return wire.kind_of(text, REFUSALS)


def _words(reply: Reply, packages: list[Package]) -> str:
    remarks = [text for package in packages for text in _listed(package.remarks)]
    return " ".join(text.strip() for text in (*remarks, reply.rmk or "", reply.detail or "") if text and text.strip())


def _listed(remarks: list[str | None] | str | None) -> list[str]:
    return [remarks] if isinstance(remarks, str) else [text for text in remarks or () if text]


def _field(text: str, order: Order) -> str:
    folded = text.casefold()
    if "incorrect phone number" in folded:
        return f"{door(order)[1]}/phone"
    return "/carrier_reference" if "oid does not pass" in folded else ""


BOOK: Operation[Order, Booked] = Operation(
    steps=(
        Step(name="waybill", build=build_waybill, parse=parse_waybill, when=wants_waybill),
        Step(name="create", build=build, parse=parse, commits=True),
    )
)
