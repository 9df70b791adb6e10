"""The test clock, and what supervisors ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from gateway import clock
from gateway.store import tables
from tests.web.shop import Shop, body


def test_the_clock_moves_business_time_and_the_labs_riders(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.drive()
    before = clock.wall()
    moved = running.post("/v1/test/clock/advance", {"seconds": 4 * 86400})
    assert moved["offset_seconds"] == 4 * 86400
    assert dt.datetime.fromisoformat(moved["now"]) - before >= dt.timedelta(days=4)
    (line,) = [one for one in _books(running) if one.reference]
    assert line.state in ("collected", "delivered")
    running.drive()
    assert running.get(f"/v1/pickups/{pickup_id}")["id"] == pickup_id


def test_the_clock_moves_to_an_instant(running: Shop) -> None:
    to = (clock.wall() + dt.timedelta(days=2)).replace(microsecond=0)
    moved = running.post("/v1/test/clock/advance", {"to": to.isoformat()})
    assert abs(dt.datetime.fromisoformat(moved["now"]) - to) < dt.timedelta(seconds=2)


def test_moves_add_up(running: Shop) -> None:
    for _ in range(2):
        moved = running.post("/v1/test/clock/advance", {"seconds": 3600})
    assert moved["offset_seconds"] == 7200


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({}, {"": "one_of"}),
        ({"seconds": 1, "to": "2030-01-01T00:00:00Z"}, {"": "one_of", "/to": "out_of_range"}),
        ({"seconds": 0}, {"/seconds": "too_small"}),
        ({"seconds": -5}, {"/seconds": "too_small"}),
        ({"to": "2020-01-01T00:00:00Z"}, {"/to": "out_of_range"}),
        ({"to": "2030-01-01T00:00:00"}, {"/to": "invalid_format"}),
    ],
)
def test_a_move_is_refused_naming_each_field(running: Shop, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    answer = running.call("POST", "/v1/test/clock/advance", json=wrong)
    assert (answer.status_code, running.errors(answer)) == (422, errors)
    assert _offset(running) == 0


def test_a_live_key_has_no_test_clock(running: Shop) -> None:
    answer = running.call("POST", "/v1/test/clock/advance", json={"seconds": 60}, key=running.live_key())
    assert (answer.status_code, answer.json()["code"]) == (403, "test_only")


def test_without_a_lab_nothing_moves(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("delhivery", lab=False)
    assert shop.call("POST", "/v1/test/clock/advance", json={"seconds": 60}).json()["code"] == "lab_not_running"
    assert _offset(shop) == 0


def test_a_merchant_without_accounts_moves_its_clock_alone(make_shop: Callable[..., Shop]) -> None:
    assert make_shop(lab=False).post("/v1/test/clock/advance", {"seconds": 60})["offset_seconds"] == 60


def test_windows_are_judged_by_the_merchants_clock(running: Shop) -> None:
    running.post("/v1/test/clock/advance", {"seconds": 10 * 86400})
    soon = (clock.wall() + dt.timedelta(days=5)).date().isoformat()
    answer = running.ask_to_book(_with_window(soon))
    assert running.errors(answer) == {"/window/date": "in_the_past"}


# --- health ----------------------------------------------------------------------------------------


def test_the_process_is_alive_and_ready(shop: Shop) -> None:
    assert [shop.client.get(f"/health/{what}").json() for what in ("live", "ready")] == [{"status": "ok"}] * 2


def test_with_an_older_schema_it_is_not_ready(shop: Shop) -> None:
    with shop.db.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = shop.client.get("/health/ready")
    assert (answer.status_code, answer.json()["code"], "gateway db upgrade" in answer.json()["detail"]) == (
        503,
        "unavailable",
        True,
    )


def _books(shop: Shop) -> Any:
    assert shop.lab is not None
    return [one for _, _, one in shop.lab.books.consignments("", "")]


def _offset(shop: Shop) -> int:
    with shop.db.read() as tx:
        return tx.scalar(tables.merchants.select().with_only_columns(tables.merchants.c.clock_offset)) or 0


def _with_window(date: str) -> dict[str, Any]:
    return body(window={"date": date, "from": "10:00", "to": "18:00"})
