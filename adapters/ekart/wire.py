"""How Ekart Elite writes places, phones, times, money and refusals.

OpenAPI file 3.8.8 (grade A) unless a table says otherwise. Odd: every booking is written as seen from a forward parcel, so
`drop_location` is always the customer and `pickup_location` always the seller, also when the parcel moves the other way.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

import httpx
import msgspec

from adapters.contract.carrier import Access
from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.orders import Direction, Parcel
from adapters.contract.places import Lane, Party
from adapters.contract.units import Money
from adapters.wire import dates, json

T = TypeVar("T")

TIMEZONE = "Asia/Kolkata"
CURRENCY = "INR"


# --- requests -------------------------------------------------------------------------------------


def bearer(access: Access) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.token}"}


def location(party: Party, pointer: str, *, alias: str = "", note: str = "") -> dict[str, str | int]:
    """A party as `locationV1`. `alias` is the name a warehouse is registered under, `note` a word for the rider.

    City and state are optional on paper and left out where we do not know them; a live account refused blank ones (B).
    """
    known: dict[str, str | int] = {
        "name": alias or party.name,
        "phone": int(phone(party.phone, f"{pointer}/phone")),
        "address": ", ".join(filter(None, (party.company, party.line1, party.line2, party.landmark, note))),
        "city": party.city,
        "state": party.state,
        "country": country(party.country, f"{pointer}/country"),
        "pin": pin(party.postal_code, f"{pointer}/postal_code"),
    }
    return {field: value for field, value in known.items() if value}


def country(code: str, pointer: str) -> str:
    if code != "IN":
        raise Refused(RefusalKind.NOT_SERVICEABLE, raw_message="Ekart moves parcels within India only", field=pointer)
    return "India"


def phone(text: str, pointer: str, kind: RefusalKind = RefusalKind.INVALID_REQUEST) -> str:
    """Ten digits, without +91 or the trunk zero. Raises Refused naming the field."""
    found = re.fullmatch(r"(?:91|0)?([1-9][0-9]{9})", re.sub(r"[^0-9]", "", text))
    if not found:
        raise Refused(kind, raw_message="Ekart takes Indian phones of ten digits", field=pointer)
    return found[1]


def pin(text: str, pointer: str) -> int:
    digits = text.replace(" ", "")
    if not re.fullmatch(r"[1-9][0-9]{5}", digits):
        raise Refused(RefusalKind.INVALID_ADDRESS, raw_message="an Indian PIN code has six digits", field=pointer)
    return int(digits)


def rupees(money: Money, pointer: str) -> Decimal:
    if money.currency != CURRENCY:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="Ekart reckons in rupees", field=f"{pointer}/currency")
    return money.decimal


def seller_and_customer(lane: Lane, direction: Direction) -> tuple[int, int]:
    """A lane's PIN codes as `pickupPincode` and `dropPincode`: as in the booking, the seller comes first both ways.

    Written down for the booking only; taken over for prices and days by analogy (D).
    """
    country(lane.origin_country, "/lane/origin_country")
    country(lane.destination_country, "/lane/destination_country")
    origin, destination = pin(lane.origin, "/lane/origin"), pin(lane.destination, "/lane/destination")
    return (destination, origin) if direction is Direction.REVERSE else (origin, destination)


def only_parcel(parcels: tuple[Parcel, ...]) -> Parcel:
    """The one parcel, of which nothing may be zero."""
    if len(parcels) != 1:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="one parcel at a time", field="/parcels")
    parcel = parcels[0]
    measures = {"weight_g": parcel.dead_weight.grams} | {
        f"{side}_mm": getattr(parcel, side).millimetres for side in ("length", "width", "height")
    }
    for name, measure in measures.items():
        if measure < 1:
            raise Refused(RefusalKind.INVALID_REQUEST, raw_message="nothing may be zero", field=f"/parcels/0/{name}")
    return parcel


# --- times ----------------------------------------------------------------------------------------


def today(now: dt.datetime) -> dt.date:
    return now.astimezone(ZoneInfo(TIMEZONE)).date()


def milliseconds(day: dt.date) -> int:
    """A day as epoch milliseconds: its noon in India, which is the same day in UTC as well."""
    return int(dt.datetime.combine(day, dt.time(12), ZoneInfo(TIMEZONE)).timestamp() * 1000)


def moment(value: int | str) -> dt.datetime:
    """Epoch milliseconds, or "YYYY-MM-DD HH:MM:SS" in Indian time (the raw tracking's form). Raises Misread."""
    if isinstance(value, int) or (value.isdecimal() and len(value) < 20):
        return dates.epoch_milliseconds(int(value))
    return dates.local(value, TIMEZONE)


# --- answers --------------------------------------------------------------------------------------


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    """The one documented error body. Live, the exception's name may stand in `message` instead of `code` (B)."""

    status_code: int
    code: str
    message: str = ""
    description: str = ""


class Acknowledgement(msgspec.Struct, frozen=True):
    """What cancel and NDR answer. `vendor` and `barcodes` come with a booking's answer only: then it answers another question."""

    status: bool
    tracking_id: str
    remark: str = ""
    vendor: msgspec.Raw | None = None
    barcodes: msgspec.Raw | None = None


# Codes in the order they became known: the handbook lists none, these were met by live clients (B).
REFUSALS = MappingProxyType(
    {
        "SWIFT_VALIDATION_EXCEPTION": RefusalKind.INVALID_REQUEST,
        "SWIFT_MALFORMED_INPUT_EXCEPTION": RefusalKind.INVALID_REQUEST,
    }
)


def read(response: httpx.Response, shape: type[T]) -> T:
    """The body of a success as `shape`. Raises what the carrier refused with, or Misread."""
    refuse_failures(response)
    return json.read_once(response, shape)


def refuse_failures(response: httpx.Response) -> None:
    """Raises for the error body, whatever HTTP status it comes with, and for every status but 200."""
    failure = _failure(response)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise Refused(RefusalKind.UNAUTHORIZED, failure.code if failure else "401", failure.message if failure else "")
    if failure:
        raise _error(failure)
    if response.status_code != httpx.codes.OK:
        raise Misread(f"HTTP {response.status_code} without the documented error body")


def _failure(response: httpx.Response) -> Failure | None:
    try:
        return json.read(response, Failure)
    except Misread:
        return None


def _error(failure: Failure) -> CarrierError:
    if failure.status_code < httpx.codes.BAD_REQUEST:
        return Misread(f"an error with status {failure.status_code}")
    if failure.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return Throttled(failure.message)
    if failure.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return OutcomeUnknown(f"{failure.code} {failure.message}")
    if failure.status_code == httpx.codes.UNAUTHORIZED:
        return Refused(RefusalKind.UNAUTHORIZED, failure.code, failure.message)
    kind = REFUSALS.get(failure.code) or REFUSALS.get(failure.message)
    return Refused(kind, failure.code, " ".join(filter(None, (failure.message, failure.description))))


def acknowledged(acknowledgement: Acknowledgement, awb: str) -> None:
    """Raises unless this booking's instruction was taken. A refusal has no code: see where the parcel stands (D)."""
    if acknowledgement.vendor is not None or acknowledgement.barcodes is not None:
        raise Misread("a booking's answer, where an acknowledgement was due")
    if acknowledgement.tracking_id != awb:
        raise Misread("an acknowledgement of another shipment")
    if not acknowledgement.status:
        raise Refused(RefusalKind.WRONG_STATE, raw_message=acknowledgement.remark)
