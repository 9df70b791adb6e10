"""The laws of the choice: what must hold whatever the figures are."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
import statistics
from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.units import Money
from rates.choice import Candidate, Situation, Why, order, rank, stop_at
from rates.estimates import Cell, Observation, Prior, estimate, interval, observe, rebuild
from rates.filters import Barred, Cause
from rates.policy import Policy
from tests.rates.making import NOW, candidate, policy, rupees, situation

chances = st.floats(0.02, 0.98)
amounts = st.integers(0, 400_00)


@st.composite
def tries(draw: st.DrawFn, most: int = 4) -> list[Candidate]:
    """Independent carriers: chance, price, what is due anyway, and days that cost the same whether it collects or not."""
    return [
        candidate(
            f"C{number}",
            draw(st.integers(1_00, 300_00)),
            draw(chances),
            due=draw(st.integers(0, 60_00)),
            brake=draw(st.sampled_from((1.0, 0.5))),
        )
        for number in range(draw(st.integers(1, most)))
    ]


@st.composite
def independents(draw: st.DrawFn) -> tuple[Policy, Situation]:
    """Terms under which tries are independent: no day costs anything, and changing carriers costs every try the same."""
    free = policy(
        give_up_at=Money(draw(st.integers(1_00, 600_00)), "INR"),
        failed_visit_cost=Money(draw(st.integers(0, 80_00)), "INR"),
        failover_cost=Money(draw(st.integers(0, 40_00)), "INR"),
        cost_per_day=rupees(0),
        deadline_penalty=rupees(0),
    )
    return free, situation(current=draw(st.none() | st.just(("cac_gone", "gone", "surface"))))


def expected_cost(asked: Sequence[Candidate], settings: Policy, where: Situation) -> float:
    """By enumeration: what it costs to ask these in turn until one collects, and then a person."""
    moving = settings.failover_cost.minor if where.current else 0
    cost, still_open = 0.0, 1.0
    for offer in asked:
        p = offer.estimate.p * offer.brake
        failed = offer.due_minor + settings.failed_visit_cost.minor
        cost += still_open * (moving + p * offer.price_minor + (1 - p) * failed)
        still_open *= 1 - p
    return cost + still_open * settings.give_up_at.minor


@given(tries(), independents())
def test_no_order_and_no_stopping_point_of_all_there_are_is_cheaper(offers, terms):
    settings, where = terms
    limit = stop_at(settings, where)
    ours = [offers[row.candidate] for row in order(offers, settings, where) if row.index <= limit]
    every = (some for length in range(len(offers) + 1) for some in itertools.permutations(offers, length))
    assert expected_cost(ours, settings, where) <= min(expected_cost(some, settings, where) for some in every) * (1 + 1e-9)


@given(tries(), st.integers(0, 100_00), st.floats(0, 0.9), st.integers(0, 3))
def test_who_gets_dearer_or_less_likely_does_not_move_up(offers, more, less, which):
    offer = offers[which % len(offers)]
    for worse in (
        msgspec.structs.replace(offer, price_minor=offer.price_minor + more),
        msgspec.structs.replace(offer, due_minor=offer.due_minor + more),
        msgspec.structs.replace(offer, g=1 - less),
        msgspec.structs.replace(offer, days_to_success=offer.days_to_success + more / 1000),
    ):
        rest = [worse if one is offer else one for one in offers]
        assert _place(rest, worse) >= _place(offers, offer)


def _place(offers: Sequence[Candidate], one: Candidate) -> int:
    return next(place for place, row in enumerate(order(offers, policy(), situation())) if offers[row.candidate] is one)


@given(tries(), independents(), st.floats(0.01, 1000))
def test_the_currency_does_not_change_the_order(offers, terms, times):
    """All money times a number: indices scale, and who is worth asking stays."""
    settings, where = terms
    rows = order(offers, settings, where)
    scaled = [_exchanged(offer, times) for offer in offers]
    kept = msgspec.structs.replace(
        settings,
        failed_visit_cost=Money(round(settings.failed_visit_cost.minor * times), "INR"),
        failover_cost=Money(round(settings.failover_cost.minor * times), "INR"),
    )
    exchanged = {row.candidate: row.index for row in order(scaled, kept, where)}
    for row in rows:  # amounts are whole minor units, each off by half a one at most
        assert abs(exchanged[row.candidate] - row.index * times) <= 0.51 * (1 + 3 / row.p)


def _exchanged(offer: Candidate, times: float) -> Candidate:
    return msgspec.structs.replace(offer, price_minor=round(offer.price_minor * times), due_minor=round(offer.due_minor * times))


@given(tries(), st.sets(st.integers(0, 3)))
def test_a_barred_carrier_never_wins_and_is_still_told_of(offers, left_out):
    barred = [
        Barred(account=offer.account, carrier=offer.carrier, service=offer.service, cause=Cause.CIRCUIT_OPEN)
        for number, offer in enumerate(offers)
        if number in left_out
    ]
    free = [offer for number, offer in enumerate(offers) if number not in left_out]
    decision = rank(free, barred, policy(), situation(), NOW)
    told = {row.candidate for row in (decision.chosen, decision.runner_up, decision.next_in_line) if row}
    assert {decision.candidates[number].account for number in told}.isdisjoint(one.account for one in barred)
    assert decision.barred == tuple(barred) and (free or decision.why is Why.NO_CANDIDATE)


moments = st.integers(0, 24 * 365 * 8).map(lambda hours: NOW - dt.timedelta(hours=hours))
visits = st.builds(Observation, at=moments, collected=st.booleans(), exposure=st.floats(0.05, 1.0))


@given(st.lists(visits, max_size=30), st.lists(visits, max_size=30))
def test_cells_add_up_like_the_histories_they_are_of(one, other):
    assert rebuild([*one, *other]) == rebuild(other) + rebuild(one)
    assert rebuild([*one, *other]) - rebuild(one) == rebuild(other)


@given(st.lists(visits, max_size=30), visits)
def test_a_collected_visit_never_lowers_a_chance_and_a_failed_one_never_raises_it(history, visit):
    before = rebuild(history)
    p = estimate(before, before, Prior(), NOW).p
    for collected in (True, False):
        after = observe(before, collected, 1.0, visit.at)
        moved = estimate(after, after, Prior(), NOW).p
        assert moved >= p - 1e-12 if collected else moved <= p + 1e-12


# --- ranges that hold the truth ----------------------------------------------------------------------


def test_the_posteriors_range_holds_the_truth_as_often_as_it_says():
    """Chances drawn from the prior, visits from the chances, on a fixed seed; chances that do not drift, like the prior's."""
    dice, prior = random.Random(8), Prior(settled=math.inf)
    held = [_holds(dice, prior, number % 60) for number in range(1500)]
    assert 0.935 <= statistics.fmean(held) <= 0.965


def _holds(dice: random.Random, prior: Prior, visited: int) -> bool:
    weight = prior.zone_weight
    p = dice.betavariate(prior.mean * weight, (1 - prior.mean) * weight)
    won = sum(dice.random() < p for _ in range(visited))
    zone = _cell(won, visited)
    # a service that has shown its mean for sure, so that the zone's weight is all that is in doubt
    sure = Cell(*(round(10**6 * share * observe(Cell(), True, 1.0, NOW).exposure) for share in (prior.mean, 1.0)))
    found = estimate(sure, zone, prior, NOW)
    return found.low <= p <= found.high


def _cell(won: int, visited: int) -> Cell:
    unit = observe(Cell(), True, 1.0, NOW).exposure
    return Cell(won * unit, visited * unit)


@given(chances, st.floats(4, 1e5))
def test_the_range_grows_with_doubt_and_holds_the_estimate(p, n):
    low, high = interval(p, n)
    wider_low, wider_high = interval(p, n / 2)
    assert low <= p <= high and wider_high - wider_low >= high - low - 1e-9
