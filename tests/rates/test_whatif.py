"""Another policy on stored decisions: what is known, what is modelled, and how unsure that is."""

from __future__ import annotations

import datetime as dt
import random

import msgspec
import pytest

from adapters.contract.units import CurrencyMismatch, Money
from rates.choice import Barred, Cause, Decision, rank
from rates.policy import Cap
from rates.whatif import Came, Method, Past, WhatIf, chance, what_if
from tests.rates.making import NOW, candidate, estimate, policy, rupees, situation

SURE, CHEAP = candidate("Sure", 96_00, 0.8), candidate("Cheap", 82_00, 0.6)


def decided(*offers: object, dice: float = 1.0, barred: tuple[Barred, ...] = (), **settings: object) -> Decision:
    return rank(offers or (SURE, CHEAP), barred, policy(**settings), situation(), NOW, dice)  # type: ignore[arg-type]


def past(decision: Decision, *, collected: bool = True, paid: int = 96_00, number: int = 0) -> Past:
    return Past(id=f"dec_{number}", decision=decision, came=Came(collected=collected, paid=paid if collected else 0))


def denied(found: Decision) -> str:
    assert found.chosen
    return found.of(found.chosen).carrier


def test_a_policy_that_chooses_the_same_came_to_what_came():
    found = what_if([past(decided()), past(decided(), collected=False)], policy(give_up_at=rupees(200)))
    assert (found.method, found.changed, found.collected, found.paid) == (Method.OBSERVED, 0, 1, 96_00.0)
    assert found.other_collected and (found.other_collected.low, found.other_collected.high) == (1.0, 1.0)
    assert found.cannot_know == ()


def test_what_was_never_done_is_the_models_word_and_says_so():
    found = what_if([past(decided(), number=number) for number in range(50)], policy(deny=(denied(decided()),)))
    assert (found.method, found.changed, found.judged) == (Method.MODEL, 50, 50)
    assert found.other_collected and found.other_collected.low < found.other_collected.value < found.other_collected.high
    assert found.cannot_know[0].startswith("50 of 50 choices would differ, and none was ever drawn by dice")
    assert [(one.chosen, one.instead) for one in found.changes[:1]] == [("cheap/surface", "sure/surface")]


def test_not_knowing_the_chance_does_not_average_out_over_pickups():
    def width(visits: float) -> float:
        unsure = candidate("Sure", 96_00, estimate=estimate(0.8, visits))
        rows = [past(decided(unsure, CHEAP), number=number) for number in range(400)]
        found = what_if(rows, policy(deny=("cheap",))).other_collected
        assert found
        return found.high - found.low

    assert width(20) > 3 * width(2000)


def test_the_dice_correct_a_model_that_is_wrong():
    """Cheap is said to collect 60 %; it collects none. With a shuffle that is found out."""
    dice = random.Random(1)
    a, b = candidate("A", 90_00, 0.8), candidate("B", 91_00, 0.8)
    rows = []
    for number in range(4000):
        decision = decided(a, b, dice=dice.random(), shuffle_share=0.1)
        assert decision.chosen
        rows.append(past(decision, collected=decision.of(decision.chosen).carrier == "a", number=number))
    found = what_if(rows, policy(deny=("a",)))

    assert (found.method, found.judged) == (Method.DOUBLY_ROBUST, 4000)
    assert found.other_collected and found.other_collected.low < 100
    assert found.explored_alone and found.explored_alone.value == 0.0


def test_a_pickup_for_a_person_costs_nothing_here_and_that_is_told():
    found = what_if([past(decided())], policy(give_up_at=rupees(1), deadline_penalty=rupees(0)))
    assert (found.handed_over, found.other_paid and found.other_paid.value) == (1, 0.0)
    assert any("would have gone to a person" in line for line in found.cannot_know)


def test_carriers_left_out_by_the_merchants_own_word_are_counted_as_unknown():
    barred = Barred(account="cac_x", carrier="x", service="s", cause=Cause.DENIED_BY_MERCHANT)
    found = what_if([past(decided(barred=(barred,)))], policy())
    assert (found.unpriced, any("have no known price" in line for line in found.cannot_know)) == (1, True)


def test_caps_of_the_other_policy_are_counted_over_its_own_choices_day_by_day():
    first = decided()
    days = [msgspec.structs.replace(first, at=NOW + dt.timedelta(days=day)) for day in (0, 0, 0, 0, 0, 1, 1)]
    rows = [past(decision, number=number) for number, decision in enumerate(days)]
    found = what_if(rows, policy(caps=(Cap(carrier=denied(first), pickups_a_day=2),)))
    assert [one.decision for one in found.changes] == ["dec_2", "dec_3", "dec_4"]
    assert any("daily caps were counted over these choices alone" in line for line in found.cannot_know)
    dear = what_if(rows, policy(caps=(Cap(carrier=denied(first), price=rupees(1)),)))
    assert dear.changed == len(rows)


def test_a_booking_that_is_not_over_is_in_no_figure():
    open_one = Past(id="dec_1", decision=decided(), came=None)
    found = what_if([open_one, past(decided())], policy())
    assert (found.decisions, found.judged, found.waiting, found.collected) == (2, 1, 1, 1)


def test_a_policy_in_another_currency_is_refused():
    euros = policy(currency="EUR", **{name: Money(100, "EUR") for name in ("give_up_at", "failed_visit_cost", "cost_per_day")})
    with pytest.raises(CurrencyMismatch):
        what_if([past(decided())], euros)


def test_more_visits_collect_more_and_never_more_than_all():
    assert [round(chance(0.6, visits), 3) for visits in (1, 2, 3)] == [0.6, 0.773, 0.85]


def test_the_same_decisions_say_the_same(capsys):
    rows = [past(decided(), number=number) for number in range(5)]
    found: list[WhatIf] = [what_if(rows, policy(deny=("cheap",))) for _ in range(2)]
    assert found[0] == found[1]
