"""What the API answers about carriers and what a merchant set up."""

from __future__ import annotations

import datetime as dt

from msgspec import UNSET, UnsetType

from adapters.contract import carrier as contract
from gateway.store import accounts, merchants
from gateway.values import Mode
from gateway.web.addresses import Amount
from gateway.web.setup_shapes import CapRequest, PinRequest, RuleRequest
from gateway.web.views import PageInfo, View, amount, maybe_amount, pick
from rates.cards import RateCard, Slab
from rates.policy import Policy, UncertainBooking

# --- carriers --------------------------------------------------------------------------------------


class ServiceView(View, frozen=True, kw_only=True):
    """A carrier's product. `own_visits`: how often its rider comes without being told; null is no limit."""

    code: str
    name: str
    moved_by: str
    own_visits: int
    quality_checks: int
    pieces: int
    heaviest_g: int | None
    longest_side_mm: int | None
    volumetric_divisor: int


class QuotaView(View, frozen=True, kw_only=True):
    """So many calls in so many seconds, per account."""

    calls: int
    seconds: int


class FieldView(View, frozen=True, kw_only=True):
    """A field of a carrier account: a credential when `secret`, else a setting."""

    name: str
    help: str
    secret: bool
    required: bool


class CarrierView(View, frozen=True, kw_only=True):
    """What a carrier can be asked. An operation that is false does not exist there; `priced_by` is quote or rate_card.

    Until `void_window_hours` after booking an unused booking can be cancelled (null: no limit is known); `leaves_behind` is what
    stays at the carrier even then.
    """

    code: str
    name: str
    countries: list[str]
    currency: str
    timezone: str
    services: list[ServiceView]
    operations: dict[str, bool]
    pushes: bool
    priced_by: str
    dedupes_by: list[str]
    void_window_hours: float | None
    leaves_behind: str
    track_batch: int
    quotas: dict[str, QuotaView]
    account_fields: list[FieldView]
    simulated_only: bool


class CarrierList(View, frozen=True, kw_only=True):
    data: list[CarrierView]
    page: PageInfo


def carrier(one: contract.Carrier) -> CarrierView:
    """Read off the adapter's description: there is no second list of what a carrier can do."""
    return CarrierView(
        code=one.code,
        name=one.name,
        countries=sorted(one.countries),
        currency=one.currency,
        timezone=one.timezone,
        services=[_service(one, service) for service in one.services],
        operations={name: one.operation(name) is not None for name in contract.OPERATIONS},
        pushes=one.read_callback is not None,
        priced_by="quote" if "quote" in one.offers_from else "rate_card",
        dedupes_by=list(one.dedupes_by),
        void_window_hours=one.void_window.total_seconds() / 3600 if one.void_window else None,
        leaves_behind=one.leaves_behind,
        track_batch=one.limits.track_batch,
        quotas={name: pick(QuotaView, quota) for name, quota in one.limits.quotas.items()},
        account_fields=[pick(FieldView, field) for field in one.fields],
        simulated_only=one.simulated_only,
    )


def _service(one: contract.Carrier, service: contract.Service) -> ServiceView:
    return ServiceView(
        code=service.code,
        name=service.name,
        moved_by=service.moved_by or one.code,
        own_visits=service.own_visits,
        quality_checks=service.quality_checks,
        pieces=service.pieces,
        heaviest_g=service.heaviest.grams if service.heaviest else None,
        longest_side_mm=service.longest_side.millimetres if service.longest_side else None,
        volumetric_divisor=service.divisor,
    )


# --- carrier accounts ------------------------------------------------------------------------------


class AccountView(View, frozen=True, kw_only=True):
    """A carrier account; its credentials are never given back.

    `callback_url` is where this carrier's pushes go. It holds a secret, and is told once: when the account is made.
    """

    id: str
    mode: Mode
    carrier: str
    name: str
    settings: dict[str, str]
    services: list[str]
    base_url: str
    enabled: bool
    disabled_reason: str
    created_at: dt.datetime
    updated_at: dt.datetime
    callback_url: str | UnsetType = UNSET


class Verification(View, frozen=True, kw_only=True):
    """The carrier took the credentials. `asked` is what it was asked: sign_in, serviceability or track."""

    asked: str
    account: AccountView


class AccountList(View, frozen=True, kw_only=True):
    data: list[AccountView]
    page: PageInfo


def account(row: accounts.CarrierAccount, callback_url: str = "") -> AccountView:
    return pick(AccountView, row, services=list(row.services), callback_url=callback_url or UNSET)


# --- locations -------------------------------------------------------------------------------------


class PartyView(View, frozen=True, kw_only=True):
    """An address of yours."""

    name: str
    phone: str
    line1: str
    city: str
    postal_code: str
    country: str
    state: str
    line2: str
    landmark: str
    company: str
    alternate_phone: str
    email: str
    timezone: str


class LocationView(View, frozen=True, kw_only=True):
    id: str
    name: str
    party: PartyView
    created_at: dt.datetime
    updated_at: dt.datetime


class LocationList(View, frozen=True, kw_only=True):
    data: list[LocationView]
    page: PageInfo


def location(row: accounts.Location) -> LocationView:
    return pick(LocationView, row, party=pick(PartyView, row.party))


# --- rate cards ------------------------------------------------------------------------------------


class SlabView(View, frozen=True, kw_only=True):
    zone: str
    up_to_g: int
    price: str
    per_g: int | None


class LaneRuleView(View, frozen=True, kw_only=True):
    zone: str
    origin: str
    destination: str


class RateCardView(View, frozen=True, kw_only=True):
    """A rate card in the form it may be sent in."""

    id: str
    carrier: str
    service: str
    currency: str
    valid_from: dt.date
    valid_to: dt.date | None
    divisor: int
    slab_g: int
    fuel_percent: str
    tax_percent: str
    quality_check_fee: str
    quality_check_fee_per: str
    failed_visit_fee: str
    minimum: str
    slabs: list[SlabView]
    lanes: list[LaneRuleView]
    created_at: dt.datetime


class RateCardList(View, frozen=True, kw_only=True):
    data: list[RateCardView]
    page: PageInfo


def rate_card(row: accounts.StoredCard) -> RateCardView:
    card: RateCard = row.body
    return pick(
        RateCardView,
        card,
        id=row.id,
        slab_g=card.slab.grams,
        fuel_percent=f"{card.fuel_percent:f}",
        tax_percent=f"{card.tax_percent:f}",
        quality_check_fee=f"{card.quality_check_fee.decimal:f}",
        failed_visit_fee=f"{card.failed_visit_fee.decimal:f}",
        minimum=f"{card.minimum.decimal:f}",
        slabs=[_slab(zone, slab) for zone, slabs in card.zones.items() for slab in slabs],
        lanes=[pick(LaneRuleView, rule) for rule in card.lanes],
        created_at=row.created_at,
    )


def _slab(zone: str, slab: Slab) -> SlabView:
    per = slab.per.grams if slab.per else None
    return SlabView(zone=zone, up_to_g=slab.up_to.grams, price=f"{slab.price.decimal:f}", per_g=per)


# --- policies --------------------------------------------------------------------------------------


class PolicyView(View, frozen=True, kw_only=True):
    """How carriers are chosen and failed visits are met. `version` 0 is the default, which holds until you set one."""

    id: str | None
    version: int
    currency: str
    give_up_at: Amount
    failed_visit_cost: Amount
    cost_per_day: Amount
    deadline_penalty: Amount
    failover_cost: Amount
    deadline_days: int
    floor: float | None
    visits_per_carrier: int
    visits_in_all: int
    days_in_all: int
    max_total_cost: Amount | None
    price_cap: Amount | None
    caps: list[CapRequest]
    allow: list[str]
    deny: list[str]
    prefer: list[str]
    pins: list[PinRequest]
    shuffle_share: float
    pooled_prior: bool
    uncertain_booking: UncertainBooking
    cancel_wait_minutes: int
    cancel_without_answer: bool
    rules: dict[str, RuleRequest]
    created_at: dt.datetime | None


class PolicyList(View, frozen=True, kw_only=True):
    data: list[PolicyView]
    page: PageInfo


def stored_policy(row: accounts.StoredPolicy) -> PolicyView:
    return policy(row.body, row.id, row.version, row.created_at)


def policy(one: Policy, policy_id: str | None = None, version: int = 0, created_at: dt.datetime | None = None) -> PolicyView:
    needed = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")
    return pick(
        PolicyView,
        one,
        id=policy_id,
        version=version,
        created_at=created_at,
        max_total_cost=maybe_amount(one.max_total_cost),
        price_cap=maybe_amount(one.price_cap),
        caps=[pick(CapRequest, cap, price=maybe_amount(cap.price)) for cap in one.caps],
        rules={str(reason): pick(RuleRequest, rule) for reason, rule in one.rules.items()},
        pins=[pick(PinRequest, pin) for pin in one.pins],
        **{name: amount(getattr(one, name)) for name in needed},
        **{name: list(getattr(one, name)) for name in ("allow", "deny", "prefer")},
    )


# --- keys, the clock, health -----------------------------------------------------------------------


class KeyView(View, frozen=True, kw_only=True):
    """An API key. `hint` is its last characters before the checksum. `key` itself is told once: when it is made."""

    id: str
    mode: Mode
    name: str
    hint: str
    scopes: list[str]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None
    key: str | UnsetType = UNSET


class KeyList(View, frozen=True, kw_only=True):
    data: list[KeyView]
    page: PageInfo


def key(row: merchants.ApiKey, text: str = "") -> KeyView:
    return pick(KeyView, row, scopes=list(row.scopes), key=text or UNSET)


class ClockView(View, frozen=True, kw_only=True):
    """The merchant's business time, and how far it runs ahead of the wall's."""

    now: dt.datetime
    offset_seconds: int


class Taken(View, frozen=True, kw_only=True):
    """A push was taken; `bookings` is how many of ours it was about."""

    bookings: int


class Health(View, frozen=True, kw_only=True):
    status: str
