"""The ledger held against a carrier's own list, once a day: what is there and not here, and what is here and not there."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Listed
from adapters.easypost import listing
from gateway.carriers import registry
from gateway.carriers.client import Carriers
from gateway.carriers.isolation import Isolation
from gateway.services import reconciling
from gateway.services.cancelling import at_carrier
from gateway.services.kit import Kit
from gateway.services.reconciling import Found
from gateway.store import accounts, tables
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PickupException
from tests.services.carriers import WideWorld
from tests.services.matrix import cancel
from tests.services.test_overlapping import act, answer_again, bookings, exceptions

DAY = dt.timedelta(days=1)


@pytest.fixture
def world(make_wide) -> WideWorld:
    made: WideWorld = make_wide("easypost")
    return made


def book(world: WideWorld, reference: str = "RMA-1", **more: Any) -> str:
    """Yesterday, with a rider who is never heard of."""
    pickup = world.book(reference, at="US", phone=world.phone(10), **more)
    assert world.state(pickup) == "booked"
    return pickup


def change(world: WideWorld, pickup: str, **values: Any) -> None:
    """The ledger forgets, as after a restored backup or a bug."""
    with world.db.write() as tx:
        BOOKINGS.update(tx, world.case(pickup).bookings[0].id, **values)


def next_day(world: WideWorld) -> Found:
    world.pass_time(DAY)
    return again(world)


def again(world: WideWorld) -> Found:
    world.now += dt.timedelta(seconds=2)  # five pages a second
    found = reconciling.reconcile(world.kit, world.accounts["easypost"].id, world.now)
    world.drive()
    return found


def counts(found: Found) -> dict[str, int]:
    names = ("listed", "known", "adopted", "cancelled_again", "orphans", "missing")
    return {name: getattr(found, name) for name in names if getattr(found, name)}


def orphans_of(world: WideWorld) -> list[PickupException]:
    with world.db.read() as tx:
        return EXCEPTIONS.all(tx, tables.exceptions.c.account_id.is_not(None))


def due(world: WideWorld) -> list[str]:
    with world.db.read() as tx:
        return reconciling.due_accounts(tx, world.now)


# --- once a day -----------------------------------------------------------------------------------------


def test_each_account_is_due_once_a_day(world):
    account = world.accounts["easypost"].id
    assert due(world) == [account]
    assert reconciling.daily(world.kit, account, world.now) is not None
    assert (due(world), reconciling.daily(world.kit, account, world.now)) == ([], None)

    world.pass_time(DAY)
    assert due(world) == [account]


def test_a_merchants_test_clock_makes_its_accounts_due(world):
    reconciling.daily(world.kit, world.accounts["easypost"].id, world.now)
    with world.db.write() as tx:
        tx.execute(tables.merchants.update().values(clock_offset=86_400))
    assert due(world) == [world.accounts["easypost"].id]


def test_an_account_whose_carrier_has_no_list_is_done_with_for_the_day(make_wide):
    world = make_wide("delhivery", "ekart", "aramex")
    assert [reconciling.daily(world.kit, account, world.now) for account in due(world)] == [None] * 3
    assert due(world) == []


def test_the_last_three_whole_days_are_gone_through(world):
    assert again(world).days == (dt.date(2026, 3, 6), dt.date(2026, 3, 7), dt.date(2026, 3, 8))


def test_what_both_have_is_known_and_nothing_is_told(world):
    pickups = [book(world, f"RMA-{number}") for number in range(3)]
    cancel(world, pickups[0])

    assert counts(next_day(world)) == {"listed": 3, "known": 3}
    assert [exceptions(world, pickup) for pickup in pickups] == [[], [], []]


def test_a_list_of_many_pages_is_read_to_its_end(world, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    for number in range(5):
        book(world, f"RMA-{number}")

    assert counts(next_day(world)) == {"listed": 5, "known": 5}


def test_pages_are_asked_for_no_faster_than_the_carrier_allows_and_none_is_left_out(world, monkeypatch):
    """Five a second; these are eight."""
    monkeypatch.setattr(listing, "PAGE", 1)
    for number in range(6):
        book(world, f"RMA-{number}")
    world.pass_time(DAY)
    carriers = Carriers(lambda: "http://lab", open_pool=world.lab.transport, isolation=Isolation())  # by the real clock
    kit = Kit(world.db, world.kit.vault, carriers, world.loop)

    began = time.monotonic()
    found = reconciling.reconcile(kit, world.accounts["easypost"].id, world.now)
    assert (found.complete, counts(found), time.monotonic() - began > 0.3) == (True, {"listed": 6, "known": 6}, True)


# --- there, and not here ----------------------------------------------------------------------------------


def test_a_consignment_that_nobody_knows_is_an_orphan_once(world):
    pickup = book(world)
    awb = world.case(pickup).bookings[0].awb
    change(world, pickup, awb="lost", carrier_reference="GWLOST", state="cancelled")

    assert counts(next_day(world)) == {"listed": 1, "orphans": 1}
    assert [(one.awb, one.pickup_id, one.state) for one in orphans_of(world)] == [(awb, None, "needs_decision")]
    assert counts(again(world)) == {"listed": 1, "known": 1}


def test_one_of_those_that_was_called_off_there_is_nobodys_worry(world):
    pickup = book(world)
    cancel(world, pickup)
    change(world, pickup, awb="lost", carrier_reference="GWLOST")

    assert counts(next_day(world)) == {"listed": 1, "known": 1}
    assert orphans_of(world) == []


def test_what_we_call_cancelled_and_the_carrier_does_not_is_cancelled_again(world):
    pickup = book(world)
    with world.db.write() as tx:
        tx.execute(tables.pickups.update().values(intent="cancel", state="cancelled", ended=True))
    change(world, pickup, state="cancelled", cancelled_at=world.now)
    assert len(world.holdings("easypost")) == 1

    assert counts(next_day(world)) == {"listed": 1, "cancelled_again": 1}

    assert (world.holdings("easypost"), bookings(world, pickup)) == ([], [("cancelled", False)])
    assert exceptions(world, pickup) == [("orphan", "cancelled")]
    assert counts(again(world)) == {"listed": 1, "known": 1}


def test_what_we_call_refused_and_the_carrier_has_is_a_persons_matter(world):
    pickup = book(world)
    change(world, pickup, state="refused", awb=None)
    with world.db.write() as tx:
        tx.execute(tables.pickups.update().values(handed_over=True))

    assert counts(next_day(world)) == {"listed": 1, "orphans": 1}
    assert exceptions(world, pickup) == [("orphan", "needs_decision")]
    assert counts(again(world)) == {"listed": 1, "known": 1}


def test_a_booking_in_doubt_gets_its_number_where_the_carrier_cannot_be_asked(world, monkeypatch):
    pickup = book(world)
    awb = world.case(pickup).bookings[0].awb
    change(world, pickup, state="unknown", awb=None, handles={}, retry_at=None)
    plain = registry.carrier
    monkeypatch.setattr(registry, "carrier", lambda code: replace(plain(code), find=None))

    assert counts(next_day(world)) == {"listed": 1, "adopted": 1}
    booking = world.case(pickup).bookings[0]
    assert (booking.state, booking.awb, "shipment" in booking.handles) == ("live", awb, True)


def test_one_that_can_be_asked_is_asked_and_not_guessed_about(world):
    pickup = book(world)
    change(world, pickup, state="unknown", awb=None, retry_at=None)

    assert counts(next_day(world)) == {"listed": 1, "known": 1}
    assert bookings(world, pickup) == [("unknown", False)]


# --- here, and not there ----------------------------------------------------------------------------------


def test_what_was_called_off_there_is_polled_and_healed(world):
    pickup = book(world)
    case = world.case(pickup)
    elsewhere = world.another_kit()
    account = accounts.opened(elsewhere.vault, world.accounts["easypost"])
    elsewhere.wait(elsewhere.carriers.ask(account, "cancel", at_carrier(case.bookings[0]), now=world.now))
    with world.db.write() as tx:
        tx.execute(tables.bookings.update().values(poll_at=None))

    assert counts(next_day(world)) == {"listed": 1, "known": 1}
    assert world.case(pickup).bookings[0].poll_at == world.now
    world.poll()
    world.drive()
    assert (world.case(pickup).bookings[0].state, exceptions(world, pickup)[0][0]) == ("cancelled", "cancelled_by_merchant")


def test_what_the_carrier_does_not_know_any_more_is_a_persons_matter_once(world):
    pickup = book(world)
    change(world, pickup, awb="9400000000000000000000", carrier_reference="GWLOST")

    assert counts(next_day(world)) == {"listed": 1, "orphans": 1, "missing": 1}
    assert exceptions(world, pickup) == [("not_at_carrier", "needs_decision")]
    again(world)
    assert exceptions(world, pickup) == [("not_at_carrier", "needs_decision")]


def test_what_only_the_list_has_not_is_asked_about_and_lives(world, monkeypatch):
    pickup = book(world)
    monkeypatch.setattr(listing, "_line", lambda one: replace(LINE, awb="another"))

    assert "missing" not in counts(next_day(world))
    assert (bookings(world, pickup), exceptions(world, pickup)) == ([("live", False)], [])


LINE = Listed(awb="another", cancelled=True)


def test_a_person_sees_that_the_carrier_has_nothing_and_somebody_is_booked_again(world):
    pickup = book(world)
    change(world, pickup, awb="9400000000000000000000", carrier_reference="GWLOST")
    next_day(world)

    act(world, pickup, action="not_booked")
    assert (bookings(world, pickup), world.state(pickup)) == ([("cancelled", False), ("live", False)], "booked")
    assert exceptions(world, pickup) == [("not_at_carrier", "not_booked")]


def test_a_person_finds_it_at_the_carrier_after_all_and_closes_the_case(world):
    pickup = book(world)
    change(world, pickup, awb="9400000000000000000000", carrier_reference="GWLOST")
    next_day(world)

    act(world, pickup, action="close")
    assert (bookings(world, pickup), exceptions(world, pickup)) == ([("live", False)], [("not_at_carrier", "closed")])


@pytest.mark.parametrize("fault", ["server_error", "timeout_unbooked", "throttle", "html", "refuse"])
def test_a_list_that_cannot_be_had_calls_nothing_missing_and_is_made_up_for(world, fault):
    pickup = book(world)
    change(world, pickup, awb="9400000000000000000000", carrier_reference="GWLOST")
    world.fault(fault, "easypost", operation="list_of_day")

    found = next_day(world)
    assert (found.complete, counts(found), exceptions(world, pickup)) == (False, {}, [])

    answer_again(world)
    assert counts(next_day(world)) == {"listed": 1, "orphans": 1, "missing": 1}


def test_of_a_list_that_is_cut_short_what_was_told_counts_and_nothing_is_missing(world, monkeypatch):
    """After the empty pages of two days and the first of the third."""
    monkeypatch.setattr(listing, "PAGE", 1)
    pickups = [book(world, f"RMA-{number}") for number in range(2)]
    for pickup in pickups:
        change(world, pickup, awb="lost" + pickup, carrier_reference="GW" + pickup)
    world.fault("server_error", "easypost", operation="list_of_day", after=3)

    found = next_day(world)
    assert (found.complete, counts(found)) == (False, {"listed": 1, "orphans": 1})
    answer_again(world)
    assert counts(next_day(world)) == {"listed": 2, "known": 1, "orphans": 1, "missing": 2}


def test_a_carrier_that_wants_to_be_left_alone_for_long_is(world):
    book(world)
    world.fault("throttle", "easypost", operation="list_of_day", retry_after=60, times=1)
    assert not next_day(world).complete
    assert not again(world).complete  # held here: nothing was sent
    world.pass_time(dt.timedelta(minutes=2))
    assert counts(again(world)) == {"listed": 1, "known": 1}
