"""A world of reverse pickups that nobody in it knows: six carriers, twenty zones, and chances that drift, strike and get wet.

All chances are on the log-odds scale: carrier + zone + carrier in zone + postal code + drift + monsoon; a strike multiplies
what comes out. Whether a customer opens the door is hers alone (`EASE`), the same for every carrier, which is what makes
later visits less likely to collect. All draws of a pickup are made beforehand: every rule plays against the same luck.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

# The hidden customer: (share, what her carriers' chances are multiplied by).
EASE = ((0.70, 1.0), (0.22, 0.55), (0.08, 0.08))
AFTER_THE_LAST_DAY = 45  # days in which what was begun is brought to its end
MOST_VISITS = 5
_DAYS_OF_YEAR = 365


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The world's parameters; `sd_...` are log-odds."""

    days: int = 365
    pickups_a_day: int = 200
    carriers: int = 6
    zones: int = 20
    codes_per_zone: int = 25
    zipf: float = 1.0  # the r-th busiest postal code has a volume of 1 / r^zipf
    mean_log_odds: float = 1.5
    sd_carrier: float = 0.45
    sd_zone: float = 0.35
    sd_carrier_in_zone: float = 0.35
    sd_code: float = 0.20
    sd_carrier_in_code: float = 0.25
    drift: float = 1.0  # a factor on the two below
    sd_drift_carrier: float = 0.20
    sd_drift_in_zone: float = 0.25
    days_of_drift: float = 90.0  # after so long, e^-1 of a deviation is left
    strikes_a_year: float = 0.25  # of a carrier everywhere,
    local_strikes_a_year: float = 0.35  # of a carrier in one zone
    strike_leaves: float = 0.15  # of the chance
    monsoon: tuple[int, int] = (61, 167)  # days of the year, which begins in April
    monsoon_zones: int = 8
    monsoon_log_odds: float = -0.5  # times 0.3 to 1.7 by carrier
    same_carrier_again: float = 0.88  # the rider that did not find the door does not find it
    failed_visit_cost: int = 15
    price_mean: int = 95
    price_sd: float = 9.0
    price_per_log_odds: float = 14.0  # better carriers are dearer, on average
    price_sd_in_zone: float = 0.06
    heavy: tuple[float, float] = (0.4, 1.35)  # share of heavy parcels, and what they cost more
    due_anyway: tuple[int, ...] = (0, 0, 15, 0, 25, 0)  # of a failed visit, by carrier
    leads: tuple[int, ...] = (1, 1, 1, 2, 2, 3)  # days promised, by carrier,
    far_lead: int = 1  # and more in far zones
    late: tuple[float, float] = (0.12, 0.04)  # chances that the visit is one, two days late
    report_of_success: tuple[float, ...] = (0.80, 0.15, 0.05)  # chances of 0, 1, 2 days until it is known
    report_of_failure: tuple[float, ...] = (0.0, 0.35, 0.35, 0.20, 0.10)


class _Distance(msgspec.Struct, frozen=True):
    """Zones up to this share of all: how much dearer they are than near ones, and whether they take longer."""

    up_to: float
    dearer: float
    slower: bool


_DISTANCES = (_Distance(0.35, 1.0, False), _Distance(0.75, 1.15, False), _Distance(1.0, 1.4, True))


class Pickup(msgspec.Struct, frozen=True):
    """A pickup asked for on `day`. `code` counts through all zones; `draws` decide its visits, one each."""

    day: int
    zone: int
    code: int
    heavy: bool
    ease: float
    draws: tuple[float, ...]


class World:
    """All that happens, but for what the rules choose."""

    def __init__(self, terms: Terms, seed: int) -> None:
        self.terms = terms
        self.last_day = terms.days + AFTER_THE_LAST_DAY
        dice = random.Random(f"{seed} of pickups")
        self._draw_places(dice)
        self._draw_prices(dice)
        self._draw_days(dice)
        self.pickups = self._draw_pickups(dice)

    # --- places and carriers

    def _draw_places(self, dice: random.Random) -> None:
        terms = self.terms
        self.quality = [dice.gauss(0, terms.sd_carrier) for _ in range(terms.carriers)]
        here = [dice.gauss(0, terms.sd_zone) for _ in range(terms.zones)]
        self._home = [
            [terms.mean_log_odds + quality + here[zone] + dice.gauss(0, terms.sd_carrier_in_zone) for zone in range(terms.zones)]
            for quality in self.quality
        ]
        codes = terms.zones * terms.codes_per_zone
        common = [dice.gauss(0, terms.sd_code) for _ in range(codes)]
        # by carrier and postal code: what its odds are multiplied by
        self._code_odds = [
            [math.exp(common[code] + dice.gauss(0, terms.sd_carrier_in_code)) for code in range(codes)] for _ in self.quality
        ]
        self.zone_of = [dice.randrange(terms.zones) for _ in range(codes)]
        ranks = dice.sample(range(1, codes + 1), codes)
        self._volumes = [rank**-terms.zipf for rank in ranks]

    def _draw_prices(self, dice: random.Random) -> None:
        """Minor units by carrier, zone and weight; days promised by carrier and zone."""
        terms = self.terms
        self.prices: list[list[tuple[int, int]]] = []
        self.leads: list[list[int]] = []
        distances = [next(far for far in _DISTANCES if (zone + 0.5) / terms.zones <= far.up_to) for zone in range(terms.zones)]
        for carrier, quality in enumerate(self.quality):
            base = dice.gauss(terms.price_mean + terms.price_per_log_odds * quality, terms.price_sd)
            here = [max(base, 40) * far.dearer * dice.gauss(1, terms.price_sd_in_zone) for far in distances]
            self.prices.append([(round(price * 100), round(price * terms.heavy[1] * 100)) for price in here])
            lead = terms.leads[carrier % len(terms.leads)]
            self.leads.append([lead + terms.far_lead * far.slower for far in distances])

    # --- days

    def _draw_days(self, dice: random.Random) -> None:
        """By carrier, zone and day: the odds without the postal code, and what a strike leaves of the chance."""
        terms = self.terms
        wet = set(dice.sample(range(terms.zones), terms.monsoon_zones))
        self._odds: list[list[list[float]]] = []
        self._working: list[list[list[float]]] = []
        for carrier in range(terms.carriers):
            everywhere = self._wander(dice, terms.sd_drift_carrier)
            wetness = dice.uniform(0.3, 1.7) * terms.monsoon_log_odds
            strikes = self._strikes(dice, terms.strikes_a_year, [1.0] * self.last_day)
            odds, working = [], []
            for zone in range(terms.zones):
                local = self._wander(dice, terms.sd_drift_in_zone)
                rain = self._rain(wetness if zone in wet else 0.0)
                home = self._home[carrier][zone]
                odds.append([math.exp(home + a + b + c) for a, b, c in zip(everywhere, local, rain, strict=True)])
                working.append(self._strikes(dice, terms.local_strikes_a_year, strikes))
            self._odds.append(odds)
            self._working.append(working)

    def _wander(self, dice: random.Random, sd: float) -> list[float]:
        """A walk that is drawn back to 0 (Ornstein and Uhlenbeck), from its long-run spread on."""
        keep = math.exp(-1 / self.terms.days_of_drift)
        sd *= self.terms.drift
        at, step = dice.gauss(0, sd), sd * math.sqrt(1 - keep * keep)
        walk = []
        for _ in range(self.last_day):
            walk.append(at)
            at = keep * at + dice.gauss(0, step)
        return walk

    def _rain(self, log_odds: float) -> list[float]:
        first, last = self.terms.monsoon
        return [log_odds if first <= day % _DAYS_OF_YEAR < last else 0.0 for day in range(self.last_day)]

    def _strikes(self, dice: random.Random, a_year: float, working: Sequence[float]) -> list[float]:
        """`working` with strikes of three to ten days."""
        found, left = list(working), 0
        for day in range(self.last_day):
            if not left and dice.random() < a_year / _DAYS_OF_YEAR:
                left = dice.randint(3, 10)
            if left:
                found[day], left = self.terms.strike_leaves, left - 1
        return found

    # --- pickups

    def _draw_pickups(self, dice: random.Random) -> list[list[Pickup]]:
        days = []
        shares, eases = [share for share, _ in EASE], [ease for _, ease in EASE]
        codes = range(len(self._volumes))
        for day in range(self.terms.days):
            count = round(max(dice.gauss(self.terms.pickups_a_day, math.sqrt(self.terms.pickups_a_day)), 0))
            places, hers = dice.choices(codes, self._volumes, k=count), dice.choices(eases, shares, k=count)
            days.append([self._pickup(dice, day, code, ease) for code, ease in zip(places, hers, strict=True)])
        return days

    def _pickup(self, dice: random.Random, day: int, code: int, ease: float) -> Pickup:
        draws = tuple(dice.random() for _ in range(MOST_VISITS))
        return Pickup(day, self.zone_of[code], code, draws[0] * 977 % 1 < self.terms.heavy[0], ease, draws)

    # --- what happens

    def chance(self, carrier: int, pickup: Pickup, day: int) -> float:
        """The truth of that day, for a customer who surely opens."""
        odds = self._odds[carrier][pickup.zone][day] * self._code_odds[carrier][pickup.code]
        return odds / (1 + odds) * self._working[carrier][pickup.zone][day]

    def lasting(self, carrier: int, pickup: Pickup) -> float:
        """The chance there without drift, monsoon and strikes, for a customer who surely opens."""
        odds = math.exp(self._home[carrier][pickup.zone]) * self._code_odds[carrier][pickup.code]
        return odds / (1 + odds)

    def again(self, same_carrier: bool) -> float:
        return self.terms.same_carrier_again if same_carrier else 1.0

    def due_anyway(self, carrier: int) -> int:
        return self.terms.due_anyway[carrier % len(self.terms.due_anyway)] * 100

    def mean_lateness(self) -> tuple[float, float]:
        """Days beyond the promise until a success, and until a failure is known."""
        late = sum(days * share for days, share in enumerate(self.terms.late, 1))
        return late, late + sum(days * share for days, share in enumerate(self.terms.report_of_failure))

    def slip(self, draw: float) -> int:
        """Days the visit comes late."""
        return _pick(self.terms.late[::-1], draw * 1009 % 1, 2)

    def report(self, draw: float, *, collected: bool) -> int:
        """Days until its outcome is known."""
        shares = self.terms.report_of_success if collected else self.terms.report_of_failure
        at = draw * 1_000_003 % 1
        for days, share in enumerate(shares):
            at -= share
            if at < 0:
                return days
        return len(shares) - 1


def _pick(shares: Sequence[float], at: float, first: int) -> int:
    """`first`, `first` - 1... with these chances, else 0."""
    for back, share in enumerate(shares):
        at -= share
        if at < 0:
            return first - back
    return 0
