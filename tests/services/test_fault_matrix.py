"""Every wire step of a booking, at every carrier, under every fault of the lab, once and for good.

However it goes: no two riders, no AWB that only the carrier knows, no label paid for and forgotten, and no pickup that
stops without anybody being told. The clock is virtual; the services are the real ones.
"""

from __future__ import annotations

import pytest

from tests.services.carriers import HOME
from tests.services.matrix import BOOKING, FAULTS, LABEL, REFUSALS, SIGN_IN, cells, settle, world_of


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("carrier", "step"), [*cells(SIGN_IN), *cells(BOOKING), *cells(LABEL)])
def test_a_fault_once(make_wide, carrier, step, fault):
    world = world_of(make_wide, carrier)
    world.fault(fault, carrier, operation=step, times=1)

    pickup = world.book(at=HOME[carrier])

    assert settle(world, pickup) == []
    assert world.state(pickup) in ({"booked", "exhausted"} if fault in REFUSALS else {"booked"})


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("carrier", "step"), cells(BOOKING))
def test_a_fault_for_good(make_wide, carrier, step, fault):
    world = world_of(make_wide, carrier)
    world.fault(fault, carrier, operation=step)

    pickup = world.book(at=HOME[carrier])

    assert settle(world, pickup) == []
    assert world.state(pickup) in {"booked", "exhausted", "booking_unknown"}
