"""What may be asked about pickups: the bodies of quotes, pickups and what is done to them.

Each shape states its fields' limits in its types (the contract is made from them) and, in `check`, what must hold between
fields. `to_...` functions turn what was read into the words of the floors below.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.contract.orders import Item, Parcel, QualityCheck, ReturnReason
from adapters.contract.places import Lane, Party, Window
from adapters.contract.units import Length, Money, Weight
from gateway import clock
from gateway.store.ledger import People, Wanted
from gateway.web.addresses import (
    About,
    Amount,
    CarrierName,
    ConsigneeRequest,
    Email,
    Line,
    PartyRequest,
    Phone,
    Place,
    PlaceOrLocation,
    PostalCode,
    Shape,
    Text,
    Word,
    address_faults,
    to_money,
    to_party,
    zone_of,
)
from gateway.web.bodies import Fault, Parts, under

FURTHEST = dt.timedelta(days=30)

Clock = Annotated[
    str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", extra={"form": "a time of day such as 10:00"}, examples=["10:00"])
]
Note = Annotated[str, Meta(max_length=500)]


class AtTheDoor(msgspec.Struct, frozen=True, kw_only=True):
    """What another day is held against: the business time and the shipper's zone."""

    now: dt.datetime
    zone: str


# --- goods -----------------------------------------------------------------------------------------


Millimetres = Annotated[int, Meta(ge=1, le=10_000, examples=[300])]


class ParcelRequest(Shape, frozen=True, kw_only=True):
    """What the rider takes away: whole grams and millimetres."""

    weight_g: Annotated[int, Meta(ge=1, le=1_000_000, examples=[500])]
    length_mm: Millimetres
    width_mm: Millimetres
    height_mm: Millimetres


class ItemRequest(Shape, frozen=True, kw_only=True):
    """One kind of goods in the return."""

    sku: Annotated[str, Meta(min_length=1, max_length=80, examples=["TSHIRT-M-BLUE"])]
    description: Annotated[str, Meta(min_length=1, max_length=200, examples=["T-shirt, blue, M"])]
    quantity: Annotated[int, Meta(ge=1, le=10_000, examples=[1])]
    unit_value: Amount
    return_reason: ReturnReason
    hs_code: Annotated[str, Meta(pattern=r"^(\d{4,12})?$", extra={"form": "4 to 12 digits"}, examples=["61091000"])] = ""
    images: Annotated[
        tuple[Annotated[str, Meta(max_length=500, pattern=r"^https://[^\s]+$", extra={"form": "an https address"})], ...],
        Meta(max_length=10),
    ] = ()
    brand: Annotated[str, Meta(max_length=60)] = ""
    category: Annotated[str, Meta(max_length=60)] = ""


class QualityCheckRequest(Shape, frozen=True, kw_only=True):
    """One question the rider checks at the door."""

    question: Annotated[str, Meta(min_length=1, max_length=200, examples=["Is the tag still on?"])]
    expected: Annotated[str, Meta(min_length=1, max_length=200, examples=["yes"])]
    mandatory: bool = True
    image: Annotated[str, Meta(max_length=500, pattern=r"^(https://[^\s]+)?$", extra={"form": "an https address"})] = ""


class WindowRequest(Shape, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """When the rider may come: a local day and times of day at the shipper's."""

    date: Annotated[dt.date, Meta(examples=["2026-11-25"])]
    start: Clock
    end: Clock

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        start, end = parts.get("start"), parts.get("end")
        if start and end and end <= start:
            yield Fault("/to", "not_after_from", f"{end} is not after {start}")


def window_faults(window: WindowRequest, zone: str, now: dt.datetime) -> Iterator[Fault]:
    """What is wrong with a window at this business time; pointers are relative to the window."""
    days = window.date - now.date()
    if days > FURTHEST:
        yield Fault("/date", "too_far_ahead", f"is more than {FURTHEST.days} days ahead of {now:%Y-%m-%d}")
    elif days < -dt.timedelta(days=2) or to_window(window, zone).closes <= now:
        yield Fault("/date", "in_the_past", f"the window was over before now, {now:%Y-%m-%dT%H:%MZ}")
    else:
        for pointer, time in (("/from", window.start), ("/to", window.end)):
            if not clock.exists(window.date, dt.time.fromisoformat(time), zone):
                yield Fault(pointer, "no_such_time", f"clocks in {zone} skip {time} on {window.date}: summer time begins")


def to_window(window: WindowRequest, zone: str) -> Window:
    start, end = dt.time.fromisoformat(window.start), dt.time.fromisoformat(window.end)
    return Window(date=window.date, start=start, end=end, timezone=zone)


# --- pickups ---------------------------------------------------------------------------------------


class OrderRequest(Shape, frozen=True, kw_only=True):
    """The order the goods came with."""

    number: Word
    delivered_at: dt.datetime | None = None
    channel: Annotated[str, Meta(max_length=60)] = ""


class CarrierWish(Shape, frozen=True, kw_only=True):
    """Which carriers may be chosen for this pickup: only some (`allow`), all but some (`deny`), or one (`pin`)."""

    allow: Annotated[tuple[CarrierName, ...], Meta(max_length=50)] = ()
    deny: Annotated[tuple[CarrierName, ...], Meta(max_length=50)] = ()
    pin: Annotated[str, Meta(max_length=80, examples=["delhivery/surface"])] = ""

    @staticmethod
    def check(parts: Parts, about: About) -> Iterator[Fault]:
        given = [("/pin", parts.get("pin") or "")]
        given += [(f"/{name}/{place}", one) for name in ("allow", "deny") for place, one in enumerate(parts.get(name, ()))]
        for pointer, name in given:
            if name and name not in about.names:
                known = ", ".join(sorted(about.names)) or "none yet: add a carrier account"
                yield Fault(pointer, "unknown_carrier", f"{name} is none of your carriers, services or accounts ({known})")


Metadata = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=40)], Annotated[str, Meta(max_length=500)]],
    Meta(max_length=50, description="Yours, kept and given back as it is.", examples=[{"ticket": "4711"}]),
]
Extra = Annotated[
    dict[Annotated[str, Meta(max_length=40)], dict[str, Any]],
    Meta(max_length=20, description="By carrier code: what only that carrier wants to know (its page says what)."),
]


class PickupRequest(Shape, frozen=True, kw_only=True):
    """A reverse pickup: what is collected, where, and where it goes.

    The carrier is chosen by expected cost unless `carrier` says otherwise.
    """

    reference: Annotated[
        str, Meta(min_length=1, max_length=120, description="Your number, unique among your open pickups.", examples=["RMA-1001"])
    ]
    shipper: PartyRequest
    consignee: ConsigneeRequest
    parcels: Annotated[tuple[ParcelRequest, ...], Meta(min_length=1, max_length=20)]
    items: Annotated[tuple[ItemRequest, ...], Meta(min_length=1, max_length=100)]
    window: WindowRequest | None = None
    quality_checks: Annotated[tuple[QualityCheckRequest, ...], Meta(max_length=20)] = ()
    order: OrderRequest | None = None
    payer: Literal["merchant"] = "merchant"
    instructions: Annotated[str, Meta(max_length=500, description="For the rider.")] = ""
    carrier: CarrierWish | None = None
    max_price: Amount | None = None
    metadata: Metadata = {}
    extra: Extra = {}

    @staticmethod
    def check(parts: Parts, about: About) -> Iterator[Fault]:
        yield from goods_faults(parts, about)
        window, shipper = parts.get("window"), parts.get("shipper")
        zone = zone_of(msgspec.structs.asdict(shipper)) if shipper else ""
        if window and zone and window.end > window.start:
            yield from under("/window", window_faults(window, zone, about.now))


class QuoteRequest(Shape, frozen=True, kw_only=True):
    """What is to be priced, in a pickup's own words; what a price does not depend on may be left out, and is not looked at."""

    shipper: Place
    consignee: PlaceOrLocation
    parcels: Annotated[tuple[ParcelRequest, ...], Meta(min_length=1, max_length=20)]
    items: Annotated[tuple[ItemRequest, ...], Meta(max_length=100)] = ()
    declared_value: Annotated[Amount | None, Meta(description="The goods' value; needed where there are no `items`.")] = None
    quality_checks: Annotated[tuple[QualityCheckRequest, ...], Meta(max_length=20)] = ()
    window: WindowRequest | None = None
    carrier: CarrierWish | None = None
    max_price: Amount | None = None
    within_seconds: Annotated[int, Meta(ge=1, le=10, description="How long carriers may take to answer.")] = 2
    reference: Text = ""
    order: OrderRequest | None = None
    payer: Literal["merchant"] = "merchant"
    instructions: Note = ""
    metadata: Metadata = {}
    extra: Extra = {}

    @staticmethod
    def check(parts: Parts, about: About) -> Iterator[Fault]:
        yield from goods_faults(parts, about)
        if parts.get("items") == () and parts.get("declared_value", about) is None:
            yield Fault("/declared_value", "missing", "is missing: name the `items`, or their value")
        window, shipper = parts.get("window"), parts.get("shipper")
        if window and shipper and window.end > window.start:
            yield from under("/window", _quote_window_faults(window, shipper, about.now))


def _quote_window_faults(window: WindowRequest, shipper: Place, now: dt.datetime) -> Iterator[Fault]:
    zone = zone_of(msgspec.structs.asdict(shipper))
    if zone:
        yield from window_faults(window, zone, now)
    else:
        yield Fault("", "ambiguous_timezone", "in which time zone? give the shipper's `timezone`")


def goods_faults(parts: Parts, about: About) -> Iterator[Fault]:
    """One currency for all goods; the price cap in the merchant's."""
    items, cap = parts.get("items") or (), parts.get("max_price")
    first = items[0].unit_value.currency if items else ""
    for place, item in enumerate(items):
        if item.unit_value.currency != first:
            yield Fault(f"/items/{place}/unit_value/currency", "second_currency", f"is not {first}: all goods are in one currency")
    if cap and cap.currency != about.currency:
        yield Fault("/max_price/currency", "wrong_currency", f"must be {about.currency}, the currency of your account")


class RescheduleRequest(Shape, frozen=True, kw_only=True):
    """Another day for the rider."""

    window: WindowRequest

    @staticmethod
    def check(parts: Parts, about: AtTheDoor) -> Iterator[Fault]:
        window = parts.get("window")
        if window and window.end > window.start:
            yield from under("/window", window_faults(window, about.zone, about.now))


class ContactRequest(Shape, frozen=True, kw_only=True):
    """What is corrected about the customer at the door; what is left out stays."""

    name: Line | None = None
    phone: Phone | None = None
    alternate_phone: Phone | None = None
    email: Email | None = None
    line1: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    line2: Annotated[str, Meta(max_length=200)] | None = None
    landmark: Text | None = None
    city: Word | None = None
    state: Annotated[str, Meta(max_length=60)] | None = None
    postal_code: PostalCode | None = None
    note: Annotated[str, Meta(max_length=500, description="For the rider.")] = ""

    @staticmethod
    def check(parts: Parts, about: Party) -> Iterator[Fault]:
        """`about` is the customer as known: the address is judged as it would be."""
        given = {name: value for name, value in parts.items() if value is not None and name != "note"}
        if not given and parts.get("note") == "":
            yield Fault("", "missing", "name at least one field to be corrected")
        after = {**msgspec.structs.asdict(about), **given}
        for fault in address_faults(after, needs_zone=False):
            if fault.pointer[1:] in given or fault.pointer == "/postal_code":
                yield fault


class ActionRequest(Shape, frozen=True, kw_only=True):
    """What an operator decides about an exception. `version` guards against somebody who was faster."""

    action: Literal[
        "reattempt",
        "switch_carrier",
        "requeue",
        "cancel",
        "confirm",
        "dispute",
        "adopt",
        "not_booked",
        "assign",
        "hold",
        "close",
    ]
    day: Annotated[dt.date | None, Meta(description="For reattempt, confirm and dispute: the day the customer named.")] = None
    awb: Annotated[str, Meta(max_length=60, description="For adopt: the number the carrier's panel shows.")] = ""
    note: Note = ""
    assignee: Annotated[str, Meta(max_length=120, description="For assign.")] = ""
    version: Annotated[int, Meta(ge=0, le=2**31)] | None = None

    @staticmethod
    def check(parts: Parts, about: dt.datetime) -> Iterator[Fault]:
        """`about` is the business time."""
        action, day = parts.get("action"), parts.get("day")
        if action == "adopt" and parts.get("awb") == "":
            yield Fault("/awb", "missing", "is missing: the number the carrier's panel shows for our reference")
        if action == "assign" and parts.get("assignee") == "":
            yield Fault("/assignee", "missing", "is missing: who takes it on")
        if day and not about.date() <= day <= about.date() + FURTHEST:
            yield Fault("/day", "out_of_range", f"must be from today, {about:%Y-%m-%d}, to {FURTHEST.days} days ahead")


# --- into the words below --------------------------------------------------------------------------


def to_people(request: PickupRequest, about: About) -> People:
    location = about.location(request.consignee.location) if request.consignee.location else None
    return People(shipper=to_party(request.shipper), consignee=location or to_party(request.consignee))


def to_parcel(parcel: ParcelRequest) -> Parcel:
    return Parcel(
        dead_weight=Weight(parcel.weight_g),
        length=Length(parcel.length_mm),
        width=Length(parcel.width_mm),
        height=Length(parcel.height_mm),
    )


def to_item(item: ItemRequest) -> Item:
    fields = {name: getattr(item, name) for name in Item.__struct_fields__}
    return Item(**{**fields, "unit_value": to_money(item.unit_value)})


def to_wanted(request: PickupRequest | QuoteRequest, zone: str) -> Wanted:
    """The request without its people."""
    wish, order = request.carrier or CarrierWish(), request.order
    return Wanted(
        parcels=tuple(map(to_parcel, request.parcels)),
        items=tuple(map(to_item, request.items)),
        window=to_window(request.window, zone) if request.window else None,
        quality_checks=tuple(QualityCheck(**msgspec.structs.asdict(check)) for check in request.quality_checks),
        order_number=order.number if order else "",
        delivered_at=order.delivered_at if order else None,
        channel=order.channel if order else "",
        instructions=request.instructions,
        allow=wish.allow,
        deny=wish.deny,
        pin=wish.pin,
        max_price=to_money(request.max_price) if request.max_price else None,
        metadata=request.metadata,
        extra=request.extra,
    )


def to_lane(request: QuoteRequest, about: About) -> Lane:
    location = about.location(request.consignee.location) if request.consignee.location else None
    there = location or request.consignee
    return Lane(
        origin=request.shipper.postal_code,
        destination=there.postal_code,
        origin_country=request.shipper.country,
        destination_country=there.country,
        origin_city=request.shipper.city,
        destination_city=there.city,
    )


def declared_value(request: QuoteRequest) -> Money:
    """The goods' value: as declared, else unit values times quantities."""
    if request.declared_value:
        return to_money(request.declared_value)
    values = [to_money(item.unit_value) for item in request.items]
    return Money(sum(v.minor * item.quantity for v, item in zip(values, request.items, strict=True)), values[0].currency)
