"""Who may do what: keys, scopes, other merchants' things, limits; over all operations of the contract."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway import clock
from gateway.store import tables
from gateway.store.ledger import EXCEPTIONS, PickupException
from gateway.values import Mode
from gateway.web.examples import EXAMPLES
from gateway.web.limits import Quota
from tests import ledgers
from tests.web.shop import PARCEL, SHIPPER, Shop
from tests.web.test_webhooks import log_delivery

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "gateway" / "web" / "openapi.json").read_text())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in CONTRACT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


CLOSED = [(method, path) for method, path, operation in operations() if operation.get("security") != [{}]]
WITH_ID = [(method, path) for method, path in CLOSED if "{" in path and "{code}" not in path and "{merchant_id}" not in path]


def test_the_open_operations_are_these() -> None:
    open_ones = {path for _, path, operation in operations() if operation.get("security") == [{}]}
    assert open_ones == {"/health/live", "/health/ready", "/v1/callbacks/{carrier}/{token}"}


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_a_key_nothing_is_answered(shop: Shop, method: str, path: str) -> None:
    answer = shop.client.request(method, path.replace("{", "").replace("}", ""))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic abc",
        "Bearer gw_test_" + "0" * 64,
        "Bearer gw_test_" + "0" * 70,
        "gw_test_x",
        "Bearer \u00e9",
    ],
)
def test_a_wrong_key_is_no_key(shop: Shop, authorization: str) -> None:
    answer = shop.client.get("/v1/pickups", headers={b"authorization": authorization.encode("latin-1")})
    assert answer.status_code == 401


def test_a_key_with_one_letter_changed_is_no_key(shop: Shop) -> None:
    changed = shop.key[:20] + ("0" if shop.key[20] != "0" else "1") + shop.key[21:]
    assert shop.call("GET", "/v1/pickups", key=changed).status_code == 401


def test_an_expired_key_is_no_key(shop: Shop) -> None:
    expired = shop.new_key("admin", expires_at=clock.wall() - dt.timedelta(seconds=1))
    assert shop.call("GET", "/v1/pickups", key=expired).status_code == 401


def test_a_revoked_key_is_no_key_at_once(shop: Shop) -> None:
    made = shop.post("/v1/api-keys", {"name": "helper", "scopes": ["pickups:read"]})
    assert shop.call("GET", "/v1/pickups", key=made["key"]).status_code == 200
    assert shop.call("DELETE", f"/v1/api-keys/{made['id']}").status_code == 204
    assert shop.call("GET", "/v1/pickups", key=made["key"]).status_code == 401


TRIED = (
    "GET /v1/pickups",
    "POST /v1/pickups",
    "GET /v1/exceptions",
    "POST /v1/exceptions/exc_1/actions",
    "GET /v1/carriers",
    "GET /v1/locations",
    "POST /v1/locations",
    "GET /v1/api-keys",
    "GET /v1/carrier-accounts",
)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("pickups:read", {"GET /v1/pickups", "GET /v1/exceptions", "GET /v1/carriers", "GET /v1/locations"}),
        ("pickups:write", {"GET /v1/pickups", "POST /v1/pickups", "GET /v1/carriers", "GET /v1/locations"}),
        ("exceptions:write", {"GET /v1/exceptions", "POST /v1/exceptions/exc_1/actions", "GET /v1/carriers"}),
        ("analytics:read", {"GET /v1/carriers"}),
        ("admin", set(TRIED)),
    ],
)
def test_a_key_does_what_its_scopes_say(shop: Shop, scope: str, allowed: set[str]) -> None:
    key = shop.new_key(scope)
    codes = {one: shop.call(*one.split(" "), key=key).json().get("code") for one in TRIED}
    assert {one for one, code in codes.items() if code != "forbidden"} == allowed


def test_another_merchants_things_are_not_found(running: Shop) -> None:
    ids = _things(running)
    asked = [(method, path.format(**ids)) for method, path in WITH_ID]
    ours = [running.call(method, path, json=_body(path)).status_code for method, path in asked if method == "GET"]
    for other in (running.other_merchant(), running.live_key()):
        found = {f"{method} {path}": running.call(method, path, json=_body(path), key=other).status_code for method, path in asked}
        assert {one: status for one, status in found.items() if status != 404} == {}
    assert set(ours) == {200}


def test_another_merchants_lists_are_empty(running: Shop) -> None:
    _things(running)
    other = running.other_merchant()
    lists = ["pickups", "exceptions", "carrier-accounts", "rate-cards", "locations", "policies"]
    assert {name: running.get(f"/v1/{name}", key=other)["data"] for name in lists} == {name: [] for name in lists}


def test_another_merchants_location_and_account_cannot_be_named(running: Shop) -> None:
    ids = _things(running)
    wrong = {"consignee": {"location": ids["location_id"]}, "carrier": {"pin": ids["account_id"]}}
    answer = running.ask_to_book({"reference": "R", "shipper": SHIPPER} | wrong, key=running.other_merchant())
    found = running.errors(answer)
    assert (found["/consignee/location"], found["/carrier/pin"]) == ("unknown_location", "unknown_carrier")


@pytest.mark.parametrize("nonsense", ["pck_0", "..;", "%00", "%2e%2e%2f", "a" * 5000, "pck_'--", "\u00e9"])
def test_an_id_that_cannot_be_one_is_not_found(shop: Shop, nonsense: str) -> None:
    assert shop.call("GET", f"/v1/pickups/{nonsense}/events").status_code == 404


def test_a_keys_last_use_is_written_at_most_once_a_minute(shop: Shop) -> None:
    shop.get("/v1/pickups")
    first = _last_used(shop)
    shop.get("/v1/pickups")
    assert first is not None and _last_used(shop) == first


def test_the_ledger_holds_no_key_that_could_be_used(shop: Shop) -> None:
    made = shop.post("/v1/api-keys", {"name": "x", "scopes": ["admin"]}, headers={"idempotency-key": "again"})
    found = ledgers.contents(shop.ledger)
    assert made["id"].encode() in found
    assert made["key"].encode() not in found
    assert shop.key.encode() not in found


def test_a_caller_is_told_what_is_left_and_braked_when_nothing_is(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(quota=Quota(requests=2, seconds=3600))
    first, second, third = (shop.call("GET", "/v1/pickups") for _ in range(3))
    assert first.headers["ratelimit-policy"] == '"key";q=2;w=3600'
    assert [one.headers["ratelimit"].split(";t=")[0] for one in (first, second, third)] == ['"key";r=1', '"key";r=0', '"key";r=0']
    assert (third.status_code, third.json()["code"]) == (429, "too_many_requests")
    assert int(third.headers["retry-after"]) >= 1


def test_a_callers_request_id_is_kept_and_one_is_made_where_there_is_none(shop: Shop) -> None:
    mine = shop.call("GET", "/v1/nothing", headers={"x-request-id": "trace-1"})
    assert (mine.headers["x-request-id"], mine.json()["request_id"]) == ("trace-1", "trace-1")
    ours = shop.call("GET", "/v1/nothing", headers={"x-request-id": "no good\tone"})
    assert ours.headers["x-request-id"] == ours.json()["request_id"]
    assert ours.json()["request_id"].startswith("req_")
    long = shop.call("GET", "/v1/nothing", headers={"x-request-id": "x" * 129})
    assert long.headers["x-request-id"].startswith("req_")


def _things(shop: Shop) -> dict[str, str]:
    """One of each thing that has an id."""
    shop.post("/v1/locations", {"name": "Mumbai", "party": SHIPPER})
    pickup_id = shop.book()["id"]
    shop.drive()
    with shop.db.write() as tx:
        exception = PickupException(
            id="exc_1",
            merchant_id=shop.owner.merchant_id,
            mode=Mode.TEST,
            pickup_id=pickup_id,
            reason="customer_unavailable",
            fault=Fault.CUSTOMER,
            state="new",
            opened_at=clock.wall(),
        )
        EXCEPTIONS.insert(tx, exception)
    endpoint_id = shop.post("/v1/webhook-endpoints", {"url": "https://hooks.kestrel.example/"})["id"]
    return {
        "endpoint_id": endpoint_id,
        "delivery_id": log_delivery(shop, endpoint_id),
        "pickup_id": pickup_id,
        "visit_id": "vis_1",
        "exception_id": "exc_1",
        "location_id": shop.get("/v1/locations")["data"][0]["id"],
        "account_id": shop.get("/v1/carrier-accounts")["data"][0]["id"],
        "card_id": shop.get("/v1/rate-cards")["data"][0]["id"],
        "key_id": shop.get("/v1/api-keys")["data"][0]["id"],
        "carrier": "delhivery",
        "awb": shop.get(f"/v1/pickups/{pickup_id}")["bookings"][0]["awb"],
        "token": "none",
    }


def _body(path: str) -> Any:
    """A sound body for this address."""
    bodies = {
        "reschedule": {"window": {"date": clock.wall().date().isoformat(), "from": "00:00", "to": "23:59"}},
        "contact": {"note": "Ring."},
        "actions": {"action": "hold"},
        "locations": {"name": "Mumbai", "party": SHIPPER},
        "carrier-accounts": {"enabled": True},
        "explain": {"from": "560038", "to": "394101", "parcels": [PARCEL]},
        "rotate-secret": {},
        "webhook-endpoints/": {"description": "Ours."},
        "rate-cards": EXAMPLES["RateCardRequest"],
    }
    return next((found for name, found in bodies.items() if name in path), None)


def _last_used(shop: Shop) -> Any:
    with shop.db.read() as tx:
        return tx.scalar(sa.select(tables.api_keys.c.last_used_at))
