"""A scorecard's arithmetic: sums over many bookings in, rates with their ranges out. Pure; by the functions of `rates.statistics`.

Sums are whole numbers that only add, so that a card of a year is the sum of its days. Every rate says what it is made of:
a first visit is one that the customer has not been visited before for this pickup, and a failure that is nobody's doing or
that customer or merchant confirmed as their own is left out, as the estimates leave it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from rates.statistics import (
    Calibration,
    Costs,
    Curve,
    Footing,
    Forecast,
    Funnel,
    Lane,
    Ranged,
    Standing,
    Wait,
    calibration,
    cost_per_collected,
    footing,
    kaplan_meier,
    lane_mix_adjusted,
    observed_over_expected,
    ties,
    wilson,
)

MILLION = 1_000_000
LONGEST = 720  # hours told apart; all longer waits are one

PERCENTILES = (0.50, 0.75, 0.90, 0.95)


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over bookings. `..._known` are those of which the outcome is known, `by_...` failed visits by fault.

    `excused` are failed visits left out of the rates, `over` bookings that ended without being collected. Money is in minor units
    of the merchant's currency: `cost` is what the carrier is owed, `all_in` that plus failed visits and waiting at the
    policy's prices, `forecast` what the choice expected a collected pickup to cost all in.
    """

    bookings: int = 0
    first_known: int = 0
    first_collected: int = 0
    three_known: int = 0
    three_collected: int = 0
    visits: int = 0
    by_customer: int = 0
    by_carrier: int = 0
    by_merchant: int = 0
    by_nobody: int = 0
    by_unknown: int = 0
    not_attempted: int = 0
    excused: int = 0
    quality_failed: int = 0
    collected: int = 0
    on_time: int = 0
    lost: int = 0
    over: int = 0
    cost: int = 0
    cost_squared: int = 0
    cost_of_collected: int = 0
    all_in: int = 0
    all_in_squared: int = 0
    all_in_of_collected: int = 0
    forecast: int = 0
    forecast_known: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    def __sub__(self, other: Sums) -> Sums:
        return Sums(**{name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__})


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """`value` of `n`, with its 95 % range (Wilson); no value and no range below ten."""

    n: int
    value: float | None
    low: float | None
    high: float | None
    footing: Footing


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Minor units per collected pickup, with the 95 % range; nothing below ten collected ones."""

    n: int
    value: float | None
    low: float | None
    high: float | None
    footing: Footing


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Hours from booking to collection; None where so many are not collected yet, or never. `waiting` are counted until now."""

    n: int
    waiting: int
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    footing: Footing


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one carrier's service, or of any other group of bookings."""

    sums: Sums
    first_visit: Share
    within_three: Share
    on_time: Share
    not_attempted: Share
    carrier_fault: Share
    customer_fault: Share
    quality_failed: Share
    times: Times
    cost: Cost
    all_in: Cost
    forecast_cost: float | None
    calibration: Calibration | None


def card(sums: Sums, waits: Iterable[Wait], forecasts: Iterable[Forecast]) -> Card:
    """The card of these sums, of how long was waited, and of what was forecast."""
    return Card(
        sums=sums,
        first_visit=share(sums.first_collected, sums.first_known),
        within_three=share(sums.three_collected, sums.three_known),
        on_time=share(sums.on_time, sums.collected),
        not_attempted=share(sums.not_attempted, sums.visits),
        carrier_fault=share(sums.by_carrier, sums.visits),
        customer_fault=share(sums.by_customer, sums.visits),
        quality_failed=share(sums.quality_failed, sums.visits),
        times=times(waits),
        cost=cost(_costs(sums, "cost")),
        all_in=cost(_costs(sums, "all_in")),
        forecast_cost=sums.forecast / sums.forecast_known if sums.forecast_known else None,
        calibration=calibration(forecasts),
    )


def share(successes: int, n: int) -> Share:
    stands = footing(n)
    if stands is Footing.HIDDEN:
        return Share(n=n, value=None, low=None, high=None, footing=stands)
    low, high = wilson(successes, n)
    return Share(n=n, value=successes / n, low=low, high=high, footing=stands)


def cost(costs: Costs) -> Cost:
    stands, found = footing(costs.collected), cost_per_collected(costs)
    if found is None or stands is Footing.HIDDEN:
        return Cost(n=costs.collected, value=None, low=None, high=None, footing=stands)
    return Cost(n=costs.collected, value=found.value, low=found.low, high=found.high, footing=stands)


def times(waits: Iterable[Wait]) -> Times:
    curve = kaplan_meier(waits)
    stands = footing(curve.n)
    p50, p75, p90, p95 = (None if stands is Footing.HIDDEN else _hours(curve, share) for share in PERCENTILES)
    return Times(n=curve.n, waiting=curve.open, p50=p50, p75=p75, p90=p90, p95=p95, footing=stands)


def _hours(curve: Curve, share: float) -> float | None:
    found = curve.percentile(share)
    return None if found is None or found > LONGEST else found


def _costs(sums: Sums, what: str) -> Costs:
    return Costs(
        pickups=sums.collected + sums.over,
        collected=sums.collected,
        cost=getattr(sums, what),
        cost_squared=getattr(sums, f"{what}_squared"),
        cost_of_collected=getattr(sums, f"{what}_of_collected"),
    )


# --- beside each other -----------------------------------------------------------------------------


Lanes = Mapping[str, tuple[int, int]]  # zone -> (first visits known, collected)


def funnel(mine: Lanes, all_lanes: Lanes) -> Funnel | None:
    """Observed over expected first visits: expected is what the lanes it was given collect with all carriers together."""
    observed = expected = variance = 0.0
    for zone, (known, collected) in mine.items():
        seen, got = all_lanes[zone]
        rate = got / seen if seen else 0.0
        observed += collected
        expected += known * rate
        variance += known * rate * (1 - rate)
    return observed_over_expected(observed, expected, variance) if sum(known for known, _ in mine.values()) >= 10 else None


def adjusted(shares: Mapping[str, int], chances: Mapping[str, tuple[float, float]]) -> Ranged | None:
    """The choice's own chances (p, n) by zone, weighed by the merchant's pickups by zone."""
    return lane_mix_adjusted(Lane(share=shares[zone], p=chances[zone][0], n=chances[zone][1]) for zone in shares)


def tied(cards: Mapping[str, Share]) -> tuple[tuple[str, ...], ...]:
    """Names in groups, best first; who cannot be told apart is in one group. Only those with visits enough to be ranked."""
    return ties(
        Standing(name, one.value, one.low, one.high)
        for name, one in cards.items()
        if one.value is not None and one.low is not None and one.high is not None and one.footing is Footing.RANKED
    )


def tie_groups(groups: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """The rank of each name: those tied share it."""
    ranks: dict[str, int] = {}
    rank = 1
    for group in groups:
        ranks |= dict.fromkeys(group, rank)
        rank += len(group)
    return ranks
