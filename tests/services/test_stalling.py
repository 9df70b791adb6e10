"""A parcel that was collected and of which nothing is heard is told to a person, once for each silence."""

from __future__ import annotations

import datetime as dt

import pytest

from adapters.contract.scans import Milestone
from gateway.services import commanding
from gateway.services.commanding import Resolution
from gateway.services.stalling import PATIENCE
from tests.services.carriers import WideWorld
from tests.services.test_orphans import push
from tests.services.test_overlapping import exceptions

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def world(make_wide) -> WideWorld:
    made: WideWorld = make_wide("delhivery")
    return made


def said(world: WideWorld, pickup: str, *milestones: Milestone) -> None:
    assert push(world, "delhivery", world.case(pickup).bookings[0].awb or "", *milestones) == len(milestones) > 0


def collected(world: WideWorld) -> str:
    """A pickup whose parcel is on its way; its carrier says nothing more unless the test does."""
    pickup = world.book()
    said(world, pickup, Milestone.PICKED_UP)
    assert world.state(pickup) == "collected"
    return pickup


def wait(world: WideWorld, time: dt.timedelta) -> None:
    """So much later, while the carrier is not asked."""
    world.now += time
    world.drive()


def test_a_week_without_a_word_is_told(world):
    pickup = collected(world)
    wait(world, PATIENCE - HOUR)
    assert exceptions(world, pickup) == []
    wait(world, HOUR)
    assert exceptions(world, pickup) == [("stalled", "needs_decision")]
    assert world.case(pickup).open_exceptions[0].fault == "carrier"


def test_each_word_begins_the_week_anew(world):
    pickup = collected(world)
    wait(world, PATIENCE - HOUR)
    said(world, pickup, Milestone.IN_TRANSIT)
    wait(world, PATIENCE - HOUR)
    assert exceptions(world, pickup) == []


def test_a_silence_is_told_once(world):
    pickup = collected(world)
    for _ in range(3):
        wait(world, PATIENCE)
    assert exceptions(world, pickup) == [("stalled", "needs_decision")]


def test_the_next_word_ends_the_case_and_the_next_silence_is_another(world):
    pickup = collected(world)
    said(world, pickup, Milestone.IN_TRANSIT)
    wait(world, PATIENCE)
    said(world, pickup, Milestone.IN_TRANSIT)
    assert exceptions(world, pickup) == [("stalled", "heard_again")]
    wait(world, PATIENCE)
    assert exceptions(world, pickup) == [("stalled", "heard_again"), ("stalled", "needs_decision")]


def test_a_person_who_sorted_it_out_closes_the_case_and_is_not_told_again(world):
    pickup = collected(world)
    wait(world, PATIENCE)
    with world.db.write() as tx:
        case = world.case(pickup)
        commanding.act_on(tx, case, case.open_exceptions[0], Resolution(action="close", note="on the truck"), world.now)
    world.drive()
    wait(world, PATIENCE)
    assert exceptions(world, pickup) == [("stalled", "closed")]


def test_what_has_arrived_is_not_waited_for(world):
    pickup = collected(world)
    said(world, pickup, Milestone.DELIVERED)
    wait(world, PATIENCE)
    assert (world.state(pickup), exceptions(world, pickup)) == ("delivered", [])
