"""Whatever order and however often reports come, the ledger ends the same."""

import datetime as dt
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway.services import following
from tests.world import MONDAY, World

HOUR = dt.timedelta(hours=1)


def scan(code: str, hours: float, milestone: Milestone, reason: Reason | None = None) -> Scan:
    return Scan(code=code, at=MONDAY + hours * HOUR, milestone=milestone, reason=reason)


LIFE = (
    scan("PP/X-ASP", 1, Milestone.PICKUP_SCHEDULED),
    scan("PP/X-DDD1FP", 26, Milestone.OUT_FOR_PICKUP),
    scan("PP/EOD-26", 30, Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE),
    scan("PP/X-DDD2FP", 50, Milestone.OUT_FOR_PICKUP),
    scan("PU/EOD-77", 54, Milestone.PICKED_UP),
    scan("PU/X-IBD1R", 80, Milestone.IN_TRANSIT),
    scan("DL/RD-AC", 120, Milestone.DELIVERED),
)


def report(world: World, pickup: str, *scans: Scan) -> None:
    booking = world.case(pickup).bookings[0]
    with world.db.write() as tx:
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=scans), "push", world.now)


def ending(world: World, pickup: str) -> tuple[Any, list[Any], list[Any]]:
    case = world.case(pickup)
    return case.pickup.state, [(v.day, v.number, v.outcome, v.reason) for v in case.visits], [b.state for b in case.bookings]


def test_a_life_told_in_order(world):
    pickup = world.book()
    for one in LIFE:
        report(world, pickup, one)

    assert ending(world, pickup) == (
        "delivered",
        [
            (dt.date(2026, 3, 10), 1, "failed", "customer_unavailable"),
            (dt.date(2026, 3, 11), 2, "collected", None),
        ],
        ["done"],
    )


def test_disorder_and_repeats_end_the_same(make_world):
    world = make_world()
    endings = []
    for seed in range(8):
        pickup = world.book(f"RMA-{seed}")
        told = [*LIFE, *LIFE]
        random.Random(seed).shuffle(told)
        for one in told:
            report(world, pickup, one)
        endings.append(ending(world, pickup))

    assert all(one[0] == "delivered" and one[2] == ["done"] for one in endings)
    assert all([v[2] for v in one[1]] == ["failed", "collected"] for one in endings)


def test_an_older_failure_told_late_does_not_take_the_place_of_a_newer(world):
    pickup = world.book()
    report(world, pickup, scan("PP/EOD-73", 54, Milestone.PICKUP_FAILED, Reason.ADDRESS_INCOMPLETE))
    report(world, pickup, scan("PP/EOD-26", 30, Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE))

    assert [visit.reason for visit in world.case(pickup).visits] == ["customer_unavailable", "address_incomplete"]
    assert [one.reason for one in world.case(pickup).open_exceptions] == ["address_incomplete"]


def test_two_out_for_pickup_scans_of_one_day_are_one_visit(world):
    pickup = world.book()
    report(world, pickup, scan("A", 26, Milestone.OUT_FOR_PICKUP), scan("B", 28, Milestone.OUT_FOR_PICKUP))

    assert [visit.outcome for visit in world.case(pickup).visits] == ["out"]


def test_an_unmapped_code_is_kept_and_moves_nothing(world):
    pickup = world.book()
    report(world, pickup, scan("ZZ/NEW-1", 2, Milestone.UNKNOWN))

    case = world.case(pickup)
    assert case.pickup.state == "booked"
    assert [one.code for one in case.scans[case.bookings[0].id]] == ["ZZ/NEW-1"]


def test_the_rider_comes_for_what_was_cancelled(make_world):
    world = make_world("ekart")
    pickup = world.book()
    from gateway.services import commanding

    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()
    assert world.state(pickup) == "cancelled"

    report(world, pickup, scan("Picked Up", 30, Milestone.PICKED_UP))

    assert world.state(pickup) == "collected"


def test_a_push_for_an_unverified_sender_is_only_a_hint(world):
    pickup = world.book()
    booking = world.case(pickup).bookings[0]
    tracked = Tracked(awb=booking.awb or "", scans=LIFE)

    known = following.push(world.kit, world.accounts[booking.carrier], [tracked], verified=False, wall=world.now)

    assert known == 1
    assert world.state(pickup) == "booked"
    assert world.case(pickup).bookings[0].poll_at == world.now


def test_a_push_that_names_our_reference_ends_the_doubt(make_world):
    world = make_world("ekart")
    world.fault("drop_after_commit", operation="book", times=1)
    pickup = world.book()
    booking = world.case(pickup).bookings[0]
    awb = world.books("ekart")[0]["awb"]
    tracked = Tracked(awb=awb, carrier_reference=booking.carrier_reference, scans=LIFE[:1])

    following.push(world.kit, world.accounts["ekart"], [tracked], verified=True, wall=world.now)
    world.drive()

    assert world.state(pickup) == "booked"
    assert world.case(pickup).bookings[0].awb == awb


def test_a_late_push_takes_the_doubt_from_the_persons_table(make_world):
    world = make_world("ekart")
    world.fault("drop_after_commit", operation="book", times=1)
    pickup = world.book()
    for _ in range(12):
        world.pass_time(dt.timedelta(seconds=10))
    assert [one.reason for one in world.case(pickup).open_exceptions] == ["booking_unknown"]

    tracked = Tracked(
        awb=world.books("ekart")[0]["awb"], carrier_reference=world.case(pickup).bookings[0].carrier_reference, scans=()
    )
    following.push(world.kit, world.accounts["ekart"], [tracked], verified=True, wall=world.now)

    assert [one.resolution for one in world.case(pickup).exceptions] == ["found"]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(LIFE))
def test_visits_do_not_depend_on_the_order_of_scans(order):
    from gateway.life.visits import visits

    assert visits(order, "Asia/Kolkata") == visits(LIFE, "Asia/Kolkata")


def test_a_scan_of_endless_texts_is_kept_as_far_as_the_ledger_goes(world):
    pickup = world.book()
    report(world, pickup, Scan(code="Z" * 500, text="x\0" * 5000, place="y" * 5000, at=MONDAY + HOUR, milestone=Milestone.UNKNOWN))

    case = world.case(pickup)
    kept = case.scans[case.bookings[0].id][0]
    assert (len(kept.code), len(kept.text), len(kept.place)) == (80, 500, 200)
