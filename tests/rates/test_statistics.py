from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.statistics import (
    Costs,
    Ended,
    Flag,
    Footing,
    Forecast,
    Lane,
    Logged,
    Standing,
    Wait,
    brier,
    calibration,
    cost_per_collected,
    doubly_robust,
    expectation,
    footing,
    inverse_propensity,
    kaplan_meier,
    lane_mix_adjusted,
    modelled,
    observed_over_expected,
    spent,
    ties,
    wilson,
)

# --- shares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [(0, 10, (0.0, 0.2775)), (8, 10, (0.4902, 0.9433)), (10, 10, (0.7225, 1.0)), (81, 263, (0.2553, 0.3662)), (0, 0, (0.0, 1.0))],
)
def test_wilsons_interval_is_the_published_one(successes, n, expected):
    assert wilson(successes, n) == pytest.approx(expected, abs=5e-5)


@given(st.integers(0, 300), st.integers(0, 300))
def test_wilsons_interval_holds_the_share_and_mirrors_it(won, lost):
    low, high = wilson(won, won + lost)
    assert 0 <= low <= high <= 1 and (won + lost == 0 or low <= won / (won + lost) <= high)
    assert wilson(lost, won + lost) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize("n", [10, 30, 100])
def test_wilsons_interval_covers_the_truth_as_often_as_it_says(n):
    """Exactly, by adding up the binomial: on the mean over chances from 0.6 to 0.95."""
    covered = [sum(_binomial(n, won, p) for won in range(n + 1) if wilson(won, n)[0] <= p <= wilson(won, n)[1]) for p in CHANCES]
    assert statistics.fmean(covered) == pytest.approx(0.952, abs=0.007)


CHANCES = [0.6 + step / 100 for step in range(36)]


def _binomial(n: int, won: int, p: float) -> float:
    return math.comb(n, won) * p**won * (1 - p) ** (n - won)


def test_few_visits_are_not_shown_and_not_ranked():
    assert [footing(n) for n in (0, 9, 10, 29, 30, 99, 100)] == [
        Footing.HIDDEN,
        Footing.HIDDEN,
        Footing.GREY,
        Footing.GREY,
        Footing.SHOWN,
        Footing.SHOWN,
        Footing.RANKED,
    ]


def standing(name: str, value: float, reach: float = 0.01) -> Standing:
    return Standing(name, value, value - reach, value + reach)


def test_carriers_within_three_points_or_with_overlapping_ranges_are_tied():
    far, near, sure, vague = standing("far", 0.5), standing("near", 0.83), standing("sure", 0.86), standing("vague", 0.7, 0.1)
    assert ties([far, near, sure]) == (("sure", "near"), ("far",))
    assert ties([far, sure, vague]) == (("sure",), ("vague",), ("far",))
    assert ties([far, sure, standing("vague", 0.7, 0.17)]) == (("sure", "vague"), ("far",))


def test_a_tie_reaches_through_others():
    assert ties([standing("a", 0.80), standing("b", 0.775), standing("c", 0.75)]) == (("a", "b", "c"),)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.2)), max_size=8), st.randoms(use_true_random=False))
def test_who_is_tied_does_not_depend_on_the_order_and_groups_can_be_told_apart(values, dice):
    cards = [standing(str(number), value, reach) for number, (value, reach) in enumerate(values)]
    found = ties(cards)
    assert found == ties(dice.sample(cards, len(cards))) and sorted(itertools.chain(*found)) == sorted(card.name for card in cards)
    by_name = {card.name: card for card in cards}
    for group, other in itertools.combinations(found, 2):
        for one, two in itertools.product(group, other):
            assert by_name[one].low > by_name[two].high or by_name[two].low > by_name[one].high
            assert abs(by_name[one].value - by_name[two].value) > 0.03


# --- time until collected --------------------------------------------------------------------------


def waits(text: str) -> list[Wait]:
    """ "6 6 6 6+ 7x": collected after 6 hours three times, open after 6, ended otherwise after 7."""
    ends = {"+": Ended.OPEN, "x": Ended.OTHERWISE}
    return [Wait(float(word.rstrip("+x")), ends.get(word[-1], Ended.COLLECTED)) for word in text.split()]


FREIREICH = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"


def test_the_curve_is_that_of_the_textbook():
    """6-mercaptopurine in leukaemia (Freireich et al. 1963), the standard example: survival and Greenwood's errors."""
    curve = kaplan_meier(waits(FREIREICH))
    assert [(step.hours, round(1 - step.share, 4), round(step.error, 4)) for step in curve.steps] == [
        (6, 0.8571, 0.0764),
        (7, 0.8067, 0.0869),
        (10, 0.7529, 0.0963),
        (13, 0.6902, 0.1068),
        (16, 0.6275, 0.1141),
        (22, 0.5378, 0.1282),
        (23, 0.4482, 0.1346),
    ]
    assert (curve.n, curve.open, curve.percentile(0.5), curve.percentile(0.9)) == (21, 12, 23, None)
    assert curve.percentile_range(0.5) == (13, None)


def test_without_open_pickups_the_curve_is_the_share_collected():
    curve = kaplan_meier(waits("4 1 3 2"))
    assert [curve.within(hours) for hours in (0.9, 1, 2.5, 3, 4, 99)] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1])
    assert [curve.percentile(share) for share in (0.25, 0.5, 0.75, 0.95)] == [1, 2, 3, 4]


def test_a_cancelled_pickup_is_never_collected_while_an_open_one_may_be():
    cancelled, still_open = kaplan_meier(waits("1x 2 3 4")), kaplan_meier(waits("1+ 2 3 4"))
    assert (cancelled.within(9), still_open.within(9)) == pytest.approx((0.75, 1.0))
    assert (cancelled.percentile(0.9), still_open.percentile(0.9)) == (None, 4)


def test_nothing_booked_has_no_percentile():
    curve = kaplan_meier([])
    assert (curve.steps, curve.n, curve.within(10), curve.percentile(0.5)) == ((), 0, 0.0, None)


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(list(Ended)), st.integers(1, 5)), max_size=30))
def test_a_histogram_says_what_its_pickups_say_and_the_curve_never_falls(found):
    binned = kaplan_meier(Wait(float(hours), ended, count) for hours, ended, count in found)
    assert binned == kaplan_meier(Wait(float(hours), ended) for hours, ended, count in found for _ in range(count))
    shares = [step.share for step in binned.steps]
    assert shares == sorted(shares) and all(0 < share <= 1 + 1e-12 for share in shares)


def test_the_curves_error_is_what_it_varies_by():
    dice = random.Random(5)
    curves = [kaplan_meier(_waited(dice) for _ in range(200)) for _ in range(150)]
    spread = statistics.stdev(curve.within(2.0) for curve in curves)
    said = statistics.fmean(next(step.error for step in curve.steps[::-1] if step.hours <= 2.0) for curve in curves)
    assert said == pytest.approx(spread, rel=0.15)


def _waited(dice: random.Random) -> Wait:
    collected, cancelled, watched = dice.expovariate(0.5), dice.expovariate(0.1), dice.uniform(0.5, 6)
    return min(
        Wait(collected, Ended.COLLECTED), Wait(cancelled, Ended.OTHERWISE), Wait(watched, Ended.OPEN), key=lambda wait: wait.hours
    )


# --- observed over expected ------------------------------------------------------------------------


def test_expected_and_variance_add_up_over_visits():
    assert expectation([0.5, 0.9, 1.0]) == pytest.approx((2.4, 0.34))


@pytest.mark.parametrize(
    ("observed", "flag"),
    [
        (80, Flag.WITHIN),
        (72.2, Flag.WITHIN),
        (72.1, Flag.WORSE),
        (67.5, Flag.MUCH_WORSE),
        (88, Flag.BETTER),
        (93, Flag.MUCH_BETTER),
    ],
)
def test_the_funnel_flags_only_what_chance_would_not_do(observed, flag):
    found = observed_over_expected(observed, 80, 16)
    assert found is not None and found.flag is flag
    assert (found.ratio, *found.limits_95, *found.limits_998) == pytest.approx(
        (observed / 80, 0.902, 1.098, 0.8455, 1.1545), abs=1e-4
    )


def test_of_nothing_expected_there_is_no_ratio():
    assert observed_over_expected(0, 0, 0) is None


def test_chance_alone_leaves_the_funnel_one_time_in_twenty():
    dice, chances = random.Random(3), [0.5, 0.7, 0.9] * 60
    expected, variance = expectation(chances)
    found = [observed_over_expected(sum(dice.random() < p for p in chances), expected, variance) for _ in range(2000)]
    assert sum(one is not None and one.flag is Flag.WITHIN for one in found) / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_carrier_is_judged_by_the_merchants_lanes_not_by_those_it_was_given():
    """Simpson's paradox: given the hard lane mostly, its raw share is the lower one although it is better on both."""
    good = lane_mix_adjusted([Lane(50, 0.9, 20), Lane(50, 0.6, 400)])
    bad = lane_mix_adjusted([Lane(50, 0.85, 400), Lane(50, 0.5, 20)])
    assert good is not None and bad is not None
    assert (good.value, bad.value, good.n) == pytest.approx((0.75, 0.675, 420))
    assert (20 * 0.9 + 400 * 0.6) / 420 < (400 * 0.85 + 20 * 0.5) / 420


def test_the_adjusted_share_has_the_range_of_its_lanes():
    one = lane_mix_adjusted([Lane(1, 0.8, 399)])
    assert one is not None and (one.low, one.high) == pytest.approx((0.758, 0.836), abs=1e-3)
    assert lane_mix_adjusted([Lane(0, 0.8, 399)]) is None


# --- our own forecast -------------------------------------------------------------------------------


def test_briers_score_is_the_mean_squared_distance():
    assert brier([Forecast(0.8, 1), Forecast(0.8, 0), Forecast(0.5, 1, 2)]) == pytest.approx((0.04 + 0.64 + 0.5) / 4)
    assert brier([]) is None


def test_forecasts_are_held_against_what_came_by_tenths():
    told = [Forecast(step / 100, round(step / 10), 10) for step in range(0, 100, 10)]
    found = calibration(told)
    assert found is not None
    assert [(one.n, one.observed) for one in found.bins] == [(10, step / 10) for step in range(10)]
    assert [one.forecast for one in found.bins] == pytest.approx([step / 10 for step in range(10)])
    assert (found.n, found.alarm) == (100, False) and found.gap == pytest.approx(0)


def test_equal_forecasts_stay_together():
    found = calibration([Forecast(0.7, 1)] * 30 + [Forecast(0.8, 1)] * 10)
    assert found is not None and [one.n for one in found.bins] == [30, 10]


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 4), st.integers(1, 4)), min_size=1, max_size=60))
def test_no_forecast_is_lost_between_the_bins(found):
    told = [Forecast(p / 100, min(won, count), count) for p, won, count in found]
    card = calibration(told)
    assert card is not None and len(card.bins) <= 10
    assert (sum(one.n for one in card.bins), card.n) == (sum(one.count for one in told),) * 2
    assert [one.forecast for one in card.bins] == sorted(one.forecast for one in card.bins)


@pytest.mark.parametrize(
    ("collected", "visits", "alarm"), [(415, 500, False), (416, 500, True), (384, 500, True), (400, 499, False)]
)
def test_the_alarm_sounds_three_points_off_over_five_hundred_visits(collected, visits, alarm):
    card = calibration([Forecast(0.8, collected, visits)])
    assert card is not None and card.alarm is alarm


# --- money ------------------------------------------------------------------------------------------


def costs(*pickups: tuple[int, bool]) -> Costs:
    return sum((spent(cost, collected=collected) for cost, collected in pickups), Costs())


def test_what_failed_is_paid_by_what_was_collected():
    found = cost_per_collected(costs((100, True), (200, True), (60, False)))
    assert found is not None and (found.value, found.n) == (180, 3)


def test_if_nothing_was_collected_there_is_no_cost_per_collected():
    assert cost_per_collected(costs((100, False))) is None


def test_equal_costs_and_all_collected_leave_no_doubt():
    found = cost_per_collected(costs(*[(100, True)] * 40))
    assert found is not None and (found.low, found.high) == pytest.approx((100, 100))


def test_the_cost_per_collected_covers_the_truth_as_often_as_it_says():
    dice, covered = random.Random(11), 0
    for _ in range(400):
        drawn = [
            (round(dice.gauss(120, 30)), True) if dice.random() < 0.8 else (round(dice.gauss(330, 20)), False) for _ in range(120)
        ]
        found = cost_per_collected(costs(*drawn))
        assert found is not None
        covered += found.low <= (0.8 * 120 + 0.2 * 330) / 0.8 <= found.high
    assert covered / 400 == pytest.approx(0.95, abs=0.03)


# --- another policy on the same history -------------------------------------------------------------


def test_what_the_other_policy_would_never_do_does_not_count():
    rows = [Logged(outcome=100, propensity=0.9, target=0), Logged(outcome=60, propensity=0.1, target=1)]
    found = inverse_propensity(rows)
    assert found is not None and (found.value, found.n, found.matched, found.effective) == (60, 2, 1, 1)


def test_without_a_match_nothing_is_said_but_by_the_model():
    rows = [Logged(outcome=100, propensity=1, target=0, modelled=90, modelled_target=80)]
    assert inverse_propensity(rows) is None
    for found in (doubly_robust(rows), modelled(rows)):
        assert found is not None and (found.value, found.matched, found.effective) == (80, 0, 0)
    assert doubly_robust([]) is None


@pytest.mark.parametrize("propensity", [0.0, -0.5, 1.1])
def test_a_propensity_that_cannot_be_is_refused(propensity):
    with pytest.raises(ValueError, match="propensity"):
        inverse_propensity([Logged(outcome=1, propensity=propensity, target=1)])


def history(dice: random.Random, *, error: float) -> list[Logged]:
    """Carrier A was taken seven times of ten, costing 100; the other policy always takes B, at 80. The model is off by `error`."""
    return [_decided(dice, dice.random() < 0.7, error) for _ in range(200)]


def _decided(dice: random.Random, took_a: bool, error: float) -> Logged:
    hard = dice.choice((0, 30))
    return Logged(
        outcome=(100 if took_a else 80) + hard + dice.gauss(0, 5),
        propensity=0.7 if took_a else 0.3,
        target=float(not took_a),
        modelled=(100 if took_a else 80) + hard + error,
        modelled_target=80 + hard + error,
    )


@pytest.mark.parametrize("error", [0.0, 25.0])
def test_the_other_policys_cost_is_found_with_the_range_it_says(error):
    dice, covered, doubly = random.Random(2), 0, 0
    for _ in range(300):
        rows = history(dice, error=error)
        weighed, robust = inverse_propensity(rows), doubly_robust(rows)
        assert weighed is not None and robust is not None
        covered += weighed.low <= 95 <= weighed.high
        doubly += robust.low <= 95 <= robust.high
    assert (covered / 300, doubly / 300) == pytest.approx((0.95, 0.95), abs=0.035)


def test_a_good_model_makes_the_range_narrower():
    rows = history(random.Random(4), error=0.0)
    weighed, robust = inverse_propensity(rows), doubly_robust(rows)
    assert weighed is not None and robust is not None
    assert robust.high - robust.low < (weighed.high - weighed.low) * 0.8
