"""Prices and reach over the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from gateway.carriers.client import Carriers
from gateway.store import tables
from gateway.values import Account
from tests.web.shop import ITEM, PARCEL, Shop, body

WANTED = {
    "shipper": {"postal_code": "560038", "country": "IN"},
    "consignee": {"postal_code": "394101", "country": "IN"},
    "parcels": [PARCEL],
    "declared_value": {"amount": "1499.00", "currency": "INR"},
}


def test_offers_come_in_the_order_they_would_be_asked(running: Shop) -> None:
    found = running.post("/v1/quotes", WANTED)
    assert [(one["rank"], one["carrier"], one["service"], one["price"]["amount"]) for one in found["offers"]] == [
        (1, "delhivery", "surface", "122.91"),
        (2, "ekart", "surface", "152.00"),
        (3, "delhivery", "express", "214.43"),
    ]
    assert [(one["service"], one["cause"]) for one in found["left_out"]] == [("express", "no_price")]
    assert found["sentence"].startswith("Delhivery Surface at Rs 122.91")


def test_an_offer_tells_its_chance_with_its_range_and_what_a_collected_return_costs(running: Shop) -> None:
    offer = running.post("/v1/quotes", WANTED)["offers"][0]
    assert offer["chance"] == {"p": 0.7, "low": 0.4707, "high": 0.8858, "visits": 0.0, "elsewhere": 0.0, "prior": "assumed"}
    assert float(offer["expected_cost"]["amount"]) > float(offer["price"]["amount"])
    assert offer["price_from"].startswith("rate card delhivery/surface")


def test_the_body_of_a_pickup_is_taken_as_it_is(running: Shop) -> None:
    whole = running.post("/v1/quotes", body())
    least = running.post("/v1/quotes", WANTED)
    assert [one["price"] for one in whole["offers"]] == [one["price"] for one in least["offers"]]


def test_nothing_is_booked(running: Shop) -> None:
    running.post("/v1/quotes", WANTED)
    assert running.count(tables.pickups) == 0
    assert running.lab is not None and not list(running.lab.books.consignments("", ""))


def test_a_wish_for_carriers_holds_for_quotes_too(running: Shop) -> None:
    found = running.post("/v1/quotes", WANTED | {"carrier": {"deny": ["delhivery"]}})
    assert {one["carrier"] for one in found["offers"]} == {"ekart"}
    assert {one["cause"] for one in found["left_out"] if one["carrier"] == "delhivery"} == {"denied_by_merchant"}


def test_a_price_cap_leaves_the_dearer_ones_out(running: Shop) -> None:
    found = running.post("/v1/quotes", WANTED | {"max_price": {"amount": "130.00", "currency": "INR"}})
    assert [one["service"] for one in found["offers"]] == ["surface"]
    assert {one["cause"] for one in found["left_out"]} == {"price_cap", "no_price"}


def test_without_a_carrier_account_that_is_said(shop: Shop) -> None:
    found = shop.post("/v1/quotes", WANTED)
    assert (found["why"], found["offers"], found["sentence"]) == (
        "no_candidate",
        [],
        "No carrier can be asked: there is no carrier account.",
    )


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"declared_value": None}, {"/declared_value": "missing"}),
        ({"shipper": {"country": "IN"}}, {"/shipper/postal_code": "missing"}),
        ({"consignee": {"postal_code": "394101"}}, {"/consignee/country": "missing"}),
        ({"consignee": {"location": "loc_x"}}, {"/consignee/location": "unknown_location"}),
        ({"within_seconds": 11}, {"/within_seconds": "too_large"}),
        ({"parcels": []}, {"/parcels": "too_short"}),
        ({"items": [ITEM, ITEM | {"unit_value": {"amount": "1", "currency": "USD"}}]},
         {"/items/1/unit_value/currency": "second_currency"}),
    ],
)  # fmt: skip
def test_a_question_is_refused_naming_each_field(running: Shop, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    answer = running.call("POST", "/v1/quotes", json=WANTED | wrong)
    assert (answer.status_code, running.errors(answer)) == (422, errors)


def test_without_a_lab_a_test_key_is_told_how_to_start_one(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("delhivery", lab=False)
    for answer in (
        shop.call("POST", "/v1/quotes", json=WANTED),
        shop.call("GET", "/v1/serviceability?from=560038&to=394101"),
        shop.call("POST", "/v1/pickups/validate", json=body()),
        shop.call("POST", "/v1/test/clock/advance", json={"seconds": 60}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "lab_not_running")
        assert "gateway lab" in answer.json()["detail"] and answer.headers["retry-after"]


def test_a_pickup_is_accepted_all_the_same_without_a_lab(make_shop: Callable[..., Shop]) -> None:
    assert make_shop("delhivery", lab=False).ask_to_book().status_code == 202


# --- serviceability --------------------------------------------------------------------------------


def test_each_account_tells_whether_it_serves_the_lane(running: Shop) -> None:
    found = running.get("/v1/serviceability?from=560038&to=394101&weight_g=800")
    assert (found["lane"], found["direction"]) == ({"from": "560038", "to": "394101"}, "reverse")
    assert {one["carrier"]: one["serviceable"] for one in found["data"]} == {"delhivery": True, "ekart": True}


def test_a_place_nobody_serves_is_told_with_the_cause(running: Shop) -> None:
    magic = "999009"  # the lab's postal code that nobody serves
    found = running.get(f"/v1/serviceability?from={magic}&to=394101")
    assert {one["serviceable"] for one in found["data"]} == {False}
    assert all(one["cause"] for one in found["data"])


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("from=012345&to=394101", {"from": "invalid_postal_code"}),
        ("from=560038&to=94105&to_country=IN", {"to": "invalid_postal_code"}),
        ("from=560038&to=394101&from_country=XX", {"from_country": "unknown_country"}),
        ("from=560038&to=394101&weight_g=0", {"weight_g": "invalid"}),
        ("from=560038&to=394101&direction=up", {"direction": "invalid"}),
        ("from=560038&to=394101&weight=1", {"weight": "unknown_parameter"}),
        ("to=394101", {"from": "missing"}),
    ],
)
def test_a_lane_is_refused_naming_each_parameter(shop: Shop, query: str, errors: dict[str, str]) -> None:
    answer = shop.call("GET", f"/v1/serviceability?{query}")
    assert (answer.status_code, shop.errors(answer)) == (400, errors)


def test_a_carrier_that_hangs_is_left_out_when_the_time_is_up(running: Shop) -> None:
    running.kit.carriers = cast(Any, _Hanging(running.kit.carriers, "ekart"))
    started = time.monotonic()
    found = running.post("/v1/quotes", WANTED | {"within_seconds": 1})
    assert 0.9 < time.monotonic() - started < 1.6
    assert {one["cause"] for one in found["left_out"] if one["carrier"] == "ekart"} == {"quote_timed_out"}
    assert {one["carrier"] for one in found["offers"]} == {"delhivery"}


class _Hanging:
    """All carriers but one, which never answers."""

    def __init__(self, others: Carriers, silent: str) -> None:
        self._others = others
        self._silent = silent

    async def ask(self, account: Account, name: str, question: Any, **more: Any) -> Any:
        if account.carrier == self._silent:
            await asyncio.sleep(5)
        return await self._others.ask(account, name, question, **more)

    def unavailable(self, account: Account, operations: tuple[str, ...]) -> str:
        return self._others.unavailable(account, operations)

    async def close(self) -> None:
        await self._others.close()
