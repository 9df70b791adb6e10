"""What figures can be said of carriers, and how sure they are: the arithmetic of scorecards, pure and by the book.

Every estimate comes with a 95 % range. Sources by name stand with each function. Inputs are counts, or tallies that carry a
`count`, so that sums kept up visit by visit (hours in a histogram, costs and their squares) answer for a million visits as
for ten. Decide with the posterior (`rates.estimates`), publish with these.
"""

from __future__ import annotations

import bisect
import enum
import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

Z95, Z998 = 1.959964, 3.090232
APART = 0.03  # shares nearer than this are no difference worth a rank
ALARM_GAP, ALARM_VISITS = 0.03, 500


class Ranged(msgspec.Struct, frozen=True):
    """A value and its 95 % range, from `n` observations."""

    value: float
    low: float
    high: float
    n: float


# --- shares -----------------------------------------------------------------------------------------


def wilson(successes: float, n: float, z: float = Z95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927): all p whose distance from successes / n is at most z of *their* errors.

    Covers about 95 % from n = 10 on; (0, 1) where nothing was seen.
    """
    if n <= 0:
        return 0.0, 1.0
    share, z2 = successes / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(max(share * (1 - share), 0.0) / n + z2 / (4 * n * n))
    return max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0)


class Footing(enum.StrEnum):
    """How far a share of so few visits may be shown. At p = 0.8 the range is +-14 points with 30 visits, +-7.8 with 100."""

    HIDDEN = "hidden"
    GREY = "grey"
    SHOWN = "shown"
    RANKED = "ranked"


_FOOTINGS = ((100, Footing.RANKED), (30, Footing.SHOWN), (10, Footing.GREY), (0, Footing.HIDDEN))


def footing(n: float) -> Footing:
    """No share below 10 visits, grey below 30, no rank below 100."""
    return next(footing for least, footing in _FOOTINGS if n >= least)


class Standing(msgspec.Struct, frozen=True):
    """One carrier's share and range, to be told apart from the others'."""

    name: str
    value: float
    low: float
    high: float


def ties(standings: Iterable[Standing], apart: float = APART) -> tuple[tuple[str, ...], ...]:
    """Names in groups, best group first: whoever is within `apart` or whose ranges overlap is tied, through others too.

    Two carriers of different groups can always be told apart; the two ends of one group perhaps as well.
    """
    groups: list[list[Standing]] = []
    for one in sorted(standings, key=lambda one: (-one.value, one.name)):
        tied = [group for group in groups if any(_tied(one, other, apart) for other in group)]
        rest = [group for group in groups if group not in tied]
        groups = [*rest, [*(other for group in tied for other in group), one]]
    groups.sort(key=lambda group: -group[0].value)
    return tuple(tuple(one.name for one in group) for group in groups)


def _tied(one: Standing, other: Standing, apart: float) -> bool:
    overlap = one.low <= other.high and other.low <= one.high
    return overlap or abs(one.value - other.value) <= apart + 1e-12


# --- time until collected ----------------------------------------------------------------------------


class Ended(enum.StrEnum):
    """How a wait ended: collected; otherwise (cancelled, void: it can no longer be collected); or it is still open."""

    COLLECTED = "collected"
    OTHERWISE = "otherwise"
    OPEN = "open"


class Wait(msgspec.Struct, frozen=True):
    """`count` pickups that waited so long. Open ones: until now. A histogram by the hour is a list of these."""

    hours: float
    ended: Ended
    count: int = 1


class Step(msgspec.Struct, frozen=True):
    """From `hours` on, `share` of all pickups are collected, give or take `error` (one standard error)."""

    hours: float
    share: float
    error: float


class Curve(msgspec.Struct, frozen=True):
    """The share collected by time, as steps that never fall. `n` pickups, of which `open` are not over."""

    steps: tuple[Step, ...]
    n: int
    open: int

    def within(self, hours: float) -> float:
        """The share collected within so many hours."""
        last = bisect.bisect_right(self.steps, hours, key=lambda step: step.hours)
        return self.steps[last - 1].share if last else 0.0

    def percentile(self, share: float) -> float | None:
        """The hours within which `share` of all pickups are collected; None where the curve does not get so far."""
        return next((step.hours for step in self.steps if step.share >= share - 1e-12), None)

    def percentile_range(self, share: float) -> tuple[float | None, float | None]:
        """Its 95 % range: where the band around the curve reaches the share (Brookmeyer and Crowley 1982)."""
        early = next((step.hours for step in self.steps if _band(step, +1) >= share - 1e-12), None)
        late = next((step.hours for step in self.steps if _band(step, -1) >= share - 1e-12), None)
        return early, late


def _band(step: Step, side: int) -> float:
    """The curve's 95 % band by log(-log), which stays between 0 and 1 (Kalbfleisch and Prentice 1980)."""
    survival = 1 - step.share
    if not 0.0 < survival < 1.0 or step.error == 0.0:
        return step.share
    spread = Z95 * step.error / (survival * math.log(survival))
    return float(1 - survival ** math.exp(-side * spread))


def kaplan_meier(waits: Iterable[Wait]) -> Curve:
    """The share collected by time, counting open pickups for as long as they were watched (Kaplan and Meier 1958).

    Those that ended otherwise stay in the whole, never to be collected (Aalen and Johansen 1978): treating them as open
    would promise that they were collected too. Without them it is the plain Kaplan-Meier curve and Greenwood's error.
    """
    table = _life_table(waits)
    at_risk = n = sum(sum(row) for row in table.values())
    still_open = sum(row[2] for row in table.values())
    survival, share, error = 1.0, 0.0, _Error()
    steps = []
    for hours in sorted(table):
        collected, otherwise, watched = table[hours]
        before = survival
        share += before * collected / at_risk
        survival *= 1 - (collected + otherwise) / at_risk
        error.add(collected, collected + otherwise, at_risk, before, share)
        if collected:
            steps.append(Step(hours, share, error.at(share)))
        at_risk -= collected + otherwise + watched
    return Curve(tuple(steps), n, still_open)


def _life_table(waits: Iterable[Wait]) -> dict[float, list[int]]:
    """By hours: how many were collected, ended otherwise, were open."""
    columns = {Ended.COLLECTED: 0, Ended.OTHERWISE: 1, Ended.OPEN: 2}
    table: dict[float, list[int]] = {}
    for wait in waits:
        table.setdefault(wait.hours, [0, 0, 0])[columns[wait.ended]] += wait.count
    return table


class _Error:
    """The standard error of the share by the delta method (Dinse and Larson 1986), in running sums.

    variance(F) = sum (F - F_i)^2 d_i / (n_i (n_i - d_i)) + sum S_i^2 (n_i - c_i) c_i / n_i^3 - 2 sum (F - F_i) S_i c_i / n_i^2
    """

    def __init__(self) -> None:
        self.hazard = self.hazard_share = self.hazard_square = self.own = self.cross = self.cross_share = 0.0

    def add(self, collected: int, ended: int, at_risk: int, survival: float, share: float) -> None:
        left = at_risk - ended
        hazard = ended / (at_risk * left) if left else 0.0
        self.hazard += hazard
        self.hazard_share += hazard * share
        self.hazard_square += hazard * share * share
        self.own += survival**2 * (at_risk - collected) * collected / at_risk**3
        cross = survival * collected / at_risk**2
        self.cross += cross
        self.cross_share += cross * share

    def at(self, share: float) -> float:
        spread = share * share * self.hazard - 2 * share * self.hazard_share + self.hazard_square
        return math.sqrt(max(spread + self.own - 2 * (share * self.cross - self.cross_share), 0.0))


# --- observed over expected --------------------------------------------------------------------------


class Flag(enum.StrEnum):
    """Where a carrier lies in the funnel: within its 95 % limits, outside them, or outside the 99.8 % ones."""

    WITHIN = "within"
    BETTER = "better"
    MUCH_BETTER = "much_better"
    WORSE = "worse"
    MUCH_WORSE = "much_worse"


class Funnel(msgspec.Struct, frozen=True, kw_only=True):
    """Observed / expected, the limits around 1 that chance alone keeps to, and what that makes of it."""

    ratio: float
    expected: float
    limits_95: tuple[float, float]
    limits_998: tuple[float, float]
    flag: Flag


def expectation(chances: Iterable[float]) -> tuple[float, float]:
    """(expected, variance) of the successes of visits with these chances: add both up where visits are counted one by one."""
    expected = variance = 0.0
    for p in chances:
        expected += p
        variance += p * (1 - p)
    return expected, variance


def observed_over_expected(observed: float, expected: float, variance: float) -> Funnel | None:
    """A carrier's successes over those its lanes' mean carrier would have had, in a funnel plot's limits (Spiegelhalter 2005).

    Limits are normal, 1 +- z sqrt(variance) / expected: not to be believed below about ten visits. None if nothing is expected.
    """
    if expected <= 0:
        return None
    ratio, error = observed / expected, math.sqrt(variance) / expected
    inner, outer = (_limits(error, z) for z in (Z95, Z998))
    return Funnel(ratio=ratio, expected=expected, limits_95=inner, limits_998=outer, flag=_flag(ratio, inner, outer))


def _limits(error: float, z: float) -> tuple[float, float]:
    return max(1 - z * error, 0.0), 1 + z * error


def _flag(ratio: float, inner: tuple[float, float], outer: tuple[float, float]) -> Flag:
    if inner[0] <= ratio <= inner[1]:
        return Flag.WITHIN
    if ratio > 1:
        return Flag.MUCH_BETTER if ratio > outer[1] else Flag.BETTER
    return Flag.MUCH_WORSE if ratio < outer[0] else Flag.WORSE


class Lane(msgspec.Struct, frozen=True):
    """One lane's share of the merchant's pickups (any scale), and the carrier's posterior there (`Estimate.p` and `.n`)."""

    share: float
    p: float
    n: float


def lane_mix_adjusted(lanes: Iterable[Lane]) -> Ranged | None:
    """What a carrier would collect of *all* the merchant's pickups: its chance lane by lane, weighed by the merchant's mix.

    Direct standardisation with the choice's own posterior. The range takes lanes as independent; what they share through
    the carrier's mean makes it a little too narrow where most lanes were never visited. None without pickups.
    """
    known = [lane for lane in lanes if lane.share > 0]
    whole = sum(lane.share for lane in known)
    if not whole:
        return None
    value = sum(lane.share * lane.p for lane in known) / whole
    variance = sum((lane.share / whole) ** 2 * lane.p * (1 - lane.p) / (lane.n + 1) for lane in known)
    low, high = _logit_range(value, math.sqrt(variance))
    return Ranged(value, low, high, sum(lane.n for lane in known))


def _logit_range(share: float, error: float) -> tuple[float, float]:
    """share +- z errors, reckoned on the log odds so that it stays a share."""
    if not 0.0 < share < 1.0:
        return share, share
    odds, reach = share / (1 - share), math.exp(Z95 * error / (share * (1 - share)))
    return odds / reach / (1 + odds / reach), odds * reach / (1 + odds * reach)


# --- our own forecast --------------------------------------------------------------------------------


class Forecast(msgspec.Struct, frozen=True):
    """`count` visits that were given the chance `p`, of which `collected` did collect."""

    p: float
    collected: int
    count: int = 1


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """A tenth of the visits, by rising forecast: what was forecast on average and what came, with its Wilson range."""

    n: int
    forecast: float
    observed: float
    low: float
    high: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How true the forecasts were. `gap` is forecast - observed over all; `brier_of_mean` what always saying the mean scores."""

    n: int
    brier: float
    brier_of_mean: float
    gap: float
    bins: tuple[Bin, ...]

    @property
    def alarm(self) -> bool:
        """More than 3 points off, over 500 visits or more."""
        return self.n >= ALARM_VISITS and abs(self.gap) > ALARM_GAP


def brier(forecasts: Iterable[Forecast]) -> float | None:
    """The mean squared distance of forecast and outcome (Brier 1950): 0 is perfect, 0.25 what a coin scores. None of nothing."""
    lost = n = 0.0
    for one in forecasts:
        lost += one.collected * (1 - one.p) ** 2 + (one.count - one.collected) * one.p**2
        n += one.count
    return lost / n if n else None


def calibration(forecasts: Iterable[Forecast], bins: int = 10) -> Calibration | None:
    """Brier score and the reliability curve by deciles of the forecast; equal forecasts stay in one. None of nothing."""
    ordered = sorted(forecasts, key=lambda one: one.p)
    score = brier(ordered)
    if score is None:
        return None
    whole = _bin(ordered)
    return Calibration(
        n=whole.n,
        brier=score,
        brier_of_mean=whole.observed * (1 - whole.observed),
        gap=whole.forecast - whole.observed,
        bins=tuple(map(_bin, _deciles(ordered, whole.n, bins))),
    )


def _deciles(ordered: Sequence[Forecast], n: int, bins: int) -> Iterator[list[Forecast]]:
    """Cut where each tenth of the visits is full, but never between equal forecasts."""
    group: list[Forecast] = []
    seen, cut = 0, 1
    for one in ordered:
        if group and seen * bins >= cut * n and one.p != group[-1].p:
            yield group
            group, cut = [], seen * bins // n + 1
        group.append(one)
        seen += one.count
    if group:
        yield group


def _bin(group: Sequence[Forecast]) -> Bin:
    n, collected = sum(one.count for one in group), sum(one.collected for one in group)
    low, high = wilson(collected, n)
    return Bin(n=n, forecast=sum(one.p * one.count for one in group) / n, observed=collected / n, low=low, high=high)


# --- money -------------------------------------------------------------------------------------------


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What pickups cost, in minor units, as sums that can be added: of costs, of their squares, and of the collected ones'."""

    pickups: int = 0
    collected: int = 0
    cost: int = 0
    cost_squared: int = 0
    cost_of_collected: int = 0

    def __add__(self, other: Costs) -> Costs:
        return Costs(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


def spent(cost: int, *, collected: bool) -> Costs:
    """One pickup that is over, with all it cost."""
    return Costs(
        pickups=1, collected=int(collected), cost=cost, cost_squared=cost * cost, cost_of_collected=cost if collected else 0
    )


def cost_per_collected(costs: Costs) -> Ranged | None:
    """All that was spent over all that was collected, with the ratio estimator's range (Cochran 1977, delta method, log scale).

    None where nothing was collected. Not to be believed below about thirty pickups.
    """
    n, got = costs.pickups, costs.collected
    if not got:
        return None
    ratio = costs.cost / got
    residual = costs.cost_squared - 2 * ratio * costs.cost_of_collected + ratio * ratio * got
    error = math.sqrt(max(residual, 0.0) * n / max(n - 1, 1)) / got
    reach = math.exp(Z95 * error / ratio) if ratio > 0 else 1.0
    return Ranged(ratio, ratio / reach, ratio * reach, n)


# --- another policy on the same history --------------------------------------------------------------


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One stored decision, seen by another policy.

    `outcome` is what came of what was done (a cost, a success), `propensity` the chance it had of being done, `target` the
    chance the other policy does the same (0 or 1 where it does not throw dice). `modelled` is the outcome forecast for what was
    done, `modelled_target` the one forecast for what the other policy does; only `doubly_robust` and `modelled` use them.
    """

    outcome: float
    propensity: float
    target: float
    modelled: float = 0.0
    modelled_target: float = 0.0


class Valued(msgspec.Struct, frozen=True, kw_only=True):
    """The mean outcome under the other policy and its 95 % range.

    `n` decisions, of which `matched` were such as it would have made too, worth `effective` equally weighted ones (Kish
    1965). Little `effective` beside `n` means: mostly the model speaks, or nobody.
    """

    value: float
    low: float
    high: float
    n: int
    matched: int
    effective: float


def inverse_propensity(logged: Iterable[Logged]) -> Valued | None:
    """Outcomes weighed by how much likelier the other policy is to do the same (Horvitz and Thompson 1952; Hajek's ratio, 1971).

    True where every act of the other policy had some chance of being done; what never had one is not in it. None without a match.
    """
    rows = list(logged)
    weights = [_weight(row) for row in rows]
    whole = sum(weights)
    if not whole:
        return None
    value = sum(weight * row.outcome for weight, row in zip(weights, rows, strict=True)) / whole
    error = math.sqrt(sum((weight * (row.outcome - value)) ** 2 for weight, row in zip(weights, rows, strict=True))) / whole
    return _valued(value, error, weights)


def doubly_robust(logged: Iterable[Logged]) -> Valued | None:
    """The model's forecast for the other policy, corrected where both agree by what the model missed (Robins 1994, Dudik 2011).

    True if the propensities are or the model is. Where no decision matches, the model speaks alone. None of nothing.
    """
    rows = list(logged)
    if not rows:
        return None
    weights = [_weight(row) for row in rows]
    scores = [row.modelled_target + weight * (row.outcome - row.modelled) for weight, row in zip(weights, rows, strict=True)]
    value = math.fsum(scores) / len(scores)
    spread = math.fsum((score - value) ** 2 for score in scores) / max(len(scores) - 1, 1)
    return _valued(value, math.sqrt(spread / len(scores)), weights)


def modelled(logged: Iterable[Logged]) -> Valued | None:
    """The model's forecast alone. Its range says how pickups differ, not how wrong the model may be."""
    return doubly_robust(msgspec.structs.replace(row, target=0.0) for row in logged)


def _weight(row: Logged) -> float:
    if not 0.0 < row.propensity <= 1.0:
        raise ValueError(f"a propensity of {row.propensity}: what was done had a chance above 0, of at most 1")
    return row.target / row.propensity


def _valued(value: float, error: float, weights: Sequence[float]) -> Valued:
    squares = sum(weight * weight for weight in weights)
    return Valued(
        value=value,
        low=value - Z95 * error,
        high=value + Z95 * error,
        n=len(weights),
        matched=sum(weight > 0 for weight in weights),
        effective=sum(weights) ** 2 / squares if squares else 0.0,
    )
