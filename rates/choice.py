"""The choice: the carrier with the smallest expected cost of one collected pickup, or a person where that is cheaper.

    x = price + pen(e + days to success) - pen(e)             what it costs if the visit collects
    y = due anyway + failed visit + pen(e + days to failure) - pen(e)        if it does not
    INDEX = x + (1 - p) / p * y + fail-over cost / p          pen(d) = cost per day * d + penalty past the deadline

Ascending INDEX is the best order of independent tries (Mitten 1960, Weitzman 1979). Above `give_up_at` (plus the penalty
while the deadline is not missed) the pickup is handed to a person. Pure: dice and clock are inputs, the decision keeps all
of them, and `replay` finds the same decision bit for bit.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence

import msgspec

from adapters.contract.units import Money
from rates.decisions import Candidate, Decision, Override, Row, Situation, Why
from rates.estimates import bounded, lower_bound
from rates.filters import Barred, Cause, names
from rates.policy import Policy
from rates.wording import sentence

__all__ = [
    "Barred",
    "Candidate",
    "Cause",
    "Decision",
    "OtherRule",
    "Outdated",
    "Override",
    "Row",
    "Situation",
    "Why",
    "order",
    "outdated",
    "rank",
    "replay",
    "stop_at",
]

RULE = "index-1"
NEAR = 1.03  # indices this close may be shuffled
DRIFT = 1.05  # a booking's price this far above its quote is decided anew,
ANEW_AT_MOST = 2  # so often


class OtherRule(ValueError):
    """A decision made by another version of the rule cannot be replayed by this one."""


def rank(
    candidates: Sequence[Candidate],
    barred: Sequence[Barred],
    policy: Policy,
    situation: Situation,
    at: dt.datetime,
    dice: float = 1.0,
) -> Decision:
    """Choose. `dice` is a number in [0, 1) for the merchant's shuffle, if the policy has one (1: none was thrown)."""
    rows = order(candidates, policy, situation)
    eligible = [row for row in rows if row.reliable is rows[0].reliable]
    limit = stop_at(policy, situation)
    pick = _pick(eligible, limit, policy, situation, dice)
    others = [row for row in eligible if row is not pick.row] if pick.row else []
    decision = Decision(
        rule=RULE,
        at=at,
        candidates=tuple(candidates),
        barred=tuple(barred),
        policy=policy,
        situation=situation,
        dice=dice,
        rows=tuple(rows),
        limit=limit,
        chosen=pick.row,
        why=Why.CHOSEN if pick.row else Why.TOO_DEAR if rows else Why.NO_CANDIDATE,
        runner_up=min(others, key=_by_index, default=None),
        next_in_line=_next_in_line(candidates, pick.row, others, limit),
        propensity=pick.propensity,
        floor_dropped=bool(rows) and not rows[0].reliable,
        override=pick.override,
        explored=pick.explored,
    )
    return msgspec.structs.replace(decision, sentence=sentence(decision))


def replay(decision: Decision) -> Decision:
    """The decision made again from its own stored inputs. Raises OtherRule."""
    if decision.rule != RULE:
        raise OtherRule(f"decided by {decision.rule}, this is {RULE}")
    return rank(decision.candidates, decision.barred, decision.policy, decision.situation, decision.at, decision.dice)


class Outdated(enum.StrEnum):
    """Why an offer cannot be booked as it was chosen; decide anew, at most `ANEW_AT_MOST` times."""

    EXPIRED = "expired"
    PRICE_ROSE = "price_rose"
    OVER_CAP = "over_cap"


def outdated(candidate: Candidate, at: dt.datetime, price_now: Money, cap: Money | None) -> Outdated | None:
    """Whether the offer's time is over, or its price (as quoted now, like the cap in the quote's currency) is no longer the one."""
    if candidate.expires_at is not None and candidate.expires_at <= at:
        return Outdated.EXPIRED
    if cap is not None and cap < price_now:
        return Outdated.OVER_CAP
    return Outdated.PRICE_ROSE if price_now.minor > candidate.price.minor * DRIFT else None


# --- the reckoning --------------------------------------------------------------------------------


def order(candidates: Sequence[Candidate], policy: Policy, situation: Situation) -> list[Row]:
    """The candidates as rows: the reliable before the others, then the merchant's preference, then ascending INDEX."""
    price_of_delay = _Delay(policy, situation.elapsed_days)
    rows = [_row(position, candidate, policy, situation, price_of_delay) for position, candidate in enumerate(candidates)]
    keys = [candidate.key for candidate in candidates]
    rows.sort(key=lambda row: (not row.reliable, row.preference, row.index, row.cost_if_collected, keys[row.candidate]))
    return rows


def stop_at(policy: Policy, situation: Situation) -> int:
    """The index at which a person is cheaper; a deadline that can still be missed is worth its penalty."""
    penalty = policy.deadline_penalty.minor if situation.elapsed_days <= policy.deadline_days else 0
    return policy.give_up_at.minor + penalty


class _Delay:
    """What `days` more cost the merchant, `elapsed` days after the pickup was asked for."""

    def __init__(self, policy: Policy, elapsed: float) -> None:
        self.per_day = policy.cost_per_day.minor
        self.left = policy.deadline_days - elapsed
        self.penalty = policy.deadline_penalty.minor if self.left >= 0 else 0

    def __call__(self, days: float) -> float:
        return self.per_day * days + (self.penalty if days > self.left else 0)


def _row(position: int, candidate: Candidate, policy: Policy, situation: Situation, delay: _Delay) -> Row:
    first = candidate.estimate
    p = bounded(first.p * candidate.g * candidate.brake)
    collected = candidate.price_minor + delay(candidate.days_to_success)
    failed = candidate.due_minor + policy.failed_visit_cost.minor + delay(candidate.days_to_failure)
    moves = situation.current is not None and situation.current != candidate.key
    failover = policy.failover_cost.minor if moves else 0
    return Row(
        candidate=position,
        p=p,
        cost_if_collected=collected,
        cost_if_failed=failed,
        failover=failover,
        index=collected + (1 - p) / p * failed + failover / p,
        reliable=policy.floor is None or lower_bound(first.p, first.n) >= policy.floor,
        preference=_preference(candidate, policy.prefer) if policy.prefer else 0,
    )


def _preference(candidate: Candidate, prefer: Sequence[str]) -> int:
    """Its place in the merchant's list; behind the list if it is not on it."""
    called = names(candidate.account, candidate.carrier, candidate.service, candidate.moved_by)
    return next((place for place, name in enumerate(prefer) if name in called), len(prefer))


def _by_index(row: Row) -> float:
    return row.index


class _Pick(msgspec.Struct, frozen=True):
    row: Row | None
    propensity: float = 1.0
    override: Override | None = None
    explored: bool = False


def _pick(rows: Sequence[Row], limit: int, policy: Policy, situation: Situation, dice: float) -> _Pick:
    """The first row worth its cost. A pin is obeyed at any cost; a preference counts as an override where it changed the choice."""
    if situation.pinned and rows:
        return _Pick(rows[0], override=Override.PINNED)
    first = next((row for row in rows if row.index <= limit), None)
    if first is None:
        return _Pick(None)
    if policy.prefer:
        return _Pick(first, override=Override.PREFERRED if first.index > min(map(_by_index, rows)) else None)
    return _shuffled(first, rows, limit, policy.shuffle_share, dice) if policy.shuffle_share else _Pick(first)


def _shuffled(first: Row, rows: Sequence[Row], limit: int, share: float, dice: float) -> _Pick:
    """In a `share` of cases any of the near ties, each as likely; the dice say whether, and which."""
    near = [row for row in rows if row.index <= min(first.index * NEAR, limit)]
    each = share / len(near)
    row = near[min(int(dice / each), len(near) - 1)] if dice < share else first
    return _Pick(row, propensity=each + (1 - share if row is first else 0), explored=row is not first)


def _next_in_line(candidates: Sequence[Candidate], chosen: Row | None, others: Sequence[Row], limit: int) -> Row | None:
    """The first of the others that another company moves and that is worth its cost."""
    mover = candidates[chosen.candidate].key[1] if chosen else ""
    return next((row for row in others if row.index <= limit and candidates[row.candidate].key[1] != mover), None)
