"""Where Aramex is asked to collect, and how it writes people and addresses.

WSDLs (A); which of the optional fields the server demands after all: B. Times are local and name no zone, so each country has
its own here. That Aramex collects in these countries is assumed (D): no list is published with the interface.
"""

from __future__ import annotations

import re
from types import MappingProxyType

import msgspec

from adapters.aramex import wire
from adapters.contract.carrier import Access
from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.places import Party


class Country(msgspec.Struct, frozen=True):
    name: str
    timezone: str
    currency: str


COUNTRIES = MappingProxyType(
    {
        "AE": Country("United Arab Emirates", "Asia/Dubai", "AED"),
        "BH": Country("Bahrain", "Asia/Bahrain", "BHD"),
        "EG": Country("Egypt", "Africa/Cairo", "EGP"),
        "GH": Country("Ghana", "Africa/Accra", "GHS"),
        "IN": Country("India", "Asia/Kolkata", "INR"),
        "IQ": Country("Iraq", "Asia/Baghdad", "IQD"),
        "JO": Country("Jordan", "Asia/Amman", "JOD"),
        "KE": Country("Kenya", "Africa/Nairobi", "KES"),
        "KW": Country("Kuwait", "Asia/Kuwait", "KWD"),
        "LB": Country("Lebanon", "Asia/Beirut", "LBP"),
        "MA": Country("Morocco", "Africa/Casablanca", "MAD"),
        "MU": Country("Mauritius", "Indian/Mauritius", "MUR"),
        "NG": Country("Nigeria", "Africa/Lagos", "NGN"),
        "OM": Country("Oman", "Asia/Muscat", "OMR"),
        "QA": Country("Qatar", "Asia/Qatar", "QAR"),
        "SA": Country("Saudi Arabia", "Asia/Riyadh", "SAR"),
        "TZ": Country("Tanzania", "Africa/Dar_es_Salaam", "TZS"),
        "UG": Country("Uganda", "Africa/Kampala", "UGX"),
    }
)

_ZONES = {country.name.casefold(): country.timezone for country in COUNTRIES.values()}
_POSTAL_CODES = {"IN": re.compile(r"[1-9][0-9]{5}")}
_ANY_POSTAL_CODE = re.compile(r"(?=.*[0-9])[A-Za-z0-9 -]{2,10}|")  # the Gulf has none
_PHONE = re.compile(r"\+?[0-9]{7,15}")
_SHORTEST_LINE = 4
# XML 1.0 has no place for these.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def collecting(code: str, field: str) -> Country:
    """Raises Refused for a country in which nobody collects for us."""
    country = COUNTRIES.get(code)
    if country is None:
        raise Refused(RefusalKind.NOT_SERVICEABLE, "", f"Aramex is not asked to collect in {code}", field)
    return country


def zone_of(location: str) -> str:
    """The zone of "place, country" as tracking writes it; the head office's where the country is none of ours."""
    return _ZONES.get(location.rpartition(",")[2].strip().casefold(), wire.TIMEZONE)


def party(who: Party, pointer: str, access: Access, *, pays: bool) -> dict[str, object]:
    """`pays`: our account's number stands at this one."""
    number = {"AccountNumber": wire.setting(access.secrets, "account_number")} if pays else {}
    return {**number, "PartyAddress": address(who, pointer), "Contact": contact(who, pointer, access)}


def address(who: Party, pointer: str) -> dict[str, object]:
    if len(who.line1.strip()) < _SHORTEST_LINE:
        raise Refused(RefusalKind.INVALID_ADDRESS, "", "the first line has at least four characters", f"{pointer}/line1")
    return {
        "Line1": written(who.line1, f"{pointer}/line1"),
        "Line2": written(who.line2, f"{pointer}/line2"),
        "Line3": written(who.landmark, f"{pointer}/landmark"),
        "City": written(who.city, f"{pointer}/city"),
        "StateOrProvinceCode": written(who.state, f"{pointer}/state"),
        "PostCode": postal_code(who.postal_code, who.country, f"{pointer}/postal_code"),
        "CountryCode": who.country,
    }


def lane_end(city: str, code: str, country: str, field: str) -> dict[str, object]:
    """As much of an address as a price depends on."""
    post_code = postal_code(code, country, f"/lane/{field}")
    if not (post_code or city):
        raise wire.unfit(f"/lane/{field}_city", "a price needs the city where there is no postal code")
    return {"Line1": "", "Line2": "", "Line3": "", "City": city, "PostCode": post_code, "CountryCode": country}


def contact(who: Party, pointer: str, access: Access) -> dict[str, object]:
    """The server wants a company and an e-mail of everyone (B): the name, and the account's own, where the party has none."""
    number = phone(who.phone, f"{pointer}/phone")
    other = phone(who.alternate_phone, f"{pointer}/alternate_phone") if who.alternate_phone else ""
    return {
        "PersonName": written(who.name, f"{pointer}/name"),
        "CompanyName": written(who.company or who.name, f"{pointer}/company"),
        "PhoneNumber1": number,
        "PhoneNumber2": other,
        "CellPhone": number,
        "EmailAddress": written(who.email, f"{pointer}/email") or wire.setting(access.settings, "email"),
        "Type": "",
    }


def phone(number: str, field: str) -> str:
    digits = re.sub(r"[\s().-]", "", number)
    if not _PHONE.fullmatch(digits):
        raise wire.unfit(field, "a phone number has 7 to 15 digits")
    return digits


def postal_code(code: str, country: str, field: str) -> str:
    """As given; empty where the country has none."""
    plain = code.strip()
    if not _POSTAL_CODES.get(country, _ANY_POSTAL_CODE).fullmatch(plain):
        raise Refused(RefusalKind.INVALID_ADDRESS, "", f"no postal code of {country}", field)
    return plain


def written(text: str, field: str) -> str:
    """In one line. Raises Refused for characters that XML cannot carry."""
    if _UNWRITABLE.search(text):
        raise wire.unfit(field, "a character that XML cannot carry")
    return " ".join(text.split())
