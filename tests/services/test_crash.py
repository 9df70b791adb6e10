"""Died at every place of a booking and of a cancel, at every carrier, then started anew: it ends as it would have ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from gateway.services import commanding, driving
from gateway.store.cases import Case
from tests.services.carriers import CARRIERS, HOME, WideWorld, customer
from tests.services.crashing import crashes
from tests.services.lives import every_place, rest


@pytest.fixture(params=CARRIERS)
def carrier(request) -> Iterator[str]:
    yield request.param


def test_a_booking(make_wide, carrier):
    def life(world: WideWorld, at: int) -> bool:
        pickup = world.accept("RMA-1", customer(HOME[carrier]))
        died = crashes(world, at, world.drive)
        rest(world, pickup)
        assert (at, world.state(pickup), len(world.holdings(carrier))) == (at, "booked", 1)
        return died

    settings = {"delhivery": {"waybills": "prefetched"}}
    assert every_place(lambda: make_wide(carrier, settings=settings), life) > 5


def test_a_cancel(make_wide, carrier):
    def life(world: WideWorld, at: int) -> bool:
        pickup = world.book(at=HOME[carrier])

        def cancel() -> None:
            with world.db.write() as tx:
                commanding.cancel(tx, world.case(pickup), world.now)
            world.drive()

        died = crashes(world, at, cancel)
        wanted = world.case(pickup).pickup.intent == "cancel"
        rest(world, pickup)
        assert (at, world.state(pickup), len(world.holdings(carrier))) == (at, *(("cancelled", 0) if wanted else ("booked", 1)))
        return died

    assert every_place(lambda: make_wide(carrier), life) > 3


def test_a_driver_that_fails_by_a_bug_lets_go_of_the_pickup(make_wide):
    world = make_wide("delhivery")
    pickup = world.accept("RMA-1", customer())
    step = world.kit.carriers.step

    async def bug(*args, **more):
        raise ZeroDivisionError

    world.kit.carriers.step = bug
    with pytest.raises(ZeroDivisionError):
        world.drive()
    world.kit.carriers.step = step
    rest(world, pickup)

    assert (world.state(pickup), len(world.holdings("delhivery"))) == ("booked", 1)


def test_what_the_carrier_said_is_not_lost_for_a_bug_in_what_comes_after_it(make_wide, monkeypatch):
    """Ekart can neither find nor list: its answer is all there is."""
    world = make_wide("ekart")
    pickup = world.accept("RMA-1", customer())

    with monkeypatch.context() as planted:
        planted.setattr(driving, "_RULES", (_wrong_once_booked, *driving._RULES))
        with pytest.raises(ZeroDivisionError):
            world.drive()

    assert [str(one.state) for one in world.case(pickup).bookings] == ["live"]
    rest(world, pickup)
    assert (world.state(pickup), len(world.holdings("ekart"))) == ("booked", 1)


def _wrong_once_booked(case: Case, wall: dt.datetime) -> None:
    if any(booking.awb for booking in case.bookings):
        raise ZeroDivisionError
