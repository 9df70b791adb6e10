"""A SOAP carrier in the Gulf and an aggregator in the USA, from the choice to the warehouse; the merchant counts in rupees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from gateway.services import commanding
from gateway.store.ledger import DECISIONS
from rates.decisions import Candidate, Decision
from rates.filters import Cause
from tests.services.carriers import WideWorld

SILENT_AT_EASYPOST = "2014040010"  # the lab's: C = 4, NN = 10


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WideWorld]:
    world = WideWorld(tmp_path)
    yield world
    world.close()


def decision(world: WideWorld, pickup: str) -> Decision:
    with world.db.read() as tx:
        stored = DECISIONS.one(tx, world.case(pickup).pickup.decision_id or "")
    return msgspec.convert(stored.body, Decision)


def chosen(world: WideWorld, pickup: str) -> Candidate:
    found = decision(world, pickup)
    assert found.chosen, found.sentence
    return found.of(found.chosen)


def bookings(world: WideWorld, pickup: str) -> list[tuple[str, str]]:
    return [(one.moved_by, one.state) for one in world.case(pickup).bookings]


# --- the Gulf --------------------------------------------------------------------------------------


def test_a_return_in_the_gulf_is_priced_in_dirhams_compared_in_rupees_and_delivered(world):
    pickup = world.book(at="AE")

    one = chosen(world, pickup)
    assert (one.carrier, one.price.currency, one.rate and one.rate.on) == ("aramex", "AED", dt.date(2026, 1, 1))
    assert one.rate and one.price_minor == round(one.price.minor * one.rate.value)
    assert decision(world, pickup).sentence.startswith("Aramex Express at Rs ")

    world.days(6)
    assert world.state(pickup) == "delivered"
    assert bookings(world, pickup) == [("aramex", "done")]


def test_the_waybill_and_the_collection_are_two_steps_under_one_reference(world):
    pickup = world.book(at="AE")

    (booking,) = world.case(pickup).bookings
    (consignment,) = world.books("aramex")
    assert (booking.awb, booking.carrier_reference) == (consignment["awb"], consignment["reference"])
    assert booking.so_far["number"] == booking.awb


def test_a_cancelled_collection_leaves_the_waybill_behind_and_nobody_comes(world):
    pickup = world.book(at="AE")
    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()

    assert world.state(pickup) == "cancelled"
    assert world.holdings("aramex") == []


@pytest.mark.parametrize("fault", ["timeout_booked", "drop_after_commit", "server_error_booked", "truncated"])
def test_a_collection_whose_answer_was_lost_is_found_or_ordered_once(world, fault):
    world.fault(fault, "aramex", operation="book", times=1)
    pickup = world.book(at="AE")
    world.settle(dt.timedelta(minutes=5))

    assert world.state(pickup) == "booked"
    assert len(world.holdings("aramex")) == 1


def test_without_a_rate_the_offer_is_left_out_with_that_cause(world):
    world.kit.rates = tuple
    pickup = world.book(at="AE")

    causes = {(one.carrier, one.service): one.cause for one in decision(world, pickup).barred}
    assert (causes["aramex", "express"], world.state(pickup)) == (Cause.NO_RATE, "exhausted")


# --- the USA ---------------------------------------------------------------------------------------


def test_an_aggregators_movers_are_offers_of_their_own(world):
    pickup = world.book(at="US")

    found = decision(world, pickup)
    assert {one.moved_by for one in found.candidates} == {"usps", "ups", "fedex"}
    assert {one.account for one in found.candidates} == {world.accounts["easypost"].id}


def test_the_price_is_firm_when_booked_label_and_visit(world):
    pickup = world.book(at="US")

    (booking,) = world.case(pickup).bookings
    assert booking.price and booking.price.currency == "USD"
    assert Decimal(booking.price.minor) > 0
    assert booking.so_far.keys() >= {"shipment", "rate", "pickup"}

    world.days(7)
    assert world.state(pickup) == "delivered"


def test_a_silent_mover_is_left_for_the_next_one_of_the_same_account_and_its_label_given_back(world):
    pickup = world.book(at="US", phone=SILENT_AT_EASYPOST)
    while len(bookings(world, pickup)) < 2:
        world.days(0.25)

    first, second = world.case(pickup).bookings
    assert (first.state, second.state) == ("cancelled", "live")
    assert first.moved_by != second.moved_by
    assert (first.account_id, [one.awb for one in world.holdings("easypost")]) == (second.account_id, [second.awb])


@pytest.mark.parametrize("operation", ["buy_label", "book"])
@pytest.mark.parametrize("fault", ["timeout_booked", "drop_after_commit", "drop_before_commit", "truncated"])
def test_a_purchase_whose_answer_was_lost_is_made_once(world, operation, fault):
    world.fault(fault, "easypost", operation=operation, times=1)
    pickup = world.book(at="US")
    world.settle(dt.timedelta(minutes=5))

    assert world.state(pickup) == "booked"
    assert [one.what for one in world.holdings("easypost")] == ["consignment"]


def test_cancelling_calls_the_visit_off_and_gives_the_label_back(world):
    pickup = world.book(at="US")
    with world.db.write() as tx:
        commanding.cancel(tx, world.case(pickup), world.now)
    world.drive()

    assert world.state(pickup) == "cancelled"
    assert world.holdings("easypost") == []
