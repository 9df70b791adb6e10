"""What every carrier is asked in the contract suite: one question per operation, in the uniform words, and an account with it.

A new carrier adds its settings here, and a reason for each thing it does otherwise than the others. Every name, phone and
number is invented.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from adapters.contract.carrier import AwbList, Booking, Carrier, DayPage, Enquiry, Instruction, Sought, Stop
from adapters.contract.orders import Direction, Item, Parcel, PickupOrder, QualityCheck, ReturnReason
from adapters.contract.places import Lane, Party
from adapters.contract.scans import Milestone, Reason
from adapters.contract.units import Length, Money, Weight

NOW = dt.datetime(2026, 3, 9, 3, 0, tzinfo=dt.UTC)  # a Monday, half past eight in India
TOMORROW = dt.timedelta(days=1)

CUSTOMER = Party(
    name="Asha Rao",
    phone="9820000000",  # the lab's magic phone: the first visit collects
    line1="12 Rose Lane",
    line2="Indiranagar",
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
    timezone="Asia/Kolkata",
)
PARCEL = Parcel(dead_weight=Weight(480), length=Length(301), width=Length(200), height=Length(55))
SHIRT = Item(
    sku="SH-1",
    description="Cotton shirt",
    quantity=1,
    unit_value=Money(149900, "INR"),
    return_reason=ReturnReason.SIZE_OR_FIT,
    images=("https://img.kestrel.test/sh-1.jpg",),
    brand="Kestrel",
    category="Apparel",
)
COLOUR = QualityCheck(question="colour", expected="Blue")

# --- accounts --------------------------------------------------------------------------------------

# The settings each carrier demands.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "aramex": {"account_entity": "BOM", "account_country_code": "IN", "email": "returns@kestrel.test"},
    "delhivery": {"client": "KESTREL", "pickup_location": "Kestrel Surat"},
    "easypost": {},
    "ekart": {
        "seller_name": "Kestrel Apparel",
        "seller_address": "4 Mill Road, Surat",
        "seller_gst_tin": "24ABCDE1234F1Z5",
        "gst_percent": "18",
        "alternate_phone": "8040001000",
        "category_of_goods": "Apparel",
    },
}
# What an account has to say besides, for a step that is not always taken.
FOR_ALL_STEPS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("aramex", "quote"): {"domestic_economy_product": "PEC"},
    ("delhivery", "book"): {"waybills": "prefetched"},
    ("ekart", "quote"): {"books_service": "yes"},
}
# What it has to say so that its rider checks `COLOUR` at the door; nothing, where that goes without saying.
FOR_CHECKS: Mapping[str, Mapping[str, str]] = {"delhivery": {"qc_questions": '{"colour": "Q-1"}'}}


def secrets(carrier: Carrier) -> dict[str, str]:
    """Each credential another word, so that a leak names it; the lab takes what begins with lab_."""
    return {field.name: f"lab_{field.name}" for field in carrier.fields if field.secret}


# --- what a carrier does otherwise, each with its reason ---------------------------------------------

# Account fields that stand in an address, because the carrier documents no other place for them.
IN_ADDRESSES: Mapping[str, Mapping[str, str]] = {
    "delhivery": {"token": "the call that fetches a waybill takes the token in its query"},
    "ekart": {"client_id": "signing in names the client in the path; by itself it opens nothing"},
}

# Operations whose answers say the same, because at the carrier they are one call.
ONE_CALL: Mapping[str, tuple[frozenset[str], ...]] = {
    "aramex": (frozenset({"track", "find"}),),
    "delhivery": (
        frozenset({"track", "find"}),
        frozenset({"reattempt", "reschedule"}),
        frozenset({"edit_contact", "edit_address"}),
    ),
    "easypost": (frozenset({"tat", "quote", "book", "find", "label", "cancel"}),),  # all of them answer with the shipment
    "ekart": (frozenset({"reattempt", "reschedule"}),),
}

# Steps of one operation that answer with the same thing.
ONE_THING: Mapping[tuple[str, str], frozenset[int]] = {
    ("easypost", "book"): frozenset({1, 4}),  # the bought shipment
    ("easypost", "cancel"): frozenset({1, 2}),  # the shipment whose refund is asked for
}

# Milestones that everybody reports but this carrier.
UNREPORTED: Mapping[str, Mapping[Milestone, str]] = {
    "aramex": {Milestone.OUT_FOR_PICKUP: "none of its codes tells of a rider on his way"},
    "easypost": {Milestone.OUT_FOR_PICKUP: "none of its words tells of a rider on his way"},
}

# Pushes that do not repeat our reference.
NAMELESS = frozenset({"easypost"})

# What a scan of our own cancel says of it, where that is not that it was ours.
OWN_CANCEL: Mapping[str, Reason] = {"aramex": Reason.UNKNOWN}  # SH313 does not say who cancelled

# What the lab refuses, whatever is booked.
REFUSED_IN_THE_LAB: Mapping[tuple[str, str], str] = {
    ("delhivery", "reattempt"): "only a parcel that could not be delivered takes it, and the lab's riders deliver",
}

# --- elsewhere ---

# The same people, parcels and prices where a carrier does not go to India.
ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "easypost": {
        '"Bengaluru"': '"San Francisco"', '"Karnataka"': '"California"', '"560038"': '"94117"',
        '"Surat"': '"Chicago"', '"Gujarat"': '"Illinois"', '"394101"': '"60607"',
        '"IN"': '"US"', '"INR"': '"USD"', '"Asia/Kolkata"': '"America/Los_Angeles"',
    }
}  # fmt: skip


def at_home(code: str, question: Any) -> Any:
    """The question as it is put in the country of this carrier."""
    if not isinstance(question, msgspec.Struct) or code not in ELSEWHERE:
        return question
    text = msgspec.json.encode(question).decode()
    for ours, theirs in ELSEWHERE[code].items():
        text = text.replace(ours, theirs)
    return msgspec.json.decode(text, type=type(question))


# --- questions ---------------------------------------------------------------------------------------


def order(reference: str = "GWCONTRACT0000000001", **changes: Any) -> PickupOrder:
    asked = PickupOrder(
        carrier_reference=reference, shipper=CUSTOMER, consignee=WAREHOUSE, parcels=(PARCEL,), items=(SHIRT,), order_number="RMA-1"
    )
    return replace(asked, **changes)


def enquiry(**changes: Any) -> Enquiry:
    lane = Lane(origin=CUSTOMER.postal_code, destination=WAREHOUSE.postal_code)
    asked = Enquiry(lane=lane, direction=Direction.REVERSE, parcels=(PARCEL,), declared_value=SHIRT.unit_value)
    return replace(asked, **changes)


def stop(**changes: Any) -> Stop:
    return replace(Stop(postal_code=CUSTOMER.postal_code, country="IN", direction=Direction.REVERSE, collect=True), **changes)


def _another_day(booking: Booking, today: dt.date) -> Instruction:
    return Instruction(booking=booking, date=today + TOMORROW)


# For each operation its question about a booking, on a day.
QUESTIONS: Mapping[str, Callable[[Booking, dt.date], Any]] = {
    "sign_in": lambda booking, today: None,
    "serviceability": lambda booking, today: stop(),
    "tat": lambda booking, today: enquiry(),
    "quote": lambda booking, today: enquiry(),
    "windows": lambda booking, today: stop(),
    "validate": lambda booking, today: order(booking.carrier_reference),
    "book": lambda booking, today: order(booking.carrier_reference),
    "find": lambda booking, today: Sought(
        carrier_reference=booking.carrier_reference, sent_at=NOW, handles={**booking.handles, "number": booking.awb}
    ),
    "list_of_day": lambda booking, today: DayPage(day=NOW.date()),
    "label": lambda booking, today: booking,
    "cancel": lambda booking, today: booking,
    "track": lambda booking, today: AwbList(awbs=(booking.awb,)),
    "reattempt": _another_day,
    "reschedule": _another_day,
    "edit_contact": lambda booking, today: Instruction(booking=booking, party=replace(CUSTOMER, phone="9820000001")),
    "edit_address": lambda booking, today: Instruction(booking=booking, party=replace(CUSTOMER, line1="14 Rose Lane")),
}

# Questions that some carrier cannot be asked. What it is not asked, it must refuse by the name of a field.
_ABROAD = replace(CUSTOMER, country="DE", postal_code="20095")
_FLAT = replace(PARCEL, height=Length(0))
_DOLLARS = Money(100, "USD")

_ODD_ORDERS = {
    "a customer abroad": order(shipper=_ABROAD),
    "a warehouse abroad": order(consignee=replace(_ABROAD, phone=WAREHOUSE.phone)),
    "no postal code": order(shipper=replace(CUSTOMER, postal_code="near the lake")),
    "no phone": order(shipper=replace(CUSTOMER, phone="call me")),
    "a warehouse without a phone": order(consignee=replace(WAREHOUSE, phone="")),
    "two parcels": order(parcels=(PARCEL, PARCEL)),
    "no thickness": order(parcels=(_FLAT,)),
    "dollars": order(items=(replace(SHIRT, unit_value=_DOLLARS),)),
    "a long reference": order("GW" + "0" * 78),
    "an unknown service": order(service="teleport"),
}
_ODD_ENQUIRIES = {
    "a customer abroad": enquiry(lane=Lane(origin="20095", destination="394101", origin_country="DE")),
    "no postal code": enquiry(lane=Lane(origin="near the lake", destination="394101")),
    "two parcels": enquiry(parcels=(PARCEL, PARCEL)),
    "no thickness": enquiry(parcels=(_FLAT,)),
    "dollars": enquiry(declared_value=_DOLLARS),
}
_ODD_STOPS = {
    "abroad": stop(country="DE", postal_code="20095"),
    "no postal code": stop(postal_code="near the lake"),
}
ODD_QUESTIONS: Mapping[str, Mapping[str, Any]] = {
    "book": _ODD_ORDERS,
    "validate": _ODD_ORDERS,
    "tat": _ODD_ENQUIRIES,
    "quote": _ODD_ENQUIRIES,
    "serviceability": _ODD_STOPS,
    "windows": _ODD_STOPS,
}
