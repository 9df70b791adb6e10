from __future__ import annotations

import datetime as dt
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.scans import Fault, Reason
from rates.estimates import (
    AGAIN,
    BRAKE_HALF_LIFE,
    CUSTOMERS,
    EPOCH,
    LATER_VISITS,
    Cell,
    Days,
    Observation,
    Prior,
    brake,
    by_postcode,
    counts,
    estimate,
    expected_days,
    exposure,
    factor,
    interval,
    left,
    lower_bound,
    observe,
    observe_days,
    prior_of,
    read,
    rebuild,
    ripe,
    take_back,
    take_back_days,
    visit_key,
)
from tests.rates.making import NOW, TODAY

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)

moments = st.integers(-24 * 900, 24 * 365 * 30).map(lambda hours: EPOCH + hours * HOUR)
visits = st.builds(Observation, at=moments, collected=st.booleans(), exposure=st.floats(0.05, 1.0))
half_lives = st.sampled_from((dt.timedelta(days=60), BRAKE_HALF_LIFE))


def seen(collected: int, failed: int, *, days_ago: float = 0.0, exposure: float = 1.0) -> Cell:
    at = NOW - dt.timedelta(days=days_ago)
    outcomes = [True] * collected + [False] * failed
    return rebuild([Observation(at=at, collected=outcome, exposure=exposure) for outcome in outcomes])


# --- cells ----------------------------------------------------------------------------------------


def test_what_was_seen_now_weighs_in_full_and_half_after_sixty_days():
    assert [read(seen(3, 1, days_ago=days), NOW) for days in (0, 60, 120)] == [(3.0, 4.0), (1.5, 2.0), (0.75, 1.0)]


def test_a_cell_that_has_seen_nothing_reads_as_nothing():
    assert read(Cell(), NOW) == (0.0, 0.0)


def test_a_later_visit_counts_in_full_when_it_collects_and_for_its_share_when_exposed():
    assert read(seen(1, 1, exposure=0.5), NOW) == (1.0, 1.0)


@given(st.lists(visits, max_size=40), half_lives, st.randoms(use_true_random=False))
def test_a_cell_rebuilt_in_any_order_equals_its_increments_bit_for_bit(history, half_life, dice):
    cell = Cell()
    for visit in history:
        cell = observe(cell, visit.collected, visit.exposure, visit.at, half_life)
    assert rebuild(dice.sample(history, len(history)), half_life) == cell


@given(st.lists(visits, max_size=10), visits, half_lives)
def test_a_guess_taken_back_leaves_no_trace(history, guess, half_life):
    before = rebuild(history, half_life)
    counted = observe(before, guess.collected, guess.exposure, guess.at, half_life)
    assert take_back(counted, guess.collected, guess.exposure, guess.at, half_life) == before


@given(st.lists(visits, min_size=1, max_size=20), half_lives)
def test_a_cell_reads_as_the_decayed_sums_it_stands_for(history, half_life):
    history = [visit for visit in history if visit.at >= EPOCH - 15 * half_life]  # before that, precision fades
    at = max((visit.at for visit in history), default=NOW)
    weights = [2 ** (-((at - visit.at) / half_life)) for visit in history]
    successes = sum(weight for weight, visit in zip(weights, history, strict=True) if visit.collected)
    exposure = sum(weight * visit.exposure for weight, visit in zip(weights, history, strict=True))
    assert read(rebuild(history, half_life), at, half_life) == pytest.approx((successes, exposure), rel=1e-5, abs=1e-5)


def test_a_cell_outlives_sixty_four_bits_and_a_hundred_years():
    far = EPOCH + dt.timedelta(days=36_500)
    for half_life in (dt.timedelta(days=60), BRAKE_HALF_LIFE):
        cell = observe(Cell(), True, 1.0, far, half_life)
        assert cell.exposure > 2**64 and read(cell, far, half_life) == (1.0, 1.0)


# --- the estimate ---------------------------------------------------------------------------------


def leant(successes: float, visits: float, mean: float, weight: float) -> float:
    """A level's mean, by hand."""
    worth = 100 / (100 + visits)
    return (successes * worth + weight * mean) / (visits * worth + weight)


def test_without_visits_the_prior_speaks_and_says_it_is_assumed():
    found = estimate(Cell(), Cell(), Prior(), NOW)
    assert (found.p, found.visits, found.elsewhere, found.prior) == (0.7, 0.0, 0.0, "assumed")
    assert found.n == pytest.approx(1 / (1 / 30 + 1 / 40))


def test_the_zone_leans_on_the_service_and_the_service_on_the_prior():
    service, zone = seen(160, 40), seen(30, 20)
    carrier = leant(160, 200, 0.7, 40)
    found = estimate(service, zone, Prior(), NOW)
    assert found.p == pytest.approx(leant(30, 50, carrier, 30), abs=1e-12)
    assert (found.visits, found.elsewhere) == pytest.approx((50, 150))


def test_a_new_zone_takes_its_services_chance():
    found = estimate(seen(160, 40), Cell(), Prior(), NOW)
    assert (found.p, found.visits, found.elsewhere) == pytest.approx((leant(160, 200, 0.7, 40), 0, 200))


def test_the_postal_code_is_a_third_level_when_it_is_given():
    service, zone, postcode = seen(160, 40), seen(30, 20), seen(2, 8)
    upper = estimate(service, zone, Prior(), NOW)
    assert estimate(service, zone, Prior(), NOW, postcode).p == pytest.approx(leant(2, 10, upper.p, 80))


def test_a_zone_does_not_know_what_its_service_does_not_know():
    """The doubt of a level: its own, and that of the level above as far as it leans on it."""
    new, known = (estimate(service, Cell(), Prior(), NOW).n for service in (Cell(), seen(700, 300)))
    assert new < known < Prior().zone_weight
    assert known == pytest.approx(1 / (1 / 30 + 1 / (40 + 1000 * 100 / 1100)))


def test_chances_drift_so_that_no_number_of_visits_tells_todays_for_sure():
    known = [estimate(many, many, Prior(), NOW).n for many in (seen(70, 30), seen(7_000, 3_000), seen(70_000, 30_000))]
    assert known == sorted(known) and known[-1] < Prior().settled + Prior().zone_weight
    steady = Prior(settled=math.inf)
    assert estimate(seen(7_000, 3_000), seen(7_000, 3_000), steady, NOW).n == pytest.approx(10_030, rel=1e-3)


def test_old_visits_speak_softly():
    old, young = (estimate(seen(0, 50, days_ago=days), Cell(), Prior(), NOW).p for days in (180, 0))
    assert young < old < 0.7


def test_an_estimate_is_never_certain():
    lucky = seen(500, 0, exposure=0.3)
    steady = Prior(settled=math.inf)
    hopeless = estimate(seen(0, 100_000), seen(0, 100_000), steady, NOW)
    assert (estimate(lucky, lucky, steady, NOW).p, hopeless.p) == (0.999, 0.001)


def test_a_new_carrier_starts_at_the_merchants_mean_over_all():
    assert prior_of(seen(80, 20), NOW, Prior()) == Prior(mean=108 / 140, source="the mean of all carriers")


def test_a_new_merchant_starts_at_the_given_prior():
    assert prior_of(Cell(), NOW, Prior(mean=0.6, source="an aggregator's score")) == Prior(mean=0.6, source="an aggregator's score")


def beta_cdf(x: float, p: float, n: float) -> float:
    """By Simpson's rule on the density: slow and plain."""
    won, lost = p * n, (1 - p) * n
    scale = math.lgamma(n) - math.lgamma(won) - math.lgamma(lost)

    def density(at: float) -> float:
        return math.exp(scale + (won - 1) * math.log(at) + (lost - 1) * math.log1p(-at)) if 0 < at < 1 else 0.0

    steps = 4_000
    width = x / steps
    inner = sum((4 if step % 2 else 2) * density(step * width) for step in range(1, steps))
    return (density(0) + inner + density(x)) * width / 3


@pytest.mark.parametrize("n", [30, 60, 400])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_range_is_the_betas_within_a_fifth_of_a_point(p, n):
    low, high = interval(p, n)
    assert beta_cdf(low - 0.002, p, n) < 0.025 < beta_cdf(low + 0.002, p, n)
    assert beta_cdf(high - 0.002, p, n) < 0.975 < beta_cdf(high + 0.002, p, n)


@given(st.floats(0.001, 0.999), st.floats(0.0, 1e6))
def test_the_range_holds_the_estimate_and_stays_a_share(p, n):
    low, high = interval(p, n)
    assert 0.0 <= low <= p <= high <= 1.0


@given(st.floats(0.05, 0.95), st.floats(30, 1e5))
def test_more_visits_narrow_the_range(p, n):
    low, high = interval(p, n)
    nearer_low, nearer_high = interval(p, n * 2)
    assert nearer_high - nearer_low < high - low


def test_reliable_is_judged_by_the_ten_per_cent_lower_bound():
    assert lower_bound(0.8, 99) == pytest.approx(0.8 - 1.28 * 0.04)


# --- later visits ---------------------------------------------------------------------------------


USUAL = 0.70  # the chance that the prior of later visits was fitted at


def test_a_first_visit_has_no_factor():
    assert factor((), True, {}, NOW) == left(()) == 1.0


def test_later_visits_start_near_what_is_known_of_them():
    """By another carrier after failures of usual ones; by the same one less."""
    other = [factor((USUAL,) * failed, False, {}, NOW) for failed in (1, 2, 3)]
    assert other == pytest.approx([0.75, 0.55, 0.35], abs=0.04)
    assert [factor((USUAL,) * failed, True, {}, NOW) for failed in (1, 2, 3)] == pytest.approx([0.85 * g for g in other])


def test_what_is_left_is_bayes_rule_over_the_customers():
    dice = random.Random(3)
    eases = dice.choices([ease for _, ease in CUSTOMERS], [share for share, _ in CUSTOMERS], k=200_000)
    mean = statistics.fmean(eases)
    still_there = [ease for ease in eases if dice.random() >= 0.5 / mean * ease and dice.random() >= 0.7 / mean * ease]
    assert left((0.5, 0.7)) == pytest.approx(statistics.fmean(still_there) / mean, abs=0.01)


@given(st.lists(st.floats(0.001, 0.999), max_size=5), st.floats(0.001, 0.999), st.floats(0, 1))
def test_the_surer_a_visit_was_the_more_its_failure_says_of_the_customer(failed, p, less):
    assert left((*failed, p)) <= left((*failed, p * less)) + 1e-12 and left((*failed, p)) <= left(tuple(failed)) + 1e-12


def test_a_carrier_on_strike_sorts_out_no_customers():
    assert left((0.02,)) > 0.99


@given(st.permutations([0.3, 0.5, 0.8]))
def test_it_does_not_matter_who_failed_first(failed):
    assert left(tuple(failed)) == pytest.approx(left((0.3, 0.5, 0.8)))


def test_thirty_expected_successes_learnt_weigh_as_much_as_the_prior():
    learnt = {(2, True): seen(24, 36, exposure=0.5)}  # 60 visits, 30 successes expected, 24 came
    assert factor((USUAL,), True, learnt, NOW) == pytest.approx(left((USUAL,)) * (24 + 30 * AGAIN) / 60)


def test_a_factor_learnt_for_one_carrier_again_says_nothing_of_another():
    assert factor((USUAL,), False, {(2, True): seen(0, 100)}, NOW) == left((USUAL,))


def test_the_fourth_visit_stands_for_all_after_it():
    assert [visit_key(visit, True) for visit in (1, 2, 4, 9)] == [None, (2, True), (4, True), (4, True)]


@given(st.sampled_from(LATER_VISITS), st.integers(0, 2000), st.integers(0, 2000), st.floats(0.001, 0.999))
def test_a_factor_never_promises_more_than_a_first_visit(key, collected, failed, p):
    visit, same = key
    assert 0.05 <= factor((p,) * (visit - 1), same, {key: seen(collected, failed, exposure=0.6)}, NOW) <= 1.0


def test_factors_are_found_again_from_visits_made_with_them():
    """Customers who are harder than assumed: learnt, whoever failed before."""
    dice = random.Random(7)
    cell = Cell()
    for _ in range(4000):
        p, before = dice.uniform(0.5, 0.9), left((dice.uniform(0.4, 0.9), dice.uniform(0.4, 0.9)))
        cell = observe(cell, dice.random() < p * before * 0.7, p * before, NOW)
    assert factor((0.6, 0.8), False, {(3, False): cell}, NOW) / left((0.6, 0.8)) == pytest.approx(0.7, abs=0.04)


# --- the strike brake -----------------------------------------------------------------------------


def recent(collected: int, failed: int, days_ago: float = 0.0) -> Cell:
    at = NOW - dt.timedelta(days=days_ago)
    outcomes = [True] * collected + [False] * failed
    return rebuild([Observation(at=at, collected=outcome, exposure=0.8) for outcome in outcomes], BRAKE_HALF_LIFE)


STRIKE = 6 / 22  # 16 expected, none came


def test_a_strike_in_the_zone_brakes_as_one_everywhere_does():
    assert brake(Cell(), recent(0, 20), NOW) == brake(recent(0, 20), recent(0, 2), NOW) == pytest.approx(STRIKE)


def test_the_worse_of_the_two_brakes():
    assert brake(recent(20, 20), recent(0, 20), NOW) == pytest.approx(STRIKE)


@pytest.mark.parametrize("cell", [Cell(), recent(8, 2), recent(7, 3), recent(10, 0), recent(0, 2)])
def test_ordinary_luck_does_not(cell):
    assert brake(cell, cell, NOW) == 1.0


def test_a_busy_carrier_a_tenth_below_what_was_expected_of_it_is_no_strike():
    expected = 480
    assert brake(recent(expected - 48, 168), Cell(), NOW) == 1.0 > brake(recent(expected - 144, 264), Cell(), NOW)


def test_a_visit_weighs_its_factor_and_in_a_strike_its_brake_too():
    assert [exposure(0.5, braked) for braked in (1.0, 0.7, 0.6, 0.2)] == pytest.approx([0.5, 0.5, 0.3, 0.1])


def test_a_strike_leaves_the_chance_of_the_time_after_it():
    before, braked = seen(70, 30), brake(recent(0, 40), Cell(), NOW)
    cells = [before + seen(0, 40, exposure=exposure(1.0, one)) for one in (1.0, braked)]
    at_full_weight, less = (estimate(cell, cell, Prior(), NOW).p for cell in cells)
    assert at_full_weight < 0.6 < 0.65 < less < estimate(before, before, Prior(), NOW).p


def test_a_strike_is_forgotten_in_days():
    braked = [brake(recent(0, 20, days_ago=days), Cell(), NOW) for days in (0, 2, 4, 14)]
    assert braked == sorted(braked) and braked[0] < 0.3 and braked[-1] == 1.0


@given(st.tuples(st.integers(0, 400), st.integers(0, 400)), st.tuples(st.integers(0, 400), st.integers(0, 400)))
def test_the_brake_never_accelerates(everywhere, here):
    assert 0.0 < brake(recent(*everywhere), recent(*here), NOW) <= 1.0


# --- postal codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("a_day", "expected"), [(11, False), (12, True)])
def test_postal_codes_speak_from_a_dozen_pickups_a_day_on(a_day, expected):
    year = [seen_on(a_day, days_ago) for days_ago in range(730)]
    assert by_postcode(sum(year, Cell()), NOW) is expected


def seen_on(visits: int, days_ago: int) -> Cell:
    one = observe(Cell(), True, 1.0, NOW - dt.timedelta(days=days_ago))
    return Cell(one.successes * visits, one.exposure * visits)


# --- which visits count ---------------------------------------------------------------------------


def test_a_failed_visit_counts_whoever_is_said_to_be_at_fault():
    uncounted = {reason for reason in Reason if not counts(reason)}
    nobodys = {reason for reason in Reason if reason.fault is Fault.NOBODY}
    proven = {Reason.CANCELLED_BY_CUSTOMER_VERIFIED, Reason.CANCELLED_BY_MERCHANT, Reason.ALREADY_COLLECTED}
    assert uncounted == nobodys | proven


def test_what_the_customer_or_merchant_confirmed_does_not_count():
    assert [counts(reason, confirmed=True) for reason in (Reason.CUSTOMER_UNAVAILABLE, Reason.CUSTOMER_WANTS_REFUND_FIRST)] == [
        False,
        False,
    ]


def test_a_disputed_visit_counts_against_the_carrier_whatever_it_said():
    assert all(counts(reason, disputed=True) for reason in Reason)


def test_visits_of_a_day_count_from_the_next_one_on():
    assert [ripe(TODAY, TODAY + days * DAY) for days in (0, 1, 2)] == [False, True, True]


# --- days -----------------------------------------------------------------------------------------


def test_a_promise_is_believed_until_something_is_seen():
    assert expected_days(2.0, Days(), 1.0, NOW) == 3.0


def test_ten_outcomes_weigh_as_much_as_the_prior():
    days = Days()
    for _ in range(10):
        days = observe_days(days, 3, NOW)
    assert expected_days(1.0, days, 1.0, NOW) == pytest.approx(1 + (30 + 10) / 20)


def test_a_carrier_that_comes_early_is_expected_early_but_never_in_the_past():
    days = Days()
    for _ in range(90):
        days = observe_days(days, -2, NOW)
    assert [expected_days(promised, days, 0.0, NOW) for promised in (3.0, 1.0)] == pytest.approx([1.2, 0.0])


@given(st.lists(st.tuples(st.integers(-5, 20), moments), max_size=20), st.integers(-5, 20), moments)
def test_days_too_keep_no_order_and_forget_what_is_taken_back(history, slip, at):
    def total(outcomes: list[tuple[int, dt.datetime]]) -> Days:
        days = Days()
        for outcome in outcomes:
            days = observe_days(days, *outcome)
        return days

    assert total(history) == total(history[::-1]) == take_back_days(observe_days(total(history), slip, at), slip, at)
