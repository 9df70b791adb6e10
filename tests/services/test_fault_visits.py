"""Every wire step of asking for another visit, under every fault of the lab, once and for good; see test_fault_matrix.py.

Delhivery has closed the pickup, the customer wants it, and Delhivery is asked to open it again; Ekart's visit failed, and it is
asked to come again. Whether that was taken is in doubt after a lost answer, and a carrier asked again refuses what it has done.
Then another carrier may be booked only once this one's cancel is confirmed.
"""

from __future__ import annotations

import datetime as dt

import pytest

from adapters.contract.scans import Milestone, Scan, Tracked
from gateway.services import commanding, following
from gateway.services.commanding import Resolution
from gateway.store.accounts import ACCOUNTS
from tests.services.carriers import WideWorld
from tests.services.invariants import broken
from tests.services.matrix import FAULTS, REFUSALS, cancel

OTHER = {"delhivery": "ekart", "ekart": "delhivery"}
REASON = {"delhivery": "cancelled_by_customer", "ekart": "customer_unreachable"}
CELLS = [("delhivery", "reattempt"), ("delhivery", "reattempt_result"), ("ekart", "reattempt")]
# Its answer is lost although the carrier does it.
TAKEN = ("timeout_booked", "drop_after_commit", "server_error_booked", "truncated")
COLLECTED = frozenset({"collected", "delivered"})


def failed_at(world: WideWorld, carrier: str) -> str:
    """A pickup whose first visit by this carrier came to nothing; the customer is asked, and another carrier is there."""
    switch(world, OTHER[carrier], enabled=False)
    world.fault("visit_fails", carrier, reason=REASON[carrier], visits=1)
    pickup = world.book(phone="9845011223")
    switch(world, OTHER[carrier], enabled=True)
    for _ in range(72):
        if world.case(pickup).open_exceptions:
            return pickup
        world.pass_time(dt.timedelta(hours=1))
    raise AssertionError("the visit did not fail")


def switch(world: WideWorld, carrier: str, *, enabled: bool) -> None:
    with world.db.write() as tx:
        ACCOUNTS.update(tx, world.accounts[carrier].id, enabled=enabled)


def want_it_still(world: WideWorld, pickup: str) -> None:
    case = world.case(pickup)
    for exception in case.open_exceptions:
        with world.db.write() as tx:
            commanding.act_on(tx, world.case(pickup), exception, Resolution(action="dispute"), world.now)
    world.drive()


def let_days_pass(world: WideWorld, pickup: str) -> list[str]:
    """What was wrong at any time; that a carrier which closed a pickup can open it again, so that nobody comes yet, is not."""
    wrong: list[str] = []
    for _ in range(4 * 8):
        world.come_to_rest()
        world.pass_time(dt.timedelta(hours=3))
        wrong += [sentence for sentence in broken(world, pickup) if not sentence.startswith("nobody comes")]
    return wrong


def collectors(world: WideWorld) -> list[str]:
    return [carrier for carrier in world.accounts for one in world.books(carrier) if one["state"] in COLLECTED]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("carrier", "step"), CELLS)
def test_a_fault_once(make_wide, carrier, step, fault):
    world = make_wide("delhivery", "ekart")
    pickup = failed_at(world, carrier)
    world.fault(fault, carrier, operation=step, times=1)

    want_it_still(world, pickup)

    assert let_days_pass(world, pickup) == []
    assert len(collectors(world)) <= 1
    if fault not in REFUSALS:
        assert (len(world.case(pickup).bookings), collectors(world)) == (1, [carrier])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("carrier", "step"), CELLS)
def test_a_fault_for_good(make_wide, carrier, step, fault):
    world = make_wide("delhivery", "ekart")
    pickup = failed_at(world, carrier)
    world.fault(fault, carrier, operation=step)

    want_it_still(world, pickup)

    assert let_days_pass(world, pickup) == []
    assert len(collectors(world)) <= 1


@pytest.mark.parametrize("fault", TAKEN)
@pytest.mark.parametrize(("carrier", "step"), CELLS)
def test_a_lost_answer_while_the_carrier_cannot_be_asked_where_it_stands(make_wide, carrier, step, fault):
    """Delhivery's own cancel is the last that was heard: it does not count any more."""
    world = make_wide("delhivery", "ekart")
    pickup = failed_at(world, carrier)
    world.fault(fault, carrier, operation=step, times=1)
    world.fault("server_error", carrier, operation="track", times=40)

    want_it_still(world, pickup)

    assert let_days_pass(world, pickup) == []
    assert len(collectors(world)) == 1


def test_a_carrier_that_opens_again_what_it_closed_is_seen_to(make_wide):
    """Its cancel is as old as it says, not as our taking note of it: what it reports for a time in between is news."""
    world = make_wide("delhivery", "ekart")
    pickup = failed_at(world, "delhivery")
    cancel(world, pickup)
    assert world.state(pickup) == "cancelled"
    booking = world.case(pickup).bookings[0]
    closed_at = world.case(pickup).scans[booking.id][-1].at
    scan = Scan(code="PP/X-ASP", at=closed_at + dt.timedelta(seconds=1), milestone=Milestone.PICKUP_SCHEDULED)

    with world.db.write() as tx:
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=(scan,)), "push", world.now)
    world.drive()

    case = world.case(pickup)
    assert ([str(one.state) for one in case.bookings], case.exceptions[-1].reason) == (["cancelled"], "orphan")
