"""Why a loser lost: its difference per collected return, told in parts that add up."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rates.choice import Decision, rank
from rates.losing import why_lost
from tests.rates.making import NOW, candidate, policy, rupees, situation


def decided(*offers: object, **settings: object) -> Decision:
    return rank(offers, (), policy(**settings), situation(), NOW)  # type: ignore[arg-type]


def lost(decision: Decision) -> list[str]:
    return [why_lost(decision, row) for row in decision.rows]


def test_the_chosen_one_did_not_lose_and_the_other_is_told_what_it_costs_more():
    decision = decided(candidate("Xpress", 96_00, 0.8), candidate("Cheap", 82_00, 0.4))
    assert lost(decision) == [
        "",
        "comes to Rs 104 per collected return, Rs 4.75 more: price and waiting Rs 14 less, failed visits Rs 18.75 more "
        "(collects 40 %, not 80 %).",
    ]


def test_what_leaving_the_present_carrier_costs_is_a_part_of_its_own():
    here, there = candidate("Here", 96_00, 0.8), candidate("There", 96_00, 0.8)
    decision = rank([here, there], (), policy(), situation(current=here.key), NOW)
    assert lost(decision)[1] == "comes to Rs 107 per collected return, Rs 7.50 more: changing carrier Rs 7.50 more."


def test_the_floor_the_order_and_the_dice_are_named_where_they_decided():
    cheap, sure = candidate("Cheap", 50_00, 0.45), candidate("Sure", 96_00, 0.8)
    by_floor = decided(cheap, sure, floor=0.5)
    by_order = decided(candidate("A", 90_00), candidate("B", 80_00), prefer=("a",))
    by_dice = rank([candidate("A", 80_00), candidate("B", 81_00)], (), policy(shuffle_share=0.1), situation(), NOW, 0.09)
    assert lost(by_floor)[1].startswith("below your floor of 50 %; comes to Rs ")
    assert lost(by_order)[1].startswith("stands behind in your preferred order; comes to Rs ")
    assert lost(by_dice)[0].startswith("the dice of your shuffle fell otherwise; comes to Rs ")


def test_where_nobody_was_chosen_the_limit_is_what_all_lost_to():
    decision = decided(candidate("Dear", 500_00, 0.8))
    assert lost(decision) == ["comes to Rs 504 per collected return: from Rs 340 on a person takes over."]
    assert decision.limit == rupees(340).minor


@given(
    price=st.integers(10_00, 300_00),
    p=st.floats(0.05, 0.95),
    due=st.integers(0, 50_00),
    days=st.floats(0, 9),
    other=st.floats(0.1, 0.95),
)
def test_the_parts_add_up_to_the_difference(price: int, p: float, due: int, days: float, other: float):
    decision = decided(candidate("A", price, p, due=due, days=days), candidate("B", 90_00, other), give_up_at=rupees(100_000))
    for row in decision.rows[1:]:
        text = why_lost(decision, row)
        whole, *parts = [_minor(found) for found in re.findall(r"Rs ([\d.]+) (more|less)", text)]
        assert abs(whole - sum(parts)) <= len(parts) or not parts


def _minor(found: tuple[str, str]) -> int:
    amount, side = found
    return round(float(amount) * 100) * (1 if side == "more" else -1)
