"""Asking a carrier whether it takes the credentials; accounts that are paused when it does not, and come back when it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from gateway.carriers import registry
from gateway.services.verifying import probe
from gateway.store.accounts import ACCOUNTS
from tests.web.shop import Shop

AIMED_AT = {"aramex": "track", "delhivery": "serviceability", "easypost": "track", "ekart": "sign_in"}


def verify(shop: Shop, account: dict[str, Any], **more: Any) -> Any:
    return shop.call("POST", f"/v1/carrier-accounts/{account['id']}/verify", **more)


def the_account(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.get("/v1/carrier-accounts")["data"][0]
    return found


def correct(shop: Shop, account: dict[str, Any], **credentials: str) -> None:
    answer = shop.call("PATCH", f"/v1/carrier-accounts/{account['id']}", json={"credentials": credentials})
    assert answer.status_code == 200, answer.text


def told(shop: Shop) -> list[str]:
    """The events about accounts."""
    types = "carrier_account.disabled,carrier_account.enabled"
    return [one["type"].rpartition(".")[2] for one in shop.get(f"/v1/events?type={types}")["data"]]


WRONG = {"delhivery": {"token": "wrong"}, "ekart": {"client_id": "wrong", "username": "wrong", "password": "wrong"}}
RIGHT = {"delhivery": {"token": "lab_delhivery"}, "ekart": dict.fromkeys(("client_id", "username", "password"), "lab_ekart")}


@pytest.mark.parametrize("code", registry.codes())
def test_what_is_asked_of_each_carrier_is_harmless(code: str) -> None:
    asked = probe(registry.carrier(code))
    operation = registry.carrier(code).operation(asked.operation)
    assert asked.operation == AIMED_AT[code]
    assert operation and not any(step.commits for step in operation.steps)


@pytest.mark.parametrize("code", ["delhivery", "ekart"])
def test_credentials_that_are_taken_are_told(make_shop: Callable[..., Shop], code: str) -> None:
    shop = make_shop(code)
    account = the_account(shop)
    answer = verify(shop, account)
    assert (answer.status_code, answer.json()) == (200, {"asked": AIMED_AT[code], "account": account})
    assert told(shop) == []


@pytest.mark.parametrize("code", ["delhivery", "ekart"])
def test_refused_credentials_pause_the_account_and_good_ones_take_it_back(make_shop: Callable[..., Shop], code: str) -> None:
    shop = make_shop(code)
    account = the_account(shop)
    correct(shop, account, **WRONG[code])
    refused = verify(shop, account)
    assert (refused.status_code, refused.json()["code"]) == (409, "carrier_refused")
    assert refused.json()["carrier"]["code"] == "unauthorized"
    paused = the_account(shop)
    assert (paused["enabled"], paused["disabled_reason"].startswith("unauthorized: ")) == (False, True)
    assert (verify(shop, account).status_code, told(shop)) == (409, ["disabled"])
    correct(shop, account, **RIGHT[code])
    back = verify(shop, account).json()["account"]
    assert (back["enabled"], back["disabled_reason"], told(shop)) == (True, "", ["disabled", "enabled"])


def test_an_account_that_was_switched_off_by_its_merchant_stays_off(running: Shop) -> None:
    account = the_account(running)
    running.call("PATCH", f"/v1/carrier-accounts/{account['id']}", json={"enabled": False})
    assert verify(running, account).json()["account"]["enabled"] is False
    assert told(running) == []


def test_a_paused_account_that_is_switched_on_again_is_told(running: Shop) -> None:
    account = the_account(running)
    with running.db.write() as tx:
        ACCOUNTS.update(tx, account["id"], enabled=False, disabled_reason="unauthorized: 401")
    running.call("PATCH", f"/v1/carrier-accounts/{account['id']}", json={"enabled": True})
    assert (the_account(running)["enabled"], told(running)) == (True, ["enabled"])


def test_a_carrier_that_does_not_answer_changes_nothing(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("delhivery")
    fault = {"carrier": "delhivery", "kind": "drop_before_commit"}
    assert shop.lab and shop.lab.answer("POST", "/_lab/faults", {}, json.dumps(fault).encode())[0] < 300
    account = the_account(shop)
    answer = verify(shop, account)
    assert (answer.status_code, answer.json()["code"], answer.json()["carrier"]["retryable"]) == (503, "carrier_unavailable", True)
    assert (the_account(shop), told(shop)) == (account, [])


def test_without_a_lab_a_test_account_cannot_be_verified(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("delhivery", lab=False)
    assert verify(shop, the_account(shop)).json()["code"] == "lab_not_running"


def test_another_merchants_account_cannot_be_verified(running: Shop) -> None:
    assert verify(running, the_account(running), key=running.other_merchant()).status_code == 404


def test_credentials_refused_to_a_quote_pause_the_account_too(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("ekart")
    correct(shop, the_account(shop), **WRONG["ekart"])
    pickup_id = shop.book()["id"]
    shop.drive()
    assert (the_account(shop)["enabled"], told(shop)) == (False, ["disabled"])
    assert shop.get(f"/v1/pickups/{pickup_id}")["bookings"] == []


def test_what_a_request_leaves_in_the_logs_bears_its_id(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop("ekart")
    correct(shop, the_account(shop), **WRONG["ekart"])
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = verify(shop, the_account(shop), headers={"x-request-id": "trace/7=a"})
    assert [(line["event"], line["request"]) for line in lines] == [("carrier_account.disabled", "trace/7=a")]
    assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("trace/7=a", "trace/7=a")
