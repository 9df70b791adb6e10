"""Another policy on the choices that were made: what would have been paid and collected, and what nobody can know.

Each stored decision is made again by the other policy from its own offers. Where it comes out the same, what happened is known;
where it differs, the outcome is the model's: the chances the decision itself held, over the visits a carrier makes. Decisions
drawn by the merchant's shuffle correct the model by what happened (doubly robust, `rates.statistics`). The range adds how unsure
the chances are, carrier and zone for zone, since their errors do not cancel over many pickups.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from adapters.contract.units import CurrencyMismatch
from rates.choice import rank
from rates.decisions import Candidate, Decision, Key, Row
from rates.estimates import AGAIN, left
from rates.filters import Cause, cap_of, caps_of, names
from rates.policy import Policy
from rates.statistics import Z95, Logged, Valued, doubly_robust, inverse_propensity

# Offers that the merchant's own word kept from being asked for: another policy would have wanted their price.
_MERCHANTS_WORD = frozenset({Cause.DENIED_BY_MERCHANT, Cause.NOT_ALLOWED, Cause.NOT_PINNED, Cause.PRICE_CAP, Cause.DAILY_CAP})
_EXAMPLES = 20


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the booking a decision led to: collected or not, and what the carrier was owed, in minor units."""

    collected: bool
    paid: int


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that was made; `came` is None while its booking is not over."""

    id: str
    decision: Decision
    came: Came | None


class Method(enum.StrEnum):
    """What the figures of the other policy rest on."""

    OBSERVED = "observed"  # it would have chosen the same: they are what happened
    MODEL = "model"
    DOUBLY_ROBUST = "doubly_robust"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A total and its 95 % range."""

    value: float
    low: float
    high: float


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that would have come out otherwise; "" is a person."""

    decision: str
    chosen: str
    instead: str


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Money is in minor units of `currency`; `judged` are the decisions of which the outcome is known.

    `explored` of them were drawn by the shuffle's dice, `effective` is how many equally good observations the correction by them is
    worth, `explored_alone` what they say without any model. `unpriced` had carriers that were not asked by the merchant's own word.
    `model_gap` is what the model forecast for what was done, less what came, in collected pickups: how far it is to be trusted.
    """

    currency: str
    decisions: int
    judged: int
    waiting: int
    changed: int
    handed_over: int
    unpriced: int
    explored: int
    effective: float
    paid: float
    collected: int
    method: Method
    other_paid: Figure | None
    other_collected: Figure | None
    explored_alone: Figure | None
    model_gap: float | None
    changes: tuple[Change, ...]
    cannot_know: tuple[str, ...]


def what_if(past: Iterable[Past], policy: Policy) -> WhatIf:
    """The other policy on these decisions. Raises CurrencyMismatch where they are in another currency."""
    still = msgspec.structs.replace(policy, shuffle_share=0.0)
    every = list(_all_redone(past, still))
    judged = [one for one in every if one.came]
    paid, collected = _valued(judged, "paid"), _valued(judged, "collected")
    changed = [one for one in every if not one.same]
    explored = [one for one in judged if one.propensity < 1]
    alone = inverse_propensity(one.logged("collected") for one in explored)
    found = WhatIf(
        currency=policy.currency,
        decisions=len(every),
        judged=len(judged),
        waiting=len(every) - len(judged),
        changed=len(changed),
        handed_over=len([one for one in every if one.target is None]),
        unpriced=len([one for one in every if one.unpriced]),
        explored=len(explored),
        effective=alone.effective if alone else 0.0,
        paid=float(sum(one.outcome("paid") for one in judged)),
        collected=sum(int(one.outcome("collected")) for one in judged),
        method=_method(judged),
        other_paid=paid,
        other_collected=collected,
        explored_alone=_total(alone, len(explored)) if alone else None,
        model_gap=sum(one.modelled("collected", one.done) - one.outcome("collected") for one in judged) if judged else None,
        changes=tuple(Change(decision=one.id, chosen=_name(one.done), instead=_name(one.target)) for one in changed[:_EXAMPLES]),
        cannot_know=(),
    )
    counted = [_DAILY] if any(cap.pickups_a_day is not None for cap in policy.caps) else []
    return msgspec.structs.replace(found, cannot_know=(*_unknowable(found), *counted))


_DAILY = "daily caps were counted over these choices alone, by the day in UTC."


# --- one decision ----------------------------------------------------------------------------------


class Option(msgspec.Struct, frozen=True):
    """An offer with its reckoning in the decision."""

    offer: Candidate
    row: Row
    zone: str
    visits: int


class Redone(msgspec.Struct, frozen=True):
    """One decision: what was done, and what the other policy does (None: hand over)."""

    id: str
    done: Option
    target: Option | None
    came: Came | None
    propensity: float
    unpriced: bool

    @property
    def same(self) -> bool:
        return self.target is not None and self.target.offer.key == self.done.offer.key

    def outcome(self, what: str) -> float:
        return float(getattr(self.came, what)) if self.came else 0.0

    def modelled(self, what: str, option: Option | None) -> float:
        if option is None:
            return 0.0
        got = chance(option.row.p, option.visits)
        return got if what == "collected" else got * option.offer.price_minor + (1 - got) * option.offer.due_minor

    def logged(self, what: str) -> Logged:
        return Logged(
            outcome=self.outcome(what),
            propensity=self.propensity,
            target=float(self.same),
            modelled=self.modelled(what, self.done),
            modelled_target=self.modelled(what, self.target),
        )


def _all_redone(past: Iterable[Past], policy: Policy) -> Iterator[Redone]:
    """One after the other: what was chosen counts towards the day's caps."""
    days: defaultdict[dt.date, Counter[str]] = defaultdict(Counter)
    for one in past:
        if one.decision.chosen is not None:
            booked = days[one.decision.at.date()]
            redone = _redone(one, policy, booked)
            if redone.target:
                offer = redone.target.offer
                called = names(offer.account, offer.carrier, offer.service, offer.moved_by)
                booked.update(cap.carrier for cap in caps_of(policy, called))
            yield redone


def _redone(past: Past, policy: Policy, booked: Counter[str]) -> Redone:
    decision = past.decision
    if decision.policy.currency != policy.currency:
        raise CurrencyMismatch(f"decision {past.id} is in {decision.policy.currency}, the policy in {policy.currency}")
    kept = tuple(one for one in decision.candidates if _wanted(one, policy, booked))
    again = rank(kept, (), policy, decision.situation, decision.at)
    if decision.chosen is None:
        raise ValueError(f"decision {past.id} chose nobody")
    return Redone(
        id=past.id,
        done=_option(decision, decision.chosen),
        target=_option(again, again.chosen) if again.chosen else None,
        came=past.came,
        propensity=decision.propensity,
        unpriced=any(barred.cause in _MERCHANTS_WORD for barred in decision.barred),
    )


def _option(decision: Decision, row: Row) -> Option:
    return Option(decision.of(row), row, decision.situation.zone, decision.policy.visits_per_carrier)


def _wanted(offer: Candidate, policy: Policy, booked: Counter[str]) -> bool:
    """Whether the policy's lists and its caps let it be chosen; `booked` counts the day's choices by the names of caps."""
    called = names(offer.account, offer.carrier, offer.service, offer.moved_by)
    allowed = not policy.allow or not called.isdisjoint(policy.allow)
    cap = cap_of(policy, None, called)
    full = any(cap.pickups_a_day is not None and booked[cap.carrier] >= cap.pickups_a_day for cap in caps_of(policy, called))
    return allowed and not full and called.isdisjoint(policy.deny) and (cap is None or offer.price_minor <= cap.minor)


def chance(p: float, visits: int) -> float:
    """That one of a carrier's visits collects: each later one less likely, as assumed before data speaks."""
    missed = 1 - p
    for made in range(1, visits):
        missed *= 1 - p * AGAIN * left((p,) * made)
    return 1 - missed


def _name(option: Option | None) -> str:
    return f"{option.offer.carrier}/{option.offer.service}" if option else ""


# --- all of them -----------------------------------------------------------------------------------


def _valued(judged: list[Redone], what: str) -> Figure | None:
    found = doubly_robust(one.logged(what) for one in judged)
    if found is None:
        return None
    total, unsure = _total(found, len(judged)), Z95 * math.sqrt(_doubt(judged, what))
    half = math.hypot((total.high - total.low) / 2, unsure) if any(not one.same for one in judged) else 0.0
    return Figure(value=total.value, low=max(total.value - half, 0.0), high=total.value + half)


def _total(found: Valued, n: int) -> Figure:
    return Figure(value=found.value * n, low=found.low * n, high=found.high * n)


def _doubt(judged: list[Redone], what: str) -> float:
    """The variance of the total that comes from not knowing the chances: all pickups of a carrier in a zone are wrong together."""
    slopes: dict[tuple[Key, str], float] = defaultdict(float)
    variances: dict[tuple[Key, str], float] = {}
    for one in judged:
        option = one.target
        if one.same or option is None:
            continue
        seen, key = option.offer.estimate, (option.offer.key, option.zone)
        slopes[key] += _slope(option) * (1.0 if what == "collected" else option.offer.price_minor - option.offer.due_minor)
        variances[key] = seen.p * (1 - seen.p) / (seen.n + 1)
    return sum(slope**2 * variances[key] for key, slope in slopes.items())


def _slope(option: Option) -> float:
    """How much the chance of a booking moves with that of a visit."""
    step = 0.001
    return (chance(min(option.row.p + step, 1.0), option.visits) - chance(option.row.p, option.visits)) / step


def _method(judged: list[Redone]) -> Method:
    if all(one.same for one in judged):
        return Method.OBSERVED
    return Method.DOUBLY_ROBUST if any(one.propensity < 1 for one in judged) else Method.MODEL


def _unknowable(found: WhatIf) -> Iterable[str]:
    """What the figures cannot say, in words."""
    if found.changed and found.method is Method.MODEL:
        yield (
            f"{found.changed} of {found.decisions} choices would differ, and none was ever drawn by dice: what they would have "
            "come to is the model's word. A `shuffle_share` of 0.02 in the policy makes it checkable."
        )
    if found.method is Method.DOUBLY_ROBUST and found.explored < 30:
        yield f"only {found.explored} choices were drawn by dice: they correct the model little."
    if found.unpriced:
        yield f"{found.unpriced} choices left carriers out by your lists, pins or cap: not asked, they have no known price."
    if found.waiting:
        yield f"{found.waiting} bookings are not over: they are not in the figures."
    if found.handed_over:
        yield f"{found.handed_over} pickups would have gone to a person, whose cost and success are not in the figures."
    if found.changed:
        yield "choices after a failed visit are judged as they arose: another first carrier would have failed other pickups."
        yield "carriers might have priced or served another volume differently."
