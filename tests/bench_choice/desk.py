"""What a rule can know: the product's own estimates, kept as the gateway keeps them, and the offers made from them.

Each visit teaches the strike brake's cells when it is heard of, and when it is ripe those of its carrier, zone and postal code, and
if it was a later one the factor of later visits. Silence counts as a failed visit until the truth arrives.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Hashable, Iterable

import msgspec

from adapters.contract.units import Money
from rates.choice import Candidate, Situation
from rates.decisions import Key
from rates.estimates import (
    BRAKE_HALF_LIFE,
    EPOCH,
    FAILURE_SLIP,
    LATER_VISITS,
    SILENCE,
    SUCCESS_SLIP,
    Cell,
    Days,
    Estimate,
    Prior,
    brake,
    by_postcode,
    estimate,
    expected_days,
    exposure,
    factor,
    observe,
    observe_days,
    prior_of,
)
from rates.policy import DEFAULT
from tests.bench_choice.world import EASE, Pickup, World

_MEAN_EASE = sum(share * ease for share, ease in EASE)
_NOON = EPOCH + dt.timedelta(hours=12)


def moment(day: int) -> dt.datetime:
    return _NOON + dt.timedelta(days=day)


class Case(msgspec.Struct, kw_only=True):
    """A pickup on its way: who holds it, the visits each carrier made, the chances these had, what it has cost so far.

    `number` counts the world's pickups from 0. `eases` is what all visits so far truly say of the customer: for the oracle alone.
    """

    pickup: Pickup
    number: int
    visits: tuple[int, ...]
    eases: tuple[float, ...]
    current: int | None = None
    made: int = 0
    failed: tuple[float, ...] = ()
    cost: int = 0


class Lesson(msgspec.Struct, frozen=True):
    """What a visit gave the cells: the estimates', the brake's, and those of later visits."""

    seen: Cell
    recent: Cell
    later: Cell


class Visit(msgspec.Struct, kw_only=True):
    """A visit as it will be reported: when it should have been and was, and when its outcome is known.

    `g` is its factor; `expected` and `left` are what it counts for in the brake and the factors of later visits, `chance` what a
    failure says of the customer. `guess` is what its silence gave.
    """

    case: Case
    carrier: int
    promised: int
    day: int
    known: int
    collected: bool
    later: tuple[int, bool] | None
    g: float
    expected: float
    left: float
    chance: float
    guess: Lesson | None = None

    @property
    def ripe_from(self) -> int:
        """The day from which it counts, and its silence as a failure."""
        return self.promised + SILENCE.days


class Belief(msgspec.Struct, frozen=True):
    """One carrier's chance at one place, and the days beyond its promise."""

    estimate: Estimate
    brake: float
    late_if_collected: float
    late_if_failed: float


class Desk:
    """The estimates of one merchant, learnt from what one rule had done."""

    def __init__(self, world: World) -> None:
        terms = world.terms
        self.world = world
        self._carriers = range(terms.carriers)
        self._all = Cell()
        self._services = [Cell() for _ in self._carriers]
        self._zones = [[Cell()] * terms.zones for _ in self._carriers]
        self._codes = [[Cell()] * (terms.zones * terms.codes_per_zone) for _ in self._carriers]
        self._recent = [Cell() for _ in self._carriers]
        self._recent_zones = [[Cell()] * terms.zones for _ in self._carriers]
        self._slips = [{True: Days(), False: Days()} for _ in self._carriers]
        self._later = dict.fromkeys(LATER_VISITS, Cell())
        self._silent: dict[int, list[Visit]] = defaultdict(list)
        self._unripe: dict[int, list[Visit]] = defaultdict(list)
        self.open(0, ())

    # --- learning

    def expect(self, visit: Visit) -> None:
        """A visit was ordered: if nothing will be heard of it in time, it counts as failed from that day on."""
        if visit.known > visit.ripe_from:
            self._silent[visit.ripe_from].append(visit)

    def open(self, day: int, reports: Iterable[Visit]) -> None:
        """A new day: learn what is reported, and read the estimates as they stand now."""
        self.day, self.now = day, moment(day)
        for visit in self._silent.pop(day, ()):
            visit.guess = self._lesson(visit, moment(visit.promised), False)
            self._count_recent(visit, visit.guess.recent)
            self._count(visit, visit.guess)
        for visit in reports:
            self._hear(visit)
        for visit in self._unripe.pop(day, ()):
            self._learn(visit)
        self._read()

    def _hear(self, visit: Visit) -> None:
        if visit.guess:
            self._count_recent(visit, visit.guess.recent, -1)
            self._count(visit, visit.guess, -1)
        self._count_recent(visit, self._lesson(visit, moment(visit.day), visit.collected).recent)
        self._unripe[max(visit.ripe_from, self.day)].append(visit)

    def _learn(self, visit: Visit) -> None:
        self._count(visit, self._lesson(visit, moment(visit.day), visit.collected))
        slips, ended = self._slips[visit.carrier], visit.day if visit.collected else visit.known
        slips[visit.collected] = observe_days(slips[visit.collected], ended - visit.promised, moment(visit.day))

    def _lesson(self, visit: Visit, at: dt.datetime, collected: bool) -> Lesson:
        carrier, zone = visit.carrier, visit.case.pickup.zone
        braked = brake(self._recent[carrier], self._recent_zones[carrier][zone], self.now)
        return Lesson(
            observe(Cell(), collected, exposure(visit.g, braked), at),
            observe(Cell(), collected, visit.expected, at, BRAKE_HALF_LIFE),
            observe(Cell(), collected, visit.left, at) if visit.later else Cell(),
        )

    def _count(self, visit: Visit, lesson: Lesson, sign: int = 1) -> None:
        """One visit in all its cells but the brake's; a sign of -1 takes it back."""
        carrier, zone, code = visit.carrier, visit.case.pickup.zone, visit.case.pickup.code
        seen = _signed(lesson.seen, sign)
        self._all += seen
        self._services[carrier] += seen
        self._zones[carrier][zone] += seen
        self._codes[carrier][code] += seen
        if visit.later:
            self._later[visit.later] += _signed(lesson.later, sign)

    def _count_recent(self, visit: Visit, recent: Cell, sign: int = 1) -> None:
        self._recent[visit.carrier] += _signed(recent, sign)
        self._recent_zones[visit.carrier][visit.case.pickup.zone] += _signed(recent, sign)

    def _read(self) -> None:
        self._fine = by_postcode(self._all, self.now)
        self._prior = prior_of(self._all, self.now, Prior())
        self._late = [(self._slip(slips[True], SUCCESS_SLIP), self._slip(slips[False], FAILURE_SLIP)) for slips in self._slips]
        self._beliefs: dict[int, list[Belief]] = {}
        self._brakes: dict[int, list[float]] = {}

    def _slip(self, slips: Days, prior: float) -> float:
        return expected_days(0.0, slips, prior, self.now)

    def cells(self, pickup: Pickup, carrier: int) -> tuple[Cell, ...]:
        """The carrier's, its zone's and postal code's; the recent ones of the carrier and its zone."""
        zone, code = pickup.zone, pickup.code
        levels = (self._services[carrier], self._zones[carrier][zone], self._codes[carrier][code])
        return (*levels, self._recent[carrier], self._recent_zones[carrier][zone])

    # --- what is believed today

    def likeness(self, case: Case) -> Hashable:
        """Cases that are alike get the same offers today. Estimates tell zones apart, or postal codes where these have cells."""
        return self._place(case.pickup), case.pickup.heavy, case.failed, case.visits, case.current, case.pickup.day

    def _place(self, pickup: Pickup) -> int:
        return pickup.code if self._fine else ~pickup.zone

    def beliefs(self, pickup: Pickup) -> list[Belief]:
        place = self._place(pickup)
        found = self._beliefs.get(place)
        if found is None:
            brakes = self._brakes_in(pickup.zone)
            found = self._beliefs[place] = [self._belief(carrier, pickup, brakes[carrier]) for carrier in self._carriers]
        return found

    def _belief(self, carrier: int, pickup: Pickup, braked: float) -> Belief:
        service, zone, code, _, _ = self.cells(pickup, carrier)
        return Belief(estimate(service, zone, self._prior, self.now, code if self._fine else None), braked, *self._late[carrier])

    def _brakes_in(self, zone: int) -> list[float]:
        found = self._brakes.get(zone)
        if found is None:
            found = [brake(self._recent[carrier], self._recent_zones[carrier][zone], self.now) for carrier in self._carriers]
            self._brakes[zone] = found
        return found

    def offers(self, case: Case) -> list[Candidate]:
        """What every carrier that may still come asks for, with its chance at this visit."""
        beliefs, most = self.beliefs(case.pickup), DEFAULT.visits_per_carrier
        another, again = (factor(case.failed, same, self._later, self.now) for same in (False, True))
        return [
            offer(self.world, case, carrier, beliefs[carrier], again if carrier == case.current else another)
            for carrier in self._carriers
            if case.visits[carrier] < most
        ]

    def factor(self, case: Case, carrier: int) -> float:
        return factor(case.failed, case.current == carrier, self._later, self.now)

    def situation(self, case: Case) -> Situation:
        return Situation(
            elapsed_days=float(self.day - case.pickup.day),
            current=None if case.current is None else key(case.current),
            visits=case.made,
            zone=f"IN-{560 + case.pickup.zone}",
        )


class ToldDesk(Desk):
    """One that need not learn chances: it was told each carrier's lasting one at every postal code. Days, brakes and the factors
    of later visits it learns like any other."""

    def _place(self, pickup: Pickup) -> int:
        return pickup.code

    def _belief(self, carrier: int, pickup: Pickup, braked: float) -> Belief:
        return Belief(certain(self.world.lasting(carrier, pickup) * _MEAN_EASE), braked, *self._late[carrier])


def certain(p: float) -> Estimate:
    return Estimate(p=p, n=1e9, low=p, high=p, visits=0.0)


@functools.cache
def key(carrier: int) -> Key:
    return f"cac_{carrier}", str(carrier), "surface"


def number(candidate: Candidate) -> int:
    return int(candidate.carrier)


def offer(world: World, case: Case, carrier: int, belief: Belief, g: float) -> Candidate:
    """A carrier's offer for the case's next visit, as it is believed in."""
    pickup, due = case.pickup, world.due_anyway(carrier)
    price, lead = world.prices[carrier][pickup.zone][pickup.heavy], world.leads[carrier][pickup.zone]
    account, name, service = key(carrier)
    return Candidate(
        account=account,
        carrier=name,
        service=service,
        price=_rupees(price),
        price_minor=price,
        due_if_not_collected=_rupees(due),
        due_minor=due,
        estimate=belief.estimate,
        days_to_success=lead + belief.late_if_collected,
        days_to_failure=lead + belief.late_if_failed,
        visit=case.made + 1,
        g=g,
        brake=belief.brake,
    )


@functools.cache
def _rupees(minor: int) -> Money:
    return Money(minor, "INR")


def _signed(cell: Cell, sign: int) -> Cell:
    return cell if sign > 0 else Cell() - cell
