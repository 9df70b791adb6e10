"""All pairs of faults at the two steps of a booking that spend or commit; see test_fault_matrix.py.

After a refusal of the first step there is no second one: those pairs are left to the single faults.
"""

from __future__ import annotations

import pytest

from tests.services.carriers import HOME
from tests.services.matrix import FAULTS, REFUSALS, settle, world_of

STEPS = {"delhivery": ("waybill", "book"), "easypost": ("buy_label", "book")}


@pytest.mark.parametrize("second", FAULTS)
@pytest.mark.parametrize("first", [fault for fault in FAULTS if fault not in REFUSALS])
@pytest.mark.parametrize("carrier", STEPS)
def test_two_faults(make_wide, carrier, first, second):
    world = world_of(make_wide, carrier)
    for step, fault in zip(STEPS[carrier], (first, second), strict=True):
        world.fault(fault, carrier, operation=step, times=1)

    pickup = world.book(at=HOME[carrier])

    assert settle(world, pickup) == []
    assert world.state(pickup) in ({"booked", "exhausted"} if second in REFUSALS else {"booked"})
