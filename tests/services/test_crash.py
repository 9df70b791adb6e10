"""Died at every place of a booking and of a cancel, at every carrier, then started anew: it ends as it would have ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from gateway.services import commanding, driving, reconciling
from gateway.store import tables
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, EXCEPTIONS
from tests.services.carriers import CARRIERS, HOME, WideWorld, customer
from tests.services.crashing import crashes
from tests.services.lives import every_place, rest


@pytest.fixture(params=CARRIERS)
def carrier(request) -> Iterator[str]:
    yield request.param


def test_a_booking(make_wide, carrier):
    def life(world: WideWorld, at: int) -> bool:
        pickup = world.accept("RMA-1", customer(HOME[carrier]))
        died = crashes(world, at, world.drive)
        rest(world, pickup)
        assert (at, world.state(pickup), len(world.holdings(carrier))) == (at, "booked", 1)
        return died

    settings = {"delhivery": {"waybills": "prefetched"}}
    assert every_place(lambda: make_wide(carrier, settings=settings), life) > 5


def test_a_cancel(make_wide, carrier):
    def life(world: WideWorld, at: int) -> bool:
        pickup = world.book(at=HOME[carrier])

        def cancel() -> None:
            with world.db.write() as tx:
                commanding.cancel(tx, world.case(pickup), world.now)
            world.drive()

        died = crashes(world, at, cancel)
        wanted = world.case(pickup).pickup.intent == "cancel"
        rest(world, pickup)
        assert (at, world.state(pickup), len(world.holdings(carrier))) == (at, *(("cancelled", 0) if wanted else ("booked", 1)))
        return died

    assert every_place(lambda: make_wide(carrier), life) > 3


def test_a_driver_that_fails_by_a_bug_lets_go_of_the_pickup(make_wide):
    world = make_wide("delhivery")
    pickup = world.accept("RMA-1", customer())
    step = world.kit.carriers.step

    async def bug(*args, **more):
        raise ZeroDivisionError

    world.kit.carriers.step = bug
    with pytest.raises(ZeroDivisionError):
        world.drive()
    world.kit.carriers.step = step
    rest(world, pickup)

    assert (world.state(pickup), len(world.holdings("delhivery"))) == ("booked", 1)


def test_what_the_carrier_said_is_not_lost_for_a_bug_in_what_comes_after_it(make_wide, monkeypatch):
    """Ekart can neither find nor list: its answer is all there is."""
    world = make_wide("ekart")
    pickup = world.accept("RMA-1", customer())

    with monkeypatch.context() as planted:
        planted.setattr(driving, "_RULES", (_wrong_once_booked, *driving._RULES))
        with pytest.raises(ZeroDivisionError):
            world.drive()

    assert [str(one.state) for one in world.case(pickup).bookings] == ["live"]
    rest(world, pickup)
    assert (world.state(pickup), len(world.holdings("ekart"))) == ("booked", 1)


def _wrong_once_booked(case: Case, wall: dt.datetime) -> None:
    if any(booking.awb for booking in case.bookings):
        raise ZeroDivisionError


def test_a_reconciliation(make_wide):
    """Two consignments of yesterday's list: one that nobody knows, one that we call cancelled."""

    def life(world: WideWorld, at: int) -> bool:
        pickups = [world.book(f"RMA-{number}", at="US", phone=world.phone(10)) for number in range(2)]
        unknown, cancelled = (world.case(pickup).bookings[0].id for pickup in pickups)
        with world.db.write() as tx:
            tx.execute(tables.pickups.update().values(intent="cancel", state="cancelled", ended=True))
            BOOKINGS.update(tx, unknown, awb="lost", carrier_reference="GWLOST", state="cancelled")
            BOOKINGS.update(tx, cancelled, state="cancelled", cancelled_at=world.now)
        world.pass_time(dt.timedelta(days=1))

        def reconcile() -> None:
            reconciling.daily(world.kit, world.accounts["easypost"].id, world.now)
            world.drive()

        died = crashes(world, at, reconcile)
        world.pass_time(dt.timedelta(days=1))
        reconcile()
        world.come_to_rest()
        told = [(one.reason, one.resolution) for pickup in pickups for one in world.case(pickup).exceptions]
        with world.db.read() as tx:
            orphans = EXCEPTIONS.all(tx, tables.exceptions.c.account_id.is_not(None))
        assert (at, told, len(orphans), len(world.holdings("easypost"))) == (at, [("orphan", "cancelled")], 1, 1)
        return died

    assert every_place(lambda: make_wide("easypost"), life) > 5
