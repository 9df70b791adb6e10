"""What a merchant sets up: the bodies of carrier accounts, rate cards, policies, locations, API keys, and the test clock."""

from __future__ import annotations

import csv
import datetime as dt
import io
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from adapters.contract.carrier import Carrier
from adapters.contract.scans import Reason
from gateway.carriers import registry
from gateway.values import Mode
from gateway.web import facts
from gateway.web.addresses import Amount, CarrierName, PartyRequest, Shape, Word, to_money
from gateway.web.bodies import Fault, Parts
from rates import policy as policies
from rates.cardfiles import CardErrors, read_csv
from rates.cards import RateCard
from rates.policy import Cap, Pin, Policy, UncertainBooking
from rates.rules import Action, Message, Need, Rule

# --- carrier accounts ------------------------------------------------------------------------------

Values = Annotated[
    dict[Annotated[str, Meta(max_length=60)], Annotated[str, Meta(max_length=4000)]],
    Meta(max_length=50),
]


class AccountAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What an account is held against: the mode, the hosts test accounts may reach, and what is stored of it already."""

    mode: Mode
    egress_allow: frozenset[str]
    carrier: Carrier | None = None
    secrets: Mapping[str, str] = {}
    settings: Mapping[str, str] = {}


class AccountRequest(Shape, frozen=True, kw_only=True):
    """Your contract with a carrier. Which `credentials` and `settings` it needs, GET /v1/carriers says."""

    carrier: Annotated[str, Meta(min_length=1, max_length=40, examples=["delhivery"])]
    name: Annotated[str, Meta(max_length=120, examples=["Delhivery, returns contract"])] = ""
    credentials: Annotated[Values, Meta(description="Written, never read back.", examples=[{"token": "lab_demo"}])] = {}
    settings: Annotated[Values, Meta(examples=[{"client": "DEMO", "pickup_location": "Bengaluru"}])] = {}
    services: Annotated[tuple[Word, ...], Meta(max_length=50, description="Empty: all the carrier has.")] = ()
    base_url: Annotated[
        str, Meta(max_length=200, description="Test mode only: another simulator on a loopback address. Left out: the lab.")
    ] = ""

    @staticmethod
    def check(parts: Parts, about: AccountAbout) -> Iterator[Fault]:
        code = parts.get("carrier")
        if code and code not in registry.codes():
            yield Fault("/carrier", "unknown_carrier", f"{code} is not installed; there are {', '.join(registry.codes())}")
        elif code:
            yield from _account_faults(registry.carrier(code), parts, about)


class AccountPatch(Shape, frozen=True, kw_only=True):
    """What is changed; a credential or setting set to "" is removed, what is left out stays."""

    name: Annotated[str, Meta(max_length=120)] | None = None
    credentials: Values = {}
    settings: Values = {}
    services: Annotated[tuple[Word, ...], Meta(max_length=50)] | None = None
    base_url: Annotated[str, Meta(max_length=200)] | None = None
    enabled: bool | None = None

    @staticmethod
    def check(parts: Parts, about: AccountAbout) -> Iterator[Fault]:
        if about.carrier:
            merged = {name: merge(getattr(about, stored), parts.get(name, {})) for name, stored in _STORED.items()}
            yield from _account_faults(about.carrier, {**parts, **merged}, about)


_STORED = {"credentials": "secrets", "settings": "settings"}


def merge(before: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """`before` with the changes; an empty value removes."""
    return {name: value for name, value in {**before, **changes}.items() if value}


def _account_faults(carrier: Carrier, parts: Parts, about: AccountAbout) -> Iterator[Fault]:
    yield from _field_faults(carrier, "credentials", parts, secret=True)
    yield from _field_faults(carrier, "settings", parts, secret=False)
    known = [service.code for service in carrier.services]
    for place, service in enumerate(parts.get("services") or ()):
        if service not in known:
            yield Fault(f"/services/{place}", "unknown_service", f"{carrier.name} has {', '.join(known)}")
    yield from _address_faults(parts.get("base_url") or "", about)


def _field_faults(carrier: Carrier, part: str, parts: Parts, *, secret: bool) -> Iterator[Fault]:
    given = parts.get(part)
    if given is None:
        return
    fields = {field.name: field for field in carrier.fields if field.secret is secret}
    for name in given:
        if name not in fields:
            yield Fault(f"/{part}/{name}", "unknown_field", f"{carrier.name} has {', '.join(fields) or 'none'} here")
    for name, field in fields.items():
        if field.required and not given.get(name):
            yield Fault(f"/{part}/{name}", "missing", f"is missing: {field.help}")


def _address_faults(base_url: str, about: AccountAbout) -> Iterator[Fault]:
    if not base_url:
        return
    if about.mode is not Mode.TEST:
        yield Fault("/base_url", "test_only", "only test accounts may have one: a live account reaches the carrier's own address")
        return
    at = _loopback(base_url)
    if at is None:
        yield Fault("/base_url", "not_loopback", "must be http://127.0.0.1:PORT or another loopback address with its port")
    elif at not in about.egress_allow:
        yield Fault("/base_url", "not_allowed", f"add {at} to GATEWAY_EGRESS_ALLOW and start the gateway again")


def _loopback(base_url: str) -> str | None:
    """host:port of a plain loopback address, or None."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    plain = parts.scheme in ("http", "https") and not (parts.username or parts.password or parts.query or parts.fragment)
    return f"{host}:{port}" if local and plain and port else None


# --- locations and keys ----------------------------------------------------------------------------


class LocationRequest(Shape, frozen=True, kw_only=True):
    """A warehouse, to be named by its id where returns go."""

    name: Annotated[str, Meta(min_length=1, max_length=120, examples=["Bengaluru warehouse"])]
    party: PartyRequest


Scope = Literal["pickups:write", "pickups:read", "exceptions:write", "analytics:read", "admin"]


class KeyRequest(Shape, frozen=True, kw_only=True):
    """A key for the mode of the key that asks. `admin` includes all other scopes."""

    name: Annotated[str, Meta(min_length=1, max_length=120, examples=["returns platform"])]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=5, examples=[["pickups:write", "pickups:read"]])]
    expires_at: dt.datetime | None = None

    @staticmethod
    def check(parts: Parts, about: dt.datetime) -> Iterator[Fault]:
        expires = parts.get("expires_at")
        if expires and expires <= about:
            yield Fault("/expires_at", "in_the_past", "is over already")


class ClockRequest(Shape, frozen=True, kw_only=True):
    """How far the test clock moves on: by so many seconds, or to an instant."""

    seconds: Annotated[int, Meta(ge=1, le=366 * 86400, examples=[86400])] | None = None
    to: dt.datetime | None = None

    @staticmethod
    def check(parts: Parts, about: dt.datetime) -> Iterator[Fault]:
        """`about` is the business time."""
        if ("seconds" in parts and "to" in parts) and (parts["seconds"] is None) == (parts["to"] is None):
            yield Fault("", "one_of", "give either `seconds` or `to`")
        to = parts.get("to")
        if to and not about < to <= about + dt.timedelta(days=366):
            yield Fault("/to", "out_of_range", f"must be after the clock, {about:%Y-%m-%dT%H:%M:%SZ}, and within a year")


# --- policies --------------------------------------------------------------------------------------

Share = Annotated[float, Meta(ge=0, le=1)]
Days = Annotated[int, Meta(ge=0, le=90)]
Names = Annotated[tuple[CarrierName, ...], Meta(max_length=50)]


class RuleRequest(Shape, frozen=True, kw_only=True):
    """What is done about a reason, and how often by itself before a person decides."""

    action: Action
    tries: Annotated[int, Meta(ge=0, le=10)] = 0
    message: Message | None = None
    second_in_a_row: Action | None = None
    bar_days: Days = 0
    wait_days: Days = 0
    needs: Need | None = None


class PinRequest(Shape, frozen=True, kw_only=True):
    """Pickups at postal codes that begin so (left out: all) go to this carrier, whatever it costs."""

    carrier: CarrierName
    postal_code: Annotated[str, Meta(max_length=12, examples=["5600"])] = ""


class CapRequest(Shape, frozen=True, kw_only=True):
    """What a carrier, a service of it or an account may get at most: a price for each pickup, a number of pickups a day."""

    carrier: CarrierName
    price: Amount | None = None
    pickups_a_day: Annotated[int, Meta(ge=1, le=1_000_000, description="By the carrier's local day.")] | None = None


class PolicyRequest(Shape, frozen=True, kw_only=True):
    """How carriers are chosen and failed visits are met. What is left out has the default; amounts are in your currency, the
    defaults (of INR) converted once, at a dated rate. Where there is no such rate, give the first five.
    """

    give_up_at: Annotated[Amount | None, Meta(description="What it costs to hand a pickup to a person.")] = None
    failed_visit_cost: Amount | None = None
    cost_per_day: Amount | None = None
    deadline_penalty: Amount | None = None
    failover_cost: Amount | None = None
    deadline_days: Annotated[int, Meta(ge=0, le=60)] | None = None
    floor: Annotated[Share | None, Meta(description="The lowest chance of a first visit that still counts as reliable.")] = None
    visits_per_carrier: Annotated[int, Meta(ge=1, le=10)] | None = None
    visits_in_all: Annotated[int, Meta(ge=1, le=20)] | None = None
    days_in_all: Annotated[int, Meta(ge=1, le=60)] | None = None
    max_total_cost: Amount | None = None
    price_cap: Annotated[Amount | None, Meta(description="What a pickup may cost at most with any carrier.")] = None
    caps: Annotated[tuple[CapRequest, ...], Meta(max_length=50, description="Limits of single carriers.")] = ()
    allow: Names = ()
    deny: Names = ()
    prefer: Names = ()
    pins: Annotated[tuple[PinRequest, ...], Meta(max_length=200, description="The first that fits counts.")] = ()
    shuffle_share: Annotated[
        float, Meta(ge=0, le=0.1, description="The share of choices drawn among carriers within 3 %, to learn from.")
    ] = 0.0
    pooled_prior: Annotated[bool, Meta(description="Add your sums to other merchants', and start from theirs.")] = False
    uncertain_booking: Annotated[
        UncertainBooking,
        Meta(description="If a booking's or a cancel's answer stays unknown: book all the same, or a person looks."),
    ] = UncertainBooking.PREFER_LATE
    cancel_wait_minutes: (
        Annotated[int, Meta(ge=1, le=1440, description="How long a cancel before a switch may stay unanswered until then.")] | None
    ) = None
    cancel_without_answer: bool = False
    rules: Annotated[dict[str, RuleRequest], Meta(max_length=60, description="By reason: what overrules the default.")] = {}

    @staticmethod
    def check(parts: Parts, about: Policy) -> Iterator[Fault]:
        """`about` has the defaults in the merchant's currency. Where all fields are sound, the policy itself is judged."""
        known = {str(reason) for reason in Reason}
        strange = [name for name in parts.get("rules", {}) if name not in known]
        for name in strange:
            yield Fault(f"/rules/{name}", "unknown_reason", "is no reason of a failed pickup")
        whole = len(parts) == len(PolicyRequest.__struct_fields__) and not strange
        policy = to_policy(PolicyRequest(**parts), about) if whole else None
        for error in policies.validate(policy) if policy else ():
            yield Fault(error.pointer, "invalid", error.detail)


def to_policy(request: PolicyRequest, start: Policy) -> Policy:
    """The request over the defaults."""
    given = {name: _plain(value) for name, value in msgspec.structs.asdict(request).items() if value is not None}
    return msgspec.structs.replace(start, **given)


def _plain(value: Any) -> Any:
    if isinstance(value, Amount):
        return to_money(value)
    if isinstance(value, tuple):
        return tuple(_plain(one) for one in value)
    if isinstance(value, PinRequest):
        return Pin(**msgspec.structs.asdict(value))
    if isinstance(value, CapRequest):
        return Cap(carrier=value.carrier, price=_plain(value.price), pickups_a_day=value.pickups_a_day)
    if isinstance(value, dict):
        return {Reason(name): Rule(**msgspec.structs.asdict(rule)) for name, rule in value.items()}
    return value


# --- rate cards ------------------------------------------------------------------------------------


class SlabRequest(Shape, frozen=True, kw_only=True):
    """The freight up to a weight; with `per_g`, so much for each begun `per_g` above the slab before."""

    zone: Annotated[str, Meta(min_length=1, max_length=60, examples=["within_city"])]
    up_to_g: Annotated[int, Meta(ge=1, le=10_000_000, examples=[500])]
    price: Annotated[str, Meta(min_length=1, max_length=20, examples=["46.00"])]
    per_g: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None


class LaneRuleRequest(Shape, frozen=True, kw_only=True):
    """Lanes between postal codes that begin so are priced as `zone`."""

    zone: Annotated[str, Meta(min_length=1, max_length=60)]
    origin: Annotated[str, Meta(max_length=10)] = ""
    destination: Annotated[str, Meta(max_length=10)] = ""


class RateCardRequest(Shape, frozen=True, kw_only=True):
    """A carrier's prices for one service, as a sheet: settings, slabs by zone, and lanes that are an exception to their zone."""

    carrier: Annotated[str, Meta(min_length=1, max_length=40, examples=["delhivery"])]
    service: Annotated[str, Meta(min_length=1, max_length=40, examples=["surface"])]
    currency: Annotated[str, Meta(max_length=3, examples=["INR"])]
    valid_from: dt.date
    divisor: Annotated[int, Meta(ge=1, le=100_000, description="Cubic centimetres to a kilogram.", examples=[5000])]
    slab_g: Annotated[int, Meta(ge=1, le=10_000_000, examples=[500])]
    slabs: Annotated[tuple[SlabRequest, ...], Meta(min_length=1, max_length=2000)]
    lanes: Annotated[tuple[LaneRuleRequest, ...], Meta(max_length=2000)] = ()
    valid_to: dt.date | None = None
    fuel_percent: Annotated[str, Meta(max_length=10)] = "0"
    tax_percent: Annotated[str, Meta(max_length=10)] = "0"
    quality_check_fee: Annotated[str, Meta(max_length=20)] = "0"
    quality_check_fee_per: Literal["pickup", "question"] = "pickup"
    failed_visit_fee: Annotated[str, Meta(max_length=20)] = "0"
    minimum: Annotated[str, Meta(max_length=20)] = "0"

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        """The sheet's own rules, in the words of the file it could also be; `about` is not needed."""
        if len(parts) < len(RateCardRequest.__struct_fields__):
            return
        sheet = Sheet(RateCardRequest(**parts))
        card = read_csv(sheet.text)
        if isinstance(card, CardErrors):
            for error in card.errors:
                yield Fault(sheet.pointer(error.line, error.field), "invalid", f"{error.problem}: {error.cure}")
        else:
            yield from service_faults(card)


class Sheet:
    """A rate card's JSON form written as the CSV a merchant might have sent, so that one set of rules judges both."""

    def __init__(self, request: RateCardRequest) -> None:
        self._places: list[str] = []
        self._file = io.StringIO()
        self._rows = csv.writer(self._file, lineterminator="\n")
        for name, value in msgspec.structs.asdict(request).items():
            if name not in ("slabs", "lanes"):
                self._add("", [name, "" if value is None else value])
        self._table("slabs", ["zone", "up_to_g", "price", "per_g"], request.slabs)
        self._table("lanes", ["origin", "destination", "zone"], request.lanes)

    @property
    def text(self) -> str:
        return self._file.getvalue()

    def pointer(self, line: int, field: str) -> str:
        """Where in the JSON a line of the sheet stands."""
        place = self._places[min(line, len(self._places)) - 1]
        return f"{place}/{field}" if field not in ("", "slab", "lane") else place

    def _table(self, name: str, columns: list[str], rows: tuple[Shape, ...]) -> None:
        if rows:
            self._add(f"/{name}", columns)
        for place, row in enumerate(rows):
            values = [getattr(row, column) for column in columns]
            self._add(f"/{name}/{place}", ["" if value is None else value for value in values])

    def _add(self, place: str, cells: list[Any]) -> None:
        # a line break within a cell would shift the lines that errors are found by
        self._rows.writerow([" ".join(str(cell).split()) for cell in cells])
        self._places.append(place)


def to_card(request: RateCardRequest) -> RateCard:
    """The card of a request that was checked."""
    card = read_csv(Sheet(request).text)
    if isinstance(card, CardErrors):
        raise TypeError("a rate card that was checked has errors")
    return card


def service_faults(card: RateCard) -> Iterator[Fault]:
    """A card is for a service that its carrier has."""
    if card.carrier not in registry.codes():
        yield Fault("/carrier", "unknown_carrier", f"{card.carrier} is not installed; there are {', '.join(registry.codes())}")
        return
    known = [service.code for service in registry.carrier(card.carrier).services]
    if card.service not in known:
        yield Fault("/service", "unknown_service", f"{card.carrier} has {', '.join(known)}")
    if card.currency not in facts.CURRENCIES:
        yield Fault("/currency", "unknown_currency", f"{card.currency} is no currency of ISO 4217")
