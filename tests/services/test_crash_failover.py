"""Died at every place of a fail-over, between carriers and between an aggregator's movers, of another visit's being asked for, and
while a label is given back.
"""

from __future__ import annotations

import datetime as dt

import pytest

from rates.policy import UncertainBooking
from tests.services.carriers import HOME, WideWorld
from tests.services.crashing import crashes
from tests.services.lives import every_place, rest
from tests.services.matrix import cancel
from tests.services.test_fault_visits import failed_at, want_it_still
from tests.services.test_overlapping import answer_again, leave, pass_time, world_that


def test_a_label_given_back(make_wide):
    """No visit is to be had for it, and the merchant calls it off."""

    def life(world: WideWorld, at: int) -> bool:
        world.fault("throttle", "easypost", operation="price_visit", times=1)
        pickup = world.book(at="US")
        assert [one.what for one in world.holdings("easypost")] == ["label"]

        def call_off() -> None:
            cancel(world, pickup)
            world.come_to_rest()

        died = crashes(world, at, call_off)
        wanted = world.case(pickup).pickup.intent == "cancel"
        rest(world, pickup)
        assert (at, world.state(pickup), len(world.holdings("easypost"))) == (at, *(("cancelled", 0) if wanted else ("booked", 1)))
        return died

    assert every_place(lambda: make_wide("easypost"), life) > 6


@pytest.mark.parametrize("carriers", [("delhivery", "ekart"), ("easypost",)], ids=["carrier to carrier", "mover to mover"])
def test_a_fail_over(make_wide, carriers):
    """The first is silent and is left for the second."""

    def life(world: WideWorld, at: int) -> bool:
        pickup = world.book(at=HOME[carriers[0]], phone=world.phone(10))
        world.pass_time(dt.timedelta(days=2, hours=14))  # silent past the promise: asked where it stands
        died = crashes(world, at, lambda: world.pass_time(dt.timedelta(hours=7)))
        rest(world, pickup)
        case = world.case(pickup)
        states = [str(one.state) for one in case.bookings]
        assert (at, states, case.bookings[0].moved_by != case.bookings[-1].moved_by) == (at, ["cancelled", "live"], True)
        return died

    assert every_place(lambda: make_wide(*carriers), life) > 9


@pytest.mark.parametrize("carrier", ["delhivery", "ekart"])
def test_another_visit(make_wide, carrier):
    """What was closed is opened again, or the rider called once more, although another carrier is there."""

    def life(world: WideWorld, at: int) -> bool:
        pickup = failed_at(world, carrier)

        def ask() -> None:
            want_it_still(world, pickup)
            evening = dt.datetime.combine(world.now.date(), dt.time(15, 40), dt.UTC)
            world.pass_time(max(evening - world.now, dt.timedelta(minutes=10)))
            world.come_to_rest()

        died = crashes(world, at, ask)
        want_it_still(world, pickup)
        rest(world, pickup)
        states = [(one.carrier, str(one.state)) for one in world.case(pickup).bookings]
        assert (at, states) == (at, [(carrier, "live")])
        return died

    assert every_place(lambda: make_wide("delhivery", "ekart"), life) > 5


def test_an_overlap(make_wide):
    """The first never says whether it cancelled, so the second, which can be asked what it knows, is booked beside it."""

    def life(world: WideWorld, at: int) -> bool:
        pickup = world.book()
        leave(world, pickup)
        pass_time(world, 4)

        def overlap() -> None:
            pass_time(world, 2)

        died = crashes(world, at, overlap)
        answer_again(world)
        rest(world, pickup)
        assert (at, [str(one.state) for one in world.case(pickup).bookings]) == (at, ["cancelled", "live"])
        return died

    assert every_place(lambda: world_that(make_wide, UncertainBooking.PREFER_DOUBLE, minutes=5, first="ekart"), life) > 7
