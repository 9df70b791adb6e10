"""Trying a pickup on for size over all carriers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.services import validating
from gateway.store.ledger import People
from tests.services.carriers import LANES, WideWorld, customer, wanted


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WideWorld]:
    world = WideWorld(tmp_path, ("easypost", "aramex"))
    yield world
    world.close()


def objections(world: WideWorld, at: str, **shipper: Any) -> list[tuple[str, str, str]]:
    """(carrier, service, field) of each, every service of a carrier that refuses the same taken once."""
    people = People(shipper=customer(at, **shipper), consignee=LANES[at].warehouse)
    asked = validating.objections(world.kit, world.owner, "RMA-1", people, wanted(at), seconds=5.0, now=world.now)
    return sorted({(one.carrier, one.service and "*", one.pointer) for one in world.kit.wait(asked)})


def test_the_customers_address_is_judged_by_a_carrier_that_judges_addresses(world):
    assert objections(world, "US", line1="12 Nowhere Street") == [
        ("aramex", "*", "/shipper/country"),
        ("easypost", "", "/shipper/line1"),
    ]


def test_an_address_that_is_one_meets_no_objection_there(world):
    assert [one for one in objections(world, "US") if one[0] == "easypost"] == []


def test_a_judge_who_does_not_answer_objects_to_nothing(world):
    world.fault("server_error", "easypost", operation="validate")
    assert [one for one in objections(world, "US", line1="12 Nowhere Street") if one[0] == "easypost"] == []


def test_a_field_refused_by_the_first_of_many_steps_is_named(world):
    assert ("easypost", "*", "/shipper/phone") in objections(world, "US", phone="12")


def test_a_carrier_that_does_not_go_there_objects_to_the_country(world):
    assert ("easypost", "*", "/shipper/country") in objections(world, "AE")
