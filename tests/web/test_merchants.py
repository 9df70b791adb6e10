"""Merchants over the API: made by a key of the installation; a merchant's own key sees itself alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from gateway import clock
from gateway.store import merchants
from gateway.store.merchants import ADMIN_KEYS
from tests.web.shop import Shop

AMOUNTS = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")


def admin(shop: Shop, **more: Any) -> str:
    with shop.db.write() as tx:
        return merchants.create_admin_key(tx, "ops", clock.wall(), **more)[1]


def in_dollars(currency: str = "USD") -> dict[str, Any]:
    return {name: {"amount": "3.00", "currency": currency} for name in AMOUNTS}


def asked(**more: Any) -> dict[str, Any]:
    return {"name": "Blue Kite", "country": "US", "currency": "USD", "policy": in_dollars()} | more


def test_a_merchant_is_made_with_its_policy_in_its_currency_and_its_keys(shop: Shop) -> None:
    keys = [{"mode": "test", "name": "try", "scopes": ["admin"]}, {"mode": "live", "name": "go", "scopes": ["pickups:read"]}]
    made = shop.post("/v1/merchants", asked(keys=keys, retention_days=30), key=admin(shop))
    assert (made["name"], made["country"], made["currency"], made["retention_days"]) == ("Blue Kite", "US", "USD", 30)
    for key in made["keys"]:
        policy = shop.get("/v1/policies/current", key=key["key"])
        assert (policy["version"], policy["currency"], policy["give_up_at"]) == (1, "USD", {"amount": "3.00", "currency": "USD"})
    assert [(key["mode"], key["scopes"]) for key in made["keys"]] == [("test", ["admin"]), ("live", ["pickups:read"])]


def test_without_amounts_and_without_a_rate_it_is_refused_with_the_cure(shop: Shop) -> None:
    answer = shop.call("POST", "/v1/merchants", json={"name": "B", "country": "US", "currency": "USD"}, key=admin(shop))
    assert (answer.status_code, shop.errors(answer)) == (422, {"/policy": "no_rate"})
    assert "GATEWAY_CURRENCY_RATES" in answer.text and "give_up_at" in answer.text
    assert [one["name"] for one in shop.get("/v1/merchants", key=admin(shop))["data"]] == ["Kestrel"]


def test_a_merchant_of_rupees_needs_no_rate(shop: Shop) -> None:
    keys = [{"mode": "test", "name": "try", "scopes": ["admin"]}]
    made = shop.post("/v1/merchants", {"name": "Merlin", "country": "IN", "currency": "INR", "keys": keys}, key=admin(shop))
    assert shop.get("/v1/policies/current", key=made["keys"][0]["key"])["give_up_at"] == {"amount": "300.00", "currency": "INR"}


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"country": "XX", "currency": "ZZZ"}, {"/country": "unknown_country", "/currency": "unknown_currency"}),
        ({"policy": in_dollars("INR")}, {f"/policy/{name}/currency": "other_currency" for name in AMOUNTS}),
        (
            {"policy": in_dollars() | {"give_up_at": {"amount": "0", "currency": "USD"}}},
            {"/policy/give_up_at/amount": "invalid_format"},
        ),
        ({"retention_days": -1}, {"/retention_days": "too_small"}),
        ({"keys": [{"mode": "prod", "name": "x", "scopes": ["admin"]}]}, {"/keys/0/mode": "not_one_of"}),
        ({"name": "", "clock": 1}, {"/name": "too_short", "/clock": "unknown_field"}),
    ],
)
def test_all_that_is_wrong_with_a_merchant_is_told(shop: Shop, more: dict[str, Any], errors: dict[str, str]) -> None:
    answer = shop.call("POST", "/v1/merchants", json=asked(**more), key=admin(shop))
    assert (answer.status_code, shop.errors(answer)) == (422, errors)


def test_a_name_is_given_once_and_a_repeat_names_the_merchant_there_is(shop: Shop) -> None:
    key = admin(shop)
    made = shop.post("/v1/merchants", asked(), key=key)
    again = shop.call("POST", "/v1/merchants", json=asked(), key=key)
    assert (again.status_code, again.json()["code"], again.json()["existing"]) == (409, "name_taken", made["id"])
    renamed = shop.call("PATCH", f"/v1/merchants/{shop.merchant.id}", json={"name": "Blue Kite"}, key=key)
    assert (renamed.status_code, renamed.json()["existing"]) == (409, made["id"])


def test_a_lost_answer_is_mended_by_another_key(shop: Shop) -> None:
    key = admin(shop)
    made = shop.post("/v1/merchants", asked(), key=key)
    fresh = shop.post(f"/v1/merchants/{made['id']}/api-keys", {"mode": "live", "name": "go", "scopes": ["admin"]}, key=key)
    assert shop.get(f"/v1/merchants/{made['id']}", key=fresh["key"])["name"] == "Blue Kite"


def test_what_is_left_out_of_a_change_stays_and_null_ends_a_retention_of_ones_own(shop: Shop) -> None:
    key, path = admin(shop), f"/v1/merchants/{shop.merchant.id}"

    def change(**body: Any) -> tuple[str, str, int | None]:
        changed = shop.call("PATCH", path, json=body, key=key).json()
        return changed["name"], changed["country"], changed["retention_days"]

    assert change(retention_days=30) == ("Kestrel", "IN", 30)
    assert change(name="Kestrel Two") == ("Kestrel Two", "IN", 30)
    assert change() == ("Kestrel Two", "IN", 30)
    assert change(retention_days=None) == ("Kestrel Two", "IN", None)
    assert shop.errors(shop.call("PATCH", path, json={"currency": "USD"}, key=key)) == {"/currency": "unknown_field"}


def test_merchants_are_listed_newest_first_in_pages(shop: Shop) -> None:
    key = admin(shop)
    for name in ("A", "B"):
        shop.post("/v1/merchants", asked(name=name), key=key)
    first = shop.get("/v1/merchants?limit=2", key=key)
    rest = shop.get(f"/v1/merchants?limit=2&after={first['page']['next']}", key=key)
    assert [one["name"] for one in first["data"] + rest["data"]] == ["B", "A", "Kestrel"]


def test_a_merchants_own_key_sees_itself_and_changes_no_merchant(shop: Shop) -> None:
    other = shop.post("/v1/merchants", asked(), key=admin(shop))["id"]
    mine = shop.merchant.id

    def code(method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = shop.call(method, path, json=body)
        return answer.status_code, answer.json().get("code", "")

    assert shop.get(f"/v1/merchants/{mine}")["name"] == "Kestrel"
    assert code("GET", f"/v1/merchants/{other}") == (404, "not_found")
    assert code("PATCH", f"/v1/merchants/{other}", {"name": "x"}) == (404, "not_found")
    assert code("POST", f"/v1/merchants/{other}/api-keys", {"mode": "live", "name": "x", "scopes": ["admin"]}) == (404, "not_found")
    assert code("PATCH", f"/v1/merchants/{mine}", {"name": "x"}) == (403, "forbidden")
    assert code("POST", f"/v1/merchants/{mine}/api-keys", {"mode": "live", "name": "x", "scopes": ["admin"]}) == (403, "forbidden")
    assert code("GET", "/v1/merchants") == (403, "forbidden")
    assert code("POST", "/v1/merchants", asked()) == (403, "forbidden")


def test_a_key_of_the_installation_opens_nothing_of_a_merchants(shop: Shop) -> None:
    key = admin(shop)
    for path in ("/v1/pickups", "/v1/carrier-accounts", "/v1/api-keys", "/v1/policies/current"):
        assert shop.call("GET", path, key=key).status_code == 401


def test_an_expired_or_revoked_key_of_the_installation_is_none(shop: Shop) -> None:
    expired = admin(shop, expires_at=clock.wall() - dt.timedelta(seconds=1))
    revoked = admin(shop)
    with shop.db.write() as tx:
        newest = ADMIN_KEYS.all(tx)[-1]
        ADMIN_KEYS.update(tx, newest.id, revoked_at=clock.wall())
    for key in (expired, revoked, revoked[:-1] + ("0" if revoked[-1] != "0" else "1")):
        assert shop.call("GET", "/v1/merchants", key=key).status_code == 401


def test_the_ledger_holds_no_key_of_the_installation_that_could_be_used(shop: Shop, tmp_path: Path) -> None:
    key = admin(shop)
    assert shop.call("GET", "/v1/merchants", key=key).status_code == 200
    assert key.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("gateway.db*"))
    with shop.db.read() as tx:
        assert ADMIN_KEYS.all(tx)[0].last_used_at is not None
