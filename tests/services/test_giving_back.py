"""A label bought for a booking that is given up half-way goes back, however often that has to be asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gateway.services import commanding
from gateway.store.accounts import ACCOUNTS
from tests.services.carriers import WideWorld
from tests.services.invariants import broken

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def world(make_wide) -> WideWorld:
    made: WideWorld = make_wide("easypost")
    return made


def drop_faults(world: WideWorld) -> None:
    world.lab.answer("DELETE", "/_lab/faults", {}, b"")


def labels(world: WideWorld) -> list[str]:
    return [one.what for one in world.holdings("easypost")]


def bookings(world: WideWorld, pickup: str) -> list[str]:
    return [str(one.state) for one in world.case(pickup).bookings]


def exceptions(world: WideWorld, pickup: str) -> list[tuple[str, str]]:
    return [(one.reason, one.resolution or one.state) for one in world.case(pickup).exceptions]


def half_booked(world: WideWorld, **more: Any) -> str:
    """Its label is bought, and the mover cannot be asked for a visit just now."""
    world.fault("throttle", "easypost", operation="price_visit")
    pickup = world.book(at="US", **more)
    assert labels(world) == ["label"]
    return pickup


def test_when_the_tries_are_used_up_the_label_goes_back_and_another_is_booked(world):
    world.fault("throttle", "easypost", operation="price_visit", times=5)

    pickup = world.book(at="US")
    world.come_to_rest()

    assert bookings(world, pickup) == ["refused", "live"]
    assert labels(world) == ["consignment"]
    assert broken(world, pickup) == []


def test_when_the_merchant_cancels_meanwhile_the_label_goes_back(world):
    pickup = half_booked(world)

    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()
    world.come_to_rest()

    assert (world.state(pickup), bookings(world, pickup), labels(world)) == ("cancelled", ["cancelled"], [])


def test_a_visit_that_is_refused_gives_the_label_back_once(world):
    world.fault("refuse", "easypost", operation="price_visit", times=1)

    pickup = world.book(at="US")
    world.come_to_rest()

    assert labels(world) == ["consignment"]
    assert world.lab.calls["easypost", "lab_easypost", "refund"] == 1
    assert broken(world, pickup) == []


@pytest.mark.parametrize("fault", ["server_error", "timeout_booked", "timeout_unbooked", "drop_after_commit", "truncated", "html"])
def test_a_refund_whose_answer_is_lost_is_asked_for_until_it_is_confirmed(world, fault):
    pickup = half_booked(world)
    drop_faults(world)
    world.fault(fault, "easypost", operation="refund", times=3)
    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()
    assert world.state(pickup) in ("cancelling", "cancelled")

    world.come_to_rest()

    assert (world.state(pickup), bookings(world, pickup), labels(world)) == ("cancelled", ["cancelled"], [])


def test_the_pickup_does_not_wait_for_the_refund_but_somebody_is_told(world):
    world.fault("throttle", "easypost", operation="price_visit", times=5)
    world.fault("refuse", "easypost", operation="refund")

    pickup = world.book(at="US")
    world.come_to_rest()

    assert (world.state(pickup), bookings(world, pickup)) == ("booked", ["giving_back", "live"])
    assert exceptions(world, pickup) == [("not_given_back", "waiting_carrier")]

    drop_faults(world)
    world.pass_time(dt.timedelta(hours=1))

    assert bookings(world, pickup) == ["refused", "live"]
    assert exceptions(world, pickup) == [("not_given_back", "given_back")]
    assert labels(world) == ["consignment"]


def test_past_the_void_window_it_is_not_asked_for_any_more(world):
    pickup = half_booked(world)
    world.fault("refuse", "easypost", operation="refund")
    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.pass_time(MINUTE)
    assert exceptions(world, pickup) == [("not_given_back", "waiting_carrier")]

    world.pass_time(dt.timedelta(days=30))
    world.come_to_rest()

    assert (world.state(pickup), bookings(world, pickup)) == ("cancelled", ["cancelled"])
    assert exceptions(world, pickup) == [("not_given_back", "too_late")]


def test_a_key_that_opens_nothing_any_more_keeps_the_label_in_the_ledger(world):
    pickup = half_booked(world)
    account = world.accounts["easypost"]
    with world.db.write() as tx:
        sealed = ACCOUNTS.one(tx, account.id).secrets
        secrets = world.kit.vault.seal({"api_key": "revoked"}, account.merchant_id, account.id)
        ACCOUNTS.update(tx, account.id, secrets=secrets)
    drop_faults(world)
    world.pass_time(MINUTE)
    assert bookings(world, pickup) == ["giving_back"]
    assert ("not_given_back", "waiting_carrier") in exceptions(world, pickup)

    with world.db.write() as tx:
        ACCOUNTS.update(tx, account.id, secrets=sealed)
    world.pass_time(dt.timedelta(hours=1))

    assert (bookings(world, pickup)[0], labels(world)) == ("refused", [])


def test_a_label_that_nobody_used_goes_back_before_it_is_too_late(world):
    pickup = world.book(at="US", phone=world.phone(10))  # the lab's magic phone: nothing is ever heard of the rider
    while not world.case(pickup).open_exceptions:
        world.pass_time(dt.timedelta(hours=6))
    with world.db.write() as tx:
        case = world.case(pickup)
        commanding.act_on(tx, case, case.open_exceptions[-1], commanding.Resolution(action="hold"), world.now)
    booked_at = world.case(pickup).bookings[0].booked_at or world.now

    world.pass_time(booked_at + dt.timedelta(days=27, hours=23) - world.now)
    assert (bookings(world, pickup), labels(world)) == (["live"], ["consignment"])

    world.pass_time(dt.timedelta(hours=1))
    assert (world.state(pickup), bookings(world, pickup), labels(world)) == ("exhausted", ["cancelled"], [])
