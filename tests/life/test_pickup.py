"""The pickup's state as a function of what is known, and the laws of its table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.scans import Milestone
from gateway.life.booking import BookingState
from gateway.life.pickup import ENDS, STEPS, BookingView, Intent, PickupState, derive, step

P, B, M = PickupState, BookingState, Milestone

BEFORE_THE_DOOR = {
    P.REQUESTED,
    P.BOOKING,
    P.BOOKING_UNKNOWN,
    P.BOOKED,
    P.OUT_FOR_PICKUP,
    P.VISIT_FAILED,
    P.CANCELLING,
    P.EXHAUSTED,
}
WITH_THE_CARRIER = {P.COLLECTED, P.IN_TRANSIT}

VIEWS = st.builds(BookingView, state=st.sampled_from(B), milestones=st.lists(st.sampled_from(M), max_size=5).map(tuple))
BOOKINGS = st.lists(VIEWS, max_size=4)
INTENTS = st.sampled_from(Intent)


def view(state: BookingState, *milestones: Milestone) -> BookingView:
    return BookingView(state=state, milestones=milestones)


def derived(*bookings: BookingView, intent: Intent = Intent.COLLECT, handed_over: bool = False) -> PickupState:
    return derive(bookings, intent, handed_over=handed_over)


# --- what facts amount to -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bookings", "state"),
    [
        ([], P.REQUESTED),
        ([view(B.PLANNED)], P.BOOKING),
        ([view(B.SENDING)], P.BOOKING),
        ([view(B.HALF_BOOKED)], P.BOOKING),
        ([view(B.UNKNOWN)], P.BOOKING_UNKNOWN),
        ([view(B.REFUSED)], P.REQUESTED),
        ([view(B.CANCELLED)], P.REQUESTED),
        ([view(B.REFUSED), view(B.SENDING)], P.BOOKING),
        ([view(B.REFUSED), view(B.UNKNOWN)], P.BOOKING_UNKNOWN),
        ([view(B.LIVE)], P.BOOKED),
        ([view(B.LIVE, M.LABEL_CREATED, M.PICKUP_SCHEDULED)], P.BOOKED),
        ([view(B.LIVE, M.PICKUP_SCHEDULED, M.OUT_FOR_PICKUP)], P.OUT_FOR_PICKUP),
        ([view(B.LIVE, M.OUT_FOR_PICKUP, M.PICKUP_FAILED)], P.VISIT_FAILED),
        ([view(B.LIVE, M.PICKUP_FAILED, M.PICKUP_SCHEDULED)], P.BOOKED),
        ([view(B.LIVE, M.PICKUP_FAILED, M.OUT_FOR_PICKUP)], P.OUT_FOR_PICKUP),
        ([view(B.LIVE, M.PICKUP_FAILED, M.UNKNOWN)], P.VISIT_FAILED),
        ([view(B.CANCELLING)], P.CANCELLING),
        ([view(B.CANCEL_UNKNOWN)], P.CANCELLING),
        ([view(B.DONE)], P.COLLECTED),
        ([view(B.DONE, M.PICKED_UP)], P.COLLECTED),
        ([view(B.DONE, M.PICKED_UP, M.IN_TRANSIT)], P.IN_TRANSIT),
        ([view(B.DONE, M.PICKED_UP, M.OUT_FOR_DELIVERY, M.DELIVERY_FAILED)], P.IN_TRANSIT),
        ([view(B.DONE, M.PICKED_UP, M.DELIVERED)], P.DELIVERED),
        ([view(B.DONE, M.PICKED_UP, M.LOST)], P.LOST),
        ([view(B.DONE, M.PICKED_UP, M.DAMAGED)], P.DAMAGED),
        ([view(B.DONE, M.PICKED_UP, M.RETURNING, M.RETURNED_TO_SENDER)], P.RETURNED_TO_CUSTOMER),
        ([view(B.CANCELLED), view(B.DONE, M.PICKED_UP)], P.COLLECTED),
        ([view(B.DONE, M.PICKED_UP), view(B.LIVE)], P.COLLECTED),
    ],
)
def test_the_state_is_what_the_facts_amount_to(bookings, state):
    assert derived(*bookings) is state


@pytest.mark.parametrize("intent", Intent)
@given(BOOKINGS, st.booleans())
def test_a_collected_pickup_is_collected_whatever_we_intend(intent, bookings, handed_over):
    state = derive([*bookings, view(B.DONE, M.PICKED_UP)], intent, handed_over=handed_over)
    assert state in WITH_THE_CARRIER | ENDS - {P.CANCELLED}


@given(BOOKINGS, st.booleans())
def test_a_pickup_is_cancelled_only_when_no_carrier_may_still_come(bookings, handed_over):
    state = derive(bookings, Intent.CANCEL, handed_over=handed_over)
    assert (state is P.CANCELLED) == all(one.state in (B.REFUSED, B.CANCELLED) for one in bookings)


@given(BOOKINGS, INTENTS)
def test_only_what_we_want_cancelled_is_cancelled(bookings, intent):
    assert derive(bookings, intent, handed_over=False) is not P.CANCELLED or intent is Intent.CANCEL


@given(BOOKINGS)
def test_handing_over_to_a_person_hides_nothing_but_what_is_before_the_door(bookings):
    state = derive(bookings, Intent.COLLECT, handed_over=True)
    assert (state is P.EXHAUSTED) == (B.DONE not in {one.state for one in bookings})


@given(BOOKINGS, INTENTS, st.booleans(), st.data())
def test_a_scan_that_nobody_understands_changes_nothing(bookings, intent, handed_over, data):
    def noisy(one: BookingView) -> BookingView:
        place = data.draw(st.integers(0, len(one.milestones)))
        noise = data.draw(st.sampled_from([M.UNKNOWN, M.ON_HOLD, M.DELAYED]))
        return view(one.state, *one.milestones[:place], noise, *one.milestones[place:])

    before = derive(bookings, intent, handed_over=handed_over)
    assert derive([noisy(one) for one in bookings], intent, handed_over=handed_over) is before


@given(BOOKINGS, INTENTS, st.booleans())
def test_bookings_that_came_to_nothing_change_nothing(bookings, intent, handed_over):
    idle = [view(B.REFUSED), *bookings, view(B.CANCELLED)]
    assert derive(idle, intent, handed_over=handed_over) is derive(bookings, intent, handed_over=handed_over)


# --- the table ------------------------------------------------------------------------------------------


def test_every_state_has_its_row_and_none_leads_to_itself():
    assert set(STEPS) == set(P)
    assert [state for state in P if state in STEPS[state]] == []


def test_every_state_can_come_to_pass():
    found, fresh = {P.REQUESTED}, {P.REQUESTED}
    while fresh:
        fresh = {after for state in fresh for after in STEPS[state]} - found
        found |= fresh
    assert found == set(P)


def test_the_ends_are_five():
    assert {P.DELIVERED, P.CANCELLED, P.LOST, P.DAMAGED, P.RETURNED_TO_CUSTOMER} == ENDS


@pytest.mark.parametrize("state", sorted(BEFORE_THE_DOOR | {P.CANCELLED}))
def test_collected_can_follow_everything_before_the_door(state):
    assert step(state, P.COLLECTED) is P.COLLECTED


@pytest.mark.parametrize("state", sorted(BEFORE_THE_DOOR))
@pytest.mark.parametrize("after", sorted(BEFORE_THE_DOOR))
def test_before_the_door_everything_may_follow_everything_but_asking_anew_after_a_lost_answer(state, after):
    expected = state if (state, after) == (P.BOOKING_UNKNOWN, P.REQUESTED) else after
    assert step(state, after) is expected


@pytest.mark.parametrize("state", sorted(WITH_THE_CARRIER | ENDS - {P.CANCELLED}))
@given(st.sampled_from(sorted(BEFORE_THE_DOOR)))
def test_what_was_collected_never_goes_back_to_the_door(state, before):
    assert step(state, before) is state


@pytest.mark.parametrize(
    ("state", "late", "after"),
    [
        (P.CANCELLED, P.COLLECTED, P.COLLECTED),
        (P.CANCELLED, P.IN_TRANSIT, P.IN_TRANSIT),
        (P.CANCELLED, P.DELIVERED, P.DELIVERED),
        (P.CANCELLED, P.BOOKED, P.CANCELLED),
        (P.LOST, P.IN_TRANSIT, P.IN_TRANSIT),
        (P.LOST, P.DELIVERED, P.DELIVERED),
        (P.LOST, P.COLLECTED, P.LOST),
        (P.DAMAGED, P.DELIVERED, P.DELIVERED),
        (P.DELIVERED, P.DAMAGED, P.DAMAGED),
        (P.DELIVERED, P.IN_TRANSIT, P.DELIVERED),
        (P.DELIVERED, P.LOST, P.DELIVERED),
        (P.IN_TRANSIT, P.COLLECTED, P.IN_TRANSIT),
        (P.IN_TRANSIT, P.CANCELLED, P.IN_TRANSIT),
        (P.RETURNED_TO_CUSTOMER, P.DELIVERED, P.RETURNED_TO_CUSTOMER),
        (P.EXHAUSTED, P.REQUESTED, P.REQUESTED),
    ],
)
def test_late_truth_wins_where_it_can_be_true(state, late, after):
    assert step(state, late) is after


@pytest.mark.parametrize("state", P)
@given(st.sampled_from(P))
def test_a_step_goes_where_the_facts_are_or_nowhere(state, towards):
    assert step(state, towards) in (state, towards)
    assert step(state, state) is state


@given(st.lists(st.tuples(BOOKINGS, INTENTS, st.booleans()), max_size=12))
def test_whatever_is_reported_a_delivered_pickup_is_only_ever_found_damaged(reports):
    state = P.REQUESTED
    for bookings, intent, handed_over in reports:
        before, state = state, step(state, derive(bookings, intent, handed_over=handed_over))
        assert before is not P.DELIVERED or state in (P.DELIVERED, P.DAMAGED)
