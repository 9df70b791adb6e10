"""The driver dies on every line that matters, and the next one goes on: nothing lost, nothing doubled.

A crash is planted before and after each transaction and each call to a carrier, one by one, through the whole booking, through a
cancel, and through a fail-over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.services import commanding
from gateway.store.cases import LEASE
from tests.world import World, customer


class Crash(BaseException):
    """Like kill -9: no handler catches it."""


class Fuse:
    """Burns at the n-th place where a process can die; counts the places."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def burn(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise Crash


def plant(world: World, fuse: Fuse) -> Callable[[], None]:
    """Crashes before and after every commit and every call; the returned function takes the fuse out again."""
    write, step = world.db.write, world.kit.carriers.step

    @contextmanager
    def fragile_write() -> Iterator[Any]:
        with write() as tx:
            yield tx
            fuse.burn()  # not committed
        fuse.burn()  # committed

    async def fragile_step(*args: Any, **more: Any) -> Any:
        fuse.burn()  # not sent
        answer = await step(*args, **more)
        fuse.burn()  # the answer is lost with the process
        return answer

    world.db.write, world.kit.carriers.step = fragile_write, fragile_step  # type: ignore[method-assign]

    def defuse() -> None:
        world.db.write, world.kit.carriers.step = write, step  # type: ignore[method-assign]

    return defuse


def crash_once(world: World, at: int, deed: Callable[[], None]) -> bool:
    """Whether the deed got that far; afterwards the dead driver's lease runs out and others go on."""
    fuse = Fuse(at)
    defuse = plant(world, fuse)
    try:
        deed()
        crashed = False
    except Crash:
        crashed = True
    finally:
        defuse()
    world.pass_time(LEASE + dt.timedelta(seconds=1))
    for _ in range(20):
        world.pass_time(dt.timedelta(seconds=20))
    return crashed


def live_awbs(world: World, carrier: str) -> set[str]:
    return {one["awb"] for one in world.books(carrier) if one["state"] != "cancelled"}


def known_awbs(world: World, pickup: str) -> set[str | None]:
    return {booking.awb for booking in world.case(pickup).bookings}


def every_crash(make_world: Callable[..., World], carrier: str, act: Callable[[World, int], tuple[bool, str]]) -> int:
    """Run `act` with a crash at 1, 2, 3... until it gets through without; how many places there were."""
    for at in range(1, 200):
        world = make_world(carrier, seed=at)
        crashed, pickup = act(world, at)
        assert live_awbs(world, carrier) <= known_awbs(world, pickup), f"orphan after a crash at place {at}"
        assert len(live_awbs(world, carrier)) <= 1, f"two riders after a crash at place {at}"
        world.close()
        if not crashed:
            return at - 1
    raise AssertionError("no end of places to crash at")


def test_a_booking_survives_a_crash_anywhere(make_world):
    def act(world: World, at: int) -> tuple[bool, str]:
        pickup = world.accept("RMA-1", customer())
        crashed = crash_once(world, at, world.drive)
        assert world.state(pickup) == "booked", f"stopped after a crash at place {at}"
        assert len(live_awbs(world, "delhivery")) == 1
        return crashed, pickup

    assert every_crash(make_world, "delhivery", act) > 15


@pytest.mark.parametrize("carrier", ["delhivery", "ekart"])
def test_a_cancel_survives_a_crash_anywhere(make_world, carrier):
    def act(world: World, at: int) -> tuple[bool, str]:
        pickup = world.book()

        def cancel() -> None:
            with world.db.write() as tx:
                commanding.cancel(tx, world.case(pickup), world.now)
            world.drive()

        crashed = crash_once(world, at, cancel)
        if world.case(pickup).pickup.intent == "cancel":
            assert world.state(pickup) == "cancelled", f"stopped after a crash at place {at}"
            assert live_awbs(world, carrier) == set()
        return crashed, pickup

    assert every_crash(make_world, carrier, act) > 8


def test_where_nobody_can_be_asked_a_crash_while_sending_goes_to_a_person(make_world):
    def act(world: World, at: int) -> tuple[bool, str]:
        pickup = world.accept("RMA-1", customer())
        crashed = crash_once(world, at, world.drive)
        case = world.case(pickup)
        if case.pickup.state == "booking_unknown":
            assert [one.reason for one in case.open_exceptions] == ["booking_unknown"]
            return crashed, _adopt(world, pickup)
        assert case.pickup.state == "booked", f"stopped after a crash at place {at}"
        return crashed, pickup

    assert every_crash(make_world, "ekart", act) > 15


def _adopt(world: World, pickup: str) -> str:
    """The operator looks into the carrier's panel."""
    case, found = world.case(pickup), world.books("ekart")
    wanted = commanding.Resolution(action="adopt", awb=found[0]["awb"]) if found else commanding.Resolution(action="not_booked")
    with world.db.write() as tx:
        commanding.act_on(tx, case, case.open_exceptions[0], wanted, world.now)
    world.drive()
    assert world.state(pickup) == "booked"
    return pickup


@pytest.mark.parametrize("at", range(1, 40, 2))
def test_a_fail_over_survives_a_crash_anywhere(make_world, at):
    """The first carrier is silent, is left, and the second is booked; the process dies at place `at` of that."""
    world = make_world()
    first = world.case(world.book("RMA-0")).bookings[0]
    pickup = world.book(phone=world.phone(10, only_at=first.carrier))
    world.pass_time(dt.timedelta(days=2, hours=14))  # silent past the promise: asked where it stands

    crash_once(world, at, lambda: world.pass_time(dt.timedelta(hours=7)))

    mine = known_awbs(world, pickup)
    everywhere = live_awbs(world, "delhivery") | live_awbs(world, "ekart")
    assert everywhere <= mine | {first.awb}
    assert len(everywhere & mine) <= 1
    assert world.case(pickup).bookings[0].state == "cancelled"
    assert world.state(pickup) in ("booked", "booking_unknown")


def test_a_driver_that_fails_by_a_bug_lets_go_of_the_pickup(make_world):
    world = make_world("delhivery")
    pickup = world.accept("RMA-1", customer())
    step = world.kit.carriers.step

    async def bug(*args, **more):
        raise ZeroDivisionError

    world.kit.carriers.step = bug
    with pytest.raises(ZeroDivisionError):
        world.drive()
    world.kit.carriers.step = step
    world.pass_time(dt.timedelta(seconds=1))
    for _ in range(10):
        world.pass_time(dt.timedelta(seconds=10))

    assert world.state(pickup) == "booked"
    assert len(live_awbs(world, "delhivery")) == 1
