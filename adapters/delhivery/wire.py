"""How Delhivery writes things: requests, addresses, phones, and what every call may answer instead of its own reply.

Developer portal, B2C (captured 2026-07). Refusals come with HTTP 200 as often as with 4xx. The firewall answers 403 where
others answer 429, and some calls answer 403 to a bad token: a 403 is a throttle unless its body speaks of credentials.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Mapping, Sequence

import httpx
import msgspec

from adapters.contract.carrier import Access
from adapters.contract.errors import Misread, RefusalKind, Refused, Throttled
from adapters.contract.orders import Parcel
from adapters.contract.places import Party
from adapters.wire import json

TIMEZONE = "Asia/Kolkata"
CURRENCY = "INR"
COUNTRY = "IN"

Table = Sequence[tuple[str, RefusalKind]]

# --- requests --------------------------------------------------------------------------------------

_JSON = msgspec.json.Encoder(decimal_format="number")


def get(access: Access, path: str, query: Mapping[str, str]) -> httpx.Request:
    return httpx.Request("GET", access.base_url + path, params=query, headers=headers(access))


def post(access: Access, path: str, body: object) -> httpx.Request:
    return httpx.Request(
        "POST", access.base_url + path, content=encode(body), headers=headers(access) | {"Content-Type": "application/json"}
    )


def encode(body: object) -> bytes:
    """JSON with money as plain decimal numbers."""
    return _JSON.encode(body)


def headers(access: Access) -> dict[str, str]:
    return {"Authorization": f"Token {setting(access.secrets, 'token')}", "Accept": "application/json"}


def setting(fields: Mapping[str, str], name: str) -> str:
    """A field of the account. Raises Refused(ACCOUNT) where it is empty."""
    if not fields.get(name, "").strip():
        raise Refused(RefusalKind.ACCOUNT, "", f"the carrier account has no {name}")
    return fields[name]


def unfit(field: str, why: str) -> Refused:
    """Something in the order that cannot be put to the carrier, by name."""
    return Refused(RefusalKind.INVALID_REQUEST, "", why, field)


# --- people and places -----------------------------------------------------------------------------

_PIN = re.compile(r"[1-9][0-9]{5}")
_PHONE = re.compile(r"(?:\+?91|0)?([0-9]{10})")


def pin(postal_code: str, field: str) -> str:
    """The six digits. Raises Refused for anything else."""
    digits = postal_code.replace(" ", "")
    if not _PIN.fullmatch(digits):
        raise Refused(RefusalKind.INVALID_ADDRESS, "", "an Indian postal code has six digits", field)
    return digits


def phone(number: str, field: str) -> str:
    """Ten digits; the prefixes the carrier documents (91, +91, 0) are taken off. Raises Refused where that does not leave ten."""
    found = _PHONE.fullmatch(re.sub(r"[\s().-]", "", number))
    if not found:
        raise unfit(field, "a phone number has ten digits after +91 or 0")
    return found[1]


def address(party: Party) -> str:
    """One line: company, lines and landmark. City, state and pin have fields of their own."""
    parts = (party.company, party.line1, party.line2, party.landmark)
    return ", ".join(" ".join(part.split()) for part in parts if part.strip())


def in_india(party: Party, field: str) -> Party:
    if party.country != COUNTRY:
        raise Refused(RefusalKind.NOT_SERVICEABLE, "", "Delhivery B2C moves parcels within India only", f"{field}/country")
    return party


def only_parcel(parcels: tuple[Parcel, ...]) -> Parcel:
    """One waybill is one box. Raises Refused naming the second."""
    if len(parcels) > 1:
        raise unfit("/parcels/1", "one parcel per shipment")
    return parcels[0]


# --- replies ---------------------------------------------------------------------------------------

_PATIENCE = dt.timedelta(seconds=30)  # the FAQ: wait at least so long, then the firewall looks again
_CREDENTIALS = (
    "authentication credentials were not provided",
    "invalid token",
    "login or api key required",
    "unable to fetch client name for the token",
    "unauthorized client/user",
    "you are not authorised",
)
_VEILED = "asked to not let you see that"  # a bad token's text at 401 and 403; at 400 it may mean anything
_KEPT = 300


def screen(response: httpx.Response) -> None:
    """Raises Refused(UNAUTHORIZED) or Throttled where the reply is about us and not about the question."""
    body = response.content[:2000].decode("utf-8", "replace").casefold()
    veiled = response.status_code in (401, 403) and _VEILED in body
    aside = response.status_code >= 400 or not body.lstrip().startswith(("{", "["))
    if response.status_code == 401 or veiled or (aside and any(phrase in body for phrase in _CREDENTIALS)):
        raise Refused(RefusalKind.UNAUTHORIZED, str(response.status_code), raw(response))
    if response.status_code == 403:
        raise Throttled(retry_after=_PATIENCE)


def raw(response: httpx.Response) -> str:
    """The beginning of the body, to be kept with a refusal."""
    return response.content[: 4 * _KEPT].decode("utf-8", "replace").strip()[:_KEPT]


def positive(response: httpx.Response) -> None:
    """A yes never comes with an error status."""
    if not response.is_success:
        raise Misread(f"a good reply with HTTP {response.status_code}")


def kind_of(text: str, table: Table) -> RefusalKind | None:
    """The first entry whose phrase the text contains."""
    folded = text.casefold()
    return next((kind for phrase, kind in table if phrase in folded), None)


# --- the reply of /api/p/edit, which edits and cancels ----------------------------------------------


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is true, or a text: "Failure", in XML "True" and "False"."""

    status: bool | str | None = None
    waybill: str | int | None = None
    remark: str | None = None
    error: str | None = None


_XML = re.compile(r"\s*(?:<\?xml[^<>]*\?>)?\s*<root>((?:\s*<(\w+)>[^<>]*</\2>|\s*<\w+\s*/>)*)\s*</root>\s*")
_ELEMENT = re.compile(r"<(\w+)>([^<>]*)</\1>")
# Seen live: a yes that says nothing but that.
_BARE = re.compile(r"\s*(?:<\?xml[^<>]*\?>)?\s*<root>\s*<status>\s*True\s*</status>\s*</root>\s*")
_LONGEST_XML = 4096

EDIT_REFUSALS: Table = (
    ("incorrect waybill", RefusalKind.INVALID_REQUEST),
    ("enter waybill", RefusalKind.INVALID_REQUEST),
    ("not authorised to this action", RefusalKind.UNAUTHORIZED),
    ("multiple mps lot", RefusalKind.INVALID_REQUEST),
    ("unable to change payment mode", RefusalKind.INVALID_REQUEST),
    ("either picked up or already in return flow", RefusalKind.TOO_LATE),
    ("shipment could not be updated", RefusalKind.WRONG_STATE),
)


def verdict(response: httpx.Response, awb: str) -> Verdict:
    """A yes about this very waybill, in JSON or XML. Raises Refused for a no, Misread for anything else."""
    screen(response)
    said = _from_xml(response.content) if response.content.lstrip().startswith(b"<") else json.read_once(response, Verdict)
    word = str(said.status).casefold()
    if word in ("false", "failure"):
        text = said.error or said.remark or ""
        raise Refused(kind_of(text, EDIT_REFUSALS), "", text)
    if word != "true" or said.error:
        raise Misread(f"neither yes nor no: {raw(response)[:80]}")
    if said.waybill and str(said.waybill) != awb:
        raise Misread("an answer about another waybill")
    positive(response)
    return said


def is_bare(response: httpx.Response) -> bool:
    """Whether the whole answer is `<root><status>True</status></root>`."""
    return _BARE.fullmatch(response.content[:_LONGEST_XML].decode("utf-8", "replace")) is not None


def _from_xml(body: bytes) -> Verdict:
    """Flat XML, read without a parser: no DOCTYPE, no attributes, no nesting, no element twice."""
    found = _XML.fullmatch(body.decode("utf-8", "replace")) if len(body) <= _LONGEST_XML else None
    if not found:
        raise Misread("not the documented XML")
    elements = _ELEMENT.findall(found[1])
    fields = {name: html.unescape(text).strip() for name, text in elements}
    if len(fields) != len(elements):
        raise Misread("an element comes twice")
    return Verdict(
        status=fields.get("status"), waybill=fields.get("waybill"), remark=fields.get("remark"), error=fields.get("error")
    )
