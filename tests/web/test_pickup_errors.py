"""Bad bodies: each answer names every field that is wrong and what would be right, and nothing half-written is left."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from gateway.store import tables
from tests.web.shop import CONSIGNEE, ITEM, PARCEL, SHIPPER, Shop, body, without

TODAY = dt.datetime.now(dt.UTC).date()


def day(ahead: int) -> str:
    return (TODAY + dt.timedelta(days=ahead)).isoformat()


def shipper(**more: Any) -> dict[str, Any]:
    return {"shipper": SHIPPER | more}


def item(**more: Any) -> dict[str, Any]:
    return {"items": [ITEM | more]}


def window(date: str, start: str = "10:00", end: str = "18:00") -> dict[str, Any]:
    return {"window": {"date": date, "from": start, "to": end}}


CASES: list[tuple[dict[str, Any], dict[str, str]]] = [
    # missing, unknown, of the wrong type
    ({"reference": None}, {"/reference": "wrong_type"}),
    ({"reference": ""}, {"/reference": "too_short"}),
    ({"reference": "  "}, {"/reference": "too_short"}),
    ({"reference": "x" * 121}, {"/reference": "too_long"}),
    ({"reference": "a\0b"}, {"/reference": "control_character"}),
    ({"refrence": "RMA"}, {"/refrence": "unknown_field"}),
    ({"shipper": []}, {"/shipper": "wrong_type"}),
    ({"shipper": without(SHIPPER, "name", "phone")}, {"/shipper/name": "missing", "/shipper/phone": "missing"}),
    ({"parcels": {}}, {"/parcels": "wrong_type"}),
    ({"parcels": []}, {"/parcels": "too_short"}),
    ({"parcels": [PARCEL] * 21}, {"/parcels": "too_long"}),
    ({"parcels": [PARCEL, 5]}, {"/parcels/1": "wrong_type"}),
    ({"payer": "customer"}, {"/payer": "not_one_of"}),
    ({"quality_checks": [{"question": "q", "expected": "y", "mandatory": "yes"}]}, {"/quality_checks/0/mandatory": "wrong_type"}),
    ({"metadata": {"a": 1}}, {"/metadata/a": "wrong_type"}),
    ({"metadata": {"": "x"}}, {"/metadata/": "too_short"}),
    ({"extra": {"delhivery": "x"}}, {"/extra/delhivery": "wrong_type"}),
    ({"extra": {"delhivery": {"n": 2**60}}}, {"/extra/delhivery/n": "too_large"}),
    # addresses
    (shipper(postal_code="012345"), {"/shipper/postal_code": "invalid_postal_code"}),
    (shipper(postal_code="56003"), {"/shipper/postal_code": "invalid_postal_code"}),
    (shipper(postal_code=""), {"/shipper/postal_code": "missing"}),
    (shipper(phone="12345"), {"/shipper/phone": "invalid_phone"}),
    (shipper(phone="ring me"), {"/shipper/phone": "invalid_phone"}),
    (shipper(alternate_phone="0000000000"), {"/shipper/alternate_phone": "invalid_phone"}),
    (shipper(email="asha"), {"/shipper/email": "invalid_format"}),
    (shipper(country="in"), {"/shipper/country": "invalid_format"}),
    (shipper(country="XX"), {"/shipper/country": "unknown_country"}),
    (shipper(state=""), {"/shipper/state": "missing"}),
    (shipper(timezone="Asia/Bangalore"), {"/shipper/timezone": "unknown_timezone"}),
    (
        shipper(country="US", state="TN", postal_code="37201", phone="+14158586273"),
        {"/shipper/timezone": "ambiguous_timezone"},
    ),
    ({"consignee": CONSIGNEE | {"postal_code": "1"}}, {"/consignee/postal_code": "invalid_postal_code"}),
    ({"consignee": {"location": "loc_none"}}, {"/consignee/location": "unknown_location"}),
    ({"consignee": {}}, {f"/consignee/{name}": "missing" for name in ("name", "phone", "line1", "city", "country")}),
    # goods
    ({"parcels": [PARCEL | {"weight_g": 0}]}, {"/parcels/0/weight_g": "too_small"}),
    ({"parcels": [PARCEL | {"weight_g": 999_999_999}]}, {"/parcels/0/weight_g": "too_large"}),
    ({"parcels": [PARCEL | {"weight_g": 1.5}]}, {"/parcels/0/weight_g": "wrong_type"}),
    ({"parcels": [PARCEL | {"weight_g": True}]}, {"/parcels/0/weight_g": "wrong_type"}),
    ({"parcels": [PARCEL | {"weight_g": "480"}]}, {"/parcels/0/weight_g": "wrong_type"}),
    ({"parcels": [PARCEL | {"height_mm": 0}]}, {"/parcels/0/height_mm": "too_small"}),
    ({"items": []}, {"/items": "too_short"}),
    (item(quantity=0), {"/items/0/quantity": "too_small"}),
    (item(return_reason="dislike"), {"/items/0/return_reason": "not_one_of"}),
    (item(unit_value={"amount": 1499, "currency": "INR"}), {"/items/0/unit_value/amount": "wrong_type"}),
    (item(unit_value={"amount": "-1", "currency": "INR"}), {"/items/0/unit_value/amount": "invalid_format"}),
    (item(unit_value={"amount": "1.999", "currency": "INR"}), {"/items/0/unit_value/amount": "too_many_decimals"}),
    (item(unit_value={"amount": "1.50", "currency": "JPY"}), {"/items/0/unit_value/amount": "too_many_decimals"}),
    (item(unit_value={"amount": "1", "currency": "INX"}), {"/items/0/unit_value/currency": "unknown_currency"}),
    (item(images=["http://img.test/1.jpg"]), {"/items/0/images/0": "invalid_format"}),
    (
        {"items": [ITEM, ITEM | {"unit_value": {"amount": "5.00", "currency": "USD"}}]},
        {"/items/1/unit_value/currency": "second_currency"},
    ),
    ({"max_price": {"amount": "5.00", "currency": "USD"}}, {"/max_price/currency": "wrong_currency"}),
    # windows
    (window(day(-1)), {"/window/date": "in_the_past"}),
    (window("0001-01-01"), {"/window/date": "in_the_past"}),
    (window(day(40)), {"/window/date": "too_far_ahead"}),
    (window("9999-12-31"), {"/window/date": "too_far_ahead"}),
    (window(day(2), "18:00", "10:00"), {"/window/to": "not_after_from"}),
    (window(day(2), "10:00", "10:00"), {"/window/to": "not_after_from"}),
    (window(day(2), "25:00"), {"/window/from": "invalid_format"}),
    (window(day(2), "10:00\n"), {"/window/from": "control_character"}),
    (window(day(2), "\u0661\u0660:00"), {"/window/from": "invalid_format"}),
    (window("tomorrow"), {"/window/date": "invalid_format"}),
    ({"order": {"number": "7", "delivered_at": "2026-01-01T10:00:00"}}, {"/order/delivered_at": "invalid_format"}),
    # carriers
    ({"carrier": {"pin": "ups"}}, {"/carrier/pin": "unknown_carrier"}),
    ({"carrier": {"allow": ["delhivery", "ups"]}}, {"/carrier/allow/1": "unknown_carrier"}),
    ({"carrier": {"pin": "delhivery/overnight"}}, {"/carrier/pin": "unknown_carrier"}),
]


@pytest.mark.parametrize(("wrong", "errors"), CASES, ids=lambda case: json.dumps(case)[:60])
def test_a_body_is_refused_naming_each_field(running: Shop, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    answer = running.ask_to_book(body() | wrong)
    assert (answer.status_code, answer.json()["code"], running.errors(answer)) == (422, "invalid", errors)
    assert all(one["detail"] for one in answer.json()["errors"])
    assert [running.count(table) for table in (tables.pickups, tables.people, tables.outbox, tables.idempotency)] == [0, 0, 0, 0]


def test_all_errors_are_told_at_once_within_and_between_fields(running: Shop) -> None:
    wrong = body(
        reference=5,
        shipper=SHIPPER | {"postal_code": "0", "phone": "1"},
        parcels=[PARCEL | {"weight_g": 0}],
        window={"date": day(-3), "from": "10:00", "to": "18:00"},
        carrier={"pin": "ups"},
        color="red",
    )
    assert running.errors(running.ask_to_book(wrong)) == {
        "/reference": "wrong_type",
        "/shipper/postal_code": "invalid_postal_code",
        "/shipper/phone": "invalid_phone",
        "/parcels/0/weight_g": "too_small",
        "/window/date": "in_the_past",
        "/carrier/pin": "unknown_carrier",
        "/color": "unknown_field",
    }


def test_a_misspelt_field_is_told_with_the_one_that_was_meant(shop: Shop) -> None:
    answer = shop.ask_to_book(without(body(), "parcels") | {"parcel": [PARCEL]})
    details = {one["pointer"]: one["detail"] for one in answer.json()["errors"]}
    assert details == {"/parcel": "there is no such field here; did you mean parcels?", "/parcels": "is missing"}


def test_a_doubled_key_is_refused_wherever_it_stands(shop: Shop) -> None:
    text = json.dumps(body()).replace('"reference": "RMA-1"', '"reference": "RMA-1", "reference": "RMA-2"')
    text = text.replace('"sku": "SH-1"', '"sku": "SH-1", "sku": "SH-2"')
    answer = _send(shop, text)
    assert (answer.status_code, shop.errors(answer)) == (422, {"/reference": "duplicate_key", "/items/0/sku": "duplicate_key"})


@pytest.mark.parametrize(
    "content",
    [b"{", b"nope", b'{"a": NaN}', b'{"a": 1e999}', b"\xff\xfe", b"[" * 50_000, b'{"a":' * 30_000, b'{"a": "\\ud800"}', b" "],
    ids=lambda content: str(content[:12]),
)
def test_what_is_no_json_is_malformed(shop: Shop, content: bytes) -> None:
    answer = _send(shop, content)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_an_empty_body_is_malformed(shop: Shop) -> None:
    answer = _send(shop, b"")
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        400,
        "malformed",
        "the body is empty: send a JSON object",
    )


def test_a_list_in_place_of_an_object_is_told_as_such(shop: Shop) -> None:
    answer = _send(shop, b"[1, 2]")
    assert (answer.status_code, shop.errors(answer)) == (422, {"": "wrong_type"})


def test_deep_json_where_anything_goes_is_refused(shop: Shop) -> None:
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    assert shop.errors(shop.ask_to_book(body(extra={"delhivery": {"x": deep}}))) == {"/extra/delhivery/x": "too_deep"}


def test_a_body_over_the_limit_is_refused_unread(shop: Shop) -> None:
    answer = _send(shop, b"x" * 10_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_that_grows_over_the_limit_is_refused(shop: Shop) -> None:
    answer = _send(shop, (b"x" * 65_536 for _ in range(8)))  # sent in chunks, its length untold
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_another_content_type_is_refused(shop: Shop, content_type: str) -> None:
    answer = _send(shop, json.dumps(body()), content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_zone_is_known_where_country_and_state_have_but_one(shop: Shop) -> None:
    in_california = SHIPPER | {"country": "US", "state": "CA", "postal_code": "94105", "phone": "+14158586273"}
    accepted = shop.book(shipper=in_california, window={"date": day(3), "from": "10:00", "to": "12:00"})
    assert accepted["window"]["timezone"] == "America/Los_Angeles"


def test_a_country_without_postal_codes_needs_none(shop: Shop) -> None:
    in_dubai = without(SHIPPER, "postal_code") | {"country": "AE", "state": "", "city": "Dubai", "phone": "+971501234567"}
    assert shop.book(shipper=in_dubai)["lane"] == {"from": "", "to": "394101"}


def test_twenty_thousand_wrong_fields_are_answered_in_good_time(shop: Shop) -> None:
    many = {f"f{number}": 0 for number in range(20_000)}
    answer = shop.ask_to_book(body() | many)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 100)
    assert answer.elapsed < dt.timedelta(seconds=2)


def _send(shop: Shop, content: Any, content_type: str = "application/json") -> Any:
    headers = {"idempotency-key": "k"} | ({"content-type": content_type} if content_type else {})
    return shop.call("POST", "/v1/pickups", content=content, headers=headers)
