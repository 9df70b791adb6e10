"""A carrier goes on with what we call cancelled, or speaks of a number nobody knows: the late truth wins, and somebody is told."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from adapters.contract.scans import Milestone, Scan, Tracked
from gateway.services import commanding, following, orphans
from gateway.services.commanding import Resolution
from gateway.store import accounts, merchants, tables
from gateway.store.ledger import EXCEPTIONS, PickupException
from gateway.store.rows import Owner
from gateway.values import Mode
from tests.services.carriers import SECRETS, SETTINGS, WideWorld, customer
from tests.services.matrix import cancel
from tests.services.test_overlapping import bookings, exceptions

MINUTE = dt.timedelta(minutes=1)
COMING = (Milestone.PICKUP_SCHEDULED, Milestone.OUT_FOR_PICKUP, Milestone.PICKUP_FAILED)


@pytest.fixture
def world(make_wide) -> WideWorld:
    made: WideWorld = make_wide("delhivery", "ekart")
    return made


def push(
    world: WideWorld, carrier: str, awb: str, *milestones: Milestone, reference: str = "", at: dt.datetime | None = None
) -> int:
    scans = tuple(Scan(code=str(one), at=at or world.now, milestone=one) for one in milestones)
    tracked = Tracked(awb=awb, carrier_reference=reference, scans=scans)
    known = following.push(world.kit, world.accounts[carrier], [tracked], verified=True, wall=world.now)
    world.drive()
    return known


def told(world: WideWorld) -> list[PickupException]:
    """The cases that are of no booking."""
    with world.db.read() as tx:
        return EXCEPTIONS.all(tx, tables.exceptions.c.account_id.is_not(None))


def events_of_none(world: WideWorld) -> list[str]:
    with world.db.read() as tx:
        table = tables.events.c
        return list(tx.scalars(sa.select(table.type).where(table.pickup_id.is_(None)).order_by(table.id)))


def cancelled(world: WideWorld) -> tuple[str, str, str]:
    """A pickup that its merchant cancelled, its carrier and its AWB."""
    pickup = world.book()
    cancel(world, pickup)
    booking = world.case(pickup).bookings[0]
    assert (world.state(pickup), booking.state) == ("cancelled", "cancelled")
    world.pass_time(MINUTE)
    return pickup, booking.carrier, booking.awb or ""


def switched(world: WideWorld) -> str:
    """Its first carrier is cancelled, its second live."""
    pickup = world.book()
    with world.db.write() as tx:
        commanding.contact(tx, world.case(pickup), customer(postal_code="560034"), "", world.now)
        tx.execute(tables.bookings.update().values(avoid=True))
    world.drive()
    assert bookings(world, pickup) == [("cancelled", False), ("live", False)]
    world.pass_time(MINUTE)
    return pickup


def push_first(world: WideWorld, pickup: str, milestone: Milestone, at: dt.datetime | None = None) -> None:
    first = world.case(pickup).bookings[0]
    assert push(world, first.carrier, first.awb or "", milestone, at=at) == 1


# --- what we call cancelled ------------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", COMING)
def test_a_rider_on_the_way_for_what_was_cancelled_is_cancelled_again(world, milestone):
    pickup, carrier, awb = cancelled(world)
    before = world.lab.calls[carrier, f"lab_{carrier}", "cancel"]

    push(world, carrier, awb, milestone)

    assert world.lab.calls[carrier, f"lab_{carrier}", "cancel"] == before + 1
    assert (world.state(pickup), bookings(world, pickup)) == ("cancelled", [("cancelled", False)])
    assert exceptions(world, pickup) == [("orphan", "cancelled")]
    assert (str(milestone), awb) == (world.case(pickup).exceptions[0].raw_code, world.case(pickup).bookings[0].awb)
    assert awb in world.case(pickup).exceptions[0].detail


def test_while_that_is_not_confirmed_the_case_is_open_though_the_pickup_has_ended(world):
    pickup, carrier, awb = cancelled(world)
    world.fault("timeout_unbooked", carrier, operation="cancel")
    world.fault("timeout_unbooked", carrier, operation="track")

    for _ in range(3):
        push(world, carrier, awb, Milestone.OUT_FOR_PICKUP)

    assert (world.state(pickup), bookings(world, pickup)) == ("cancelled", [("cancel_unknown", False)])
    assert exceptions(world, pickup) == [("orphan", "waiting_carrier")]


def test_a_word_of_before_the_cancel_that_comes_late_is_no_orphan(world):
    pickup, carrier, awb = cancelled(world)

    push(world, carrier, awb, Milestone.OUT_FOR_PICKUP, at=world.now - 2 * MINUTE)
    push(world, carrier, awb, Milestone.CANCELLED)

    assert (bookings(world, pickup), exceptions(world, pickup)) == ([("cancelled", False)], [])


def test_a_rider_who_collected_what_the_merchant_cancelled_is_a_persons_matter(world):
    pickup, carrier, awb = cancelled(world)

    push(world, carrier, awb, Milestone.PICKED_UP)
    push(world, carrier, awb, Milestone.IN_TRANSIT)

    assert (world.state(pickup), exceptions(world, pickup)) == ("in_transit", [("orphan", "needs_decision")])
    with world.db.write() as tx:
        case = world.case(pickup)
        commanding.act_on(tx, case, case.open_exceptions[0], Resolution(action="close", note="keeps it"), world.now)
    assert exceptions(world, pickup) == [("orphan", "closed")]


def test_the_first_carrier_collects_after_its_cancel_so_the_second_is_cancelled(world):
    pickup = switched(world)

    push_first(world, pickup, Milestone.PICKED_UP)

    assert (world.state(pickup), bookings(world, pickup)) == ("collected", [("done", True), ("cancelled", False)])
    assert exceptions(world, pickup)[-1] == ("orphan", "collected")
    assert world.holdings(world.case(pickup).bookings[1].carrier) == []


def test_both_collected_so_the_overlap_is_recorded_and_a_person_called(world):
    pickup = switched(world)
    second = world.case(pickup).bookings[1]
    push(world, second.carrier, second.awb or "", Milestone.PICKED_UP)

    push_first(world, pickup, Milestone.PICKED_UP)

    assert bookings(world, pickup) == [("done", True), ("done", False)]
    assert [one for one in exceptions(world, pickup) if one[1] == "needs_decision"] == [("overlap", "needs_decision")]


@pytest.mark.parametrize("collected", [False, True])
def test_the_first_carrier_sets_out_after_its_cancel_and_is_cancelled_beside_the_second(world, collected):
    pickup = switched(world)
    second = world.case(pickup).bookings[1]
    if collected:
        push(world, second.carrier, second.awb or "", Milestone.PICKED_UP)
    before = world.state(pickup)

    push_first(world, pickup, Milestone.OUT_FOR_PICKUP)

    assert (world.state(pickup), bookings(world, pickup)) == (
        before,
        [("cancelled", True), ("done" if collected else "live", False)],
    )
    assert exceptions(world, pickup)[-1] == ("orphan", "cancelled")


def test_a_failed_visit_of_a_carrier_that_was_left_does_not_disturb_the_next(world):
    pickup = switched(world)

    push_first(world, pickup, Milestone.PICKUP_FAILED, at=world.now - dt.timedelta(hours=1))

    assert bookings(world, pickup) == [("cancelled", False), ("live", False)]
    assert [one.reason for one in world.case(pickup).open_exceptions] == []


# --- what was refused, and taken all the same --------------------------------------------------------------


def test_a_carrier_that_had_refused_and_has_it_all_the_same_is_cancelled_beside_the_next(world):
    world.fault("refuse", "delhivery", operation="book")
    pickup = world.book()
    states = [str(one.state) for one in world.case(pickup).bookings]
    assert states[-1] == "live"
    refused = world.case(pickup).bookings[0]
    world.fault("timeout_unbooked", "delhivery", operation="cancel")

    push(world, "delhivery", "14933200000099", Milestone.PICKUP_SCHEDULED, reference=refused.carrier_reference)

    left = world.case(pickup).bookings[0]
    assert (left.awb, left.state, left.overlap) == ("14933200000099", "cancel_unknown", True)
    assert exceptions(world, pickup)[-1] == ("orphan", "waiting_carrier")
    assert (world.state(pickup), world.case(pickup).bookings[-1].state) == ("booked", "live")


# --- what nobody knows ---------------------------------------------------------------------------------------


def test_a_number_that_nobody_knows_is_one_case_however_often_it_is_scanned(world):
    for minute in range(4):
        world.now += MINUTE
        assert push(world, "ekart", "500000009999ekart", Milestone.OUT_FOR_PICKUP, at=world.now + minute * MINUTE) == 0

    (case,) = told(world)
    assert (case.merchant_id, case.pickup_id, case.awb, case.reason, case.state) == (
        world.owner.merchant_id,
        None,
        "500000009999ekart",
        "orphan",
        "needs_decision",
    )
    assert (case.raw_code, "500000009999ekart" in case.detail) == ("out_for_pickup", True)
    assert events_of_none(world) == ["exception.opened"]


@pytest.mark.parametrize("milestone", [Milestone.CANCELLED, Milestone.DELIVERED, Milestone.RETURNED_TO_SENDER])
def test_what_is_over_when_it_is_first_heard_of_is_nobodys_worry(world, milestone):
    push(world, "ekart", "500000009999ekart", milestone)
    assert told(world) == []


def test_it_is_no_orphan_any_more_when_a_booking_has_its_number(make_wide):
    world = make_wide("ekart")
    step = world.kit.carriers.step

    async def pushed_first(account, name, *args, **more):
        answer = await step(account, name, *args, **more)
        if name == "book":  # without our reference, before its answer is in the ledger
            push_quietly(world, answer.awb)
        return answer

    world.kit.carriers.step = pushed_first
    pickup = world.book()

    assert world.state(pickup) == "booked"
    assert [(one.awb, one.state, one.resolution) for one in told(world)] == [
        (world.case(pickup).bookings[0].awb, "resolved", "adopted")
    ]
    assert events_of_none(world) == ["exception.opened", "exception.resolved"]


def push_quietly(world: WideWorld, awb: str) -> None:
    scan = Scan(code="booked", at=world.now, milestone=Milestone.PICKUP_SCHEDULED)
    following.push(world.kit, world.accounts["ekart"], [Tracked(awb=awb, scans=(scan,))], verified=True, wall=world.now)


def test_a_second_number_under_our_reference_is_a_case_of_its_pickup_and_changes_nothing_there(world):
    pickup = world.book()
    booking = world.case(pickup).bookings[0]

    push(world, booking.carrier, "another", Milestone.OUT_FOR_PICKUP, reference=booking.carrier_reference)

    assert [(one.pickup_id, one.awb) for one in told(world)] == [(pickup, "another")]
    assert (world.state(pickup), world.case(pickup).bookings[0].awb) == ("booked", booking.awb)


def test_an_account_that_other_software_books_with_does_not_fill_the_queue(world, monkeypatch):
    monkeypatch.setattr(orphans, "MOST_OPEN", 3)
    for number in range(5):
        push(world, "ekart", f"50000000{number}", Milestone.OUT_FOR_PICKUP)
    assert len(told(world)) == 3


def test_what_somebody_with_the_same_contract_booked_here_is_not_told_to_others(world):
    pickup = world.book()
    booking = world.case(pickup).bookings[0]
    with world.db.write() as tx:
        merchant = merchants.create(tx, "Heron", "INR", "IN", world.now)
        other = accounts.add(
            tx,
            world.kit.vault,
            Owner(merchant.id, Mode.TEST),
            carrier=booking.carrier,
            name="the same contract",
            secrets=SECRETS[booking.carrier],
            settings=SETTINGS[booking.carrier],
            callback_token="callback-heron",
            now=world.now,
        )
    tracked = Tracked(awb=booking.awb or "", scans=(Scan(code="x", at=world.now, milestone=Milestone.OUT_FOR_PICKUP),))

    following.push(world.kit, other, [tracked], verified=True, wall=world.now)

    assert told(world) == []
