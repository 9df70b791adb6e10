"""The simulator is sound: same luck for all, reports that come to what happened, rules that do what they are called."""

from __future__ import annotations

import random

import msgspec
import pytest

from rates.choice import Situation, order, rank
from rates.estimates import BRAKE_HALF_LIFE, Cell, observe
from rates.policy import DEFAULT
from tests.bench_choice import coverage, rules
from tests.bench_choice.__main__ import OURS, TOLD, Part, Play, luck
from tests.bench_choice.desk import Case, Desk, ToldDesk, Visit, moment
from tests.bench_choice.play import Bill, Oracle, Other, Ours, worth_asking
from tests.bench_choice.world import EASE, Terms, World
from tests.rates.making import NOW, candidate

SMALL = Terms(days=20, pickups_a_day=8, zones=3, codes_per_zone=4, monsoon_zones=1)


def bills(world: World) -> list[tuple[int, int, int]]:
    players = (Oracle(world), Ours(world), Other(world, rules.cheapest_quote, 1), Other(world, rules.thompson, 1))
    return [(bill.pickups, bill.collected, bill.cost) for bill in (player.play() for player in players)]


def test_the_same_seed_is_the_same_world_and_the_same_bills():
    assert bills(World(SMALL, 5)) == bills(World(SMALL, 5)) != bills(World(SMALL, 6))


def test_every_pickup_is_paid_for_by_whatever_rule():
    world = World(SMALL, 1)
    assert {pickups for pickups, _, _ in bills(world)} == {sum(map(len, world.pickups))}


def test_the_oracle_that_knows_all_pays_less_than_the_cheapest_quote():
    (_, _, oracle), _, (_, _, cheapest), _ = bills(World(msgspec.structs.replace(SMALL, days=60), 2))
    assert oracle < cheapest


def test_what_each_pickup_cost_adds_up_to_the_bill():
    players = Ours(World(SMALL, 1)), Other(World(SMALL, 1), rules.cheapest_quote, 1)
    assert [player.play().cost for player in players] == [sum(player.paid) for player in players]


def test_the_luck_between_two_rules_is_the_standard_error_of_what_their_pickups_cost_apart():
    assert luck([100, 100, 100, 100], [110, 90, 110, 90]) == pytest.approx(20)
    assert luck([100, 100], [120, 120]) == 0


def test_true_chances_are_chances_and_strikes_lower_them():
    world = World(msgspec.structs.replace(SMALL, strikes_a_year=60.0), 3)
    pickup = world.pickups[0][0]
    found = [world.chance(carrier, pickup, day) for carrier in range(6) for day in range(20)]
    assert all(0 < chance < 1 for chance in found) and min(found) < 0.2 < 0.5 < max(found)


def test_who_is_told_the_chances_believes_in_those_that_last_and_learns_them_from_no_visit():
    world = World(msgspec.structs.replace(SMALL, drift=0.0, strikes_a_year=0.0, local_strikes_a_year=0.0), 1)
    case, desk = case_of(world), ToldDesk(world)
    before, dry = chance(desk, case), world.chance(2, case.pickup, 0)
    desk.open(4, [visit(case, collected=False)])
    assert chance(desk, case) == before == pytest.approx(dry * sum(share * ease for share, ease in EASE))


def test_a_rule_is_beaten_by_a_bill_that_is_not_dearer():
    costs = {OURS: 101, TOLD: 100} | dict.fromkeys(rules.OTHERS, 110) | {"price / p": 101}
    play = Play(Part("normal", 20, 30), 1, {name: Bill(cost=cost) for name, cost in costs.items()}, {})
    assert play.beaten(OURS) and not play.beaten(TOLD)


def visit(case: Case, **facts: object) -> Visit:
    usual = Visit(
        case=case, carrier=2, promised=3, day=3, known=4, collected=True, later=None, g=1.0, expected=0.7, left=0.7, chance=0.7
    )
    return msgspec.structs.replace(usual, **facts)


def case_of(world: World) -> Case:
    return Case(pickup=world.pickups[0][0], number=0, visits=(0,) * 6, eases=tuple(share for share, _ in EASE))


def chance(desk: Desk, case: Case) -> float:
    return desk.beliefs(case.pickup)[2].estimate.p


def test_silence_counts_as_failed_until_the_truth_comes_as_if_it_had_never_been_thought():
    world = World(SMALL, 1)
    case, patient, told = case_of(world), Desk(world), Desk(world)
    late = visit(case, known=9)
    patient.expect(late)
    patient.open(4, ())
    assert chance(patient, case) < chance(told, case) == 0.7
    patient.open(9, [late])
    told.open(9, [visit(case, known=4)])
    assert patient.beliefs(case.pickup) == told.beliefs(case.pickup) and chance(told, case) > 0.7


def test_a_visit_heard_of_early_counts_when_the_silence_of_others_would_and_brakes_at_once():
    world = World(SMALL, 1)
    case, desk = case_of(world), Desk(world)
    desk.open(3, [visit(case, collected=False, known=3)])
    *estimates, recent, _ = desk.cells(case.pickup, 2)
    assert (estimates, recent) == ([Cell()] * 3, observe(Cell(), False, 0.7, moment(3), BRAKE_HALF_LIFE))
    desk.open(4, ())
    assert desk.cells(case.pickup, 2)[0] == observe(Cell(), False, 1.0, moment(3))


def test_the_desks_cells_are_those_of_the_visits():
    world = World(SMALL, 1)
    case, desk = case_of(world), Desk(world)
    desk.open(4, [visit(case, g=0.75, later=(2, False))])
    seen = observe(Cell(), True, 0.75, moment(3))
    recent = observe(Cell(), True, 0.7, moment(3), BRAKE_HALF_LIFE)
    assert desk.cells(case.pickup, 2) == (seen, seen, seen, recent, recent)


@pytest.mark.parametrize(
    ("rule", "winner"),
    [
        (rules.cheapest_quote, "Cheap"),
        (rules.highest_success, "Sure"),
        (rules.threshold_then_cheapest, "Good"),
        (rules.fixed_weights, "Cheap"),
        (rules.price_over_p, "Fair"),
    ],
)
def test_each_rule_does_what_it_is_called(rule, winner):
    offers = [
        candidate("Cheap", 60_00, 0.5, days=1.0),
        candidate("Fair", 80_00, 0.74, days=2.0),
        candidate("Good", 100_00, 0.8, days=2.0),
        candidate("Sure", 140_00, 0.95, days=2.0),
    ]
    found = worth_asking(offers, DEFAULT, Situation())
    assert rule(found, random.Random(1)).candidate.name == winner


def test_thompsons_draw_is_the_index_at_a_drawn_chance():
    sure, vague = candidate("Sure", 100_00, 0.8), candidate("Far", 130_00, 0.8)
    found = worth_asking([sure, vague], DEFAULT, Situation())
    assert {rules.thompson(found, random.Random(seed)).candidate.name for seed in range(50)} == {"Sure"}


def test_what_others_may_ask_is_what_ours_would_still_ask():
    offers = [candidate("A", 90_00, 0.8), candidate("B", 80_00, 0.6), candidate("Hopeless", 90_00, 0.02)]
    found = worth_asking(offers, DEFAULT, Situation())
    decision = rank(offers, (), DEFAULT, Situation(), NOW)
    assert [offer.row for offer in found] == order(offers, DEFAULT, Situation())[:2] and found[0].row == decision.chosen


def test_ranges_cover_what_they_say_they_cover():
    found = coverage.measure(1, 30, carriers=15)
    assert 0.92 <= found.wilson <= 0.98 and 0.92 <= found.posterior <= 0.98
