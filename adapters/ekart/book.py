"""Booking with Ekart Elite.

OpenAPI file 3.8.8, `create_shipment` (A): one PUT books, allocates the AWB, plans the visit. For a return too, `drop_location`
is the customer and `pickup_location` the seller. What a pickup does not know (second phone, category, papers.py) comes from the
account's settings or `order.extra["ekart"]`, or the booking is refused by the name of what is missing.
"""

from __future__ import annotations

from types import MappingProxyType

import httpx
import msgspec

from adapters.contract.carrier import Access, Booked, SoFar, one_step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction, Order, ReturnReason
from adapters.contract.places import Party
from adapters.ekart import papers, quality, quote, wire

TRACKING_PAGE = "https://app.elite.ekartlogistics.in/track/"

# `return_reason` is free text ("Wrong product sent" is the handbook's own example).
RETURN_REASONS = MappingProxyType(
    {
        ReturnReason.DAMAGED: "Product damaged",
        ReturnReason.DEFECTIVE: "Product defective",
        ReturnReason.WRONG_ITEM: "Wrong product sent",
        ReturnReason.NOT_AS_DESCRIBED: "Product not as described",
        ReturnReason.POOR_QUALITY: "Poor quality",
        ReturnReason.SIZE_OR_FIT: "Size or fit",
        ReturnReason.CHANGED_MIND: "Customer changed mind",
        ReturnReason.LATE_DELIVERY: "Delivered too late",
        ReturnReason.OTHER: "Other reason",
    }
)


class Barcodes(msgspec.Struct):
    order: str
    wbn: str = ""


class Reply(msgspec.Struct):
    status: bool
    tracking_id: str = ""
    remark: str = ""
    vendor: str = ""
    barcodes: Barcodes | None = None


def build(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    extra = papers.extra_of(order)
    return httpx.Request(
        "PUT",
        f"{access.base_url}/api/v1/package/create",
        headers=wire.bearer(access),
        json={
            "order_number": order.carrier_reference,
            **_places(order, extra, access),
            **papers.of(order, extra, access),
            **_goods(order, extra, access),
            **_handling(order, access),
        },
    )


def parse(response: httpx.Response, order: Order, so_far: SoFar) -> Booked:
    reply = wire.read(response, Reply)
    if not reply.status and not reply.tracking_id:
        raise Refused(wire.REFUSALS.get(reply.remark), raw_message=reply.remark)
    if not reply.status or not reply.tracking_id or reply.barcodes is None:
        raise Misread("neither a booking with its tracking id and barcodes nor a refusal")
    if not reply.barcodes.order.endswith(order.carrier_reference):  # "may be prefixed to keep unique"
        raise Misread("a booking of another order")
    handles = {"wbn": reply.barcodes.wbn, "vendor": reply.vendor}
    return Booked(
        awb=reply.tracking_id,
        handles={name: value for name, value in handles.items() if value},
        tracking_url=TRACKING_PAGE + reply.tracking_id,
    )


BOOK = one_step(build, parse, commits=True, timeout=30.0)


# --- parts of the request -------------------------------------------------------------------------


def _places(order: Order, extra: papers.Extra, access: Access) -> dict[str, object]:
    customer, at_customer, seller, at_seller = _roles(order)
    alias = extra.warehouse_alias or access.settings.get("warehouse_alias", "")
    warehouse = wire.location(seller, at_seller, alias=alias)
    return {
        "consignee_name": customer.name,
        "consignee_alternate_phone": _alternate_phone(customer, at_customer, access),
        "drop_location": wire.location(customer, at_customer, note=order.instructions),  # there is no other place for them
        "pickup_location": warehouse,
        "return_location": warehouse,
    }


def _roles(order: Order) -> tuple[Party, str, Party, str]:
    """Customer and seller, each with its place in our order."""
    if order.direction is Direction.REVERSE:
        return order.shipper, "/shipper", order.consignee, "/consignee"
    return order.consignee, "/consignee", order.shipper, "/shipper"


def _alternate_phone(customer: Party, pointer: str, access: Access) -> str:
    """The customer's second phone, else the account's; a live account refuses the same number twice (B)."""
    first = wire.phone(customer.phone, f"{pointer}/phone")
    if customer.alternate_phone and wire.phone(customer.alternate_phone, f"{pointer}/alternate_phone") != first:
        return wire.phone(customer.alternate_phone, f"{pointer}/alternate_phone")
    fallback = access.settings.get("alternate_phone", "")
    if not fallback:
        raise papers.missing(f"{pointer}/alternate_phone", "Ekart wants a second phone, other than the first")
    return wire.phone(fallback, "/settings/alternate_phone", RefusalKind.ACCOUNT)


def _goods(order: Order, extra: papers.Extra, access: Access) -> dict[str, object]:
    parcel = wire.only_parcel(order.parcels)
    codes = ",".join(dict.fromkeys(item.hs_code for item in order.items if item.hs_code))
    return {
        "products_desc": order.description,
        "category_of_goods": _category(order, extra, access),
        **({"hsn_code": codes} if codes else {}),
        "quantity": order.pieces,
        "weight": parcel.dead_weight.grams,
        "length": parcel.length.whole_centimetres,
        "width": parcel.width.whole_centimetres,
        "height": parcel.height.whole_centimetres,
    }


def _category(order: Order, extra: papers.Extra, access: Access) -> str:
    of_items = ", ".join(dict.fromkeys(item.category for item in order.items if item.category))
    category = extra.category_of_goods or of_items or access.settings.get("category_of_goods", "")
    if not category:
        raise papers.missing("/items/0/category", "Ekart wants the category of the goods")
    return category


def _handling(order: Order, access: Access) -> dict[str, object]:
    checks = quality.details(order)
    reverse = order.direction is Direction.REVERSE
    if checks and not reverse:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="only a return is checked", field="/quality_checks")
    return {
        "payment_mode": "Pickup" if reverse else "Prepaid",
        "return_reason": _return_reason(order) if reverse else "",
        **({"qc_details": checks} if checks else {}),
        **_day(order, access),
        **_service(order, access),
    }


def _return_reason(order: Order) -> str:
    return ", ".join(dict.fromkeys(RETURN_REASONS[item.return_reason] for item in order.items))


def _day(order: Order, access: Access) -> dict[str, str]:
    """A future day can be asked for, its hours cannot; without one the carrier comes as soon as it can."""
    if order.window and order.window.date > wire.today(access.now):
        return {"preferred_dispatch_date": order.window.date.isoformat()}
    return {}


def _service(order: Order, access: Access) -> dict[str, str]:
    """3.8.8 has no field for surface or express; a later revision requires `service` (B), for accounts set to it."""
    service = order.service or "surface"
    if quote.books_services(order, access):
        return {"service": service.upper()}
    if service != "surface":
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="this account's booking cannot ask for it", field="/service")
    return {}
