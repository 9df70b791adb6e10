"""Facts of the world that bodies are held against: countries, currencies, time zones, postal codes, phone numbers.

Countries and their zones come from the tz database's `iso3166.tab` and `zone.tab` (package tzdata), phones from Google's
libphonenumber metadata, currencies from ISO 4217. Postal codes: the shapes of the countries we know; elsewhere any plausible code.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import zoneinfo
from collections.abc import Iterator

import phonenumbers

# The currencies of countries.
_ISO_4217 = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
    CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
    ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
    SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
    ZWG
"""
CURRENCIES = frozenset(_ISO_4217.split())

# The shape of a postal code, and how it is told to a person.
_POSTAL_CODES = {
    "IN": (r"[1-9]\d{5}", "six digits, the first not 0"),
    "US": (r"\d{5}(-?\d{4})?", "five digits, or nine with a hyphen"),
    "CA": (r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d", "like K1A 0B1"),
    "GB": (r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "like SW1A 1AA"),
    "BR": (r"\d{5}-?\d{3}", "eight digits"),
    "JP": (r"\d{3}-?\d{4}", "seven digits"),
    "NL": (r"[1-9]\d{3} ?[A-Z]{2}", "like 1012 AB"),
    "PT": (r"\d{4}-?\d{3}", "seven digits"),
    "PL": (r"\d{2}-?\d{3}", "five digits"),
    **dict.fromkeys(("AU", "NZ", "BE", "AT", "CH", "DK", "NO", "HU", "ZA", "PH", "BD"), (r"\d{4}", "four digits")),
    **dict.fromkeys(("DE", "FR", "ES", "IT", "MX", "TR", "FI", "SA", "MY", "TH", "ID", "KR", "LK"), (r"\d{5}", "five digits")),
    **dict.fromkeys(("SG", "CN", "VN", "RU"), (r"\d{6}", "six digits")),
}  # fmt: skip
_ANY_POSTAL_CODE = (r"[A-Z0-9][A-Z0-9 -]{1,11}", "letters and digits")
# No postal codes here: none is needed, any is taken.
_WITHOUT = frozenset({"AE", "HK", "QA"})

# Countries with more than one zone where one rules nearly everywhere people live.
_MAIN_ZONES = {
    "DE": "Europe/Berlin", "CN": "Asia/Shanghai", "ES": "Europe/Madrid", "NZ": "Pacific/Auckland", "MY": "Asia/Kuala_Lumpur",
    "PT": "Europe/Lisbon", "UA": "Europe/Kyiv", "VN": "Asia/Ho_Chi_Minh",
}  # fmt: skip

# States that lie in one zone (by their postal abbreviation); the others need the zone itself.
_STATE_ZONES = {
    "US": {
        "America/New_York": "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
        "America/Chicago": "AL AR IA IL LA MN MO MS OK WI",
        "America/Denver": "CO MT NM UT WY",
        "America/Phoenix": "AZ",
        "America/Los_Angeles": "CA WA",
        "Pacific/Honolulu": "HI",
    },
    "CA": {
        "America/Vancouver": "BC",
        "America/Edmonton": "AB",
        "America/Regina": "SK",
        "America/Winnipeg": "MB",
        "America/Toronto": "ON QC",
        "America/Halifax": "NB NS PE",
        "America/St_Johns": "NL",
    },
    "AU": {
        "Australia/Sydney": "NSW ACT",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Adelaide": "SA",
        "Australia/Darwin": "NT",
        "Australia/Perth": "WA",
        "Australia/Hobart": "TAS",
    },
}


def postal_code_fault(code: str, country: str) -> str:
    """What is wrong with a postal code, or ""."""
    if country in _WITHOUT:
        return ""
    if not code:
        return f"is missing: addresses of {country} have one"
    shape, words = _POSTAL_CODES.get(country, _ANY_POSTAL_CODE)
    return "" if re.fullmatch(shape, code.upper(), re.ASCII) else f"is no postal code of {country}: {words}"


def phone_fault(phone: str, country: str) -> str:
    """What is wrong with a phone number, written nationally or with + and the country's code; or ""."""
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return "is no phone number"
    if phonenumbers.is_valid_number(number):
        return ""
    return f"is no phone number that exists: write it as in {country}, or with + and the country's code"


def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2."""
    return frozenset(_country_zones())


@functools.cache
def zones() -> frozenset[str]:
    """The names of the IANA time zones."""
    return frozenset(zoneinfo.available_timezones())


def timezone_of(country: str, state: str) -> str:
    """The one zone of a country or state, or "" where that is ambiguous."""
    known = _country_zones().get(country, ())
    if len(known) == 1:
        return known[0]
    states = _STATE_ZONES.get(country, {})
    in_state = next((zone for zone, codes in states.items() if state.strip().upper() in codes.split()), "")
    return in_state or _MAIN_ZONES.get(country, "")


@functools.cache
def _country_zones() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {country: () for country, _ in _rows("iso3166.tab")}
    for country, _, zone, *_ in _rows("zone.tab"):
        found[country] = (*found[country], zone)
    return found


def _rows(name: str) -> Iterator[list[str]]:
    text = importlib.resources.files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
