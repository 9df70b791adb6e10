"""Webhook endpoints over the API: set up, rotated, paused, pinged, and what their log tells."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway import clock, ids
from gateway.services.webhooks import fan_out
from gateway.services.webhooks_courier import Courier
from gateway.store import tables, webhooks
from gateway.store.webhooks import DELIVERIES, Delivery
from gateway.values import Mode
from gateway.webhooks.sender import Sender
from tests.web.shop import Shop
from tests.webhooks.receiver import Receiver, always, listening, verified

URL = "https://hooks.kestrel.example/returns"
PATH = "/v1/webhook-endpoints"


def log_delivery(shop: Shop, endpoint_id: str, **more: Any) -> str:
    """A message in the endpoint's log."""
    fields = {"id": ids.new("whd"), "type": "webhook_endpoint.ping", "state": "delivered", "created_at": clock.wall()}
    owner = {"merchant_id": shop.owner.merchant_id, "mode": Mode.TEST, "endpoint_id": endpoint_id}
    with shop.db.write() as tx:
        return DELIVERIES.insert(tx, Delivery(**{**fields, **owner, **more})).id


@contextlib.contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    """An endpoint on loopback, on a loop of its own."""
    ready, done = threading.Event(), threading.Event()
    found: list[Receiver] = []

    async def serve() -> None:
        async with listening(always(status, b"thanks")) as receiver:
            found.append(receiver)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


def turn(shop: Shop) -> None:
    """What a worker's courier does, once."""
    asyncio.run(Courier(shop.kit, Sender(shop.settings.egress_allow)).turn())


def codes(shop: Shop, method: str, path: str, **more: Any) -> dict[str, str]:
    return shop.errors(shop.call(method, path, **more))


# --- endpoints -------------------------------------------------------------------------------------


def test_an_endpoint_is_made_with_a_secret_that_is_told_once(shop: Shop) -> None:
    made = shop.post(PATH, {"url": URL, "event_types": ["pickup.booked", "pickup.booked"], "description": "returns"})
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "mode": "test",
        "url": URL,
        "description": "returns",
        "event_types": ["pickup.booked"],
        "state": "enabled",
        "reason": "",
        "failing_since": None,
        "previous_secret_until": None,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert (shop.get(f"{PATH}/{made['id']}"), shop.get(PATH)["data"]) == (made, [made])


def test_the_same_request_asked_again_gets_the_same_secret_and_makes_nothing(shop: Shop) -> None:
    first, second = (shop.call("POST", PATH, json={"url": URL}, headers={"idempotency-key": "one"}) for _ in range(2))
    assert (first.json(), second.headers["idempotency-replayed"]) == (second.json(), "true")
    assert shop.count(tables.webhook_endpoints) == 1


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"/url": "missing"}),
        ({"url": "http://hooks.kestrel.example/"}, {"/url": "not_allowed"}),
        ({"url": "https://127.0.0.1/"}, {"/url": "not_allowed"}),
        ({"url": "https://[::ffff:10.0.0.1]/", "event_types": ["pickup.eaten"]},
         {"/url": "not_allowed", "/event_types/0": "unknown_type"}),
        ({"url": URL, "secret": "whsec_mine"}, {"/secret": "unknown_field"}),
    ],
)  # fmt: skip
def test_a_wrong_endpoint_is_refused_with_every_fault(shop: Shop, body: Any, errors: dict[str, str]) -> None:
    assert codes(shop, "POST", PATH, json=body) == errors


def test_loopback_may_be_named_in_test_mode_where_the_operator_allows_it(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(egress_allow=frozenset({"127.0.0.1:9000"}))
    body = {"url": "http://127.0.0.1:9000/in"}
    assert shop.call("POST", PATH, json=body).status_code == 201
    assert codes(shop, "POST", PATH, json=body, key=shop.live_key()) == {"/url": "not_allowed"}
    assert codes(shop, "POST", PATH, json={"url": "http://127.0.0.1:9001/in"}) == {"/url": "not_allowed"}


def test_what_is_changed_is_changed_and_what_is_left_out_stays(shop: Shop) -> None:
    made = shop.post(PATH, {"url": URL, "description": "old"})
    changed = shop.call("PATCH", f"{PATH}/{made['id']}", json={"description": "new", "event_types": ["label.created"]}).json()
    assert (changed["url"], changed["description"], changed["event_types"]) == (URL, "new", ["label.created"])
    assert codes(shop, "PATCH", f"{PATH}/{made['id']}", json={"url": "https://10.0.0.1/"}) == {"/url": "not_allowed"}


def test_an_endpoint_is_paused_and_switched_on(shop: Shop) -> None:
    path = f"{PATH}/{shop.post(PATH, {'url': URL})['id']}"
    found = [shop.call("PATCH", path, json={"enabled": on}).json() for on in (False, True)]
    assert [(one["state"], one["reason"]) for one in found] == [("paused", "by the merchant"), ("enabled", "")]


def test_a_removed_endpoint_is_gone_with_its_log(shop: Shop) -> None:
    endpoint_id = shop.post(PATH, {"url": URL})["id"]
    log_delivery(shop, endpoint_id)
    assert shop.call("DELETE", f"{PATH}/{endpoint_id}").status_code == 204
    assert shop.call("GET", f"{PATH}/{endpoint_id}").status_code == 404
    assert shop.count(tables.webhook_deliveries) == 0


def test_there_are_fifty_endpoints_at_most(shop: Shop) -> None:
    row = shop.post(PATH, {"url": URL})["id"]
    with shop.db.write() as tx:
        one = webhooks.ENDPOINTS.one(tx, row)
        for number in range(49):
            fields = {name: getattr(one, name) for name in one.__struct_fields__} | {"id": f"whe_{number}"}
            webhooks.ENDPOINTS.insert(tx, webhooks.Endpoint(**fields))
    answer = shop.call("POST", PATH, json={"url": URL})
    assert (answer.status_code, answer.json()["detail"]) == (409, "there are 50 endpoints already: remove one first")


def test_a_rotation_tells_the_new_secret_and_how_long_the_old_one_signs(shop: Shop) -> None:
    made = shop.post(PATH, {"url": URL})
    before = clock.wall()
    rotated = shop.post(f"{PATH}/{made['id']}/rotate-secret", {"overlap_hours": 2})
    until = dt.datetime.fromisoformat(rotated["previous_secret_until"])
    assert rotated["secret"] not in ("", made["secret"])
    assert before <= until - dt.timedelta(hours=2) <= clock.wall()
    assert codes(shop, "POST", f"{PATH}/{made['id']}/rotate-secret", json={"overlap_hours": 169}) == {"/overlap_hours": "too_large"}


def test_only_a_key_for_administration_sees_endpoints(shop: Shop) -> None:
    key = shop.new_key("pickups:read", "pickups:write", "exceptions:write")
    asked = [("GET", PATH), ("POST", PATH), ("POST", f"{PATH}/whe_1/ping"), ("GET", f"{PATH}/whe_1/deliveries")]
    assert {shop.call(method, path, key=key, json={"url": URL}).status_code for method, path in asked} == {403}


# --- messages --------------------------------------------------------------------------------------


def test_a_booked_pickups_events_arrive_signed_and_in_their_order(make_shop: Callable[..., Shop]) -> None:
    with receiving() as receiver:
        at = f"127.0.0.1:{receiver.port}"
        shop = make_shop("delhivery", "ekart", egress_allow=frozenset({at}))
        secret = shop.post(PATH, {"url": f"http://{at}/in"})["secret"]
        pickup = shop.book()["id"]
        shop.drive()
        turn(shop)
        told = shop.get(f"/v1/pickups/{pickup}/events")["data"]
    got = {one.headers["webhook-id"]: one for one in receiver.received}
    sent = [got[event["id"]] for event in told]
    assert len(got) == len(told) >= 3
    assert all(verified(one.headers, one.body, secret) for one in sent)
    assert [(one.json["type"], one.json["sequence"], one.json["timestamp"]) for one in sent] == [
        (event["type"], event["sequence"], event["at"]) for event in told
    ]
    assert [one.json["sequence"] for one in receiver.received] == sorted(one.json["sequence"] for one in receiver.received)


def test_a_ping_answers_what_the_endpoint_answered_and_stands_in_the_log(make_shop: Callable[..., Shop]) -> None:
    with receiving(418) as receiver:
        at = f"127.0.0.1:{receiver.port}"
        shop = make_shop(egress_allow=frozenset({at}))
        path = f"{PATH}/{shop.post(PATH, {'url': f'http://{at}/in'})['id']}"
        found = shop.post(f"{path}/ping")
    (attempt,) = found["attempts"]
    assert (found["state"], found["event"], attempt["status"], attempt["answer"]) == ("failed", None, 418, "thanks")
    assert shop.get(f"{path}/deliveries")["data"] == [found]
    assert receiver.received[0].headers["webhook-id"] == found["message_id"] == found["id"]


def test_the_log_tells_tries_and_is_filtered_and_paged(running: Shop) -> None:
    path = f"{PATH}/{running.post(PATH, {'url': URL})['id']}"
    running.book()
    running.drive()
    log_delivery(running, path.rpartition("/")[2])
    with running.db.write() as tx:
        fan_out(tx, clock.wall())
    every = running.get(f"{path}/deliveries")["data"]
    pending = running.get(f"{path}/deliveries?state=pending")["data"]
    assert {one["state"] for one in every} == {"pending", "delivered"}
    assert [one for one in every if one["state"] == "pending"] == pending
    first = running.get(f"{path}/deliveries?limit=2")
    second = running.get(f"{path}/deliveries?limit=2&after={first['page']['next']}")
    assert first["data"] + second["data"] == every[:4]
    assert codes(running, "GET", f"{path}/deliveries?state=eaten") == {"state": "not_one_of"}


def test_a_message_is_replayed_as_a_delivery_of_its_own(running: Shop) -> None:
    path = f"{PATH}/{running.post(PATH, {'url': URL})['id']}"
    running.book()
    with running.db.write() as tx:
        fan_out(tx, clock.wall())
    (first,) = running.get(f"{path}/deliveries")["data"]
    replayed = running.post(f"{path}/deliveries/{first['id']}/replay")
    assert (replayed["replay_of"], replayed["message_id"], replayed["state"]) == (first["id"], first["message_id"], "pending")
    ping = log_delivery(running, path.rpartition("/")[2])
    refused = running.call("POST", f"{path}/deliveries/{ping}/replay")
    assert (refused.status_code, refused.json()["detail"]) == (409, "a ping has no event: ping again")


def test_a_range_is_replayed_and_says_how_many(running: Shop) -> None:
    path = f"{PATH}/{running.post(PATH, {'url': URL, 'event_types': ['pickup.requested']})['id']}"
    running.book()
    running.drive()
    asked = f"{path}/replay?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z"
    assert running.post(asked) == {"deliveries": 1}
    assert running.post(f"{path}/replay?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z") == {"deliveries": 0}
    assert running.count(tables.webhook_deliveries) == 1


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("", {"from": "missing", "to": "missing"}),
        ("?from=2026-01-01T00:00:00&to=2026-01-02T00:00:00Z", {"from": "invalid_format"}),
        ("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", {"to": "out_of_range"}),
    ],
)
def test_a_range_without_its_ends_is_refused(shop: Shop, query: str, errors: dict[str, str]) -> None:
    path = f"{PATH}/{shop.post(PATH, {'url': URL})['id']}"
    assert codes(shop, "POST", f"{path}/replay{query}") == errors


def test_what_an_endpoint_said_410_to_is_not_replayed_until_it_is_switched_on(running: Shop) -> None:
    endpoint_id = running.post(PATH, {"url": URL})["id"]
    with running.db.write() as tx:
        webhooks.ENDPOINTS.update(tx, endpoint_id, state="stopped")
    answer = running.call("POST", f"{PATH}/{endpoint_id}/replay?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        'it said 410 Gone: switch it on first (PATCH {"enabled": true})',
    )


@pytest.mark.parametrize(
    ("method", "end", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", {}),
        ("POST", "/ping", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/{delivery}/replay", None),
        ("POST", "/replay?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z", None),
    ],
)
def test_another_merchants_and_another_modes_endpoint_is_not_found(shop: Shop, method: str, end: str, body: Any) -> None:
    endpoint_id = shop.post(PATH, {"url": URL})["id"]
    path = f"{PATH}/{endpoint_id}" + end.format(delivery=log_delivery(shop, endpoint_id))
    others = [shop.call(method, path, json=body, key=key).status_code for key in (shop.other_merchant(), shop.live_key())]
    assert others == [404, 404]
