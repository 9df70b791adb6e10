"""How likely a visit collects: decayed, pooled counts per moved_by + service, per zone and, where busy, per postal code.

Decay is "forward": an observation at time t adds its weight times 2^((t - EPOCH) / H) to integers in fixed point, and reading
divides by the same power of now. Sums of integers do not depend on their order, so a cell rebuilt from the history equals
the cell kept by increments bit for bit, and a guess can be taken back exactly. The integers outgrow 64 bits: store
them as text. Times count in whole hours. Nothing here is learnt in jobs; constants are priors until data speaks.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal

import msgspec

from adapters.contract.scans import Fault, Reason

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HALF_LIFE = dt.timedelta(days=60)
BRAKE_HALF_LIFE = dt.timedelta(days=2)
SILENCE = dt.timedelta(days=1)  # a visit not heard of this long after the promised day counts as failed, and none counts before

_POINT = 40  # bits after the fixed point
_SHARE = 20  # bits an exposure is rounded to
_ONE = 1 << _SHARE
_HOUR = dt.timedelta(hours=1)
_LOWEST, _HIGHEST = 0.001, 0.999  # no estimate is ever certain
_Z95 = 1.959964


# --- cells ----------------------------------------------------------------------------------------


class Cell(msgspec.Struct, frozen=True):
    """Successes and exposure, decayed and in fixed point. `Cell()` has seen nothing; cells of the same half-life add up."""

    successes: int = 0
    exposure: int = 0

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.successes + other.successes, self.exposure + other.exposure)

    def __sub__(self, other: Cell) -> Cell:
        return Cell(self.successes - other.successes, self.exposure - other.exposure)


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One visit as history keeps it. `exposure` is the weight it had when it was counted."""

    at: dt.datetime
    collected: bool
    exposure: float = 1.0


def observe(cell: Cell, collected: bool, exposure_weight: float, at: dt.datetime, half_life: dt.timedelta = HALF_LIFE) -> Cell:
    """The cell with one visit more. `exposure_weight` is the visit's g: 1 for a first visit, less for a later one."""
    return cell + one_visit(unit_at(at, half_life), collected, exposure_weight)


def one_visit(unit: int, collected: bool, exposure_weight: float) -> Cell:
    """What a visit adds to a cell. `unit` is that of its hour and the cell's half-life."""
    return Cell(unit if collected else 0, unit * round(exposure_weight * _ONE) >> _SHARE)


def take_back(cell: Cell, collected: bool, exposure_weight: float, at: dt.datetime, half_life: dt.timedelta = HALF_LIFE) -> Cell:
    """The cell without that visit, exactly as if it had never been counted: for silence that turned out otherwise."""
    return cell - observe(Cell(), collected, exposure_weight, at, half_life)


def rebuild(history: Iterable[Observation], half_life: dt.timedelta = HALF_LIFE) -> Cell:
    """The cell of a whole history, in any order."""
    cell = Cell()
    for visit in history:
        cell = observe(cell, visit.collected, visit.exposure, visit.at, half_life)
    return cell


def read(cell: Cell, at: dt.datetime, half_life: dt.timedelta = HALF_LIFE) -> tuple[float, float]:
    """(successes, exposure) as they weigh at a moment."""
    unit = unit_at(at, half_life)
    return cell.successes / unit, cell.exposure / unit


def unit_at(at: dt.datetime, half_life: dt.timedelta) -> int:
    """What an observation of that hour weighs, in fixed point."""
    since = at - EPOCH
    return _unit(since.days * 24 + since.seconds // 3600, half_life)


@functools.lru_cache(maxsize=4096)
def _unit(hour: int, half_life: dt.timedelta) -> int:
    """What an observation of that hour weighs: 2^(hour / half_life) in fixed point, at least one unit.

    By decimal arithmetic, so that every machine finds the same integer. Precision fades from 20 half-lives before EPOCH on.
    """
    whole, part = divmod(hour, half_life // _HOUR)
    mantissa = _mantissa(part, half_life // _HOUR)
    return max(mantissa << whole if whole >= 0 else mantissa >> -whole, 1)


@functools.lru_cache(maxsize=4096)  # every hour of both half-lives
def _mantissa(part: int, half_life: int) -> int:
    return int(Context(prec=30).power(Decimal(2), Decimal(part) / half_life).scaleb(12)) * (1 << _POINT) // 10**12


# --- the estimate ---------------------------------------------------------------------------------


class Prior(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed before anything is seen, and how many visits' worth of belief it and each level above are.

    `settled` says how fast chances drift: so many visits tell of today's chance half of what they could, and no number of them
    more than that many fresh ones. `source` names an outside score (an aggregator's, a carrier's own) if `mean` came from one.
    """

    mean: float = 0.70
    service_weight: float = 40.0
    zone_weight: float = 30.0
    postcode_weight: float = 80.0
    settled: float = 100.0
    source: str = "assumed"


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The chance that a first visit collects: Beta with mean `p` and weight `n`, and its 95 % range.

    `n` is what is known in visits: it is small where the levels above are in doubt themselves, and never far above `Prior.settled`.
    `visits` is the decayed number of visits seen in the zone, `elsewhere` outside it; `prior` where the start came from.
    """

    p: float
    n: float
    low: float
    high: float
    visits: float
    elsewhere: float = 0.0
    prior: str = "assumed"


def estimate(service_cell: Cell, zone_cell: Cell, prior: Prior, at: dt.datetime, postcode_cell: Cell | None = None) -> Estimate:
    """Each level leans on the one above: service on the prior, zone on the service, postal code (if given) on the zone.

    The zone's visits are in the service's cell too, and the postal code's in the zone's.
    """
    p, n = chance(service_cell, zone_cell, prior, at, postcode_cell)
    low, high = interval(p, n)
    unit = unit_at(at, HALF_LIFE)
    visits, all_visits = zone_cell.exposure / unit, service_cell.exposure / unit
    return Estimate(p=p, n=n, low=low, high=high, visits=visits, elsewhere=max(all_visits - visits, 0.0), prior=prior.source)


def chance(
    service_cell: Cell, zone_cell: Cell, prior: Prior, at: dt.datetime, postcode_cell: Cell | None = None
) -> tuple[float, float]:
    """The estimate's `p` and `n` alone."""
    unit = unit_at(at, HALF_LIFE)
    p, doubt = _lean(service_cell, unit, prior.settled, prior.mean, 0.0, prior.service_weight)
    p, doubt = _lean(zone_cell, unit, prior.settled, p, doubt, prior.zone_weight)
    if postcode_cell is not None:
        p, doubt = _lean(postcode_cell, unit, prior.settled, p, doubt, prior.postcode_weight)
    return p, 1 / doubt


def prior_of(merchant_cell: Cell, at: dt.datetime, start: Prior) -> Prior:
    """The prior of a carrier not seen yet: the merchant's mean over all carriers, itself leaning on `start`."""
    collected, seen = read(merchant_cell, at)
    mean = bounded((collected + start.service_weight * start.mean) / (seen + start.service_weight))
    return msgspec.structs.replace(start, mean=mean, source="the mean of all carriers" if seen > 0.5 else start.source)


def _lean(cell: Cell, unit: int, settled: float, mean: float, doubt: float, weight: float) -> tuple[float, float]:
    """A level's mean and doubt from its own cell and from those of the level above. `doubt` is a variance over p (1 - p), 1 / n.

    What is seen counts for less the more there is (chances drift meanwhile), and what the level above does not know about itself
    is not known here either, as far as this level leans on it.
    """
    seen = cell.exposure / unit
    worth = 1 / (1 + seen / settled)
    n = seen * worth + weight
    leaning = weight / n
    return bounded(cell.successes / unit * worth / n + leaning * mean), 1 / n + leaning * leaning * doubt


def bounded(p: float) -> float:
    """A chance, kept off certainty."""
    return _LOWEST if p < _LOWEST else _HIGHEST if p > _HIGHEST else p


def interval(p: float, n: float) -> tuple[float, float]:
    """The central 95 % range of Beta(p n, (1 - p) n), by cube roots of its two gammas (Wilson and Hilferty 1931, Paulson 1942).

    Within 0.2 points of the exact quantiles for n >= 30 and p between 0.05 and 0.95; nearer to certainty it is drawn as
    if one success and one failure had been seen.
    """
    if n <= 2.0:
        return 0.0, 1.0
    won = min(max(p * n, 1.0), n - 1.0)
    lost = n - won
    spread_won, spread_lost = 1 / (9 * won), 1 / (9 * lost)
    mean_won, mean_lost = 1 - spread_won, 1 - spread_lost
    a = mean_won * mean_won - _Z95 * _Z95 * spread_won
    b = mean_won * mean_lost
    c = mean_lost * mean_lost - _Z95 * _Z95 * spread_lost
    root = math.sqrt(max(b * b - a * c, 0.0))
    low, high = (1 / (1 + max((b + side * root) / a, 0.0) ** 3 * lost / won) for side in (1, -1))
    return min(low, p), max(high, p)


def lower_bound(p: float, n: float) -> float:
    """The 10 % lower credible bound by which "reliable" is judged: p - 1.28 sqrt(p (1 - p) / (n + 1))."""
    return p - 1.28 * math.sqrt(p * (1 - p) / (n + 1))


# Decayed visits of a merchant from which a cell of its own for each postal code pays: what 12 a day come to at the half-life. It
# pays that early because a cell leans so heavily on its zone (`Prior.postcode_weight`); below, there is nothing to read in it.
POSTCODES_FROM = 1_000


def by_postcode(merchant_cell: Cell, at: dt.datetime) -> bool:
    """Whether the merchant has visits enough for `estimate`'s third level. Its cells are kept from the first visit on."""
    return read(merchant_cell, at)[1] >= POSTCODES_FROM


# --- later visits ---------------------------------------------------------------------------------

# Customers, before anybody rang: (share, what every carrier's chance with them is multiplied by). So that a second, third and
# fourth carrier after failures of one that collects 70 % collect 0.77, 0.52 and 0.35 of what they else would.
CUSTOMERS = ((0.74, 1.0), (0.22, 0.5), (0.04, 0.0))
AGAIN = 0.85  # the rider who did not find the door finds it less likely than another
LATER_VISITS = tuple((visit, same) for visit in (2, 3, 4) for same in (True, False))
_PSEUDO_VISITS = 30.0
_MEAN_EASE = sum(share * ease for share, ease in CUSTOMERS)
_SUREST = 0.98  # at an easy customer's door


def visit_key(visit: int, same_carrier: bool) -> tuple[int, bool] | None:
    """Which learnt cell a visit has: None for a first one; the fourth stands for all after it."""
    return (min(visit, 4), same_carrier) if visit > 1 else None


@functools.lru_cache(maxsize=4096)  # for all carriers alike
def left(failed: tuple[float, ...]) -> float:
    """What failed visits leave of the next one's chance: the surer they were, the likelier it is the customer (1 after none).

    `failed` are the chances they had as first visits, brake included.
    """
    shares = [share for share, _ in CUSTOMERS]
    for p in failed:
        door = min(p / _MEAN_EASE, _SUREST)
        shares = [share * (1 - door * ease) for share, (_, ease) in zip(shares, CUSTOMERS, strict=True)]
    return sum(share * ease for share, (_, ease) in zip(shares, CUSTOMERS, strict=True)) / sum(shares) / _MEAN_EASE


def factor(failed: tuple[float, ...], same_carrier: bool, learnt: Mapping[tuple[int, bool], Cell], at: dt.datetime) -> float:
    """g of the visit after those that `failed` (as in `left`), by the carrier of the last one or by another: 1 for a first visit.

    What `left` says is corrected by what was seen: a learnt cell is fed with `observe(cell, collected, p * left(failed), at)`, p
    being the first-visit chance, and speaks against 30 expected successes of the prior.
    """
    key = visit_key(len(failed) + 1, same_carrier)
    if key is None:
        return 1.0
    collected, expected = read(learnt.get(key, Cell()), at)
    correction = (collected + _PSEUDO_VISITS * (AGAIN if same_carrier else 1.0)) / (expected + _PSEUDO_VISITS)
    return min(max(left(failed) * correction, 0.05), 1.0)


# --- the strike brake -----------------------------------------------------------------------------


def brake(service: Cell, zone: Cell, at: dt.datetime) -> float:
    """What to multiply p by after a bad run (a strike, a flood), of the whole service or in this zone: `Candidate.brake`.

    1 unless far fewer collected than expected. Both cells are fed with `observe(cell, collected, p * g, at, BRAKE_HALF_LIFE)`,
    p and g being the estimate and the factor the visit was chosen by, *without* its brake. A visit that does not count in the
    estimates does not count here either.
    """
    return min(_slowed(service, at), _slowed(zone, at))


def _slowed(recent: Cell, at: dt.datetime) -> float:
    """Two standard deviations are borne: of luck, and of an expectation that may itself be wrong by a tenth."""
    collected, expected = read(recent, at, BRAKE_HALF_LIFE)
    if expected - collected <= 2 * math.sqrt(expected / 4 + (_EXPECTED_WRONGLY * expected) ** 2) + 1:
        return 1.0
    return min((collected + 6) / (expected + 6), 1.0)


_EXPECTED_WRONGLY = 0.1
_STRIKE = 2 / 3  # what a brake leaves at most where it is a strike, not a worse week


def exposure(g: float, braked: float) -> float:
    """The weight with which a visit counts in the estimates: its g, and while there is a strike also its brake.

    A strike says nothing of the time after it. At their full weight its failures would outlast it by months, for nobody would
    ask the carrier and see it work again. `braked` is what `brake` says when the visit is counted.
    """
    return g * braked if braked < _STRIKE else g


# --- which visits count ---------------------------------------------------------------------------

# Reasons whose own words prove the customer or the merchant did it (an OTP, our own merchant's order).
_PROVEN = frozenset({Reason.CANCELLED_BY_CUSTOMER_VERIFIED, Reason.CANCELLED_BY_MERCHANT, Reason.ALREADY_COLLECTED})


def counts(reason: Reason, *, confirmed: bool = False, disputed: bool = False) -> bool:
    """Whether a failed visit counts in the estimates: all do, but those that are nobody's fault or confirmed.

    `confirmed`: the customer or merchant said it was so. Carriers report "customer unavailable" too easily, so unconfirmed
    ones count; a `disputed` one is the carrier's whatever it said.
    """
    if disputed:
        return True
    return reason.fault is not Fault.NOBODY and not confirmed and reason not in _PROVEN


def ripe(promised: dt.date, today: dt.date) -> bool:
    """Whether the visits promised for that day count by now: as they went, and as failed where nothing was heard of them (until the
    truth arrives: `take_back`).

    Those that collect are heard of first. Were they counted as they are heard, the days just past would look better than they
    were. The brake is fed at once.
    """
    return today - promised >= SILENCE


# --- days -----------------------------------------------------------------------------------------

SUCCESS_SLIP = 0.0  # assumed until seen: a promise is kept,
FAILURE_SLIP = 1.0  # and a failed visit is known a day later
_SLIP_WEIGHT = 10.0


class Days(msgspec.Struct, frozen=True):
    """Days beyond the promise, decayed and in fixed point like `Cell`."""

    total: int = 0
    count: int = 0


def observe_days(days: Days, slip: int, at: dt.datetime) -> Days:
    """One more outcome, so many days after (or before) the promised one."""
    unit = unit_at(at, HALF_LIFE)
    return Days(days.total + slip * unit, days.count + unit)


def take_back_days(days: Days, slip: int, at: dt.datetime) -> Days:
    """Without that outcome."""
    unit = unit_at(at, HALF_LIFE)
    return Days(days.total - slip * unit, days.count - unit)


def expected_days(promised: float, days: Days, prior_slip: float, at: dt.datetime) -> float:
    """Days from now to an outcome: the promise plus the decayed mean slip, never below 0."""
    unit = unit_at(at, HALF_LIFE)
    slip = (days.total / unit + _SLIP_WEIGHT * prior_slip) / (days.count / unit + _SLIP_WEIGHT)
    return max(promised + slip, 0.0)
