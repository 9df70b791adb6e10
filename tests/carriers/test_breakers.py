"""When a circuit opens, whom it lets through, and what does not count; on a clock that is told."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import Misread, OutcomeUnknown, Pending, RefusalKind, Refused, Throttled, Unreachable
from gateway.carriers.breakers import FAILED_SHARE, LEAST_CALLS, WINDOW, Breakers, Circuit, Heard, heard_of, next_state

BAD = Unreachable("nobody there")


class Watch:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


def hear(breakers: Breakers, *outcomes: BaseException | None) -> None:
    for outcome in outcomes:
        breakers.asked("cac_1", "quote")
        breakers.heard("cac_1", "quote", outcome)


def wait(breakers: Breakers) -> float | None:
    found = breakers.wait("cac_1", "quote")
    return None if found is None else found.total_seconds()


def opened(watch: Watch) -> Breakers:
    breakers = Breakers(watch)
    hear(breakers, *[BAD] * LEAST_CALLS)
    return breakers


@pytest.mark.parametrize(
    ("outcome", "heard"),
    [
        (None, Heard.ANSWER),
        (Unreachable("x"), Heard.FAILURE),
        (OutcomeUnknown("HTTP 500"), Heard.FAILURE),
        (Misread("x"), Heard.FAILURE),
        (Refused(RefusalKind.NOT_SERVICEABLE), Heard.ANSWER),
        (Refused(RefusalKind.UNAUTHORIZED), Heard.ANSWER),
        (Pending("later"), Heard.ANSWER),
        (Throttled(), Heard.NOTHING),
        (ZeroDivisionError(), Heard.NOTHING),
    ],
)
def test_a_refusal_is_an_answer_and_a_bug_of_ours_says_nothing(outcome: BaseException | None, heard: Heard) -> None:
    assert heard_of(outcome) is heard


def test_it_opens_where_half_of_twenty_calls_in_half_a_minute_failed(watch: Watch) -> None:
    breakers = Breakers(watch)
    hear(breakers, *[BAD] * 10, *[None] * 9)
    assert wait(breakers) is None
    hear(breakers, None)
    assert wait(breakers) == 30.0


def test_fewer_calls_or_fewer_failures_leave_it_closed(watch: Watch) -> None:
    breakers = Breakers(watch)
    hear(breakers, *[BAD] * (LEAST_CALLS - 1))
    assert wait(breakers) is None
    breakers = Breakers(watch)
    hear(breakers, *[None, None, BAD] * 20)
    assert wait(breakers) is None


def test_what_failed_longer_ago_than_the_window_is_forgotten(watch: Watch) -> None:
    breakers = Breakers(watch)
    hear(breakers, *[BAD] * (LEAST_CALLS - 1))
    watch.time += WINDOW
    hear(breakers, BAD)
    assert wait(breakers) is None


def test_refusals_never_open_it(watch: Watch) -> None:
    breakers = Breakers(watch)
    hear(breakers, *[Refused(RefusalKind.NOT_SERVICEABLE, "E1", "no")] * 100)
    assert wait(breakers) is None


def test_accounts_and_operations_have_circuits_of_their_own(watch: Watch) -> None:
    breakers = opened(watch)
    assert [breakers.wait(*one) for one in (("cac_1", "book"), ("cac_2", "quote"))] == [None, None]


def test_after_its_pause_one_probe_goes_and_the_others_wait(watch: Watch) -> None:
    breakers = opened(watch)
    watch.time += 29
    assert wait(breakers) == 1.0
    watch.time += 1
    assert wait(breakers) is None
    breakers.asked("cac_1", "quote")
    assert wait(breakers) == 1.0


def test_a_probe_that_is_answered_closes_it_and_nothing_is_held_against_it(watch: Watch) -> None:
    breakers = opened(watch)
    watch.time += 30
    hear(breakers, None, *[BAD] * (LEAST_CALLS - 1))
    assert wait(breakers) is None


def test_each_probe_that_fails_doubles_the_pause_up_to_eight_minutes(watch: Watch) -> None:
    breakers, pauses = opened(watch), []
    for _ in range(7):
        pause = wait(breakers)
        assert pause is not None
        pauses.append(pause)
        watch.time += pause
        hear(breakers, BAD)
    assert pauses == [30, 60, 120, 240, 480, 480, 480]


def test_a_probe_that_says_nothing_lets_the_next_one_go(watch: Watch) -> None:
    breakers = opened(watch)
    watch.time += 30
    hear(breakers, Throttled())
    assert wait(breakers) is None


def test_a_probe_that_never_comes_back_is_given_up(watch: Watch) -> None:
    breakers = opened(watch)
    watch.time += 30
    breakers.asked("cac_1", "quote")
    watch.time += 180
    assert wait(breakers) is None


def test_calls_that_were_out_when_it_opened_change_nothing(watch: Watch) -> None:
    breakers = opened(watch)
    for outcome in (None, BAD):
        breakers.heard("cac_1", "quote", outcome)
    assert wait(breakers) == 30.0


@given(st.lists(st.tuples(st.sampled_from(list(Heard)), st.floats(0, 40)), max_size=120))
def test_a_closed_circuit_never_holds_what_should_have_opened_it(calls: list[tuple[Heard, float]]) -> None:
    circuit, now = Circuit(), 0.0
    for heard, pause in calls:
        now += pause
        circuit = next_state(circuit, heard, now)
        if circuit.open_until is None:
            asked, failed = (sum(one[place] for one in circuit.slices) for place in (1, 2))
            assert asked < LEAST_CALLS or failed < FAILED_SHARE * asked
        else:
            assert dt.timedelta(seconds=circuit.open_until - now) <= dt.timedelta(minutes=8)
