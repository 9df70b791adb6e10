"""Many at once on one ledger: reports, commands, drivers and pollers of one pickup take turns; nothing is lost or doubled.

SQLite's writers take turns anyway; on PostgreSQL those of one pickup do by its row, those of one merchant's estimates by theirs.
"""

from __future__ import annotations

import datetime as dt
import functools

import pytest
import sqlalchemy as sa

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway.services import commanding, driving, following, polling
from gateway.services.commanding import Resolution
from gateway.store import accounts, cases, outbox, tables
from gateway.store.ledger import EVENTS
from tests import ledgers
from tests.threads import together
from tests.world import MONDAY, World, customer

on_postgresql_only = pytest.mark.skipif(not ledgers.on_postgresql(), reason="SQLite's writers take turns")


def scan(code: str, hours: float, milestone: Milestone, reason: Reason | None = None) -> Scan:
    return Scan(code=code, at=MONDAY + dt.timedelta(hours=hours), milestone=milestone, reason=reason)


OUT = scan("PP/X-DDD1FP", 26, Milestone.OUT_FOR_PICKUP)
FAILED = scan("PP/EOD-26", 30, Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE)
OUT_AGAIN = scan("PP/X-DDD2FP", 50, Milestone.OUT_FOR_PICKUP)
COLLECTED = scan("PU/EOD-77", 54, Milestone.PICKED_UP)


def report(world: World, pickup_id: str, *scans: Scan) -> None:
    booking = world.case(pickup_id).bookings[0]
    with world.db.write() as tx:
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=scans), "push", world.now)


def command(world: World, pickup_id: str) -> None:
    with world.db.write() as tx:
        commanding.cancel(tx, cases.load(tx, pickup_id), world.now)


def sequences(world: World, pickup_id: str) -> list[int]:
    with world.db.read() as tx:
        return [one.sequence for one in EVENTS.all(tx, tables.events.c.pickup_id == pickup_id, order=tables.events.c.sequence)]


def cells(world: World) -> dict[str, tuple[str, str]]:
    with world.db.read() as tx:
        table = tables.cells.c
        return {key: (ones, all_) for key, ones, all_ in tx.execute(sa.select(table.key, table.successes, table.exposure))}


def test_reports_of_one_pickup_at_once_all_count_and_its_events_have_no_gap(world: World) -> None:
    pickup_id = world.book()
    together(*(functools.partial(report, world, pickup_id, one) for one in (COLLECTED, OUT, OUT_AGAIN, FAILED)))
    case = world.case(pickup_id)
    assert [(visit.day.day, visit.outcome) for visit in case.visits] == [(10, "failed"), (11, "collected")]
    assert case.pickup.state == "collected"
    found = sequences(world, pickup_id)
    assert found == list(range(1, len(found) + 1))
    assert case.pickup.sequence == len(found)


def test_the_same_report_at_once_counts_once(world: World) -> None:
    pickup_id = world.book()
    together(*[functools.partial(report, world, pickup_id, OUT, FAILED)] * 4)
    case = world.case(pickup_id)
    assert (len(case.scans[case.bookings[0].id]), len(case.visits), len(case.exceptions)) == (2, 1, 1)


def test_a_cancel_and_a_rider_who_was_faster_leave_it_collected(world: World) -> None:
    pickup_id = world.book()
    together(lambda: report(world, pickup_id, OUT, COLLECTED), lambda: _cancel_or_not(world, pickup_id))
    world.drive()
    assert world.state(pickup_id) == "collected"


def _cancel_or_not(world: World, pickup_id: str) -> None:
    try:
        command(world, pickup_id)
    except commanding.WrongState as refusal:
        assert str(refusal) == "the pickup is collected"


def test_what_many_pickups_teach_at_once_is_all_learnt(make_world) -> None:
    at_once, one_by_one = make_world(), make_world()
    for world, run in ((at_once, together), (one_by_one, lambda *work: [one() for one in work])):
        pickups = [world.book(f"RMA-{number}") for number in range(6)]
        run(*(functools.partial(report, world, one, OUT, COLLECTED) for one in pickups))
    assert cells(at_once) == cells(one_by_one)
    assert cells(at_once)


def test_drivers_at_once_book_once(world: World) -> None:
    pickup_id = world.accept("RMA-1", customer())
    together(*[lambda: driving.advance(world.kit, pickup_id, lambda: world.now)] * 4)
    world.drive()
    assert [booking.state for booking in world.case(pickup_id).bookings] == ["live"]
    assert len([*world.books("delhivery"), *world.books("ekart")]) == 1


def test_pollers_at_once_ask_about_each_booking_once(make_world) -> None:
    world = make_world("delhivery")
    for number in range(6):
        world.book(f"RMA-{number}")
    world.now += dt.timedelta(hours=2)
    account_id = world.accounts["delhivery"].id
    assert sum(together(*[lambda: polling.poll(world.kit, account_id, world.now)] * 3)) == 6


def test_two_operators_at_once_one_is_told_that_somebody_was_faster(world: World) -> None:
    pickup_id = world.book()
    report(world, pickup_id, OUT, FAILED)
    exception = world.case(pickup_id).open_exceptions[0]

    def hold() -> str:
        with world.db.write() as tx:
            case = cases.load(tx, pickup_id)
            found = next(one for one in case.exceptions if one.id == exception.id)
            if found.version != exception.version:
                return "stale"
            commanding.act_on(tx, case, found, Resolution(action="hold"), world.now)
            return "held"

    assert sorted(together(hold, hold)) == ["held", "stale"]


def test_policies_stored_at_once_get_a_number_each(world: World) -> None:
    def store() -> int:
        with world.db.write() as tx:
            policy = accounts.policy_or_default(tx, world.owner, "INR")
            return accounts.store_policy(tx, world.owner, policy, world.now).version

    assert sorted(together(store, store, store)) == [1, 2, 3]


@on_postgresql_only
def test_two_relays_share_the_outbox(world: World) -> None:
    pickups = [world.accept(f"RMA-{number}", customer()) for number in range(4)]
    with world.db.write() as one, world.db.write() as other:
        taken = [outbox.waiting(one, 3), outbox.waiting(other, 3)]
    assert [[subject for _, _, subject in rows] for rows in taken] == [pickups[:3], pickups[3:]]


@on_postgresql_only
def test_writers_of_other_pickups_do_not_wait(world: World) -> None:
    first, second = world.accept("RMA-1", customer()), world.accept("RMA-2", customer())
    with world.db.write() as one, world.db.write() as other:
        assert [cases.load(one, first).pickup.id, cases.load(other, second).pickup.id] == [first, second]
