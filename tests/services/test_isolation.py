"""A carrier that is away: the choice does without it, quotes do not wait for it, and bookings wait until it is back."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.carriers.client import Carriers
from gateway.carriers.isolation import Held, Isolation, Question
from gateway.services import quoting
from rates.filters import Cause
from tests.world import World, customer, wanted

SECOND = dt.timedelta(seconds=1)


def decide(world: World) -> Any:
    """The choice for one pickup, now."""
    warehouse = customer(postal_code="394101")
    body = wanted()
    enquiry = quoting.enquiry_of(customer(), warehouse, body, world.now)
    return world.kit.wait(
        quoting.decide(world.kit, world.owner, world.merchant, enquiry, body, seconds=5, now=world.now), seconds=30
    )


def causes(decision: Any, carrier: str) -> set[Cause]:
    return {barred.cause for barred in decision.barred if barred.carrier == carrier}


def settle(world: World, minutes: int) -> None:
    for _ in range(minutes * 6):
        world.pass_time(10 * SECOND)


@pytest.fixture
def world(make_world) -> World:
    world: World = make_world("delhivery", "ekart")
    return world


def test_a_carrier_that_keeps_failing_is_left_out_with_the_open_circuit_as_the_cause(world: World) -> None:
    world.fault("server_error", operation="quote")
    first = decide(world)
    for _ in range(19):
        decide(world)
    later = decide(world)
    assert (causes(first, "ekart"), causes(later, "ekart")) == ({Cause.QUOTE_FAILED}, {Cause.CIRCUIT_OPEN})
    assert later.chosen is not None and later.of(later.chosen).carrier == "delhivery"


def test_when_it_is_back_it_is_asked_once_and_then_offered_again(world: World) -> None:
    usual = causes(decide(world), "ekart")
    world.fault("server_error", operation="quote", times=19)
    for _ in range(19):
        decide(world)
    assert causes(decide(world), "ekart") == {Cause.CIRCUIT_OPEN}
    world.now += 30 * SECOND
    assert causes(decide(world), "ekart") == usual


def test_a_booking_waits_for_a_carrier_whose_circuit_is_open_and_is_no_refusal(make_world) -> None:
    world: World = make_world("ekart")
    world.fault("server_error", operation="quote", times=20)
    for _ in range(20):
        decide(world)
    pickup = world.book()
    waiting = world.case(pickup)
    assert (waiting.pickup.state, waiting.bookings, waiting.open_exceptions) == ("requested", [], [])
    settle(world, 2)
    assert world.state(pickup) == "booked"


class Closed(Isolation):
    """Lets no booking out for so many times."""

    def __init__(self, times: int, clock: Callable[[], float]) -> None:
        super().__init__(clock=clock)
        self.left = times

    @asynccontextmanager
    async def call(self, question: Question) -> AsyncIterator[None]:
        if question.operation == "book" and self.left:
            self.left -= 1
            raise Held("as many calls at once as the account is allowed", retry_after=SECOND)
        async with super().call(question):
            yield


def test_a_booking_that_may_not_go_out_is_held_however_often_without_using_up_its_tries(make_world) -> None:
    world: World = make_world("ekart")
    closed = Closed(8, lambda: world.now.timestamp())
    world.kit.carriers = Carriers(lambda: "http://lab", open_pool=world.lab.transport, isolation=closed)
    pickup = world.book()
    (held,) = world.case(pickup).bookings
    assert (held.state, held.tries) == ("planned", 0)
    settle(world, 2)
    (booking,) = world.case(pickup).bookings
    assert (closed.left, booking.state, booking.tries, world.case(pickup).open_exceptions) == (0, "live", 1, [])


def test_a_carrier_that_says_too_fast_is_left_alone_until_the_time_it_named(make_world) -> None:
    world: World = make_world("ekart")
    world.fault("throttle", operation="book", times=1, retry_after=120)
    pickup = world.book()
    settle(world, 1)
    assert world.state(pickup) == "booking"
    settle(world, 2)
    assert world.state(pickup) == "booked"
