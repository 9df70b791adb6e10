from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.schedule import MOST_TRIES, Attempt, Health, State, after_round, next_try

NOON = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)


def attempt(status: int | None = 200, *, milliseconds: int = 40, at: dt.datetime = NOON) -> Attempt:
    return Attempt(at=at, milliseconds=milliseconds, status=status)


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def test_a_message_is_tried_eight_times_over_more_than_a_day() -> None:
    pauses = [next_try(tries, NOON, 0.0) for tries in range(1, MOST_TRIES)]
    hours = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 10]
    assert pauses == [NOON + dt.timedelta(hours=one) for one in hours]
    assert next_try(MOST_TRIES, NOON, 0.0) is None


@given(st.integers(1, MOST_TRIES - 1), st.floats(0, 1))
def test_a_try_is_never_early_and_at_most_a_tenth_late(tries: int, dice: float) -> None:
    first, last, at = (next_try(tries, NOON, one) for one in (0.0, 1.0, dice))
    assert first and last and at and first <= at <= last
    assert abs((last - NOON) / (first - NOON) - 1.1) < 1e-6


@pytest.mark.parametrize(
    ("status", "taken"),
    [(200, True), (204, True), (299, True), (199, False), (301, False), (308, False), (410, False), (None, False)],
)
def test_only_a_2xx_is_taken_and_a_redirect_is_a_failure(status: int | None, taken: bool) -> None:
    assert attempt(status).taken is taken


def test_410_stops_the_endpoint_whatever_else_it_said() -> None:
    stopped = Health(state=State.STOPPED, reason="it answered 410 Gone")
    assert after_round(Health(), [attempt(), attempt(410)], NOON) == stopped


def test_one_message_taken_makes_an_endpoint_well_again() -> None:
    ill = Health(failing_since=NOON - seconds(900), streak=4, hold_until=NOON)
    assert after_round(ill, [attempt(500), attempt(204)], NOON) == Health()


def test_a_failing_endpoint_is_left_alone_for_longer_and_longer_up_to_five_minutes() -> None:
    health, holds = Health(), []
    for _ in range(9):
        health = after_round(health, [attempt(503)], NOON)
        holds.append((health.hold_until or NOON) - NOON)
    assert holds == [seconds(one) for one in (5, 10, 20, 40, 80, 160, 300, 300, 300)]
    assert (health.state, health.streak, health.failing_since) == (State.ENABLED, 9, NOON)


@pytest.mark.parametrize(("days", "state"), [(4.99, State.ENABLED), (5, State.PAUSED)])
def test_an_endpoint_that_fails_for_five_days_is_paused_with_the_reason(days: float, state: State) -> None:
    failing = Health(failing_since=NOON, streak=9)
    later = NOON + dt.timedelta(days=days)
    found = after_round(failing, [attempt(None, at=later)], later)
    assert (found.state, found.reason) == (state, "it has failed since 2026-03-09 12:00 UTC" if state is State.PAUSED else "")


def test_an_endpoint_the_merchant_paused_meanwhile_stays_paused_by_him() -> None:
    paused = Health(state=State.PAUSED, reason="by the merchant", failing_since=NOON - dt.timedelta(days=6), streak=9)
    found = after_round(paused, [attempt(500)], NOON)
    assert (found.state, found.reason) == (State.PAUSED, "by the merchant")


@pytest.mark.parametrize(("milliseconds", "slow"), [(2000, False), (2001, True)])
def test_an_endpoint_that_takes_long_is_known_for_it_until_it_does_not(milliseconds: int, slow: bool) -> None:
    found = after_round(Health(slow=not slow), [attempt(milliseconds=milliseconds)], NOON)
    assert found == Health(slow=slow)
    assert found.struggling is slow


def test_a_round_in_which_nothing_was_tried_says_nothing() -> None:
    ill = Health(failing_since=NOON, streak=2, slow=True, hold_until=NOON)
    assert after_round(ill, [], NOON) == ill
