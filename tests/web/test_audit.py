"""The audit log over the API: every change is in it, nobody's words are, and each merchant reads its own."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.store import audit, merchants, tables
from gateway.store.rows import Owner
from gateway.values import Mode
from gateway.web import app
from tests.web.shop import CONSIGNEE, SHIPPER, Shop, body
from tests.web.test_access import CONTRACT

NOT_IN_THE_LOG = {
    "createQuotes": "nothing is changed",
    "validatePickup": "nothing is changed",
    "tryPolicy": "nothing is changed",
    "explainRateCard": "nothing is changed",
    "takeCallback": "a carrier's word, kept as scans",
    "pingWebhookEndpoint": "a word to the merchant itself; nothing is changed",
}


def entries(shop: Shop, **more: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in more.items())
    found: list[dict[str, Any]] = shop.get(f"/v1/audit-log?limit=200&{query}")["data"]
    return found


def actions(shop: Shop) -> list[str]:
    return [entry["action"] for entry in reversed(entries(shop))]


def test_a_change_is_told_with_who_what_which_and_by_which_request(running: Shop) -> None:
    pickup_id = running.book()["id"]
    running.call("POST", f"/v1/pickups/{pickup_id}/cancel", headers={"x-request-id": "trace-7"})
    newest, first = entries(running)
    key_id = running.get("/v1/api-keys")["data"][0]["id"]
    told = {name: newest[name] for name in ("number", "actor", "action", "object", "request_id", "change")}
    assert told == {
        "number": 2,
        "actor": key_id,
        "action": "cancelPickup",
        "object": pickup_id,
        "request_id": "trace-7",
        "change": {
            "before": {"intent": "collect", "state": "requested", "version": 0},
            "after": {"intent": "cancel", "state": "cancelled", "version": 1},
        },
    }
    assert (first["action"], first["object"], first["change"]["fields"]) == ("createPickup", pickup_id, sorted(body()))
    assert newest["previous"] == first["hash"]


def test_every_change_to_what_a_merchant_sets_up_is_in_the_log(shop: Shop) -> None:
    account = shop.post("/v1/carrier-accounts", {"carrier": "delhivery", "credentials": {"token": "s3cr3t-token"},
                        "settings": {"client": "DEMO", "pickup_location": "Surat"}})  # fmt: skip
    path = f"/v1/carrier-accounts/{account['id']}"
    assert shop.call("PATCH", path, json={"enabled": False}).status_code == 200
    assert shop.call("DELETE", path).status_code == 204
    location = shop.post("/v1/locations", {"name": "Surat", "party": CONSIGNEE})
    assert shop.call("PUT", f"/v1/locations/{location['id']}", json={"name": "Surat", "party": CONSIGNEE}).status_code == 200
    assert shop.call("DELETE", f"/v1/locations/{location['id']}").status_code == 204
    assert shop.call("PUT", "/v1/policies/current", json={"deadline_days": 4}).status_code == 200
    key = shop.post("/v1/api-keys", {"name": "x", "scopes": ["pickups:read"]})
    assert shop.call("DELETE", f"/v1/api-keys/{key['id']}").status_code == 204
    assert actions(shop) == [
        "createCarrierAccount", "updateCarrierAccount", "deleteCarrierAccount", "createLocation", "replaceLocation",
        "deleteLocation", "setPolicy", "createApiKey", "revokeApiKey",
    ]  # fmt: skip
    changed = entries(shop, action="updateCarrierAccount")[0]["change"]
    assert (changed["before"]["enabled"], changed["after"]["enabled"], changed["fields"]) == (True, False, ["enabled"])
    assert entries(shop, action="deleteCarrierAccount")[0]["change"]["gone"] is True
    assert "s3cr3t-token" not in json.dumps(entries(shop))


def test_a_batch_is_one_entry_that_names_the_pickups_it_made(running: Shop) -> None:
    pickups = [body(reference="R-1"), body(reference="R-2"), body(reference="R-2")]
    made = running.call("POST", "/v1/pickups/batch", json={"pickups": pickups}, headers={"idempotency-key": "b"}).json()
    (entry,) = entries(running)
    ids = [item["pickup"]["id"] for item in made["data"][:2]]
    assert (entry["action"], entry["object"], entry["change"]) == ("createPickups", "", {"fields": ["pickups"], "objects": ids})


def test_what_was_refused_or_given_again_is_not_in_the_log(shop: Shop) -> None:
    again = {"idempotency-key": "k"}
    for _ in range(2):
        shop.post("/v1/locations", {"name": "Surat", "party": CONSIGNEE}, headers=again)
    assert shop.call("POST", "/v1/locations", json={"name": ""}).status_code == 422
    assert shop.call("POST", "/v1/pickups/pck_0/cancel").status_code == 404
    assert actions(shop) == ["createLocation"]


def test_the_test_clock_is_in_the_log(running: Shop) -> None:
    assert running.call("POST", "/v1/test/clock/advance", json={"seconds": 60}).status_code == 200
    (entry,) = entries(running)
    assert (entry["action"], entry["object"]) == ("advanceTestClock", running.merchant.id)
    assert (entry["change"]["before"], entry["change"]["after"]) == ({"clock_offset": 0}, {"clock_offset": 60})


def test_no_word_of_a_person_is_in_the_log(running: Shop) -> None:
    pickup_id = running.book(instructions="ring at Asha's", metadata={"mail": "asha@post.test"})["id"]
    contact = {"phone": "9820000001", "line1": "99 Fig Street", "note": "the blue door"}
    assert running.call("POST", f"/v1/pickups/{pickup_id}/contact", json=contact).status_code == 200
    with running.db.read() as tx:
        text = json.dumps([list(row) for row in tx.execute(sa.select(tables.audit_log))])
    words = [*SHIPPER.values(), *CONSIGNEE.values(), *contact.values(), "ring at", "asha@post.test"]
    assert [word for word in words if len(word) > 2 and word in text] == []
    assert entries(running)[0]["change"]["fields"] == ["line1", "note", "phone"]


def test_the_log_is_filtered_and_paged(running: Shop) -> None:
    made = [running.book(reference=f"R-{number}")["id"] for number in range(3)]
    assert [entry["object"] for entry in entries(running, object=made[1])] == [made[1]]
    assert entries(running, actor="key_nobody") == []
    assert entries(running, **{"created_at[lt]": "2020-01-01T00:00:00Z"}) == []
    assert len(entries(running, **{"created_at[gte]": "2020-01-01T00:00:00Z"})) == 3
    first = running.get("/v1/audit-log?limit=2")
    rest = running.get(f"/v1/audit-log?limit=2&after={first['page']['next']}")
    assert [entry["number"] for entry in first["data"] + rest["data"]] == [3, 2, 1]
    assert running.errors(running.call("GET", "/v1/audit-log?created_at[lt]=2026-01-01T00:00:00")) == {
        "created_at[lt]": "invalid_format"
    }


def test_a_merchant_reads_its_own_mode_and_the_installation_its_own_log(shop: Shop) -> None:
    shop.post("/v1/locations", {"name": "Surat", "party": CONSIGNEE})
    with shop.db.write() as tx:
        key = merchants.create_admin_key(tx, "ops", clock.wall())[1]
    shop.post("/v1/merchants", {"name": "Merlin", "country": "IN", "currency": "INR"}, key=key)
    logs = {name: shop.get("/v1/audit-log", key=one)["data"] for name, one in
            (("live", shop.live_key()), ("other", shop.other_merchant()), ("installation", key))}  # fmt: skip
    assert {name: [entry["action"] for entry in found] for name, found in logs.items()} == {
        "live": [],
        "other": [],
        "installation": ["createMerchant"],
    }
    reader = shop.new_key("pickups:read")
    assert shop.call("GET", "/v1/audit-log", key=reader).status_code == 403


def test_the_log_verifies_after_all_this(running: Shop) -> None:
    for number in range(3):
        running.call("POST", f"/v1/pickups/{running.book(reference=f'R-{number}')['id']}/cancel")
    verdict = audit.verify(running.db, audit.chain_of(Owner(running.merchant.id, Mode.TEST)))
    assert (verdict.head.entries, verdict.broken) == (6, None)
    assert entries(running)[0]["hash"] == verdict.head.hash


def changing() -> Iterator[tuple[str, str, str]]:
    for path, item in CONTRACT["paths"].items():
        for method, operation in item.items():
            if method != "get" and operation["operationId"] not in NOT_IN_THE_LOG:
                yield operation["operationId"], method, path


@pytest.mark.parametrize("name", sorted(name for name, _, _ in changing()))
def test_every_operation_that_changes_something_notes_it(name: str) -> None:
    """By its source: it goes through `once`, `noted` or `recorded`, itself or in a function of its module that it calls."""
    handlers = {handler.operation_id: handler for one in (*app._RESOURCES, *app._INSTALLATION) for handler in vars(one).values()
                if hasattr(handler, "operation_id")}  # fmt: skip
    function = handlers[name].fn
    module = sys.modules[function.__module__]
    texts = [inspect.getsource(function)]
    for called in set(function.__code__.co_names) | {name for one in texts for name in one.replace("(", " ").split()}:
        helper = getattr(module, called, None)
        if inspect.isfunction(helper) and helper.__module__ == module.__name__:
            texts.append(inspect.getsource(helper))
    assert any(word in text for text in texts for word in ("once(", "noted(", "recorded(")), name
