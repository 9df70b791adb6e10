"""A scorecard's arithmetic: sums in, rates with ranges out, nothing said of too few."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rates.scorecards import Sums, adjusted, card, funnel, share, tie_groups, tied, times
from rates.statistics import Ended, Flag, Footing, Wait

counts = st.builds(Sums, **{name: st.integers(-(10**9), 10**9) for name in Sums.__struct_fields__})


@given(one=counts, other=counts)
def test_sums_add_and_take_away_exactly(one: Sums, other: Sums):
    assert (one + other) - other == one


def test_a_share_of_nine_is_not_told_of_ten_is_grey_of_thirty_shown():
    told = {n: (share(n, n).value, share(n, n).footing) for n in (9, 10, 30, 100)}
    assert told == {9: (None, Footing.HIDDEN), 10: (1.0, Footing.GREY), 30: (1.0, Footing.SHOWN), 100: (1.0, Footing.RANKED)}


def test_waiting_pickups_push_the_percentiles_out():
    done = [Wait(10, Ended.COLLECTED, 50), Wait(40, Ended.COLLECTED, 50)]
    finished, honest = times(done), times([*done, Wait(20, Ended.OPEN, 60)])
    assert (finished.p50, honest.p50, honest.waiting, honest.p95) == (10, 40, 60, 40)


def test_pickups_that_were_given_up_are_never_collected():
    found = times([Wait(10, Ended.COLLECTED, 80), Wait(30, Ended.OTHERWISE, 20)])
    assert (found.p75, found.p90) == (10, None)


def test_what_takes_longer_than_a_month_has_no_hour():
    assert times([Wait(721, Ended.COLLECTED, 100)]).p50 is None


def test_a_card_leads_from_sums_to_rates_and_costs():
    sums = Sums(
        bookings=40, first_known=40, first_collected=30, visits=50, by_carrier=5, by_customer=15, not_attempted=2, collected=38,
        over=2, cost=38 * 90_00, cost_squared=38 * 90_00**2, cost_of_collected=38 * 90_00, forecast=40 * 118_00,
        forecast_known=40,
    )  # fmt: skip
    found = card(sums, [], [])
    assert (found.first_visit.value, found.carrier_fault.value, found.not_attempted.value) == (0.75, 0.1, 0.04)
    assert (found.cost.value, found.cost.n, found.forecast_cost) == (90_00.0, 38, 118_00.0)
    assert found.calibration is None


def test_a_carrier_with_hard_lanes_is_as_expected_though_its_rate_is_lower():
    """Hard lanes collect half, easy ones nine of ten, whoever comes: the raw rates differ, the funnel says neither is better."""
    lanes = {"hard": (1000, 500), "easy": (1000, 900)}
    hard, easy = funnel({"hard": (900, 450), "easy": (100, 90)}, lanes), funnel({"hard": (100, 50), "easy": (900, 810)}, lanes)
    assert hard and easy
    assert [(round(one.ratio, 6), one.flag) for one in (hard, easy)] == [(1.0, Flag.WITHIN), (1.0, Flag.WITHIN)]


def test_far_fewer_than_expected_lies_outside_the_limits():
    found = funnel({"a": (1000, 600)}, {"a": (2000, 1500)})
    assert found and found.flag is Flag.MUCH_WORSE


def test_the_adjusted_rate_is_over_the_merchants_lanes():
    found = adjusted({"hard": 900, "easy": 100}, {"hard": (0.5, 100), "easy": (0.9, 100)})
    assert found and round(found.value, 6) == 0.54


def test_who_cannot_be_told_apart_shares_a_rank_and_too_few_have_none():
    groups = tied({"a": share(800, 1000), "b": share(790, 1000), "c": share(500, 1000), "d": share(50, 60)})
    assert tie_groups(groups) == {"a": 1, "b": 1, "c": 3}
