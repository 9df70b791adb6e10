"""Failed visits, silence and refusals at the door, healed by the reason table."""

import datetime as dt
from typing import Any

import pytest

from gateway.services import commanding
from gateway.services.commanding import Resolution
from gateway.store.accounts import ACCOUNTS
from tests.world import World, customer


def exceptions(world: World, pickup: str) -> list[tuple[str, str]]:
    return [(one.reason, one.resolution or one.state) for one in world.case(pickup).exceptions]


def visits(world: World, pickup: str) -> list[tuple[str, str | None]]:
    return [(visit.outcome, visit.reason) for visit in world.case(pickup).visits]


def switch_account(world: World, *, enabled: bool) -> None:
    with world.db.write() as tx:
        ACCOUNTS.update(tx, world.accounts["ekart"].id, enabled=enabled)


def act(world: World, pickup: str, **wanted: Any) -> None:
    case = world.case(pickup)
    with world.db.write() as tx:
        commanding.act_on(tx, case, case.open_exceptions[-1], Resolution(**wanted), world.now)
    world.drive()


def test_a_failed_visit_is_followed_by_another(world):
    pickup = world.book(phone="9820000001")
    world.days(10)

    assert world.state(pickup) == "delivered"
    assert visits(world, pickup) == [("failed", "customer_unavailable"), ("collected", None)]
    assert exceptions(world, pickup) == [("customer_unavailable", "collected")]


def test_a_silent_carrier_is_polled_then_left_for_the_other(world):
    first = world.case(world.book("RMA-0")).bookings[0].carrier

    pickup = world.book(phone=world.phone(10, only_at=first))
    world.days(9)

    case = world.case(pickup)
    assert [reason for reason, _ in exceptions(world, pickup)][:2] == ["no_event", "no_event"]
    assert case.bookings[0].carrier == first
    assert case.bookings[0].state == "cancelled"
    assert case.bookings[-1].carrier != first
    assert case.pickup.state in ("collected", "in_transit", "delivered")


def test_the_customer_corrects_the_phone_and_the_rider_comes_again(make_world):
    world = make_world("ekart")
    pickup = world.book(phone="9820000002")
    world.days(1)
    assert exceptions(world, pickup) == [("customer_unreachable", "waiting_customer")]

    case = world.case(pickup)
    with world.db.write() as tx:
        commanding.contact(tx, case, customer("9820000000"), "ring the second bell", world.now)
    world.drive()
    assert [(one.act, one.state) for one in world.case(pickup).instructions] == [("reattempt", "confirmed")]

    world.days(9)
    assert world.state(pickup) == "delivered"


def test_two_failed_visits_told_of_at_once_are_one_open_exception(make_world):
    """Each of them would be healed by itself, and the carrier called once for each."""
    world = make_world("ekart")
    pickup = world.book(phone="9820000008")
    world.now += dt.timedelta(days=3)
    world.lab.let_time_pass()
    world.pass_time(dt.timedelta(0))

    assert len(visits(world, pickup)) > 1
    assert exceptions(world, pickup)[0] == ("customer_unavailable", "superseded")
    assert [exception for exception in exceptions(world, pickup) if exception[1] != "superseded"] == exceptions(world, pickup)[-1:]


def test_used_up_tries_hand_the_pickup_to_a_person(make_world):
    world = make_world("ekart")
    pickup = world.book(phone="9820000008")
    world.days(12, dt.timedelta(hours=3))

    case = world.case(pickup)
    assert case.pickup.state == "exhausted"
    assert [one.state for one in case.open_exceptions] == ["needs_decision"]
    assert "pickup.exhausted" in world.events(pickup)


def test_a_requeued_pickup_is_chosen_for_anew(make_world):
    world = make_world("ekart")
    switch_account(world, enabled=False)
    pickup = world.book()
    assert world.state(pickup) == "exhausted"

    switch_account(world, enabled=True)
    with world.db.write() as tx:
        commanding.requeue(tx, world.case(pickup), world.now)
    world.drive()

    assert world.state(pickup) == "booked"
    assert exceptions(world, pickup) == [("no_carrier", "requeued")]


@pytest.mark.parametrize("fault", ["timeout_booked", "drop_after_commit"])
def test_an_operator_adopts_the_booking_found_in_the_carriers_panel(make_world, fault):
    world = make_world("ekart")
    world.fault(fault, operation="book", times=1)
    pickup = world.book()
    for _ in range(20):
        world.pass_time(dt.timedelta(seconds=10))

    act(world, pickup, action="adopt", awb=world.books("ekart")[0]["awb"])

    assert world.state(pickup) == "booked"
    assert len(world.books("ekart")) == 1


def test_an_operator_who_saw_nothing_has_it_booked_again(make_world):
    world = make_world("ekart")
    world.fault("drop_before_commit", operation="book", times=1)
    pickup = world.book()
    for _ in range(20):
        world.pass_time(dt.timedelta(seconds=10))

    act(world, pickup, action="not_booked")

    assert world.state(pickup) == "booked"
    assert len(world.books("ekart")) == 1


def test_a_cancel_is_seen_confirmed(make_world):
    world = make_world("ekart")
    pickup = world.book()

    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()

    assert world.state(pickup) == "cancelled"
    assert [one["state"] for one in world.books("ekart")] == ["cancelled"]


@pytest.mark.parametrize("fault", ["timeout_booked", "timeout_unbooked", "drop_after_commit", "server_error"])
def test_a_cancel_whose_answer_is_lost_is_asked_again(make_world, fault):
    world = make_world("ekart")
    pickup = world.book()
    world.fault(fault, operation="cancel", times=1)

    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()
    for _ in range(12):
        world.pass_time(dt.timedelta(seconds=10))

    assert world.state(pickup) == "cancelled"
    assert [one["state"] for one in world.books("ekart")] == ["cancelled"]


def test_collected_wins_over_a_late_cancel(make_world):
    world = make_world("ekart")
    pickup = world.book()
    world.now += dt.timedelta(hours=12)  # the rider has been there, and nobody has told us yet
    world.lab.let_time_pass()

    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()
    assert world.state(pickup) == "cancelling"

    world.days(6)
    assert world.state(pickup) == "delivered"


def test_disputed_reasons_move_the_fault_to_the_carrier(make_world):
    world = make_world("ekart")
    pickup = world.book(phone="9820000002")
    world.days(1)

    act(world, pickup, action="dispute")

    visit = world.case(pickup).visits[0]
    assert (visit.disputed, visit.fault) == (True, "carrier")
