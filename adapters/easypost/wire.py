"""How EasyPost is asked and how it answers: the key, ounces and inches, amounts, and its one shape of an error.

Vendor documentation and recordings (A). The key is the user of Basic authentication, without a password, and decides test or
live: both live at one address. `errors` within an error is a list of objects, of texts, or of objects with fields of any name;
`message` need not be a text.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import TypeVar

import httpx
import msgspec

from adapters.contract.carrier import Access
from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, RefusalKind, Refused, Throttled, Unreachable
from adapters.contract.orders import Parcel
from adapters.contract.units import Money
from adapters.easypost import refusals
from adapters.wire import json

T = TypeVar("T")

LIVE_URL = "https://api.easypost.com/v2"
CURRENCY = "USD"
TIMEZONE = "America/New_York"  # where an order names no zone of its own (D)

GRAMS_IN_AN_OUNCE = Decimal("28.349523125")
MILLIMETRES_IN_AN_INCH = Decimal("25.4")
_TENTH = Decimal("0.1")


# --- requests -------------------------------------------------------------------------------------


def get(access: Access, path: str, params: Mapping[str, str] | None = None) -> httpx.Request:
    return httpx.Request("GET", access.base_url + path, params=params or None, headers=_headers(access))


def post(access: Access, path: str, body: Mapping[str, object]) -> httpx.Request:
    return httpx.Request("POST", access.base_url + path, json=body, headers=_headers(access))


def _headers(access: Access) -> dict[str, str]:
    key = access.secrets.get("api_key", "")
    if not key:
        raise Refused(RefusalKind.ACCOUNT, raw_message="the account has no API key", field="/secrets/api_key")
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}", "Accept": "application/json"}


def parcel(parcels: tuple[Parcel, ...]) -> dict[str, float]:
    """The one parcel in inches and ounces, each rounded up to a tenth, as fine as EasyPost goes."""
    if len(parcels) != 1:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="one parcel at a time", field="/parcels")
    one = parcels[0]
    sides = {side: getattr(one, side).millimetres / MILLIMETRES_IN_AN_INCH for side in ("length", "width", "height")}
    weight = one.dead_weight.grams / GRAMS_IN_AN_OUNCE
    for name, measure in {"weight_g": weight, **{f"{side}_mm": value for side, value in sides.items()}}.items():
        if measure <= 0:
            raise Refused(RefusalKind.INVALID_REQUEST, raw_message="nothing may be zero", field=f"/parcels/0/{name}")
    return {name: float(value.quantize(_TENTH, ROUND_CEILING)) for name, value in (*sides.items(), ("weight", weight))}


# --- answers --------------------------------------------------------------------------------------


class Detail(msgspec.Struct, frozen=True):
    """One entry of `errors`, where it is an object of the documented kind."""

    code: str | None = None
    field: str | None = None
    message: str | None = None


class Failure(msgspec.Struct, frozen=True):
    code: str
    message: msgspec.Raw = msgspec.Raw(b'""')
    errors: msgspec.Raw = msgspec.Raw(b"[]")

    @property
    def entries(self) -> list[msgspec.Raw]:
        """`errors` one by one; what is no list is one entry."""
        try:
            return json.decode(bytes(self.errors), list[msgspec.Raw])
        except Misread:
            return [] if bytes(self.errors) == b"null" else [self.errors]


class _Envelope(msgspec.Struct, frozen=True):
    error: Failure | str


def read(response: httpx.Response, shape: type[T]) -> T:
    """The body of a success as `shape`. Raises what EasyPost refused with, or Misread."""
    refuse_failures(response)
    return json.read_once(response, shape)


def refuse_failures(response: httpx.Response) -> None:
    """Raises for the error body, whatever HTTP status it comes with, and for every status but 200 and 201."""
    failure = failure_of(response)
    if failure:
        raise error_of(response.status_code, failure)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise Refused(RefusalKind.UNAUTHORIZED, "401")
    if response.status_code not in (httpx.codes.OK, httpx.codes.CREATED):
        raise Misread(f"HTTP {response.status_code} without the documented error body")


def failure_of(response: httpx.Response) -> Failure | None:
    try:
        error = json.read(response, _Envelope).error
    except Misread:
        return None
    return (
        Failure(code=str(response.status_code), message=msgspec.Raw(msgspec.json.encode(error)))
        if isinstance(error, str)
        else error
    )


_BY_STATUS = {401: RefusalKind.UNAUTHORIZED, 402: RefusalKind.ACCOUNT, 403: RefusalKind.ACCOUNT}


def error_of(status: int, failure: Failure) -> CarrierError:
    """The failure as one of our errors: what is not known to be a no is not called one."""
    text = words(failure)
    if failure.code in refusals.UNKNOWN_OUTCOMES or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return OutcomeUnknown(f"{failure.code} {text}")
    if failure.code in refusals.UNAVAILABLE:
        return Unreachable(f"{failure.code} {text}")
    if failure.code == refusals.TOO_FAST or status == httpx.codes.TOO_MANY_REQUESTS:
        return Throttled(text)
    return Refused(refusals.REFUSALS.get(failure.code) or _BY_STATUS.get(status), failure.code, text)


def words(failure: Failure) -> str:
    """The message, and what the entries of `errors` add to it."""
    said = [text_of(failure.message), *(_said(entry) for entry in failure.entries)]
    return "; ".join(text for text in dict.fromkeys(said) if text)


def details(failure: Failure) -> list[Detail]:
    """The entries of `errors` that are objects of the documented kind."""
    found = (_detail(entry) for entry in failure.entries)
    return [detail for detail in found if detail]


def _said(entry: msgspec.Raw) -> str:
    detail = _detail(entry)
    if detail is None:
        return text_of(entry)
    return " ".join(filter(None, (detail.code, detail.field, detail.message)))


def _detail(entry: msgspec.Raw) -> Detail | None:
    try:
        detail = json.decode(bytes(entry), Detail)
    except Misread:
        return None
    return detail if detail.message or detail.code else None


def text_of(value: msgspec.Raw) -> str:
    """A value that should be a text, as one."""
    try:
        return json.decode(bytes(value), str)
    except Misread:
        return bytes(value).decode(errors="replace")


def money(amount: str | float, currency: str) -> Money:
    """An amount that may come as text or number. Raises Misread for none, or one below zero."""
    try:
        found = Money.of(str(amount), currency)
    except ValueError as error:
        raise Misread(str(error)) from error
    if found.minor < 0 or len(currency) != 3:
        raise Misread(f"not a price: {amount} {currency}")
    return found
