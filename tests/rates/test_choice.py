from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.contract.units import Money, Weight
from rates.choice import (
    Barred,
    Candidate,
    Cause,
    Decision,
    OtherRule,
    Outdated,
    Override,
    Situation,
    Why,
    order,
    outdated,
    rank,
    replay,
)
from rates.filters import Asked, Means, before_asking
from rates.policy import Policy
from tests.rates.making import NOW, candidate, estimate, parcel, policy, rupees, situation

FREE = policy(failed_visit_cost=rupees(0), cost_per_day=rupees(0), deadline_penalty=rupees(0), failover_cost=rupees(0))


def chosen(candidates: Sequence[Candidate], settings: Policy | None = None, where: Situation | None = None) -> str | None:
    decision = rank(candidates, (), settings or policy(), where or situation(), NOW)
    return decision.of(decision.chosen).name if decision.chosen else None


def names(decision: Decision) -> list[str]:
    return [decision.of(row).name for row in decision.rows]


def index(offer: Candidate, settings: Policy | None = None, where: Situation | None = None) -> float:
    (row,) = order([offer], settings or policy(), where or situation())
    return row.index


# --- the reckoning by hand ------------------------------------------------------------------------


def test_the_index_is_the_price_plus_the_expected_failures():
    assert index(candidate(price=100_00, p=0.8)) == pytest.approx(100_00 + 0.25 * 15_00)


def test_what_is_due_anyway_is_paid_at_every_failure():
    assert index(candidate(price=100_00, p=0.8, due=20_00)) == pytest.approx(100_00 + 0.25 * 35_00)


def test_days_cost_in_both_outcomes():
    slow = candidate(price=100_00, p=0.8, days_to_success=1.0, days_to_failure=3.0)
    assert index(slow) == pytest.approx(108_00 + 0.25 * (15_00 + 24_00))


@pytest.mark.parametrize(
    ("elapsed", "days", "cost"),
    [
        (0.0, 5.0, 40_00),
        (0.0, 5.5, 44_00 + 40_00),
        (4.0, 1.0, 8_00),
        (4.0, 2.0, 16_00 + 40_00),
        (5.0, 0.0, 0),
        (5.0, 1.0, 8_00 + 40_00),
        (6.0, 2.0, 16_00),
    ],
)
def test_the_deadlines_penalty_falls_once_when_it_is_passed(elapsed, days, cost):
    late = candidate(price=100_00, p=0.5, days=days)
    assert index(late, where=situation(elapsed_days=elapsed)) == pytest.approx(100_00 + cost + 15_00 + cost)


def test_changing_carriers_costs_once_per_try_and_staying_does_not():
    stay, leave = candidate("Stay", 100_00, 0.5), candidate("Leave", 100_00, 0.5)
    held = situation(current=stay.key)
    assert (index(stay, where=held), index(leave, where=held)) == pytest.approx((115_00, 115_00 + 12_00))


def test_a_first_booking_pays_no_fail_over():
    assert index(candidate(price=100_00, p=0.5), where=situation(current=None)) == pytest.approx(115_00)


def test_another_service_of_the_same_carrier_is_a_change_too():
    surface = candidate("Xpress", 100_00, 0.5)
    air = msgspec.structs.replace(surface, service="air")
    assert index(air, where=situation(current=surface.key)) == pytest.approx(127_00)


def test_a_later_visit_and_a_strike_lower_the_chance():
    assert index(candidate(price=100_00, p=0.8, visit=2, g=0.5, brake=0.5)) == pytest.approx(100_00 + 4 * 15_00)


def test_a_decision_holds_its_inputs_and_its_reckoning():
    offers = (candidate("Dear", 100_00, 0.9), candidate("Cheap", 80_00, 0.5))
    left_out = (Barred(account="cac_9", carrier="gone", service="air", cause=Cause.CIRCUIT_OPEN, detail="down"),)
    decision = rank(offers, left_out, policy(), situation(), NOW, dice=0.25)
    assert (decision.rule, decision.at, decision.candidates, decision.barred) == ("index-1", NOW, offers, left_out)
    assert (decision.policy, decision.situation, decision.dice, decision.limit) == (policy(), situation(), 0.25, 340_00)
    assert (decision.why, decision.propensity, decision.override, decision.explored) == (Why.CHOSEN, 1.0, None, False)
    cheap, dear = decision.rows
    assert (decision.chosen, decision.runner_up, decision.next_in_line) == (cheap, dear, dear)
    assert (cheap.candidate, cheap.p, cheap.cost_if_collected, cheap.cost_if_failed, cheap.index) == (1, 0.5, 80_00, 15_00, 95_00)


# --- who is chosen --------------------------------------------------------------------------------


def test_the_cheapest_quote_loses_where_it_seldom_collects():
    assert chosen([candidate("Cheap", 80_00, 0.3), candidate("Sure", 95_00, 0.95)]) == "Sure"


def test_the_surest_loses_where_it_is_too_dear():
    assert chosen([candidate("Cheap", 80_00, 0.7), candidate("Sure", 140_00, 0.95)]) == "Cheap"


def test_ties_go_to_the_lower_price_and_then_to_the_name_whatever_the_order():
    free = [candidate("B", 90_00, 0.8), candidate("A", 90_00, 0.8), candidate("C", 91_00, 0.8)]
    assert [names(rank(mixed, (), policy(), situation(), NOW)) for mixed in itertools.permutations(free)] == [["A", "B", "C"]] * 6


def test_nobody_is_chosen_when_a_person_is_cheaper():
    decision = rank([candidate("Dear", 336_26, 0.8)], (), policy(), situation(), NOW)
    assert (decision.chosen, decision.why, decision.runner_up, decision.next_in_line) == (None, Why.TOO_DEAR, None, None)


def test_up_to_the_limit_the_carrier_is_still_asked():
    assert chosen([candidate("Dear", 336_25, 0.8)]) == "Dear"  # an index of exactly 340.00


def test_a_missed_deadline_is_worth_no_more():
    offers = [candidate("Dear", 300_00, 0.8)]
    assert [chosen(offers, where=situation(elapsed_days=days)) for days in (5.0, 5.1)] == ["Dear", None]


def test_without_candidates_nobody_is_chosen():
    decision = rank((), (), policy(), situation(), NOW)
    assert (decision.chosen, decision.why, decision.rows, decision.floor_dropped) == (None, Why.NO_CANDIDATE, (), False)


def test_next_in_line_is_moved_by_another_and_worth_its_cost():
    offers = [
        candidate("First", 80_00, 0.9),
        msgspec.structs.replace(candidate("First", 85_00, 0.9), service="air"),
        candidate("Other", 90_00, 0.9),
        candidate("Hopeless", 90_00, 0.01),
    ]
    decision = rank(offers, (), policy(), situation(), NOW)
    assert decision.runner_up == decision.rows[1] and decision.next_in_line == decision.rows[2]
    alone = rank([offers[0], offers[3]], (), policy(), situation(), NOW)
    assert alone.runner_up == alone.rows[1] and alone.next_in_line is None


def test_behind_an_aggregator_the_movers_count_apart():
    one = candidate("One", 80_00, 0.9, account="cac_agg", carrier="agg", moved_by="swiftline")
    two = candidate("Two", 90_00, 0.9, account="cac_agg", carrier="agg", moved_by="slowline")
    decision = rank([one, two], (), policy(), situation(), NOW)
    assert decision.next_in_line == decision.rows[1]


# --- the merchant's word --------------------------------------------------------------------------


def test_the_floor_keeps_the_unreliable_behind():
    shaky = candidate("Shaky", 80_00, estimate=estimate(0.55, 40))
    sure = candidate("Sure", 120_00, estimate=estimate(0.9, 400))
    decision = rank([shaky, sure], (), policy(floor=0.5), situation(), NOW)
    assert (names(decision), [row.reliable for row in decision.rows], decision.floor_dropped) == (
        ["Sure", "Shaky"],
        [True, False],
        False,
    )
    assert (decision.chosen, decision.runner_up, decision.next_in_line) == (decision.rows[0], None, None)


def test_a_floor_nobody_reaches_is_dropped_and_it_is_said():
    decision = rank([candidate("A", 90_00, 0.4), candidate("B", 80_00, 0.4)], (), policy(floor=0.5), situation(), NOW)
    assert (names(decision), decision.floor_dropped, decision.chosen) == (["B", "A"], True, decision.rows[0])


def test_the_floor_judges_the_first_visit_not_this_one():
    later = candidate("Later", 80_00, estimate=estimate(0.9, 400), visit=3, g=0.4)
    assert rank([later], (), policy(floor=0.5), situation(), NOW).floor_dropped is False


@pytest.mark.parametrize("prefer", [("dear",), ("dear/surface",), ("cac_Dear",), ("nobody", "dear", "cheap")])
def test_a_preferred_order_goes_first_and_is_recorded_as_an_override(prefer):
    decision = rank([candidate("Cheap", 80_00), candidate("Dear", 120_00)], (), policy(prefer=prefer), situation(), NOW)
    assert (names(decision), decision.override) == (["Dear", "Cheap"], Override.PREFERRED)


def test_a_preference_that_changes_nothing_is_no_override():
    decision = rank([candidate("Cheap", 80_00), candidate("Dear", 120_00)], (), policy(prefer=("cheap",)), situation(), NOW)
    assert decision.override is None


def test_a_preferred_carrier_dearer_than_a_person_is_passed_over():
    assert chosen([candidate("Cheap", 80_00), candidate("Dear", 500_00)], policy(prefer=("dear",))) == "Cheap"


def test_a_pin_is_obeyed_at_any_cost_and_recorded():
    decision = rank([candidate("Dear", 900_00)], (), policy(), situation(pinned="dear"), NOW)
    assert (decision.chosen, decision.why, decision.override) == (decision.rows[0], Why.CHOSEN, Override.PINNED)


# --- the shuffle ----------------------------------------------------------------------------------

NEAR = [candidate("A", 100_00, 0.8), candidate("B", 101_00, 0.8), candidate("C", 102_00, 0.8), candidate("Far", 120_00, 0.8)]


def test_without_the_merchants_consent_nothing_is_shuffled():
    decision = rank(NEAR, (), policy(), situation(), NOW, dice=0.0)
    assert (decision.chosen, decision.propensity, decision.explored) == (decision.rows[0], 1.0, False)


def test_near_ties_are_drawn_as_often_as_their_propensity_says():
    throws = [rank(NEAR, (), policy(shuffle_share=0.06), situation(), NOW, dice=step / 1000) for step in range(1000)]
    drawn: dict[str, list[float]] = {}
    for decision in throws:
        assert decision.chosen is not None and decision.explored is (decision.chosen is not decision.rows[0])
        drawn.setdefault(decision.of(decision.chosen).name, []).append(decision.propensity)
    assert {name: set(said) for name, said in drawn.items()} == {"A": {0.96}, "B": {0.02}, "C": {0.02}}
    assert {name: len(said) / 1000 for name, said in drawn.items()} == pytest.approx({"A": 0.96, "B": 0.02, "C": 0.02}, abs=0.0011)


def test_a_clear_winner_is_never_shuffled_away():
    decision = rank([NEAR[0], NEAR[3]], (), policy(shuffle_share=0.1), situation(), NOW, dice=0.05)
    assert decision.chosen == decision.rows[0] and decision.propensity == pytest.approx(1.0)


def test_nothing_dearer_than_a_person_is_drawn():
    tight = policy(shuffle_share=0.1, give_up_at=rupees(104), deadline_penalty=rupees(0))
    throws = [rank(NEAR, (), tight, situation(), NOW, dice=step / 100) for step in range(10)]
    assert {decision.of(decision.chosen).name for decision in throws if decision.chosen} == {"A"}  # B comes to 104.75


# --- outdated offers ------------------------------------------------------------------------------

CAP = rupees(110)


@pytest.mark.parametrize(
    ("expires_in", "price_now", "cap", "expected"),
    [
        (60, rupees(100), None, None),
        (0, rupees(100), None, Outdated.EXPIRED),
        (None, rupees(105), None, None),
        (None, rupees("105.01"), None, Outdated.PRICE_ROSE),
        (None, rupees(80), None, None),
        (None, rupees(110), CAP, Outdated.PRICE_ROSE),
        (None, rupees("110.01"), CAP, Outdated.OVER_CAP),
    ],
)
def test_an_offer_is_outdated_by_time_by_price_or_by_the_cap(expires_in: int | None, price_now: Money, cap: Money | None, expected):
    expires_at = None if expires_in is None else NOW + dt.timedelta(seconds=expires_in)
    assert outdated(candidate(price=100_00, expires_at=expires_at), NOW, price_now, cap) is expected


# --- laws -----------------------------------------------------------------------------------------

chances = st.floats(0.05, 0.95)
prices = st.integers(1_00, 250_00)


@st.composite
def offers(draw: st.DrawFn, most: int = 5) -> list[Candidate]:
    count = draw(st.integers(1, most))
    return [
        candidate(
            f"C{number}",
            draw(prices),
            draw(chances),
            due=draw(st.integers(0, 100_00)),
            days_to_success=draw(st.floats(0, 7)),
            days_to_failure=draw(st.floats(0, 9)),
        )
        for number in range(count)
    ]


situations = st.builds(
    Situation,
    elapsed_days=st.floats(0, 8),
    current=st.none() | st.just(("cac_C0", "c0", "surface")),
    visits=st.integers(0, 4),
    zone=st.sampled_from(("", "IN-560", "AE-")),
    pinned=st.sampled_from(("", "", "c0")),
)
policies = st.builds(
    lambda **settings: policy(**settings),
    give_up_at=st.integers(1_00, 500_00).map(lambda minor: Money(minor, "INR")),
    floor=st.none() | st.floats(0.3, 0.8),
    prefer=st.sampled_from(((), ("c1",), ("c2/surface", "cac_C0"))),
    shuffle_share=st.sampled_from((0.0, 0.02, 0.1)),
    deadline_days=st.integers(0, 6),
)


@given(offers(1), situations, st.integers(0, 100_00), st.floats(0, 0.9))
def test_a_dearer_or_less_likely_carrier_never_looks_better(candidates, where, more, less):
    (offer,) = candidates
    dearer = msgspec.structs.replace(offer, price_minor=offer.price_minor + more)
    rarer = msgspec.structs.replace(offer, g=1 - less)
    assert index(offer, where=where) <= min(index(dearer, where=where), index(rarer, where=where))


@given(offers(), policies, situations, st.integers(1, 6), st.floats(0, 0.999))
def test_in_another_unit_of_money_the_choice_is_the_same(candidates, settings, where, power, dice):
    times = 2**power

    def scaled(amount: Money) -> Money:
        return Money(amount.minor * times, amount.currency)

    bigger = [msgspec.structs.replace(c, price_minor=c.price_minor * times, due_minor=c.due_minor * times) for c in candidates]
    amounts = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")
    as_much = msgspec.structs.replace(settings, **{name: scaled(getattr(settings, name)) for name in amounts})
    plain, big = rank(candidates, (), settings, where, NOW, dice), rank(bigger, (), as_much, where, NOW, dice)
    assert [(row.candidate, row.index * times) for row in plain.rows] == [(row.candidate, row.index) for row in big.rows]
    assert (plain.chosen and plain.chosen.candidate, plain.why) == (big.chosen and big.chosen.candidate, big.why)


@given(offers(), policies, situations, st.floats(0, 0.999), st.randoms(use_true_random=False))
def test_the_order_candidates_come_in_changes_nothing(candidates, settings, where, dice, shuffler):
    mixed = shuffler.sample(candidates, len(candidates))
    one, other = rank(candidates, (), settings, where, NOW, dice), rank(mixed, (), settings, where, NOW, dice)
    assert (names(one), one.sentence) == (names(other), other.sentence)


@given(offers(), policies, situations)
def test_only_what_is_worth_its_cost_is_chosen_unless_it_is_pinned(candidates, settings, where):
    decision = rank(candidates, (), settings, where, NOW)
    eligible = [row for row in decision.rows if row.reliable is decision.rows[0].reliable]
    if where.pinned:
        assert decision.override is Override.PINNED
    elif decision.chosen is None:
        assert all(row.index > decision.limit for row in eligible)
    else:
        assert decision.chosen.index <= decision.limit
        assert settings.prefer or decision.chosen.index == min(row.index for row in eligible)


@given(offers(), policies, situations, st.floats(0, 0.999))
def test_a_decision_replays_bit_for_bit_also_after_it_was_stored(candidates, settings, where, dice):
    left_out = (Barred(account="cac_9", carrier="gone", service="air", cause=Cause.NO_RATE, detail="no rate"),)
    decision = rank(candidates, left_out, settings, where, NOW, dice)
    stored = msgspec.json.encode(decision)
    read_back = msgspec.json.decode(stored, type=Decision)
    assert replay(decision) == decision == read_back
    assert msgspec.json.encode(replay(read_back)) == stored


def test_a_decision_by_another_rule_is_not_replayed_by_this_one():
    decision = rank([candidate()], (), policy(), situation(), NOW)
    with pytest.raises(OtherRule):
        replay(msgspec.structs.replace(decision, rule="index-0"))


services = st.builds(
    Means,
    account=st.just("cac"),
    carrier=st.sampled_from(("c0", "c1", "c2", "c3")),
    service=st.sampled_from(("surface", "air")),
    enabled=st.sampled_from((True, True, False)),
    barred_by=st.sampled_from(("", "", "out of area")),
    circuit_open=st.sampled_from(("", "", "down")),
    heaviest=st.none() | st.integers(500, 1500).map(Weight),
    quality_checks=st.integers(0, 3),
)


@given(st.lists(services, max_size=8, unique_by=lambda means: (means.carrier, means.service)), st.data())
def test_the_barred_never_win_and_nothing_is_lost(found, data):
    asked, settings = Asked(parcels=(parcel(grams=1000),), quality_checks=1), policy(deny=("c3",))
    left_out = [barred for means in found if (barred := before_asking(means, asked, settings))]
    asked_for = [means for means in found if before_asking(means, asked, settings) is None]
    free = [candidate(means.carrier, data.draw(prices), 0.9, carrier=means.carrier, service=means.service) for means in asked_for]
    decision = rank(free, left_out, settings, situation(), NOW)
    assert len(decision.rows) + len(decision.barred) == len(found)
    if decision.chosen:
        winner = decision.of(decision.chosen)
        (means,) = (means for means in found if (means.carrier, means.service) == (winner.carrier, winner.service))
        assert means.enabled and not means.barred_by and not means.circuit_open and means.carrier != "c3"
        assert means.quality_checks >= 1 and (means.heaviest is None or means.heaviest.grams >= 1000)
    else:
        assume(not decision.rows)
        assert decision.why is Why.NO_CANDIDATE
