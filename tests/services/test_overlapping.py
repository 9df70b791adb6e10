"""A carrier that never says whether it cancelled is left for the next one where the merchant prefers that; then two may come."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from adapters.contract.scans import Milestone, Scan, Tracked
from gateway.services import commanding, following
from gateway.services.commanding import Resolution
from gateway.store import tables
from gateway.store.cases import Case
from rates.policy import UncertainBooking
from tests.services.carriers import POLICY, WideWorld, customer
from tests.services.invariants import broken

MINUTE = dt.timedelta(minutes=1)
LOST = ("timeout_booked", "timeout_unbooked", "server_error", "drop_after_commit")


@pytest.fixture
def double(make_wide) -> WideWorld:
    return world_that(make_wide, UncertainBooking.PREFER_DOUBLE)


def world_that(make_wide, prefers: UncertainBooking, minutes: int = 60, first: str = "delhivery") -> WideWorld:
    policy = replace(POLICY, uncertain_booking=prefers, cancel_wait_minutes=minutes, prefer=(first,))
    world: WideWorld = make_wide("delhivery", "ekart", policy=policy)
    return world


def leave(world: WideWorld, pickup: str, fault: str = "timeout_unbooked") -> str:
    """The customer has moved, so that the carrier must be left; it does not say whether it cancels. Its code."""
    first = world.case(pickup).bookings[0].carrier
    world.fault(fault, first, operation="cancel")
    with world.db.write() as tx:
        commanding.contact(tx, world.case(pickup), customer(postal_code="560034"), "", world.now)
    world.drive()
    return first


def answer_again(world: WideWorld) -> None:
    world.lab.answer("DELETE", "/_lab/faults", {}, b"")


def pass_time(world: WideWorld, minutes: int) -> None:
    for _ in range(minutes):
        world.pass_time(MINUTE)


def bookings(world: WideWorld, pickup: str) -> list[tuple[str, bool]]:
    return [(str(one.state), one.overlap) for one in world.case(pickup).bookings]


def exceptions(world: WideWorld, pickup: str) -> list[tuple[str, str]]:
    return [(one.reason, one.resolution or one.state) for one in world.case(pickup).exceptions]


def scanned(world: WideWorld, pickup: str, number: int, milestone: Milestone) -> None:
    booking = world.case(pickup).bookings[number]
    scan = Scan(code=str(milestone), at=world.now, milestone=milestone)
    with world.db.write() as tx:
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=(scan,)), "push", world.now)
    world.drive()


def act(world: WideWorld, pickup: str, **wanted: Any) -> None:
    case: Case = world.case(pickup)
    with world.db.write() as tx:
        commanding.act_on(tx, case, case.open_exceptions[-1], Resolution(**wanted), world.now)
    world.drive()


def overlapped(world: WideWorld) -> str:
    """Left behind unanswered, the next one live."""
    pickup = world.book()
    leave(world, pickup)
    pass_time(world, 62)
    assert bookings(world, pickup) == [("cancel_unknown", True), ("live", False)]
    return pickup


# --- waiting, then one or the other --------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST)
def test_the_next_carrier_is_booked_only_when_the_wait_is_over(double, fault):
    pickup = double.book()
    first = leave(double, pickup, fault)
    answer_again(double)
    double.fault("timeout_unbooked", first, operation="cancel")  # the first may have been done, the carrier cannot be asked
    double.fault("timeout_unbooked", first, operation="track")

    pass_time(double, 58)
    assert len(double.case(pickup).bookings) == 1
    assert double.state(pickup) == "cancelling"

    pass_time(double, 4)
    case = double.case(pickup)
    assert bookings(double, pickup) == [("cancel_unknown", True), ("live", False)]
    assert (case.bookings[0].carrier, case.bookings[1].carrier != first) == (first, True)
    assert (double.state(pickup), broken(double, pickup)) == ("booked", [])


def test_it_is_told_as_an_event_and_stands_in_the_queue(double):
    pickup = overlapped(double)

    assert exceptions(double, pickup) == [("cancel_unconfirmed", "switched"), ("overlap", "waiting_carrier")]
    assert double.events(pickup)[-5:-2] == ["exception.opened", "pickup.overlap", "pickup.failed_over"]
    with double.db.read() as tx:
        table = tables.events.c
        told = tx.scalar(sa.select(table.data).where(table.pickup_id == pickup, table.type == "pickup.overlap"))
    left = double.case(pickup).bookings[0]
    assert (told["booking"], told["carrier"], told["awb"]) == (left.id, left.carrier, left.awb)


@pytest.mark.parametrize("prefers", [UncertainBooking.PREFER_LATE, UncertainBooking.ASK])
def test_who_prefers_late_gets_a_person_and_never_an_overlap(make_wide, prefers):
    world = world_that(make_wide, prefers)
    pickup = world.book()
    leave(world, pickup)
    pass_time(world, 62)

    assert bookings(world, pickup) == [("cancel_unknown", False)]
    assert exceptions(world, pickup) == [("cancel_unconfirmed", "needs_decision")]

    world.days(3, dt.timedelta(hours=6))
    assert not any(overlap for _, overlap in bookings(world, pickup))
    assert "pickup.overlap" not in world.events(pickup)


def test_a_merchant_sets_how_long_is_waited(make_wide):
    world = world_that(make_wide, UncertainBooking.PREFER_DOUBLE, minutes=5)
    pickup = world.book()
    leave(world, pickup)
    pass_time(world, 7)

    assert bookings(world, pickup) == [("cancel_unknown", True), ("live", False)]


def test_a_cancel_confirmed_in_time_needs_no_overlap(double):
    pickup = double.book()
    leave(double, pickup)
    pass_time(double, 30)
    answer_again(double)
    pass_time(double, 40)

    assert bookings(double, pickup) == [("cancelled", False), ("live", False)]
    assert broken(double, pickup) == []


def test_a_carrier_that_could_not_be_asked_at_all_is_not_overlapped(double):
    """Nothing was sent, so its rider comes for sure: that is waited for, and told."""
    pickup = double.book()
    leave(double, pickup, "throttle")
    pass_time(double, 90)

    assert bookings(double, pickup) == [("live", False)]
    assert exceptions(double, pickup) == [("cancel_unconfirmed", "waiting_carrier")]


def test_a_cancel_that_may_have_been_done_stays_in_doubt_though_the_next_one_is_not_sent(double):
    pickup = double.book()
    first = leave(double, pickup)
    answer_again(double)
    double.fault("throttle", first, operation="cancel")
    pass_time(double, 62)

    assert bookings(double, pickup) == [("cancel_unknown", True), ("live", False)]


# --- a person decides ------------------------------------------------------------------------------------


def test_a_person_may_have_the_next_one_booked_beside_it(make_wide):
    world = world_that(make_wide, UncertainBooking.PREFER_LATE)
    pickup = world.book()
    leave(world, pickup)
    pass_time(world, 62)

    act(world, pickup, action="switch_carrier")

    assert bookings(world, pickup) == [("cancel_unknown", True), ("live", False)]
    assert exceptions(world, pickup) == [("cancel_unconfirmed", "switched"), ("overlap", "waiting_carrier")]


def test_a_person_who_saw_it_cancelled_lets_the_switch_go_on(make_wide):
    world = world_that(make_wide, UncertainBooking.PREFER_LATE)
    pickup = world.book()
    leave(world, pickup)
    pass_time(world, 62)

    act(world, pickup, action="not_booked")

    assert bookings(world, pickup) == [("cancelled", False), ("live", False)]
    assert exceptions(world, pickup) == [("cancel_unconfirmed", "not_booked")]


# --- what becomes of the one left behind ------------------------------------------------------------------


def test_it_is_cancelled_again_until_that_is_confirmed(double):
    pickup = overlapped(double)
    answer_again(double)
    pass_time(double, 2)

    assert bookings(double, pickup) == [("cancelled", True), ("live", False)]
    assert exceptions(double, pickup)[-1] == ("overlap", "cancelled")
    assert broken(double, pickup) == []


def test_when_the_other_collects_it_is_cancelled_again_at_once_and_the_case_stays_open_until_it_is(double):
    pickup = overlapped(double)
    calls = dict(double.lab.calls)
    scanned(double, pickup, 1, Milestone.PICKED_UP)

    again = sum(number - calls.get(key, 0) for key, number in double.lab.calls.items() if key[2] == "cancel")
    assert (double.state(pickup), bookings(double, pickup), again) == ("collected", [("cancel_unknown", True), ("done", False)], 1)
    assert exceptions(double, pickup)[-1] == ("overlap", "waiting_carrier")

    answer_again(double)
    pass_time(double, 2)
    assert bookings(double, pickup) == [("cancelled", True), ("done", False)]
    assert exceptions(double, pickup)[-1] == ("overlap", "cancelled")
    assert len([one for code in ("delhivery", "ekart") for one in double.holdings(code)]) == 1


def test_a_person_may_say_that_it_is_cancelled_after_the_other_has_collected(double):
    pickup = overlapped(double)
    scanned(double, pickup, 1, Milestone.PICKED_UP)

    act(double, pickup, action="not_booked")

    assert bookings(double, pickup) == [("cancelled", True), ("done", False)]
    assert exceptions(double, pickup)[-1] == ("overlap", "not_booked")


def test_its_rider_was_faster_so_the_other_is_cancelled(double):
    pickup = overlapped(double)
    scanned(double, pickup, 0, Milestone.PICKED_UP)

    assert (double.state(pickup), bookings(double, pickup)) == ("collected", [("done", True), ("cancelled", False)])
    assert exceptions(double, pickup)[-1] == ("overlap", "collected")
    assert [one.what for one in double.holdings(double.case(pickup).bookings[1].carrier)] == []


def test_both_riders_came_so_a_person_finds_out_who_has_it(double):
    pickup = overlapped(double)
    scanned(double, pickup, 1, Milestone.PICKED_UP)
    scanned(double, pickup, 0, Milestone.PICKED_UP)
    scanned(double, pickup, 1, Milestone.IN_TRANSIT)

    assert bookings(double, pickup) == [("done", True), ("done", False)]
    assert exceptions(double, pickup)[-2:] == [("overlap", "collected"), ("overlap", "needs_decision")]
    assert double.case(pickup).bookings[0].awb in double.case(pickup).open_exceptions[-1].detail


def test_it_fails_at_the_door_and_nobody_is_bothered(double):
    pickup = overlapped(double)
    scanned(double, pickup, 0, Milestone.OUT_FOR_PICKUP)

    assert double.state(pickup) == "booked"
    assert bookings(double, pickup) == [("cancel_unknown", True), ("live", False)]


def test_it_will_not_be_cancelled_and_the_pickup_stays_with_the_other(double):
    pickup = overlapped(double)
    answer_again(double)
    left, other = (one.carrier for one in double.case(pickup).bookings)
    double.fault("refuse", left, operation="cancel")
    pass_time(double, 90)

    assert bookings(double, pickup) == [("live", True), ("live", False)]
    assert double.state(pickup) == "booked"
    assert double.case(pickup).pickup.next_action is not None
    assert other in double.case(pickup).pickup.next_action.why

    answer_again(double)
    pass_time(double, 61)
    assert bookings(double, pickup) == [("cancelled", True), ("live", False)]


def test_the_merchant_cancels_both(double):
    pickup = overlapped(double)
    answer_again(double)
    with double.db.write() as tx:
        commanding.cancel(tx, double.case(pickup), double.now)
    double.drive()
    pass_time(double, 2)

    assert (double.state(pickup), bookings(double, pickup)) == ("cancelled", [("cancelled", True), ("cancelled", False)])
