"""What carriers answered is remembered as long as it holds, also when it came too late for the one who asked."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pytest

from gateway.carriers.client import Carriers
from gateway.carriers.memory import Memory
from gateway.services import quoting
from rates.choice import Cause, Decision
from tests.world import MONDAY, WAREHOUSE, World, customer, wanted

TEN_MINUTES = dt.timedelta(minutes=10)


class Late(httpx.AsyncBaseTransport):
    """The lab, `seconds` later; notes calls that were cancelled."""

    cancelled = 0

    def __init__(self, inner: httpx.AsyncBaseTransport, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            Late.cancelled += 1
            raise
        return await self._inner.handle_async_request(request)


@pytest.fixture
def world(make_world) -> World:
    made: World = make_world()
    made.kit.memory = Memory()
    return made


def decide(world: World, seconds: float = 5.0) -> Decision:
    order = wanted()
    enquiry = quoting.enquiry_of(customer(), WAREHOUSE, order, world.now)
    return world.kit.wait(quoting.decide(world.kit, world.owner, world.merchant, enquiry, order, seconds=seconds, now=world.now))


def calls(world: World) -> dict[str, int]:
    """How often the lab was asked, by operation; its tokens apart."""
    found: dict[str, int] = {}
    for (_, _, operation), count in world.lab.calls.items():
        found[operation] = found.get(operation, 0) + count
    found.pop("sign_in", None)
    world.lab.calls.clear()
    return found


def test_answers_that_came_too_late_serve_the_next_who_asks(world):
    world.kit.carriers = Carriers(lambda: "http://lab", open_pool=lambda: Late(world.lab.transport(), 0.1))

    first = decide(world, seconds=0.03)
    world.kit.wait(asyncio.sleep(0.4))
    asked = calls(world)
    second = decide(world, seconds=0.03)

    assert {barred.cause for barred in first.barred} == {Cause.QUOTE_TIMED_OUT}
    assert (len(second.candidates), calls(world)) == (3, {})
    assert (sum(asked.values()), Late.cancelled) == (7, 0)


def test_prices_and_days_are_not_asked_for_again_within_the_hour(world):
    first = decide(world)
    calls(world)
    world.now = MONDAY + TEN_MINUTES

    assert (len(decide(world).candidates), calls(world)) == (len(first.candidates), {})


def test_days_are_asked_for_again_in_another_hour(world):
    decide(world)
    calls(world)
    world.now = MONDAY + 6 * TEN_MINUTES

    decide(world)

    assert calls(world) == {"tat": 2}


def test_a_refusal_is_not_remembered(world):
    world.fault("server_error", "ekart", operation="quote", times=1)

    assert len(decide(world).candidates) == 2
    assert len(decide(world).candidates) == 3
