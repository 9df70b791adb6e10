"""What a merchant wants: amounts, limits, lists and rules, with defaults that can be used as they are.

The default amounts are given in INR and converted once, at a dated rate, into the merchant's currency; a bare number
would flip choices elsewhere.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from adapters.contract.scans import Reason
from adapters.contract.units import Money
from rates.currency import NoRate, Rate, RateTable, exchange, find
from rates.rules import Rule
from rates.zones import normal


class UncertainBooking(enum.StrEnum):
    """What to prefer when a carrier's answer, to a booking or to the cancel before the next one, stays unknown."""

    PREFER_LATE = "prefer_late"
    PREFER_DOUBLE = "prefer_double"
    ASK = "ask"


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """Pickups at postal codes that begin so go to this carrier, whatever it costs. `carrier` is a name as in the lists."""

    carrier: str
    postal_code: str = ""


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """What one carrier, service or account (a name as in the lists) may get at most; a None limit is no limit.

    `price` is for each pickup, in the policy's currency. `pickups_a_day` counts bookings that were not given up, by the carrier's
    local day; pickups that are decided at the same moment do not see each other and may together go over it.
    """

    carrier: str
    price: Money | None = None
    pickups_a_day: int | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's settings; every amount is in `currency`. Make one with `default`.

    Names in `allow`, `deny` and `prefer` are a carrier ("delhivery"), a carrier's service ("delhivery/surface") or a carrier
    account's id; an empty `allow` allows all. `floor` is the lowest first-visit success that still counts as reliable (0.50
    is the value to offer). `price_cap` is for all carriers, `caps` for some: the lowest that fits counts. Of `pins` the first
    that fits counts, unless the pickup has one of its own. A `shuffle_share` of the choices is drawn among near ties, so that
    another policy can be judged by what happened. `pooled_prior`: own sums are added to those of other merchants that do the
    same, and theirs are the start where nothing was seen. `rules` overrule `rules.ACTIONS`. A cancel may stay unanswered for
    `cancel_wait_minutes`; then `uncertain_booking` says whether the next carrier is booked all the same or a person decides.
    `converted_by` is the rate the INR defaults were converted at. `version` counts the merchant's policies; 0 is the default.
    """

    currency: str
    give_up_at: Money
    failed_visit_cost: Money
    cost_per_day: Money
    deadline_penalty: Money
    failover_cost: Money
    deadline_days: int = 5
    floor: float | None = None
    visits_per_carrier: int = 3
    visits_in_all: int = 5
    days_in_all: int = 10
    max_total_cost: Money | None = None
    price_cap: Money | None = None
    caps: tuple[Cap, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    shuffle_share: float = 0.0
    pooled_prior: bool = False
    uncertain_booking: UncertainBooking = UncertainBooking.PREFER_LATE
    cancel_wait_minutes: int = 60
    cancel_without_answer: bool = False
    rules: Mapping[Reason, Rule] = {}
    converted_by: Rate | None = None
    version: int = 0

    def pinned_at(self, postal_code: str) -> str:
        """The carrier that pickups there are pinned to; "" where there is none."""
        code = normal(postal_code)
        return next((pin.carrier for pin in self.pins if code.startswith(normal(pin.postal_code))), "")


# The defaults, in INR.
DEFAULT = Policy(
    currency="INR",
    give_up_at=Money(300_00, "INR"),
    failed_visit_cost=Money(15_00, "INR"),
    cost_per_day=Money(8_00, "INR"),
    deadline_penalty=Money(40_00, "INR"),
    failover_cost=Money(6_00, "INR"),
)
_AMOUNTS = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")


def default(currency: str, rates: Iterable[RateTable], on: dt.date) -> Policy | NoRate:
    """The default policy in this currency; refused where there is no rate to convert its amounts by."""
    if currency == DEFAULT.currency:
        return DEFAULT
    rate = find(DEFAULT.currency, currency, rates, on)
    return rate if isinstance(rate, NoRate) else default_at(rate)


def default_at(rate: Rate) -> Policy:
    """The default policy, its amounts converted at this rate from INR."""
    amounts = {name: exchange(getattr(DEFAULT, name), rate) for name in _AMOUNTS}
    return msgspec.structs.replace(DEFAULT, currency=rate.target_currency, converted_by=rate, **amounts)


class PolicyError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a setting. `pointer` is a JSON pointer into the policy."""

    pointer: str
    detail: str


def validate(policy: Policy) -> tuple[PolicyError, ...]:
    """All that is wrong with a policy; () where it can be used."""
    checks = (_check_amounts, _check_limits, _check_caps, _check_shares, _check_lists, _check_rules)
    return tuple(error for check in checks for error in check(policy))


def _check_amounts(policy: Policy) -> Iterator[PolicyError]:
    for name in (*_AMOUNTS, "max_total_cost", "price_cap"):
        amount: Money | None = getattr(policy, name)
        if amount is not None and amount.currency != policy.currency:
            yield PolicyError(pointer=f"/{name}", detail=f"is in {amount.currency}, the policy in {policy.currency}")
        if amount is not None and amount.minor < 0:
            yield PolicyError(pointer=f"/{name}", detail="is below 0")
    if policy.give_up_at.minor == 0:
        yield PolicyError(pointer="/give_up_at", detail="is 0: every pickup would go to a person")


_RANGES = {
    "deadline_days": (0, 60),
    "visits_per_carrier": (1, 10),
    "visits_in_all": (1, 20),
    "days_in_all": (1, 60),
    "cancel_wait_minutes": (1, 1440),
}


def _check_limits(policy: Policy) -> Iterator[PolicyError]:
    for name, (lowest, highest) in _RANGES.items():
        if not lowest <= getattr(policy, name) <= highest:
            yield PolicyError(pointer=f"/{name}", detail=f"is not between {lowest} and {highest}")


def _check_caps(policy: Policy) -> Iterator[PolicyError]:
    named: set[str] = set()
    for place, cap in enumerate(policy.caps):
        pointer = f"/caps/{place}"
        if cap.price is None and cap.pickups_a_day is None:
            yield PolicyError(pointer=pointer, detail="limits nothing: give a price or pickups_a_day")
        if cap.price is not None and cap.price.currency != policy.currency:
            yield PolicyError(pointer=f"{pointer}/price", detail=f"is in {cap.price.currency}, the policy in {policy.currency}")
        if cap.price is not None and cap.price.minor <= 0:
            yield PolicyError(pointer=f"{pointer}/price", detail="is not above 0: deny the carrier instead")
        if cap.pickups_a_day is not None and cap.pickups_a_day < 1:
            yield PolicyError(pointer=f"{pointer}/pickups_a_day", detail="is below 1: deny the carrier instead")
        if cap.carrier in named:
            yield PolicyError(pointer=f"{pointer}/carrier", detail=f"{cap.carrier} has a cap already")
        named.add(cap.carrier)


def _check_shares(policy: Policy) -> Iterator[PolicyError]:
    if policy.floor is not None and not 0.0 < policy.floor < 1.0:
        yield PolicyError(pointer="/floor", detail="is no share between 0 and 1")
    if not 0.0 <= policy.shuffle_share <= 0.1:
        yield PolicyError(pointer="/shuffle_share", detail="is not between 0 and 0.1")


def _check_lists(policy: Policy) -> Iterator[PolicyError]:
    for name in ("allow", "deny", "prefer"):
        names: tuple[str, ...] = getattr(policy, name)
        if len(set(names)) < len(names):
            yield PolicyError(pointer=f"/{name}", detail="names something twice")
    for both in sorted(set(policy.allow) & set(policy.deny)):
        yield PolicyError(pointer="/deny", detail=f"{both} is allowed too")
    for both in sorted(set(policy.prefer) & set(policy.deny)):
        yield PolicyError(pointer="/prefer", detail=f"{both} is denied")
    yield from _check_pins(policy)


def _check_pins(policy: Policy) -> Iterator[PolicyError]:
    before: list[str] = []
    for place, pin in enumerate(policy.pins):
        code = normal(pin.postal_code)
        if pin.carrier in policy.deny:
            yield PolicyError(pointer=f"/pins/{place}/carrier", detail=f"{pin.carrier} is denied")
        covering = next((earlier for earlier in before if code.startswith(earlier)), None)
        if covering is not None:
            detail = f"is never reached: an earlier pin is for {covering or 'every postal code'}"
            yield PolicyError(pointer=f"/pins/{place}/postal_code", detail=detail)
        before.append(code)


def _check_rules(policy: Policy) -> Iterator[PolicyError]:
    for reason, rule in policy.rules.items():
        for name, value, highest in (("tries", rule.tries, 10), ("bar_days", rule.bar_days, 90), ("wait_days", rule.wait_days, 14)):
            if not 0 <= value <= highest:
                yield PolicyError(pointer=f"/rules/{reason}/{name}", detail=f"is not between 0 and {highest}")
