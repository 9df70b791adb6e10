"""Serviceability per pin, expected days, and the invoice calculator (kinko).

Developer portal, B2C: pin-codes, expected TAT, calculate shipping cost (2026-07); reply shapes from its OpenAPI text and
live captures. Kinko is rationed (50 calls in 5 minutes, p99 61 s) and answers 0 where it has no price (staging always does): it
audits the merchant's rate card, it does not make offers.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
import msgspec

from adapters.contract.carrier import (
    Access,
    Enquiry,
    Next,
    Operation,
    PriceLine,
    Quote,
    Serviceability,
    SoFar,
    Step,
    Stop,
    Tat,
    one_step,
)
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction, Parcel
from adapters.contract.units import Money
from adapters.delhivery import wire
from adapters.wire import json

# --- does it go there? -----------------------------------------------------------------------------

_EMBARGO_HOLDS = dt.timedelta(hours=1)  # "temporarily"; the documents name no span


class PostalCode(msgspec.Struct, frozen=True, kw_only=True):
    """An embargoed pin comes with its remark and nothing else. Older accounts say `remark`."""

    pin: int | str = ""
    remarks: str | None = None
    remark: str | None = None
    pickup: str | None = None
    pre_paid: str | None = None


class DeliveryCode(msgspec.Struct, frozen=True, kw_only=True):
    postal_code: PostalCode


class PinReply(msgspec.Struct, frozen=True, kw_only=True):
    delivery_codes: list[DeliveryCode]


def build_serviceability(stop: Stop, access: Access, so_far: SoFar) -> httpx.Request:
    if stop.country != wire.COUNTRY:
        raise Refused(RefusalKind.NOT_SERVICEABLE, "", "Delhivery B2C moves parcels within India only", "/country")
    return wire.get(access, "/c/api/pin-codes/json/", {"filter_codes": wire.pin(stop.postal_code, "/postal_code")})


def parse_serviceability(response: httpx.Response, stop: Stop, so_far: SoFar) -> Serviceability:
    wire.screen(response)
    codes = json.read(response, PinReply).delivery_codes
    wire.positive(response)
    if not codes:
        return Serviceability(serviceable=False, cause="not in Delhivery's list of pins")
    return _judge(codes[0].postal_code, stop)


def _judge(found: PostalCode, stop: Stop) -> Serviceability:
    remark = (found.remarks or found.remark or "").strip()
    if remark:
        return Serviceability(serviceable=False, cause=remark, holds_for=_EMBARGO_HOLDS)
    if str(found.pin) != wire.pin(stop.postal_code, "/postal_code"):
        raise Misread("an answer about another pin")
    lacking = _lacking(found, stop)
    return Serviceability(serviceable=not lacking, cause=lacking)


def _lacking(found: PostalCode, stop: Stop) -> str:
    """The flag that says no for the door's end; the warehouse's end only has to be on the list (assumed)."""
    if stop.direction is Direction.REVERSE and stop.collect and (found.pickup or "").upper() != "Y":
        return "pickup: N"
    if stop.direction is Direction.FORWARD and not stop.collect and (found.pre_paid or "").upper() != "Y":
        return "pre_paid: N"
    return ""


SERVICEABILITY: Operation[Stop, Serviceability] = one_step(build_serviceability, parse_serviceability, repeatable=True)

# --- how long does it take? ------------------------------------------------------------------------


class Days(msgspec.Struct, frozen=True, kw_only=True):
    tat: int


class TatReply(msgspec.Struct, frozen=True, kw_only=True):
    """`data` is an empty text where there is no answer."""

    success: bool
    msg: str | None = None
    data: Days | str | None = None


TAT_REFUSALS: wire.Table = (
    ("not serviceable", RefusalKind.NOT_SERVICEABLE),
    ("unable to process request", RefusalKind.INVALID_REQUEST),  # "... Origin pin missing."
)


def build_tat(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    """Asked for surface: an enquiry names no service, and the slower promise is the safer one."""
    query = {
        "origin_pin": wire.pin(enquiry.lane.origin, "/lane/origin"),
        "destination_pin": wire.pin(enquiry.lane.destination, "/lane/destination"),
        "mot": "S",
        "pdt": "B2C",
    }
    if enquiry.ready_at:
        query["expected_pickup_date"] = f"{enquiry.ready_at.astimezone(ZoneInfo(wire.TIMEZONE)):%Y-%m-%d %H:%M}"
    return wire.get(access, "/api/dc/expected_tat", query)


def parse_tat(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Tat:
    wire.screen(response)
    reply = json.read(response, TatReply)
    if not reply.success:
        raise Refused(wire.kind_of(reply.msg or "", TAT_REFUSALS), "", reply.msg or "")
    if not isinstance(reply.data, Days) or reply.data.tat < 0:
        raise Misread("a success without days")
    wire.positive(response)
    return Tat(days=reply.data.tat)


TAT: Operation[Enquiry, Tat] = one_step(build_tat, parse_tat, repeatable=True)

# --- what does it cost? ----------------------------------------------------------------------------

_DIVISOR = 5000  # cubic millimetres to a gram: the reply's usual `divisor`
_STATUS = {Direction.FORWARD: "Delivered", Direction.REVERSE: "DTO"}


class Taxes(msgspec.Struct, frozen=True, kw_only=True):
    igst: Decimal = msgspec.field(default=Decimal(0), name="IGST")
    sgst: Decimal = msgspec.field(default=Decimal(0), name="SGST")
    cgst: Decimal = msgspec.field(default=Decimal(0), name="CGST")


class Charges(msgspec.Struct, frozen=True, kw_only=True):
    """Of some forty fields, those that make up the total."""

    total_amount: Decimal | None = None
    gross_amount: Decimal = Decimal(0)
    tax_data: Taxes = Taxes()
    error: str | None = None


# In the order of the handbook's FAQ.
PRICE_REFUSALS: wire.Table = (
    ("unable to process request", RefusalKind.NOT_SERVICEABLE),  # no price for this lane
    ("is mandatory field", RefusalKind.INVALID_REQUEST),
)


def _build_price(mode: str, enquiry: Enquiry, access: Access) -> httpx.Request:
    query = {
        "md": mode,
        "ss": _STATUS[enquiry.direction],
        "o_pin": wire.pin(enquiry.lane.origin, "/lane/origin"),
        "d_pin": wire.pin(enquiry.lane.destination, "/lane/destination"),
        "cgm": str(chargeable_grams(wire.only_parcel(enquiry.parcels))),
        "pt": "Pre-paid",  # without it the answer is 0
    }
    return wire.get(access, "/api/kinko/v1/invoice/charges/.json", query)


def chargeable_grams(parcel: Parcel) -> int:
    """The heavier of scale and volume, rounded up."""
    volume = parcel.length.millimetres * parcel.width.millimetres * parcel.height.millimetres
    return max(parcel.dead_weight.grams, -(-volume // _DIVISOR))


def _parse_price(service: str, response: httpx.Response) -> tuple[Quote, ...]:
    """One quote, or none where the carrier says 0."""
    wire.screen(response)
    charges = _charges(response)
    if charges.error:
        raise Refused(wire.kind_of(charges.error, PRICE_REFUSALS), "", charges.error)
    if charges.total_amount is None or charges.total_amount < 0:
        raise Misread("charges without a total")
    wire.positive(response)
    return (_quote(service, charges, charges.total_amount),) if charges.total_amount else ()


def _charges(response: httpx.Response) -> Charges:
    """The documents show a list of one, some accounts get the object itself."""
    if not response.content.lstrip().startswith(b"["):
        return json.read(response, Charges)
    listed = json.read(response, list[Charges])
    if len(listed) != 1:
        raise Misread(f"{len(listed)} prices for one question")
    return listed[0]


def _quote(service: str, charges: Charges, total: Decimal) -> Quote:
    parts = {
        "gross": charges.gross_amount,
        "igst": charges.tax_data.igst,
        "sgst": charges.tax_data.sgst,
        "cgst": charges.tax_data.cgst,
    }
    lines = tuple(PriceLine(code=code, amount=_rupees(amount)) for code, amount in parts.items() if amount)
    return Quote(service=service, price=_rupees(total), lines=lines)


def _rupees(amount: Decimal) -> Money:
    try:
        return Money.of(amount, wire.CURRENCY)
    except ValueError as error:
        raise Misread(str(error)) from error


def build_surface(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return _build_price("S", enquiry, access)


def parse_surface(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Next:
    return Next(so_far={"surface": msgspec.json.encode(_parse_price("surface", response)).decode()})


def build_express(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return _build_price("E", enquiry, access)


def parse_express(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> tuple[Quote, ...]:
    express = _parse_price("express", response)
    return msgspec.json.decode(so_far.get("surface", "[]"), type=tuple[Quote, ...]) + express


QUOTE: Operation[Enquiry, tuple[Quote, ...]] = Operation(
    steps=(
        Step(name="surface", build=build_surface, parse=parse_surface),
        Step(name="express", build=build_express, parse=parse_express),
    ),
    repeatable=True,
    timeout=65.0,
)
