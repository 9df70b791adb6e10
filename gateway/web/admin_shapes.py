"""What the installation's own calls take and answer: merchants, the audit log, erasure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.services.enrolling import AMOUNTS, Newcomer
from gateway.store import merchants
from gateway.store.audit import Entry
from gateway.values import Mode
from gateway.web import facts
from gateway.web.addresses import Amount, AmountAboveZero, Shape, to_money
from gateway.web.bodies import Fault, Parts, under
from gateway.web.setup_shapes import KeyRequest, Scope
from gateway.web.setup_views import KeyView
from gateway.web.views import PageInfo, View, pick

_LONGEST_RETENTION = 3650

Days = Annotated[int, Meta(ge=0, le=_LONGEST_RETENTION, examples=[180])]
Retention = Annotated[
    Days | None,
    Meta(description="Days after the end of a pickup until people are erased from it; 0: never; null: as the installation has it."),
]
Name = Annotated[str, Meta(min_length=1, max_length=120, examples=["Kestrel Apparel"])]
Land = Annotated[str, Meta(pattern="^[A-Z]{2}$", extra={"form": "two capitals such as IN"}, examples=["IN"])]


class FirstAmounts(Shape, frozen=True, kw_only=True):
    """The first policy's amounts, all in the merchant's currency."""

    give_up_at: Annotated[AmountAboveZero, Meta(description="At 0 every pickup would go to a person.")]
    failed_visit_cost: Amount
    cost_per_day: Amount
    deadline_penalty: Amount
    failover_cost: Amount


class FirstKey(Shape, frozen=True, kw_only=True):
    """An API key made with the merchant, told once."""

    mode: Mode
    name: Annotated[str, Meta(min_length=1, max_length=120, examples=["returns platform"])]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=5, examples=[["admin"]])]
    expires_at: dt.datetime | None = None

    @staticmethod
    def check(parts: Parts, about: dt.datetime) -> Iterator[Fault]:
        yield from KeyRequest.check(parts, about)


class MerchantRequest(Shape, frozen=True, kw_only=True):
    """A merchant. Without `policy` the default amounts are converted into its currency at the dated rate, if there is one."""

    name: Name
    country: Land
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", extra={"form": "three capitals such as INR"}, examples=["INR"])]
    policy: FirstAmounts | None = None
    keys: Annotated[tuple[FirstKey, ...], Meta(max_length=10)] = ()
    retention_days: Retention = None

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        """`about` is the time now."""
        currency, policy = parts.get("currency"), parts.get("policy")
        yield from _place_faults(parts)
        if currency and currency not in facts.CURRENCIES:
            yield Fault("/currency", "unknown_currency", f"{currency} is no currency of ISO 4217")
        elif currency and policy:
            yield from under("/policy", _amount_faults(policy, currency))


class MerchantPatch(Shape, frozen=True, kw_only=True):
    """What is changed; what is left out stays, and a `retention_days` of null is no wish of its own any more.

    The currency stays for good: costs, estimates and decisions are in it.
    """

    name: Name | None = None
    country: Land | None = None
    retention_days: Retention = None

    @staticmethod
    def check(parts: Parts, about: Any) -> Iterator[Fault]:
        yield from _place_faults(parts)


def _place_faults(parts: Parts) -> Iterator[Fault]:
    country = parts.get("country")
    if country and country not in facts.countries():
        yield Fault("/country", "unknown_country", f"{country} is no country of ISO 3166")


def _amount_faults(policy: FirstAmounts, currency: str) -> Iterator[Fault]:
    for name in AMOUNTS:
        amount: Amount = getattr(policy, name)
        if amount.currency != currency:
            yield Fault(f"/{name}/currency", "other_currency", f"is {amount.currency}, the merchant's is {currency}")


def newcomer(request: MerchantRequest) -> Newcomer:
    given = request.policy
    return Newcomer(
        name=request.name,
        country=request.country,
        currency=request.currency,
        amounts={name: to_money(getattr(given, name)) for name in AMOUNTS} if given else {},
        retention_days=request.retention_days,
    )


class MerchantView(View, frozen=True, kw_only=True):
    """A merchant. `keys` are told once: when it is made."""

    id: str
    name: str
    country: str
    currency: str
    retention_days: int | None
    created_at: dt.datetime
    keys: list[KeyView] | UnsetType = UNSET


class MerchantList(View, frozen=True, kw_only=True):
    data: list[MerchantView]
    page: PageInfo


def merchant(row: merchants.Merchant, keys: list[KeyView] | UnsetType = UNSET) -> MerchantView:
    return pick(MerchantView, row, keys=keys)


# --- the audit log ---------------------------------------------------------------------------------


class AuditEntry(View, frozen=True, kw_only=True):
    """One change: `actor` is the id of the key that made it, or the command line.

    `change` tells what became of what (`before`, `after`) and which fields were given, never what people's fields held. `hash` is
    the SHA-256 of the entry's canonical JSON, with `previous`, the hash of the entry before.
    """

    id: str
    number: int
    at: str
    actor: str
    action: str
    object: str
    request_id: str
    change: dict[str, Any]
    previous: str
    hash: str


class AuditPage(View, frozen=True, kw_only=True):
    data: list[AuditEntry]
    page: PageInfo


def audit_entry(row: Entry) -> AuditEntry:
    return pick(AuditEntry, row, object=row.object_id, change=msgspec.json.decode(row.change))


# --- erasure ---------------------------------------------------------------------------------------


class ErasureView(View, frozen=True, kw_only=True):
    """Nothing personal is left of this pickup; `rows` counts what was blanked or removed, by table."""

    pickup: str
    erased_at: dt.datetime
    rows: dict[str, int]
