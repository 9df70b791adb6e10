from __future__ import annotations

import httpx
import pytest

from adapters.contract.carrier import OPERATIONS, Act, Booked, Carrier, Operation, Service, one_step
from adapters.contract.orders import Order

BOOK: Operation[Order, Booked] = one_step(lambda *_: httpx.Request("PUT", "http://x"), lambda *_: Booked(awb="SW0001"))
SWIFTLINE = Carrier(
    code="swiftline",
    name="Swiftline",
    countries=frozenset({"IN"}),
    currency="INR",
    timezone="Asia/Kolkata",
    live_url="https://swiftline.test",
    fields=(),
    services=(Service(code="standard", name="Standard"), Service(code="swift", name="Swift")),
    book=BOOK,
)


def test_what_a_carrier_cannot_do_is_none():
    assert {name for name in OPERATIONS if SWIFTLINE.operation(name)} == {"book"}


def test_every_operation_is_a_field_of_the_description():
    assert set(OPERATIONS) <= set(Carrier.__struct_fields__)


def test_every_act_is_an_operation():
    assert set(Act) <= set(OPERATIONS)


def test_a_service_is_found_by_its_code():
    assert SWIFTLINE.service("swift").name == "Swift"


def test_a_service_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="swiftline has no service 'snail'"):
        SWIFTLINE.service("snail")
