"""The booking's table, written down a second time, and the laws it keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.life.booking import FOLLOWED, GIVEN_UP, OPEN, STEPS, UNFINISHED, BookingEvent, BookingState, NotInTable, move, takes

S, E = BookingState, BookingEvent
ENDS = {S.REFUSED, S.CANCELLED, S.DONE}

# From each state: what may happen, and where it leads.
TABLE = {
    S.PLANNED: {E.SEND: S.SENDING, E.REFUSED: S.REFUSED, E.WITHDRAW: S.CANCELLED, E.GIVE_BACK: S.GIVING_BACK},
    S.SENDING: {
        E.UNSENT: S.PLANNED,
        E.STEP_DONE: S.HALF_BOOKED,
        E.BOOKED: S.LIVE,
        E.REFUSED: S.REFUSED,
        E.LOST_ANSWER: S.UNKNOWN,
        E.GIVE_BACK: S.GIVING_BACK,
    },
    S.HALF_BOOKED: {E.SEND: S.SENDING, E.WITHDRAW: S.CANCELLED, E.GIVE_BACK: S.GIVING_BACK},
    S.UNKNOWN: {E.BOOKED: S.LIVE, E.NOT_FOUND: S.PLANNED, E.REFUSED: S.REFUSED, E.GIVE_BACK: S.GIVING_BACK},
    S.GIVING_BACK: {E.REFUSED: S.REFUSED, E.CANCELLED: S.CANCELLED},
    S.LIVE: {E.CANCEL: S.CANCELLING, E.COLLECTED: S.DONE, E.CLOSED: S.CANCELLED},
    S.CANCELLING: {
        E.UNSENT: S.LIVE,
        E.CANCELLED: S.CANCELLED,
        E.LOST_ANSWER: S.CANCEL_UNKNOWN,
        E.TOO_LATE: S.LIVE,
        E.COLLECTED: S.DONE,
        E.CLOSED: S.CANCELLED,
    },
    S.CANCEL_UNKNOWN: {
        E.CANCEL: S.CANCELLING,
        E.CANCELLED: S.CANCELLED,
        E.TOO_LATE: S.LIVE,
        E.COLLECTED: S.DONE,
        E.CLOSED: S.CANCELLED,
    },
    S.REFUSED: {E.BOOKED: S.LIVE},
    S.CANCELLED: {E.COLLECTED: S.DONE, E.BOOKED: S.LIVE},
    S.DONE: {},
}


def test_the_table_is_the_one_written_down():
    assert {(state, event): after for state, steps in TABLE.items() for event, after in steps.items()} == STEPS


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", E)
def test_a_booking_moves_exactly_where_the_table_has_the_step(state, event):
    if event in TABLE[state]:
        assert (takes(state, event), move(state, event)) == (True, TABLE[state][event])
    else:
        assert not takes(state, event)
        with pytest.raises(NotInTable, match=f"in {state} does not take {event}"):
            move(state, event)


def reachable(start: BookingState) -> set[BookingState]:
    found, fresh = {start}, {start}
    while fresh:
        fresh = {after for state in fresh for after in TABLE[state].values()} - found
        found |= fresh
    return found


def test_every_state_can_come_to_pass():
    assert reachable(S.PLANNED) == set(S)


@pytest.mark.parametrize("state", S)
def test_from_every_state_there_is_a_way_to_an_end(state):
    assert reachable(state) & ENDS


def test_every_event_has_a_use():
    assert {event for _, event in STEPS} == set(E)


def test_an_unknown_outcome_is_never_just_sent_again():
    assert not takes(S.UNKNOWN, E.SEND)
    assert {state for state in S if takes(state, E.SEND)} == {S.PLANNED, S.HALF_BOOKED}


def test_only_what_was_sent_can_be_booked_or_lost():
    assert {state for state in S if takes(state, E.LOST_ANSWER)} == {S.SENDING, S.CANCELLING}
    assert not takes(S.PLANNED, E.BOOKED)


@pytest.mark.parametrize("state", [S.LIVE, S.CANCELLING, S.CANCEL_UNKNOWN, S.CANCELLED])
def test_collected_always_wins(state):
    assert move(state, E.COLLECTED) is S.DONE


def test_done_is_done():
    assert [event for event in E if takes(S.DONE, event)] == []


def test_open_is_what_may_bring_a_rider():
    assert set(S) - ENDS - {S.GIVING_BACK} == OPEN


def test_unfinished_is_what_has_not_ended():
    assert set(S) - ENDS == UNFINISHED


def test_what_is_given_back_is_given_up_and_comes_to_life_no_more():
    assert {S.REFUSED, S.GIVING_BACK} == GIVEN_UP
    assert reachable(S.GIVING_BACK) & OPEN == reachable(S.REFUSED) & OPEN


def test_followed_is_what_waits_at_a_carrier():
    assert {S.LIVE, S.CANCELLING, S.CANCEL_UNKNOWN, S.DONE} == FOLLOWED


@given(st.lists(st.sampled_from(E), max_size=30))
def test_whatever_happens_in_whatever_order_a_collected_booking_stays_so(events):
    state = S.PLANNED
    for event in events:
        before = state
        state = move(state, event) if takes(state, event) else state
        assert before is not S.DONE or state is S.DONE
