"""Carriers' pushes: found by their secret address, verified by their adapter, taken quickly."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gateway import clock
from gateway.store import tables
from tests.web.shop import Shop


def test_a_verified_push_moves_the_pickup(running: Shop) -> None:
    pickup_id, awb = _booked(running)
    answer = _push(running, _out_for_pickup(awb), secret="rider-bell")
    assert (answer.status_code, answer.json()) == (200, {"bookings": 1})
    pickup = running.get(f"/v1/pickups/{pickup_id}?expand=bookings")
    assert (pickup["state"], pickup["bookings"][0]["scans"][-1]["source"]) == ("out_for_pickup", "push")


def test_a_push_that_is_not_verified_is_only_a_hint_to_poll(running: Shop) -> None:
    pickup_id, awb = _booked(running)
    answer = _push(running, _out_for_pickup(awb), secret="somebody")
    assert (answer.status_code, answer.json()) == (200, {"bookings": 1})
    assert running.get(f"/v1/pickups/{pickup_id}")["state"] == "booked"
    assert running.count(tables.scans) == 0


def test_a_push_about_a_parcel_that_nobody_booked_here_opens_a_case_once(running: Shop) -> None:
    _booked(running)
    for _ in range(3):
        assert _push(running, _out_for_pickup("77"), secret="rider-bell").json() == {"bookings": 0}

    (case,) = running.get("/v1/exceptions?reason=orphan")["data"]
    told = {name: case[name] for name in ("pickup", "reference", "booking", "carrier", "awb", "state")}
    assert told == {
        "pickup": None,
        "reference": "",
        "booking": None,
        "carrier": "delhivery",
        "awb": "77",
        "state": "needs_decision",
    }
    assert "out_for_pickup" in case["detail"]
    assert case["raw_code"]


def test_an_orphan_is_found_by_its_carrier_and_number_assigned_and_closed_by_hand(running: Shop) -> None:
    _push(running, _out_for_pickup("77"), secret="rider-bell")

    def ids(query: str) -> list[str]:
        return [one["id"] for one in running.get(f"/v1/exceptions?{query}")["data"]]

    (mine,) = ids("reason=orphan")
    asked = ("carrier=delhivery", "q=77", "carrier=ekart", "carrier=delhivery&service=surface", "q=78")
    assert [ids(query) for query in asked] == [[mine], [mine], [], [], []]
    assert running.get(f"/v1/exceptions/{mine}")["awb"] == "77"

    act = f"/v1/exceptions/{mine}/actions"
    assert running.post(act, {"action": "assign", "assignee": "Ravi"})["assignee"] == "Ravi"
    assert running.call("POST", act, json={"action": "requeue"}).json()["code"] == "wrong_state"
    closed = running.post(act, {"action": "close", "note": "booked in the panel"})
    assert (closed["state"], closed["resolution"], closed["note"]) == ("resolved", "closed", "booked in the panel")
    assert running.call("POST", act, json={"action": "close"}).json()["code"] == "wrong_state"

    _push(running, _out_for_pickup("77"), secret="rider-bell")
    assert ids("reason=orphan") == [mine]
    assert [one["type"] for one in running.get("/v1/events")["data"]] == ["exception.opened", "exception.resolved"]


def test_a_push_that_is_not_verified_opens_no_case(running: Shop) -> None:
    _push(running, _out_for_pickup("77"), secret="somebody")
    assert running.get("/v1/exceptions")["data"] == []


def test_a_push_twice_counts_once(running: Shop) -> None:
    _, awb = _booked(running)
    push = _out_for_pickup(awb)
    for _ in range(2):
        _push(running, push, secret="rider-bell")
    assert running.count(tables.scans) == 1


@pytest.mark.parametrize(
    "path", ["delhivery/nobody", "ekart/callback-delhivery", "ups/callback-delhivery", "delhivery/%00", "%00/x"]
)
def test_an_unknown_address_is_not_found(running: Shop, path: str) -> None:
    answer = running.client.post(f"/v1/callbacks/{path}", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b"<html></html>", b"[" * 100_000])
def test_what_is_no_push_is_malformed(running: Shop, content: bytes) -> None:
    answer = running.client.post("/v1/callbacks/delhivery/callback-delhivery", content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_push_over_the_limit_is_refused(running: Shop) -> None:
    answer = running.client.post("/v1/callbacks/delhivery/callback-delhivery", content=b"x" * 1_000_000)
    assert answer.status_code == 413


def _booked(shop: Shop) -> tuple[str, str]:
    pickup_id = shop.book(carrier={"pin": "delhivery"})["id"]
    shop.drive()
    return pickup_id, shop.get(f"/v1/pickups/{pickup_id}")["bookings"][0]["awb"]


def _out_for_pickup(awb: str) -> dict[str, Any]:
    at = (clock.wall() + dt.timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S.000")
    status = {
        "Status": "Dispatched",
        "StatusDateTime": at,
        "StatusType": "PP",
        "StatusLocation": "Bengaluru",
        "Instructions": "Out",
    }
    return {"Shipment": {"AWB": awb, "NSLCode": "X-DDD3FP", "ReferenceNo": "", "Status": status}}


def _push(shop: Shop, body: dict[str, Any], secret: str) -> Any:
    return shop.client.post("/v1/callbacks/delhivery/callback-delhivery", json=body, headers={"authorization": secret})
