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


def test_a_push_about_somebody_elses_parcel_is_taken_and_changes_nothing(running: Shop) -> None:
    _booked(running)
    assert _push(running, _out_for_pickup("77"), secret="rider-bell").json() == {"bookings": 0}


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
