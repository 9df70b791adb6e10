"""The shipment: how it is made and read. Rates, label and refund all hang on it.

Vendor documentation and recordings (A). Odd: a return is written like the parcel that went out, warehouse first; EasyPost swaps
the two ends itself where `is_return` says so, and answers with them unswapped. A mover that cannot price is a message and no
error.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import httpx
import msgspec

from adapters.contract.carrier import Access, Enquiry
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction, Order
from adapters.contract.units import Money
from adapters.easypost import places, services, wire

# Options a merchant may add by `extra["easypost"]`; EasyPost's list is longer (A).
OPTIONS = frozenset(
    {
        "additional_handling", "delivery_confirmation", "handling_instructions", "invoice_number", "label_size",
        "print_custom_1", "print_custom_2", "print_custom_3",
    }
)  # fmt: skip
_LONGEST_WAY = 366  # days


class Rate(msgspec.Struct, frozen=True):
    id: str
    carrier: str
    service: str
    rate: str | int | float
    currency: str = wire.CURRENCY
    est_delivery_days: int | None = None
    delivery_days: int | None = None

    @property
    def code(self) -> str | None:
        return services.code_of(self.carrier, self.service)

    @property
    def price(self) -> Money:
        return wire.money(self.rate, self.currency)

    @property
    def days(self) -> int | None:
        """The mover's own; what cannot be days is none."""
        told = self.est_delivery_days if self.est_delivery_days is not None else self.delivery_days
        return told if told is not None and 0 <= told <= _LONGEST_WAY else None


class Message(msgspec.Struct, frozen=True):
    """Why a mover offers nothing, in its own words."""

    carrier: str | None = None
    message: msgspec.Raw = msgspec.Raw(b'""')
    type: str | None = None

    def __str__(self) -> str:
        return f"{self.carrier or ''}: {wire.text_of(self.message)}".removeprefix(": ")


class PostageLabel(msgspec.Struct, frozen=True):
    label_url: str | None = None
    label_pdf_url: str | None = None


class TrackerLink(msgspec.Struct, frozen=True):
    public_url: str | None = None


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: str
    rates: list[Rate]
    messages: list[Message] | None = None
    reference: str | None = None
    tracking_code: str | None = None
    selected_rate: Rate | None = None
    postage_label: PostageLabel | None = None
    refund_status: str | None = None
    tracker: TrackerLink | None = None

    @property
    def bought(self) -> bool:
        return bool(self.tracking_code and self.selected_rate and self.postage_label)


def read(response: httpx.Response) -> Shipment:
    """Raises Misread for what is no shipment."""
    shipment = wire.read(response, Shipment)
    if shipment.object != "Shipment" or not shipment.id:
        raise Misread("not a shipment")
    return shipment


def named(shipment: Shipment, shipment_id: str, reference: str) -> Shipment:
    """The shipment, if it is the one spoken of: by its id where that is known, and by our reference where it bears one."""
    if (shipment_id and shipment.id != shipment_id) or (shipment.reference or reference) != reference:
        raise Misread("another shipment")
    return shipment


# --- making one -------------------------------------------------------------------------------------


def for_order(order: Order, access: Access) -> httpx.Request:
    check(order)
    shipper, consignee = places.ends(order)
    options = _options(order)
    return _create(
        access,
        {
            **_directed(shipper, consignee, order.direction),
            "parcel": wire.parcel(order.parcels),
            "reference": order.carrier_reference,
            **({"options": options} if options else {}),
        },
    )


def for_enquiry(enquiry: Enquiry, access: Access) -> httpx.Request:
    """Only postal codes are known yet, and that they suffice for a price is assumed (D)."""
    origin, destination = places.lane(enquiry.lane)
    return _create(access, {**_directed(origin, destination, enquiry.direction), "parcel": wire.parcel(enquiry.parcels)})


def check(order: Order) -> None:
    """Raises Refused for what cannot be put to EasyPost, naming the field, before anything is bought."""
    places.ends(order)
    wire.parcel(order.parcels)
    if order.service and not services.known(order.service):
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message=f"no service {order.service!r}", field="/service")
    if order.quality_checks:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="nobody checks goods at the door here", field="/quality_checks")
    _options(order)


def _create(access: Access, shipment: Mapping[str, object]) -> httpx.Request:
    accounts = [one.strip() for one in access.settings.get("carrier_accounts", "").split(",") if one.strip()]
    chosen = {"carrier_accounts": accounts} if accounts else {}
    return wire.post(access, "/shipments", {"shipment": {**shipment, **chosen}})


def _directed(origin: Mapping[str, str], destination: Mapping[str, str], direction: Direction) -> dict[str, object]:
    if direction is Direction.REVERSE:
        return {"from_address": destination, "to_address": origin, "is_return": True}
    return {"from_address": origin, "to_address": destination, "is_return": False}


def _options(order: Order) -> dict[str, object]:
    extra = order.extra.get("easypost", {})
    for name, value in extra.items():
        if name not in OPTIONS or not isinstance(value, (str, int, float)):
            field = f"/extra/easypost/{name}"
            raise Refused(RefusalKind.INVALID_REQUEST, raw_message="not a shipment option that can be added", field=field)
    return dict(extra)


# --- what is done to one --------------------------------------------------------------------------------


REJECTED = "rejected"  # of a refund


def path(shipment_id: str, action: str = "") -> str:
    return f"/shipments/{quote(shipment_id, safe='')}{action}"


def as_pdf(shipment_id: str, access: Access) -> httpx.Request:
    """Asks for the label as a PDF; answers with the shipment and the link to it."""
    return wire.get(access, path(shipment_id, "/label"), {"file_format": "PDF"})


def refund(shipment_id: str, access: Access) -> httpx.Request:
    """Gives an unused label back; whether its price returns is decided later, by the mover."""
    return wire.post(access, path(shipment_id, "/refund"), {})


# --- choosing among its rates --------------------------------------------------------------------------


def offered(shipment: Shipment) -> dict[str, Rate]:
    """The cheapest rate of each service we know, by its code. A price of 0 is none."""
    found: dict[str, Rate] = {}
    for rate in shipment.rates:
        if rate.code and rate.price.minor > 0 and (rate.code not in found or _cheaper(rate, found[rate.code])):
            found[rate.code] = rate
    return found


def _cheaper(rate: Rate, other: Rate) -> bool:
    return rate.currency == other.currency and rate.price < other.price


def nothing_offered(shipment: Shipment, field: str = "") -> Refused:
    """No rate that we can book: the movers' own words, or the services we do not know."""
    said = [str(message) for message in shipment.messages or ()]
    strange = [f"{rate.carrier}/{rate.service}" for rate in shipment.rates if not rate.code]
    text = "; ".join(said) or (f"only services that are not offered here: {', '.join(strange)}" if strange else "no rate")
    return Refused(RefusalKind.NOT_SERVICEABLE, raw_message=text, field=field)
