"""One way of choosing in one world, day by day: learn what is reported, choose, and pay what it comes to.

The bill of a pickup: the price if it was collected, what is due anyway and the merchant's cost of each failed visit, each
change of carrier, every day until it was collected or handed over, the missed deadline, and the person it was handed to. The
policy is the product's default but for the cost of a failed visit, which is the world's.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Sequence

import msgspec

from adapters.contract.units import Money
from rates.choice import Candidate, Situation, order, rank, stop_at
from rates.estimates import left, visit_key
from rates.policy import DEFAULT, Policy
from tests.bench_choice.desk import Belief, Case, Desk, ToldDesk, Visit, certain, number, offer
from tests.bench_choice.rules import Offer, Rule
from tests.bench_choice.world import EASE, World

_SHARES = tuple(share for share, _ in EASE)


class Bill(msgspec.Struct):
    """What one way of choosing came to; `cost` in minor units."""

    pickups: int = 0
    collected: int = 0
    visits: int = 0
    cost: int = 0


class Player(ABC):
    """The common part: visits happen, are reported, and cost. `choose` says who comes next, None for a person."""

    def __init__(self, world: World) -> None:
        self.world, self.desk, self.bill = world, Desk(world), Bill()
        self.paid = [0] * sum(map(len, world.pickups))  # by pickup, in minor units
        self.policy = msgspec.structs.replace(DEFAULT, failed_visit_cost=Money(world.terms.failed_visit_cost * 100, "INR"))
        self._reports: dict[int, list[Visit]] = defaultdict(list)
        self._unvisited = (0,) * world.terms.carriers

    @abstractmethod
    def choose(self, case: Case) -> int | None: ...

    def play(self) -> Bill:
        for day in range(self.world.last_day):
            self._day(day, self._reports.pop(day, []))
        return self.bill

    def start(self, day: int, reports: Sequence[Visit]) -> None:
        self.desk.open(day, reports)

    def sent(self, visit: Visit) -> None:
        self.desk.expect(visit)

    def _day(self, day: int, reports: Sequence[Visit]) -> None:
        self.start(day, reports)
        for visit in reports:
            if not visit.collected:
                self._go_on(visit.case)
        for pickup in self.world.pickups[day] if day < self.world.terms.days else ():
            case = Case(pickup=pickup, number=self.bill.pickups, visits=self._unvisited, eases=_SHARES)
            self.bill.pickups += 1
            self._go_on(case)

    def _go_on(self, case: Case) -> None:
        carrier = self.choose(case) if case.made < self.policy.visits_in_all else None
        if carrier is None:
            self._hand_over(case)
        else:
            self._send(case, carrier)

    def _hand_over(self, case: Case) -> None:
        """A person costs the limit itself: with the penalty, if the deadline was not missed before."""
        waited = self.desk.day - case.pickup.day
        missed = self.policy.deadline_penalty.minor
        self._pay(case, self.policy.give_up_at.minor + self.policy.cost_per_day.minor * waited + missed)

    def _pay(self, case: Case, last: int) -> None:
        self.paid[case.number] = case.cost + last
        self.bill.cost += case.cost + last

    def _send(self, case: Case, carrier: int) -> None:
        visit = self._visit(case, carrier)
        if case.current not in (None, carrier):
            case.cost += self.policy.failover_cost.minor
        case.current, case.made = carrier, case.made + 1
        case.failed = (*case.failed, visit.chance)
        case.visits = (*case.visits[:carrier], case.visits[carrier] + 1, *case.visits[carrier + 1 :])
        self.bill.visits += 1
        self.sent(visit)
        self._reports[visit.known].append(visit)
        if visit.collected:
            self._collect(case, visit)
        else:
            case.cost += self.world.due_anyway(carrier) + self.policy.failed_visit_cost.minor

    def _collect(self, case: Case, visit: Visit) -> None:
        waited, pickup = visit.day - case.pickup.day, case.pickup
        price = self.world.prices[visit.carrier][pickup.zone][pickup.heavy]
        late = self.policy.deadline_penalty.minor if waited > self.policy.deadline_days else 0
        self.bill.collected += 1
        self._pay(case, price + self.policy.cost_per_day.minor * waited + late)

    def _visit(self, case: Case, carrier: int) -> Visit:
        """What comes of it, by the world's truth on the day of the visit."""
        world, pickup, draw = self.world, case.pickup, case.pickup.draws[case.made]
        promised = self.desk.day + world.leads[carrier][pickup.zone]
        day = min(promised + world.slip(draw), world.last_day - 1)
        door = world.chance(carrier, pickup, day) * world.again(case.current == carrier)
        collected = draw < door * pickup.ease
        case.eases = tuple(share * (1 - door * ease) for share, (_, ease) in zip(case.eases, EASE, strict=True))
        first, braked, g = self.believed(case, carrier)
        return Visit(
            case=case,
            carrier=carrier,
            promised=promised,
            day=day,
            known=day + world.report(draw, collected=collected),
            collected=collected,
            later=visit_key(case.made + 1, case.current == carrier),
            g=g,
            expected=first * g,
            left=first * left(case.failed),
            chance=first * braked,
        )

    def believed(self, case: Case, carrier: int) -> tuple[float, float, float]:
        """The carrier's first-visit chance, brake and factor, by which a visit is counted when it is reported."""
        belief = self.desk.beliefs(case.pickup)[carrier]
        return belief.estimate.p, belief.brake, self.desk.factor(case, carrier)


class Ours(Player):
    """The product's rule: `rates.choice.rank`, sentence and all; what it decides holds for all cases alike that day."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._chosen: dict[Hashable, int | None] = {}

    def start(self, day: int, reports: Sequence[Visit]) -> None:
        super().start(day, reports)
        self._chosen.clear()

    def choose(self, case: Case) -> int | None:
        alike = self.desk.likeness(case)
        if alike not in self._chosen:
            decision = rank(self.desk.offers(case), (), self.policy, self.desk.situation(case), self.desk.now)
            self._chosen[alike] = number(decision.of(decision.chosen)) if decision.chosen else None
        return self._chosen[alike]


class Told(Ours):
    """The product's rule with nothing left to learn of chances but the weather: a bound for whoever has to learn them."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.desk = ToldDesk(world)


class Other(Player):
    """Another rule on the same offers."""

    def __init__(self, world: World, rule: Rule, seed: int) -> None:
        super().__init__(world)
        self._rule, self._dice = rule, random.Random(f"{seed} of a rule")
        self._worth: dict[Hashable, list[Offer]] = {}

    def start(self, day: int, reports: Sequence[Visit]) -> None:
        super().start(day, reports)
        self._worth.clear()

    def choose(self, case: Case) -> int | None:
        alike = self.desk.likeness(case)
        offers = self._worth.get(alike)
        if offers is None:
            offers = self._worth[alike] = worth_asking(self.desk.offers(case), self.policy, self.desk.situation(case))
        return number(self._rule(offers, self._dice).candidate) if offers else None


def worth_asking(candidates: Sequence[Candidate], policy: Policy, situation: Situation) -> list[Offer]:
    """Those whose expected cost is not above a person's, by rising cost."""
    limit = stop_at(policy, situation)
    return [Offer(candidates[row.candidate], row) for row in order(candidates, policy, situation) if row.index <= limit]


class Oracle(Player):
    """The index by that day's true chances, by the customer's ease as all visits so far show it, and by true mean delays."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._late = world.mean_lateness()

    def start(self, day: int, reports: Sequence[Visit]) -> None:
        self.desk.open(day, ())

    def sent(self, visit: Visit) -> None:
        """Nothing: it knows the world, so no visit teaches it anything."""

    def believed(self, case: Case, carrier: int) -> tuple[float, float, float]:
        """Whatever it says: nobody counts what it expects of a visit."""
        return 1.0, 1.0, 1.0

    def choose(self, case: Case) -> int | None:
        eases, most = case.eases, self.policy.visits_per_carrier
        ease = sum(share * ease for share, (_, ease) in zip(eases, EASE, strict=True)) / sum(eases)
        carriers = [carrier for carrier, made in enumerate(case.visits) if made < most]
        offers = [offer(self.world, case, carrier, self._truth(case, carrier, ease), 1.0) for carrier in carriers]
        best = worth_asking(offers, self.policy, self.desk.situation(case))
        return number(best[0].candidate) if best else None

    def _truth(self, case: Case, carrier: int, ease: float) -> Belief:
        p = self.world.chance(carrier, case.pickup, self.desk.day) * self.world.again(case.current == carrier) * ease
        return Belief(certain(p), 1.0, *self._late)
