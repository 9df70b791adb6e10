"""The operator's side: what does not go on by itself, and what may be decided about it."""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args

import msgspec
import pytest

from gateway import clock
from gateway.services import commanding
from gateway.store import outbox, tables
from gateway.web.shapes import ActionRequest
from tests.web.shop import SHIPPER, Shop, body


@pytest.fixture
def doubtful(running: Shop) -> tuple[Shop, str, dict[str, Any]]:
    """A booking whose answer was lost at a carrier that cannot be asked, until a person was called."""
    pickup_id = running.ask_to_book(body(shipper=SHIPPER | {"phone": "9820000024"}, carrier={"pin": "ekart"})).json()["id"]
    running.drive()
    _let_doubt_age(running, pickup_id)
    running.drive()
    (exception,) = running.get("/v1/exceptions?state=needs_decision")["data"]
    return running, pickup_id, exception


def test_nobody_to_ask_is_an_exception_for_a_person(shop: Shop) -> None:
    pickup_id = shop.book()["id"]
    shop.drive()
    (found,) = shop.get("/v1/exceptions")["data"]
    assert {name: found[name] for name in ("pickup", "reference", "reason", "state", "carrier", "booking")} == {
        "pickup": pickup_id,
        "reference": "RMA-1",
        "reason": "no_carrier",
        "state": "needs_decision",
        "carrier": None,
        "booking": None,
    }
    assert shop.get(f"/v1/exceptions/{found['id']}") == found


def test_exceptions_are_filtered_by_state_reason_carrier_and_pickup(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, pickup_id, exception = doubtful

    def ids(query: str) -> list[str]:
        return [one["id"] for one in shop.get(f"/v1/exceptions?{query}")["data"]]

    mine = [exception["id"]]
    assert [ids("reason=booking_unknown"), ids("carrier=ekart"), ids(f"pickup={pickup_id}")] == [mine] * 3
    assert [ids("state=new,resolved"), ids("reason=no_carrier"), ids("carrier=delhivery"), ids("pickup=pck_0")] == [[]] * 4
    assert shop.errors(shop.call("GET", "/v1/exceptions?state=open")) == {"state": "not_one_of"}


def test_a_booking_found_in_the_carriers_panel_is_adopted(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, pickup_id, exception = doubtful
    done = _act(shop, exception, action="adopt", awb="EK123").json()
    assert (done["state"], done["resolution"], done["awb"]) == ("resolved", "adopted", "EK123")
    pickup = shop.get(f"/v1/pickups/{pickup_id}")
    assert (pickup["state"], pickup["bookings"][0]["awb"]) == ("booked", "EK123")


def test_a_booking_that_is_not_there_is_asked_for_again(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, pickup_id, exception = doubtful
    assert _act(shop, exception, action="not_booked").json()["resolution"] == "not_booked"
    shop.drive()
    assert shop.get(f"/v1/pickups/{pickup_id}")["state"] == "booked"


def test_an_action_says_what_it_lacks(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, _, exception = doubtful
    far = (clock.wall() + dt.timedelta(days=90)).date().isoformat()
    assert shop.errors(_act(shop, exception, action="adopt")) == {"/awb": "missing"}
    assert shop.errors(_act(shop, exception, action="assign")) == {"/assignee": "missing"}
    assert shop.errors(_act(shop, exception, action="sing")) == {"/action": "not_one_of"}
    assert shop.errors(_act(shop, exception)) == {"/action": "missing"}
    assert shop.errors(_act(shop, exception, action="reattempt", day=far)) == {"/day": "out_of_range"}


def test_of_two_operators_the_second_is_told_that_somebody_was_faster(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, _, exception = doubtful
    first = _act(shop, exception, action="assign", assignee="mira", version=exception["version"])
    second = _act(shop, exception, action="assign", assignee="ravi", version=exception["version"])
    assert (first.json()["assignee"], first.json()["version"]) == ("mira", exception["version"] + 1)
    assert (second.status_code, second.json()["code"]) == (409, "stale_version")


def test_what_is_resolved_is_left_alone(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, _, exception = doubtful
    _act(shop, exception, action="not_booked")
    again = _act(shop, exception, action="hold")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_an_action_asked_again_under_its_key_is_done_once(doubtful: tuple[Shop, str, dict[str, Any]]) -> None:
    shop, _, exception = doubtful
    path, wanted = f"/v1/exceptions/{exception['id']}/actions", {"action": "assign", "assignee": "mira"}
    first, again = (shop.call("POST", path, json=wanted, headers={"idempotency-key": "k"}) for _ in range(2))
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")


def test_every_action_of_the_service_can_be_asked_for_and_no_other() -> None:
    kind = next(field.type for field in msgspec.structs.fields(ActionRequest) if field.name == "action")
    assert get_args(kind) == tuple(commanding.RESOLUTIONS)


def _act(shop: Shop, exception: dict[str, Any], **wanted: Any) -> Any:
    return shop.call("POST", f"/v1/exceptions/{exception['id']}/actions", json=wanted)


def _let_doubt_age(shop: Shop, pickup_id: str) -> None:
    """As if the time to wait for a push were over."""
    with shop.db.write() as tx:
        long_ago = clock.wall() - dt.timedelta(hours=1)
        tx.execute(tables.bookings.update().values(sent_at=long_ago, retry_at=long_ago))
        outbox.wake(tx, pickup_id, clock.wall())
