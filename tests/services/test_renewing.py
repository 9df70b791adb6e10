"""An offer that expired before it was sent is not booked: the choice is made anew, linked to the first, and not for ever."""

from __future__ import annotations

import datetime as dt

from gateway.services import driving
from gateway.store import tables
from gateway.store.ledger import DECISIONS
from tests.world import World


def delayed(world: World, hours: float) -> str:
    """A pickup whose carrier is throttled while its offer runs out; its id."""
    world.fault("throttle", operation="book", times=1)
    pickup = world.book()
    assert world.case(pickup).bookings[0].state == "planned"
    world.now += dt.timedelta(hours=hours)
    driving.advance(world.kit, pickup, lambda: world.now)
    return pickup


def test_an_expired_offer_is_chosen_anew_and_the_decisions_are_linked(make_world):
    world = make_world("ekart")
    pickup = delayed(world, 1.1)

    case = world.case(pickup)
    assert [(one.state, one.refusal and one.refusal.kind) for one in case.bookings] == [
        ("cancelled", "quote_expired"),
        ("live", None),
    ]
    with world.db.read() as tx:
        decisions = DECISIONS.all(tx, tables.decisions.c.pickup_id == pickup)
    assert [one.body["situation"]["follows"] for one in decisions] == ["", decisions[0].id]


def test_an_offer_that_still_holds_is_booked(make_world):
    world = make_world("ekart")
    assert [one.state for one in world.case(delayed(world, 0.5)).bookings] == ["live"]
