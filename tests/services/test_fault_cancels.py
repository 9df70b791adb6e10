"""Every wire step of a cancel, at every carrier, under every fault of the lab, once and for good; see test_fault_matrix.py."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.services.carriers import HOME
from tests.services.invariants import broken
from tests.services.matrix import CANCEL, FAULTS, cancel, cells, world_of

SIX_MINUTES = dt.timedelta(minutes=6)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("carrier", "step"), cells(CANCEL))
def test_a_fault_once(make_wide, carrier, step, fault):
    world = world_of(make_wide, carrier)
    pickup = world.book(at=HOME[carrier])
    world.fault(fault, carrier, operation=step, times=1)

    cancel(world, pickup)
    world.come_to_rest()

    assert (world.state(pickup), world.holdings(carrier), broken(world, pickup)) == ("cancelled", [], [])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("carrier", "step"), cells(CANCEL))
def test_a_fault_for_good(make_wide, carrier, step, fault):
    """Somebody is told, until it is cancelled after all or the rider has come."""
    world = world_of(make_wide, carrier)
    pickup = world.book(at=HOME[carrier])
    world.fault(fault, carrier, operation=step)

    cancel(world, pickup)
    world.come_to_rest(SIX_MINUTES)
    told = [one.reason for one in world.case(pickup).open_exceptions]
    assert (world.state(pickup), told) in [("cancelled", []), ("cancelling", ["cancel_unconfirmed"])]
    assert broken(world, pickup) == []

    world.days(8, dt.timedelta(days=1))
    assert world.state(pickup) in {"cancelled", "cancelling", "delivered"}
    assert broken(world, pickup) == []
