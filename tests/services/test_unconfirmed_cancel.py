"""A cancel the carrier does not confirm: it is asked for again, somebody is told, and nothing is forgotten meanwhile."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.services import commanding
from tests.services.carriers import CARRIERS, HOME, WideWorld
from tests.services.invariants import broken


def cancel(world: WideWorld, pickup: str) -> None:
    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()


def drop_faults(world: WideWorld) -> None:
    world.lab.answer("DELETE", "/_lab/faults", {}, b"")


def exceptions(world: WideWorld, pickup: str) -> list[tuple[str, str]]:
    return [(one.reason, one.resolution or one.state) for one in world.case(pickup).exceptions]


@pytest.mark.parametrize("fault", ["timeout_unbooked", "server_error", "html", "throttle", "refuse"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_somebody_is_told_once_until_it_is_confirmed(make_wide, carrier, fault):
    world = make_wide(carrier)
    pickup = world.book(at=HOME[carrier])
    world.fault(fault, carrier, operation="cancel")

    cancel(world, pickup)
    world.come_to_rest(dt.timedelta(hours=1))
    assert world.state(pickup) == "cancelling"
    assert exceptions(world, pickup) == [("cancel_unconfirmed", "waiting_carrier")]

    drop_faults(world)
    world.come_to_rest(dt.timedelta(hours=2))
    assert world.state(pickup) == "cancelled"
    assert exceptions(world, pickup) == [("cancel_unconfirmed", "cancelled")]
    assert broken(world, pickup) == []


@pytest.mark.parametrize("carrier", ["delhivery", "ekart"])
def test_a_silent_carrier_that_will_not_be_left_is_waited_for_once_more(make_wide, carrier):
    world = make_wide("delhivery", "ekart")
    pickup = world.book(phone=world.phone(10), deny=tuple({"delhivery", "ekart"} - {carrier}))
    world.fault("refuse", carrier, operation="cancel")
    world.days(4, dt.timedelta(hours=3))

    case = world.case(pickup)
    assert [(one.carrier, one.state) for one in case.bookings] == [(carrier, "live")]
    assert case.bookings[0].promised_at is not None or case.pickup.handed_over
    assert broken(world, pickup) == []

    world.days(10, dt.timedelta(hours=6))
    assert world.state(pickup) == "exhausted"
