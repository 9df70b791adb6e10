from __future__ import annotations

import msgspec
import pytest

from adapters.contract.units import Money
from rates.choice import Barred, Cause, rank
from rates.wording import about, amount
from tests.rates.making import NOW, candidate, estimate, policy, situation


def told(*candidates, barred=(), settings=None, where=None, dice=1.0) -> str:
    return rank(candidates, barred, settings or policy(), where or situation(), NOW, dice).sentence


XPRESS = candidate("Xpress", 96_00, estimate=estimate(0.81, 442, visits=412))
SLOWLY = candidate("Slowly", 82_00, estimate=estimate(0.25, 200))
BLUELINE = candidate("BlueLine", 110_00, estimate=estimate(0.9, 200))


def barred(*causes: Cause) -> tuple[Barred, ...]:
    return tuple(Barred(account="cac", carrier="gone", service="air", cause=cause) for cause in causes)


def test_a_choice_is_told_beside_the_cheapest_quote():
    assert told(SLOWLY, XPRESS, BLUELINE) == (
        "Xpress at Rs 96: it collects at the first visit 81 % of the time around 560xxx (412 visits, weight on the last two "
        "months, 95 % range 77-85 %), so a collected return costs Rs 100 all in; the cheapest quote, Slowly (Rs 82), collects "
        "25 % there and comes to Rs 127. If the visit fails, BlueLine is next."
    )


def test_the_cheapest_quote_is_told_beside_the_runner_up():
    assert told(XPRESS, BLUELINE).endswith(
        "so a collected return costs Rs 100 all in; the next best, BlueLine (Rs 110), collects 90 % there and comes to Rs 112. "
        "If the visit fails, BlueLine is next."
    )


def test_with_no_visits_at_all_the_chance_is_called_assumed():
    unseen = candidate("Newcomer", 96_50, estimate=estimate(0.7, 30, visits=0.0))
    assert told(unseen) == (
        "Newcomer at Rs 96.50: it collects at the first visit 70 % of the time around 560xxx (no visits seen yet, assumed 70 %), "
        "so a collected return costs Rs 103 all in; there is no other offer. If the visit fails, no other carrier is in line."
    )


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (estimate(0.7, 30, visits=0.4), "(no visits seen yet, assumed 70 %)"),
        (estimate(0.6, 30, visits=0, prior="an aggregator's score"), "(no visits seen yet, assumed by an aggregator's score 60 %)"),
        (estimate(0.7, 31, visits=1), "(1 visit, weight on the last two months, 95 % range 53-85 %)"),
        (
            estimate(0.75, 30, visits=0, elsewhere=88),
            "(no visits on this lane yet, judged by 88 visits elsewhere, 95 % range 58-89 %)",
        ),
    ],
)
def test_what_a_chance_rests_on_is_told_as_it_is(seen, words):
    assert words in told(candidate("Newcomer", estimate=seen))


def test_a_later_visit_is_called_by_its_number_with_its_own_chance():
    again = candidate("Xpress", 96_00, estimate=estimate(0.8, 400, visits=370), visit=2, g=0.65)
    assert (
        "it collects at visit 2 52 % of the time around 560xxx (370 visits, weight on the last two months, 95 % range 49-54 %)"
        in told(again)
    )


def test_without_a_zone_no_place_is_named():
    assert told(XPRESS, BLUELINE, where=situation(zone="")) == (
        "Xpress at Rs 96: it collects at the first visit 81 % of the time (412 visits, weight on the last two months, 95 % range "
        "77-85 %), so a collected return costs Rs 100 all in; the next best, BlueLine (Rs 110), collects 90 % and comes to Rs 112. "
        "If the visit fails, BlueLine is next."
    )


def test_those_left_out_are_told_with_their_causes_where_nobody_else_is_left():
    assert "; all others were left out (2 circuit open, 1 price cap)." in told(
        XPRESS, barred=barred(Cause.CIRCUIT_OPEN, Cause.PRICE_CAP, Cause.CIRCUIT_OPEN)
    )


def test_a_carrier_without_a_name_is_called_by_its_code_and_service():
    assert told(msgspec.structs.replace(XPRESS, name="")).startswith("xpress surface at Rs 96:")


@pytest.mark.parametrize(
    ("settings", "where", "dice", "words"),
    [
        (policy(prefer=("blueline",)), situation(), 1.0, " Your preferred order decided, not the expected cost."),
        (policy(), situation(pinned="xpress"), 1.0, " You pinned it for this pickup."),
        (policy(floor=0.95), situation(), 1.0, " No carrier reaches your floor of 95 %, so it was dropped."),
    ],
)
def test_what_stood_above_the_rule_is_told(settings, where, dice, words):
    assert words in told(XPRESS, BLUELINE, settings=settings, where=where, dice=dice)


def test_a_drawn_choice_is_called_drawn():
    near = msgspec.structs.replace(
        XPRESS, name="Twin", account="cac_Twin", carrier="twin", price_minor=96_50, price=Money(96_50, "INR")
    )
    said = told(XPRESS, near, settings=policy(shuffle_share=0.1), dice=0.09)
    assert said.startswith("Twin at Rs 96.50") and " It was drawn from near-equal carriers by your shuffle." in said


def test_a_person_is_told_why_nobody_is_asked():
    assert told(candidate("Dear", 430_00, 0.8)) == (
        "No carrier is worth asking: the best, Dear at Rs 430, comes to Rs 434 per collected return; "
        "from Rs 340 on a person takes over."
    )


def test_nobody_left_is_told_with_the_causes():
    assert told(barred=barred(Cause.NOT_SERVICEABLE, Cause.QUOTE_TIMED_OUT)) == (
        "No carrier can be asked: 1 not serviceable, 1 quote timed out."
    )
    assert told() == "No carrier can be asked: there is no carrier account."


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(96_00, "INR", "Rs 96"), (96_05, "USD", "$96.05"), (96, "JPY", "JPY 96"), (96_050, "KWD", "KWD 96.050"), (5, "EUR", "€0.05")],
)
def test_amounts_are_exact_in_the_currencys_own_decimals(minor, currency, shown):
    assert amount(minor, currency) == shown


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (118_49.6, "INR", "Rs 118"),
        (118_50.4, "INR", "Rs 119"),
        (3_456.7, "KWD", "KWD 3.457"),
        (1_23.4, "USD", "$1.23"),
        (118.6, "JPY", "JPY 119"),
    ],
)
def test_expected_amounts_are_rounded_as_far_as_they_are_known(minor, currency, shown):
    assert about(minor, currency) == shown
