"""Carriers compared over the API, other policies tried, visits judged: by what the pickups came to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import jsonschema

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway import clock
from gateway.services import following
from gateway.store import cases
from tests.web.shop import SHIPPER, Shop
from tests.web.test_access import CONTRACT


def collected(shop: Shop, number: int, *, fails: bool = False) -> str:
    """A pickup whose first visit was reported; its id."""
    pickup_id: str = shop.book(reference=f"RMA-{number}", shipper=SHIPPER | {"postal_code": "560038"})["id"]
    shop.drive()
    report(shop, pickup_id, Milestone.PICKUP_FAILED if fails else Milestone.PICKED_UP)
    return pickup_id


def report(shop: Shop, pickup_id: str, milestone: Milestone) -> None:
    wall = clock.wall()
    failed = milestone is Milestone.PICKUP_FAILED
    scan = Scan(
        code=milestone, at=wall, milestone=milestone, reason=Reason.CUSTOMER_UNAVAILABLE if failed else None, text="as reported"
    )
    with shop.db.write() as tx:
        booking = cases.load(tx, pickup_id).bookings[-1]
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=(scan,)), "push", wall)


def fits(name: str, answer: Any) -> None:
    jsonschema.validate(answer, {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]})


def test_nothing_booked_is_an_empty_card(shop: Shop) -> None:
    found = shop.get("/v1/scorecards")
    assert (found["data"], found["together"]["bookings"], found["currency"]) == ([], 0, "INR")


def test_a_rate_of_fewer_than_ten_visits_is_not_told(make_shop: Any) -> None:
    shop = make_shop("ekart")
    for number in range(9):
        collected(shop, number)
    nine = shop.get("/v1/scorecards")["data"][0]["card"]["first_visit"]
    collected(shop, 9, fails=True)
    ten = shop.get("/v1/scorecards")

    assert nine == {"n": 9, "value": None, "low": None, "high": None, "footing": "hidden"}
    row = ten["data"][0]
    assert (row["carrier"], row["service"], row["share_of_bookings"], row["rank"]) == ("ekart", "surface", 1.0, None)
    first = row["card"]["first_visit"]
    assert (first["n"], first["value"], first["footing"]) == (10, 0.9, "grey")
    assert first["low"] < 0.9 < first["high"]
    assert (row["card"]["faults"]["customer"], row["card"]["hours"]["n"], row["card"]["collected"]) == (1, 10, 9)
    fits("Scorecard", ten)


def test_today_includes_bookings_of_the_evening_where_tomorrow_has_begun_at_the_door(running: Shop) -> None:
    tomorrow = clock.wall().date() + dt.timedelta(days=1)
    running.post("/v1/test/clock/advance", {"to": f"{tomorrow}T19:00:00Z"})  # half past midnight in India
    collected(running, 1)
    assert running.get("/v1/scorecards")["together"]["bookings"] == 1


def test_every_filter_leaves_out_what_it_should(make_shop: Any) -> None:
    shop = make_shop("ekart")
    collected(shop, 1)
    yesterday = (clock.wall() - dt.timedelta(days=1)).date()
    weekday = clock.wall().astimezone(dt.timezone(dt.timedelta(hours=5.5))).isoweekday()
    kept = {
        "carrier=ekart", "service=surface", "zone=IN-560", "postal_code=5600", "destination=394101", f"weekday={weekday}",
        "weight_g[gte]=480", "weight_g[lte]=480", "quality_check=false", "return_reason=size_or_fit", "chosen_by=rule,pinned",
        "by=requested", "by=first_visit", "by=collected", "zone=IN-560&destination=394101",
    }  # fmt: skip
    gone = {
        "carrier=delhivery", "service=express", "zone=IN-561", "postal_code=4", "destination=1", f"weekday={weekday % 7 + 1}",
        "weight_g[gte]=481", "weight_g[lte]=479", "quality_check=true", "return_reason=defective", "chosen_by=explored",
        f"from={yesterday - dt.timedelta(days=9)}&to={yesterday - dt.timedelta(days=2)}", "account=cac_0",
        "by=delivered", "window=10:00-18:00",
    }  # fmt: skip
    found = {query: shop.get(f"/v1/scorecards?{query}")["together"]["bookings"] for query in kept | gone}
    assert found == dict.fromkeys(kept, 1) | dict.fromkeys(gone, 0)


def test_a_filter_that_cannot_be_is_refused_by_its_name(shop: Shop) -> None:
    for query, parameter in (
        ("from=2026-02-01&to=2026-01-01", "to"), ("weekday=8", "weekday"), ("chosen_by=fate", "chosen_by"),
        ("colour=red", "colour"), ("by=fate", "by"),
    ):  # fmt: skip
        answer = shop.call("GET", f"/v1/scorecards?{query}")
        assert (answer.status_code, list(shop.errors(answer))) == (400, [parameter])


def test_another_merchant_sees_none_of_it(make_shop: Any) -> None:
    shop = make_shop("ekart")
    collected(shop, 1)
    found = shop.get("/v1/scorecards", key=shop.other_merchant())
    assert (found["data"], found["together"]["bookings"]) == ([], 0)


# --- what if ---------------------------------------------------------------------------------------


def try_on(shop: Shop, **policy: Any) -> Any:
    today = clock.wall().date()
    body = {"policy": policy, "from": str(today - dt.timedelta(days=1)), "to": str(today + dt.timedelta(days=1))}
    return shop.post("/v1/scorecards/what-if", body)


def test_the_same_policy_comes_to_what_was(running: Shop) -> None:
    for number in range(3):
        collected(running, number, fails=number == 2)
    found = try_on(running)

    assert (found["decisions"], found["judged"], found["waiting"], found["changed"]) == (3, 2, 1, 0)
    assert (found["method"], found["collected"], found["other_collected"]["value"]) == ("observed", 2, 2.0)
    assert found["other_paid"]["value"] == found["other_paid"]["low"] == found["other_paid"]["high"] == found["paid"]
    fits("WhatIfView", found)


def test_another_carrier_is_the_models_word_with_a_range(running: Shop) -> None:
    first = collected(running, 1)
    chosen = running.get(f"/v1/pickups/{first}/decision")["chosen"]
    found = try_on(running, deny=[chosen["carrier"]])

    assert (found["changed"], found["method"], found["changes"][0]["chosen"]) == (
        1,
        "model",
        f"{chosen['carrier']}/{chosen['service']}",
    )
    low, value, high = (found["other_collected"][name] for name in ("low", "value", "high"))
    assert low <= value <= high and low < high
    assert any("the model's word" in line for line in found["cannot_know"])


def test_a_policy_with_errors_is_refused_with_their_places(shop: Shop) -> None:
    body = {"policy": {"floor": 1.5}, "from": "2026-03-02", "to": "2026-03-01"}
    answer = shop.call("POST", "/v1/scorecards/what-if", json=body)
    assert (answer.status_code, shop.errors(answer)) == (422, {"/policy/floor": "too_large", "/to": "out_of_range"})


# --- visits and decisions --------------------------------------------------------------------------


def test_a_visit_is_disputed_and_confirmed(make_shop: Any) -> None:
    shop = make_shop("ekart")
    pickup_id = collected(shop, 1, fails=True)
    visit = shop.get(f"/v1/pickups/{pickup_id}/visits")["data"][0]

    denied = shop.post(f"/v1/pickups/{pickup_id}/visits/{visit['id']}/dispute")
    admitted = shop.post(f"/v1/pickups/{pickup_id}/visits/{visit['id']}/confirm")

    assert (denied["disputed"], denied["confirmed"], denied["fault"]) == (True, False, "carrier")
    assert (admitted["disputed"], admitted["confirmed"], admitted["fault"]) == (False, True, "customer")
    assert shop.get("/v1/scorecards")["together"]["faults"]["excused"] == 1


def test_only_a_failed_visit_of_ones_own_can_be_judged(make_shop: Any) -> None:
    shop = make_shop("ekart")
    pickup_id = collected(shop, 1)
    visit = shop.get(f"/v1/pickups/{pickup_id}/visits")["data"][0]["id"]
    asked = {
        409: shop.call("POST", f"/v1/pickups/{pickup_id}/visits/{visit}/dispute"),
        404: shop.call("POST", f"/v1/pickups/{pickup_id}/visits/{visit}/dispute", key=shop.other_merchant()),
    }
    assert {status: answer.status_code for status, answer in asked.items()} == {409: 409, 404: 404}
    assert shop.call("POST", f"/v1/pickups/{pickup_id}/visits/vis_0/confirm").status_code == 404


def test_a_decision_says_why_each_loser_lost_and_by_which_policy(running: Shop) -> None:
    running.call("PUT", "/v1/policies/current", json={"floor": 0.3})
    found = running.get(f"/v1/pickups/{collected(running, 1)}/decision")

    assert found["policy_version"] == 1
    assert [one["why_not"] == "" for one in found["offers"]] == [True] + [False] * (len(found["offers"]) - 1)
    assert all("more: price and waiting Rs" in one["why_not"] for one in found["offers"][1:])


def test_a_pin_for_an_area_is_obeyed_there_and_nowhere_else(running: Shop) -> None:
    dearest = running.get(f"/v1/pickups/{collected(running, 1)}/decision")["offers"][-1]
    name = f"{dearest['carrier']}/{dearest['service']}"
    running.call("PUT", "/v1/policies/current", json={"pins": [{"carrier": name, "postal_code": "5600"}]})

    there = running.get(f"/v1/pickups/{collected(running, 2)}/decision")

    assert (there["chosen"]["service"], there["chosen"]["carrier"], there["override"]) == (
        dearest["service"],
        dearest["carrier"],
        "pinned",
    )


# --- rate cards ------------------------------------------------------------------------------------


def explain(shop: Shop, **more: Any) -> Any:
    card = shop.get("/v1/rate-cards")["data"][-1]
    parcel = {"weight_g": 480, "length_mm": 300, "width_mm": 200, "height_mm": 60}
    body = {"from": "560038", "to": "394101", "parcels": [parcel], "quality_checks": 2} | more
    return shop.call("POST", f"/v1/rate-cards/{card['id']}/explain", json=body)


def test_a_price_is_explained_line_by_line_and_the_lines_add_up(make_shop: Any) -> None:
    found = explain(make_shop("delhivery")).json()
    assert [line["code"] for line in found["lines"]] == ["freight", "fuel", "quality_check", "tax"]
    assert sum(round(float(line["amount"]["amount"]) * 100) for line in found["lines"]) == round(
        float(found["total"]["amount"]) * 100
    )
    assert (found["dead_g"], found["volumetric_g"], found["chargeable_g"], found["no_price"]) == (480, 720, 1000, None)
    fits("ExplainedPrice", found)


def test_a_card_that_has_no_price_says_why(make_shop: Any) -> None:
    found = explain(make_shop("delhivery"), on="2020-01-01").json()
    assert (found["total"], found["no_price"], found["lines"]) == (None, "not_valid", [])


def test_a_postal_code_that_is_none_is_refused(make_shop: Any) -> None:
    shop = make_shop("delhivery")
    answer = explain(shop, **{"from": "12"})
    assert (answer.status_code, shop.errors(answer)) == (422, {"/from": "invalid_postal_code"})


def test_a_dry_run_of_a_card_keeps_nothing(shop: Shop) -> None:
    from gateway.web.examples import EXAMPLES

    answer = shop.call("POST", "/v1/rate-cards?dry_run=true", json=EXAMPLES["RateCardRequest"])
    assert (answer.status_code, answer.json()["carrier"], shop.get("/v1/rate-cards")["data"]) == (200, "delhivery", [])
