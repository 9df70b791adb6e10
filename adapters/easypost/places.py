"""How EasyPost writes people and places in the USA and Canada.

Vendor documentation, address object (A): one text per field, blank ones left out. ZIP and postal codes, ten-digit phones and the
two-letter states are those countries' own rules; a state or province may come by its full name.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import Direction, Order
from adapters.contract.places import Lane, Party

COUNTRIES = frozenset({"US", "CA"})
DOMESTIC_ONLY = "a parcel across the border needs customs papers that an order does not bring"

_ZIP = re.compile(r"(\d{5})(?:-?(\d{4}))?")
_POSTAL_CODE = re.compile(r"([A-Z]\d[A-Z])[ -]?(\d[A-Z]\d)")
_PHONE = re.compile(r"1?([2-9]\d{9})")

_STATES = (
    "AL Alabama,AK Alaska,AZ Arizona,AR Arkansas,CA California,CO Colorado,CT Connecticut,DE Delaware,DC District of Columbia,"
    "FL Florida,GA Georgia,HI Hawaii,ID Idaho,IL Illinois,IN Indiana,IA Iowa,KS Kansas,KY Kentucky,LA Louisiana,ME Maine,"
    "MD Maryland,MA Massachusetts,MI Michigan,MN Minnesota,MS Mississippi,MO Missouri,MT Montana,NE Nebraska,NV Nevada,"
    "NH New Hampshire,NJ New Jersey,NM New Mexico,NY New York,NC North Carolina,ND North Dakota,OH Ohio,OK Oklahoma,OR Oregon,"
    "PA Pennsylvania,PR Puerto Rico,RI Rhode Island,SC South Carolina,SD South Dakota,TN Tennessee,TX Texas,UT Utah,VT Vermont,"
    "VA Virginia,WA Washington,WV West Virginia,WI Wisconsin,WY Wyoming"
)
_PROVINCES = (
    "AB Alberta,BC British Columbia,MB Manitoba,NB New Brunswick,NL Newfoundland and Labrador,NS Nova Scotia,"
    "NT Northwest Territories,NU Nunavut,ON Ontario,PE Prince Edward Island,QC Quebec,QC Québec,SK Saskatchewan,YT Yukon"
)


def _names(text: str) -> dict[str, str]:
    pairs = [entry.split(" ", 1) for entry in text.split(",")]
    return {word.casefold(): code for code, name in pairs for word in (code, name)}


REGIONS = MappingProxyType({"US": MappingProxyType(_names(_STATES)), "CA": MappingProxyType(_names(_PROVINCES))})


def address(party: Party, pointer: str) -> dict[str, str]:
    """A party in EasyPost's words. Raises Refused naming the field it cannot be written for."""
    known = {
        "name": party.name,
        "company": party.company,
        "street1": party.line1,
        "street2": ", ".join(filter(None, (party.line2, party.landmark))),
        "city": party.city,
        "state": region(party, pointer),
        **place(party.postal_code, party.country, f"{pointer}/postal_code", f"{pointer}/country"),
        "phone": phone(party.phone, f"{pointer}/phone"),
        "email": party.email,
    }
    return {field: value for field, value in known.items() if value}


def place(postal_code: str, country: str, code_pointer: str, country_pointer: str) -> dict[str, str]:
    """A postal code with its country, as it is written there."""
    if country not in COUNTRIES:
        raise Refused(RefusalKind.NOT_SERVICEABLE, raw_message="only within the USA or Canada", field=country_pointer)
    text = postal_code.strip().upper()
    found = _ZIP.fullmatch(text) if country == "US" else _POSTAL_CODE.fullmatch(text)
    if not found:
        wanted = "a ZIP code has five or nine digits" if country == "US" else "a Canadian postal code reads like K1A 0B1"
        raise Refused(RefusalKind.INVALID_ADDRESS, raw_message=wanted, field=code_pointer)
    return {"zip": ("-" if country == "US" else " ").join(filter(None, found.groups())), "country": country}


def region(party: Party, pointer: str) -> str:
    """The state's or province's two letters; blank stays blank."""
    if not party.state or party.country not in REGIONS:
        return ""
    found = REGIONS[party.country].get(party.state.strip().casefold())
    if not found:
        raise Refused(RefusalKind.INVALID_ADDRESS, raw_message=f"no state or province of {party.country}", field=f"{pointer}/state")
    return found


def phone(text: str, pointer: str) -> str:
    """Ten digits, without the country's 1; blank stays blank."""
    if not text.strip():
        return ""
    found = _PHONE.fullmatch(re.sub(r"[^0-9]", "", text))
    if not found:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="a phone there has ten digits", field=pointer)
    return found[1]


def lane(asked: Lane) -> tuple[dict[str, str], dict[str, str]]:
    """Both ends by postal code and country alone. Raises Refused."""
    if asked.origin_country != asked.destination_country and {asked.origin_country, asked.destination_country} <= COUNTRIES:
        raise Refused(RefusalKind.NOT_SERVICEABLE, raw_message=DOMESTIC_ONLY, field="/lane/destination_country")
    return (
        place(asked.origin, asked.origin_country, "/lane/origin", "/lane/origin_country"),
        place(asked.destination, asked.destination_country, "/lane/destination", "/lane/destination_country"),
    )


def door(order: Order) -> tuple[Party, str]:
    """The customer, and where in the order he stands."""
    return (order.shipper, "/shipper") if order.direction is Direction.REVERSE else (order.consignee, "/consignee")


def ends(order: Order) -> tuple[dict[str, str], dict[str, str]]:
    """Shipper and consignee. Raises Refused."""
    shipper, consignee = address(order.shipper, "/shipper"), address(order.consignee, "/consignee")
    if "phone" not in shipper:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="whoever collects wants to call", field="/shipper/phone")
    if order.shipper.country != order.consignee.country:
        raise Refused(RefusalKind.NOT_SERVICEABLE, raw_message=DOMESTIC_ONLY, field="/consignee/country")
    return shipper, consignee
