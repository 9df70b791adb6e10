"""What all bodies share: small texts, amounts, addresses; and what an address or amount must fulfil to be taken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.contract.places import Party
from adapters.contract.units import Money, exponent
from gateway.web import facts
from gateway.web.bodies import Fault, Parts

Word = Annotated[str, Meta(min_length=1, max_length=60)]
Line = Annotated[str, Meta(min_length=1, max_length=120)]
Text = Annotated[str, Meta(max_length=120)]
Phone = Annotated[
    str, Meta(max_length=30, description="As dialled in the country, or with + and the country's code.", examples=["+919800000100"])
]
Email = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$",
        extra={"form": "an e-mail address"},
        examples=["asha@example.com"],
    ),
]
PostalCode = Annotated[str, Meta(max_length=12, examples=["560034"])]
Country = Annotated[
    str,
    Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", extra={"form": "two capitals such as IN"}, examples=["IN"]),
]
OptionalCountry = Annotated[
    str, Meta(pattern="^([A-Z]{2})?$", description="ISO 3166-1 alpha-2.", extra={"form": "two capitals such as IN"})
]
Zone = Annotated[
    str,
    Meta(max_length=60, description="IANA; left out, the one zone of the country or state.", examples=["Asia/Kolkata"]),
]
CarrierName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=80,
        description="A carrier, one of its services, or a carrier account: delhivery, delhivery/surface, cac_...",
        examples=["delhivery/surface"],
    ),
]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a body is held against: the merchant's business time, its currency, its locations and the names of its carriers."""

    now: dt.datetime
    currency: str
    location: Callable[[str], Party | None]
    names: frozenset[str]


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body, or a part of one."""


# --- money, places ---------------------------------------------------------------------------------


class Amount(Shape, frozen=True, kw_only=True):
    """An exact amount: a decimal text and its ISO 4217 currency."""

    amount: Annotated[
        str, Meta(pattern=r"^\d{1,9}(\.\d{1,3})?$", extra={"form": 'a decimal text such as "1499.00"'}, examples=["1499.00"])
    ]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", extra={"form": "three capitals such as INR"}, examples=["INR"])]

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        amount, currency = parts.get("amount"), parts.get("currency")
        if currency and currency not in facts.CURRENCIES:
            yield Fault("/currency", "unknown_currency", f"{currency} is no currency of ISO 4217")
        elif currency and amount and len(amount.partition(".")[2]) > exponent(currency):
            yield Fault("/amount", "too_many_decimals", f"{currency} has {exponent(currency)} decimals")


class AmountAboveZero(Amount, frozen=True, kw_only=True):
    """An exact amount that is not 0."""

    amount: Annotated[
        str,
        Meta(
            pattern=r"^(?!0+(\.0+)?$)\d{1,9}(\.\d{1,3})?$",
            extra={"form": 'a decimal text above 0 such as "1499.00"'},
            examples=["1499.00"],
        ),
    ]


class PartyRequest(Shape, frozen=True, kw_only=True):
    """A person or company at an address."""

    name: Line
    phone: Phone
    line1: Annotated[str, Meta(min_length=1, max_length=200, examples=["12 MG Road, flat 4"])]
    city: Word
    country: Country
    postal_code: PostalCode = ""
    state: Annotated[str, Meta(max_length=60)] = ""
    company: Text = ""
    alternate_phone: Phone = ""
    email: Email = ""
    line2: Annotated[str, Meta(max_length=200)] = ""
    landmark: Text = ""
    timezone: Zone = ""

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        yield from address_faults(parts, needs_zone=True)


class ConsigneeRequest(Shape, frozen=True, kw_only=True):
    """The warehouse: `location`, the id of one of yours, or an address as the shipper's."""

    location: Annotated[str, Meta(max_length=40, examples=["loc_01jd3f8r6zq9v2k4m7xa"])] = ""
    name: Text = ""
    phone: Phone = ""
    line1: Annotated[str, Meta(max_length=200)] = ""
    city: Annotated[str, Meta(max_length=60)] = ""
    country: OptionalCountry = ""
    postal_code: PostalCode = ""
    state: Annotated[str, Meta(max_length=60)] = ""
    company: Text = ""
    alternate_phone: Phone = ""
    email: Email = ""
    line2: Annotated[str, Meta(max_length=200)] = ""
    landmark: Text = ""
    timezone: Zone = ""

    @staticmethod
    def check(parts: Parts, about: About) -> Iterator[Fault]:
        if parts.get("location"):
            yield from _location_faults(parts, about)
            return
        for name in ("name", "phone", "line1", "city", "country"):
            if parts.get(name) == "":
                yield Fault(f"/{name}", "missing", "is missing: give an address, or `location`")
        yield from address_faults(parts, needs_zone=False)


class Place(Shape, frozen=True, kw_only=True):
    """Where, as far as a price depends on it. The other fields of a pickup's address are taken and not looked at."""

    country: Country
    postal_code: PostalCode = ""
    name: Text = ""
    phone: Phone = ""
    line1: Annotated[str, Meta(max_length=200)] = ""
    city: Annotated[str, Meta(max_length=60)] = ""
    state: Annotated[str, Meta(max_length=60)] = ""
    company: Text = ""
    alternate_phone: Phone = ""
    email: Email = ""
    line2: Annotated[str, Meta(max_length=200)] = ""
    landmark: Text = ""
    timezone: Zone = ""

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        yield from _postal_faults(parts)


class PlaceOrLocation(Place, frozen=True, kw_only=True):
    """The warehouse's place, or `location`, the id of one of yours."""

    country: OptionalCountry = ""
    location: Annotated[str, Meta(max_length=40)] = ""

    @staticmethod
    def check(parts: Parts, about: About) -> Iterator[Fault]:
        if parts.get("location"):
            yield from _location_faults(parts, about)
        elif parts.get("country") == "":
            yield Fault("/country", "missing", "is missing: give a place, or `location`")
        else:
            yield from _postal_faults(parts)


def _location_faults(parts: Parts, about: About) -> Iterator[Fault]:
    if about.location(parts["location"]) is None:
        yield Fault("/location", "unknown_location", f"{parts['location']} is none of your locations")
    for name, value in parts.items():
        if value and name != "location":
            yield Fault(f"/{name}", "not_both", "give either `location` or an address")


def address_faults(parts: Parts, *, needs_zone: bool) -> Iterator[Fault]:
    yield from _postal_faults(parts)
    country = parts.get("country")
    if not country or country not in facts.countries():
        return
    for name in ("phone", "alternate_phone"):
        fault = facts.phone_fault(parts[name], country) if parts.get(name) else ""
        if fault:
            yield Fault(f"/{name}", "invalid_phone", fault)
    if country in _WITH_STATES and parts.get("state") == "":
        yield Fault("/state", "missing", f"is missing: addresses of {country} have one")
    yield from _zone_faults(parts, country, needs_zone)


_WITH_STATES = frozenset({"IN", "US", "CA", "AU", "BR", "MX"})


def _postal_faults(parts: Parts) -> Iterator[Fault]:
    country, code = parts.get("country"), parts.get("postal_code")
    if country and country not in facts.countries():
        yield Fault("/country", "unknown_country", f"{country} is no country of ISO 3166-1")
    elif country and code is not None and (fault := facts.postal_code_fault(code, country)):
        yield Fault("/postal_code", "invalid_postal_code" if code else "missing", fault)


def _zone_faults(parts: Parts, country: str, needed: bool) -> Iterator[Fault]:
    zone = parts.get("timezone")
    if zone and zone not in facts.zones():
        yield Fault("/timezone", "unknown_timezone", f"{zone} is no IANA time zone")
    elif needed and zone == "" and not facts.timezone_of(country, parts.get("state", "")):
        yield Fault("/timezone", "ambiguous_timezone", f"is missing: {country} has several time zones, name one (IANA)")


def zone_of(parts: Parts) -> str:
    """The zone of an address that may have errors; "" where it has none."""
    zone = parts.get("timezone", "") or facts.timezone_of(parts.get("country", ""), parts.get("state", ""))
    return zone if zone in facts.zones() else ""


# --- into the words below --------------------------------------------------------------------------


def to_money(amount: Amount) -> Money:
    return Money.of(amount.amount, amount.currency)


def to_party(request: PartyRequest | ConsigneeRequest) -> Party:
    """An address that was checked, with its zone."""
    fields = {name: getattr(request, name) for name in Party.__struct_fields__}
    zone = fields.pop("timezone") or facts.timezone_of(request.country, request.state)
    return Party(timezone=zone, **fields)
