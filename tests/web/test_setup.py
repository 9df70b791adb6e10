"""What a merchant sets up: carrier accounts, rate cards, locations, policies, keys."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway import clock
from gateway.carriers import registry
from gateway.store import accounts
from gateway.store.accounts import ACCOUNTS
from rates.currency import RateTable
from tests.web.shop import SHIPPER, Shop, without

CARDS = Path(__file__).parents[2] / "rates" / "data"
ACCOUNT: dict[str, Any] = {
    "carrier": "delhivery",
    "credentials": {"token": "lab_one"},
    "settings": {"client": "KESTREL", "pickup_location": "Kestrel Surat"},
}
CARD = {
    "carrier": "delhivery",
    "service": "surface",
    "currency": "INR",
    "valid_from": "2026-01-01",
    "divisor": 5000,
    "slab_g": 500,
    "slabs": [
        {"zone": "rest", "up_to_g": 500, "price": "62.00"},
        {"zone": "rest", "up_to_g": 5000, "price": "31.00", "per_g": 500},
    ],
}


# --- carriers --------------------------------------------------------------------------------------


def test_what_a_carrier_can_do_is_read_off_its_adapter(shop: Shop) -> None:
    found = {one["code"]: one for one in shop.get("/v1/carriers")["data"]}
    assert set(found) == set(registry.codes())
    assert found["ekart"] == shop.get("/v1/carriers/ekart")
    assert (found["delhivery"]["operations"]["find"], found["ekart"]["operations"]["find"]) == (True, False)
    assert (found["delhivery"]["priced_by"], found["ekart"]["priced_by"]) == ("rate_card", "quote")
    assert found["delhivery"]["account_fields"][0] == {
        "name": "token",
        "help": "API token (One panel, Settings, API setup); another one per environment",
        "secret": True,
        "required": True,
    }


def test_a_carrier_that_is_not_installed_is_not_found(shop: Shop) -> None:
    assert (
        shop.call("GET", "/v1/carriers/ups").json()["detail"]
        == f"no carrier ups is installed: there are {', '.join(registry.codes())}"
    )


# --- carrier accounts ------------------------------------------------------------------------------


def test_credentials_are_written_and_never_given_back(shop: Shop, tmp_path: Path) -> None:
    made = shop.post("/v1/carrier-accounts", ACCOUNT | {"credentials": {"token": "lab_very_secret"}})
    told = shop.call("GET", "/v1/carrier-accounts").text + shop.call("GET", f"/v1/carrier-accounts/{made['id']}").text
    disk = b"".join(path.read_bytes() for path in tmp_path.rglob("gateway.db*"))
    assert "lab_very_secret" not in str(made) + told
    assert b"lab_very_secret" not in disk


def test_the_address_for_pushes_is_told_once(shop: Shop) -> None:
    made = shop.post("/v1/carrier-accounts", ACCOUNT)
    assert made["callback_url"].startswith("http://127.0.0.1:8080/v1/callbacks/delhivery/")
    assert "callback_url" not in shop.get(f"/v1/carrier-accounts/{made['id']}")


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"carrier": "ups"}, {"/carrier": "unknown_carrier"}),
        ({"credentials": {}}, {"/credentials/token": "missing"}),
        ({"credentials": {"token": ""}}, {"/credentials/token": "missing"}),
        ({"credentials": {"token": "a", "client": "b"}}, {"/credentials/client": "unknown_field"}),
        ({"settings": {"clent": "a"}}, {f"/settings/{name}": code for name, code in (
            ("clent", "unknown_field"), ("client", "missing"), ("pickup_location", "missing"))}),
        ({"services": ["surface", "drone"]}, {"/services/1": "unknown_service"}),
        ({"base_url": "https://track.delhivery.com"}, {"/base_url": "not_loopback"}),
        ({"base_url": "http://127.0.0.1"}, {"/base_url": "not_loopback"}),
        ({"base_url": "http://user:pass@127.0.0.1:9000"}, {"/base_url": "not_loopback"}),
        ({"base_url": "file:///etc/passwd"}, {"/base_url": "not_loopback"}),
        ({"base_url": "http://127.0.0.1:99999"}, {"/base_url": "not_loopback"}),
        ({"base_url": "http://169.254.169.254:80"}, {"/base_url": "not_loopback"}),
        ({"base_url": "http://127.0.0.1:9000"}, {"/base_url": "not_allowed"}),
        ({"enabled": True}, {"/enabled": "unknown_field"}),
    ],
)  # fmt: skip
def test_an_account_is_refused_naming_each_field(shop: Shop, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    answer = shop.call("POST", "/v1/carrier-accounts", json=ACCOUNT | wrong)
    assert (answer.status_code, shop.errors(answer)) == (422, errors)
    assert shop.get("/v1/carrier-accounts")["data"] == []


def test_a_test_account_may_name_another_simulator_that_was_allowed(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(egress_allow=frozenset({"127.0.0.1:9000"}))
    made = shop.post("/v1/carrier-accounts", ACCOUNT | {"base_url": "http://127.0.0.1:9000/delhivery/"})
    assert made["base_url"] == "http://127.0.0.1:9000/delhivery"


def test_a_live_account_reaches_the_carriers_own_address_only(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(egress_allow=frozenset({"127.0.0.1:9000"}))
    answer = shop.call("POST", "/v1/carrier-accounts", json=ACCOUNT | {"base_url": "http://127.0.0.1:9000"}, key=shop.live_key())
    assert shop.errors(answer) == {"/base_url": "test_only"}


def test_a_change_leaves_what_it_does_not_name(shop: Shop) -> None:
    made = shop.post("/v1/carrier-accounts", ACCOUNT)
    changed = _patch(shop, made["id"], {"credentials": {"push_secret": "bell"}, "settings": {"label_size": "4R"}}).json()
    assert changed["settings"] == ACCOUNT["settings"] | {"label_size": "4R"}
    assert _opened(shop, made["id"]).secrets == {"token": "lab_one", "push_secret": "bell"}
    _patch(shop, made["id"], {"credentials": {"push_secret": ""}})
    assert _opened(shop, made["id"]).secrets == {"token": "lab_one"}


def test_a_change_cannot_take_away_what_is_needed(shop: Shop) -> None:
    made = shop.post("/v1/carrier-accounts", ACCOUNT)
    assert shop.errors(_patch(shop, made["id"], {"credentials": {"token": ""}})) == {"/credentials/token": "missing"}


def test_an_account_switched_on_again_forgets_why_it_was_off(shop: Shop) -> None:
    made = shop.post("/v1/carrier-accounts", ACCOUNT)
    with shop.db.write() as tx:
        ACCOUNTS.update(tx, made["id"], enabled=False, disabled_reason="unauthorized")
    changed = _patch(shop, made["id"], {"enabled": True}).json()
    assert (changed["enabled"], changed["disabled_reason"]) == (True, "")


def test_an_account_is_removed_only_while_nothing_was_booked_with_it(running: Shop) -> None:
    unused = running.post("/v1/carrier-accounts", ACCOUNT)
    running.book()
    running.drive()
    used = running.get("/v1/pickups?expand=bookings")["data"][0]["bookings"][0]["account"]
    assert running.call("DELETE", f"/v1/carrier-accounts/{unused['id']}").status_code == 204
    assert running.call("DELETE", f"/v1/carrier-accounts/{used}").json()["code"] == "wrong_state"


# --- rate cards ------------------------------------------------------------------------------------


def test_a_rate_card_comes_back_in_the_form_it_was_sent_in(shop: Shop) -> None:
    made = shop.post("/v1/rate-cards", CARD)
    again = shop.post("/v1/rate-cards", without(made, "id", "created_at"))
    assert without(made, "id", "created_at") == without(again, "id", "created_at")
    assert shop.get(f"/v1/rate-cards/{made['id']}") == made
    assert [one["id"] for one in shop.get("/v1/rate-cards")["data"]] == [again["id"], made["id"]]


def test_a_rate_card_may_be_the_file_itself(shop: Shop) -> None:
    toml = _send_card(shop, (CARDS / "delhivery_surface.toml").read_bytes(), "application/toml")
    sheet = (CARDS / "example.csv").read_bytes().replace(b"swiftline", b"delhivery").replace(b"doorstep", b"express")
    csv = _send_card(shop, sheet, "text/csv; charset=utf-8")
    assert [one.status_code for one in (toml, csv)] == [201, 201], (toml.text, csv.text)
    assert toml.json()["service"] == "surface"


def test_all_errors_of_a_rate_card_are_told(shop: Shop) -> None:
    wrong = CARD | {
        "currency": "inr",
        "tax_percent": "18 %",
        "slabs": [{"zone": "rest", "up_to_g": 500, "price": "x"}, {"zone": "rest", "up_to_g": 400, "price": "1"}],
        "lanes": [{"zone": "moon", "origin": "56"}],
    }
    answer = shop.call("POST", "/v1/rate-cards", json=wrong)
    assert set(shop.errors(answer)) == {"/currency", "/tax_percent", "/slabs/0/price", "/slabs/1/up_to_g", "/lanes/0/zone"}


def test_all_errors_of_a_rate_cards_file_are_told_with_their_lines(shop: Shop) -> None:
    head = "carrier,delhivery\nservice,surface\ncurrency,inr\nvalid_from,soon\ndivisor,5000\nslab_g,500\n"
    answer = _send_card(shop, f"{head}zone,up_to_g,price\nrest,500,x\n".encode(), "text/csv")
    assert [(one["line"], one["pointer"]) for one in answer.json()["errors"]] == [
        (3, "/currency"),
        (4, "/valid_from"),
        (8, "/price"),
    ]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"\xff\xfe", "text/csv", 400),
        (b"= = =", "application/toml", 422),
        (b"a,b", "application/xml", 415),
        (b"{", "application/json", 400),
    ],
)
def test_a_file_that_is_none_is_refused(shop: Shop, content: bytes, content_type: str, status: int) -> None:
    assert _send_card(shop, content, content_type).status_code == status


def test_a_card_for_a_service_nobody_has_is_refused(shop: Shop) -> None:
    assert shop.errors(shop.call("POST", "/v1/rate-cards", json=CARD | {"service": "drone"})) == {"/service": "unknown_service"}
    assert shop.errors(shop.call("POST", "/v1/rate-cards", json=CARD | {"carrier": "ups"})) == {"/carrier": "unknown_carrier"}


def test_a_rate_card_can_be_replaced(shop: Shop) -> None:
    made = shop.post("/v1/rate-cards", CARD)
    answer = shop.call("PUT", f"/v1/rate-cards/{made['id']}", json=CARD | {"valid_to": "2026-12-31"})
    assert (answer.status_code, answer.json()) == (200, made | {"valid_to": "2026-12-31"})
    assert shop.get("/v1/rate-cards")["data"] == [answer.json()]


def test_a_rate_card_is_not_replaced_by_a_wrong_one(shop: Shop) -> None:
    made = shop.post("/v1/rate-cards", CARD)
    answer = shop.call("PUT", f"/v1/rate-cards/{made['id']}", json=CARD | {"service": "drone"})
    assert shop.errors(answer) == {"/service": "unknown_service"}
    assert shop.get(f"/v1/rate-cards/{made['id']}") == made


def test_a_rate_card_can_be_removed(shop: Shop) -> None:
    made = shop.post("/v1/rate-cards", CARD)
    assert shop.call("DELETE", f"/v1/rate-cards/{made['id']}").status_code == 204
    assert shop.call("GET", f"/v1/rate-cards/{made['id']}").status_code == 404


# --- locations -------------------------------------------------------------------------------------


def test_a_location_is_made_read_replaced_and_removed(shop: Shop) -> None:
    made = shop.post("/v1/locations", {"name": "Surat", "party": SHIPPER})
    assert made["party"] == {**dict.fromkeys(("line2", "landmark", "company", "alternate_phone", "email"), ""),
                             **SHIPPER, "timezone": "Asia/Kolkata"}  # fmt: skip
    assert shop.get(f"/v1/locations/{made['id']}") == made
    replaced = shop.call("PUT", f"/v1/locations/{made['id']}", json={"name": "Surat 2", "party": SHIPPER | {"line1": "9 Hill St"}})
    assert (replaced.json()["name"], replaced.json()["party"]["line1"]) == ("Surat 2", "9 Hill St")
    assert shop.call("DELETE", f"/v1/locations/{made['id']}").status_code == 204
    assert shop.call("GET", f"/v1/locations/{made['id']}").status_code == 404


def test_a_location_is_judged_as_any_address(shop: Shop) -> None:
    answer = shop.call("POST", "/v1/locations", json={"name": "", "party": SHIPPER | {"postal_code": "0"}})
    assert shop.errors(answer) == {"/name": "too_short", "/party/postal_code": "invalid_postal_code"}


# --- policies --------------------------------------------------------------------------------------


def test_until_a_policy_is_set_the_default_rules(shop: Shop) -> None:
    found = shop.get("/v1/policies/current")
    assert (found["version"], found["give_up_at"]) == (0, {"amount": "300.00", "currency": "INR"})
    assert shop.get("/v1/policies")["data"] == []


def test_each_policy_is_a_new_version_and_what_is_left_out_has_the_default(shop: Shop) -> None:
    shop.call("PUT", "/v1/policies/current", json={"floor": 0.5, "rules": {"wrong_phone": {"action": "cancel", "tries": 1}}})
    second = shop.call("PUT", "/v1/policies/current", json={"give_up_at": {"amount": "400.00", "currency": "INR"}}).json()
    assert (second["version"], second["floor"], second["rules"], second["give_up_at"]["amount"]) == (2, None, {}, "400.00")
    assert shop.get("/v1/policies/current") == second
    versions = shop.get("/v1/policies")["data"]
    assert [one["version"] for one in versions] == [2, 1]
    assert versions[1]["rules"]["wrong_phone"]["action"] == "cancel"


def test_caps_of_single_carriers_come_back_and_are_kept_with_their_version(shop: Shop) -> None:
    caps = [
        {"carrier": "ekart", "price": {"amount": "120.00", "currency": "INR"}, "pickups_a_day": None},
        {"carrier": "delhivery/surface", "price": None, "pickups_a_day": 200},
    ]
    told = shop.call("PUT", "/v1/policies/current", json={"caps": caps}).json()
    assert (told["caps"], shop.get("/v1/policies/current")) == (caps, told)
    shop.call("PUT", "/v1/policies/current", json={})
    assert [one["caps"] for one in shop.get("/v1/policies")["data"]] == [[], caps]


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"floor": 1.5}, {"/floor": "too_large"}),
        ({"floor": 1.0}, {"/floor": "invalid"}),
        ({"give_up_at": {"amount": "0", "currency": "INR"}}, {"/give_up_at": "invalid"}),
        ({"give_up_at": {"amount": "5", "currency": "USD"}}, {"/give_up_at": "invalid"}),
        ({"allow": ["ekart"], "deny": ["ekart"]}, {"/deny": "invalid"}),
        ({"rules": {"rain": {"action": "cancel"}}}, {"/rules/rain": "unknown_reason"}),
        ({"rules": {"wrong_phone": {"action": "shout", "tries": 11}}}, {
            "/rules/wrong_phone/action": "not_one_of", "/rules/wrong_phone/tries": "too_large"}),
        ({"caps": [{"carrier": "ekart"}]}, {"/caps/0": "invalid"}),
        ({"caps": [{"carrier": "ekart", "pickups_a_day": 0}]}, {"/caps/0/pickups_a_day": "too_small"}),
        ({"caps": [{"carrier": "ekart", "price": {"amount": "5", "currency": "USD"}}]}, {"/caps/0/price": "invalid"}),
        ({"uncertain_booking": "maybe"}, {"/uncertain_booking": "not_one_of"}),
        ({"visits_per_carrier": 0, "days_in_all": 61}, {"/visits_per_carrier": "too_small", "/days_in_all": "too_large"}),
    ],
)  # fmt: skip
def test_a_policy_is_refused_naming_each_field(shop: Shop, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    answer = shop.call("PUT", "/v1/policies/current", json=wrong)
    assert (answer.status_code, shop.errors(answer)) == (422, errors)
    assert shop.get("/v1/policies/current")["version"] == 0


def test_where_the_default_cannot_be_converted_that_is_said(shop: Shop) -> None:
    key = shop.other_merchant(currency="AED")
    answer = shop.call("GET", "/v1/policies/current", key=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "no_policy")
    amounts = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")
    given = {name: {"amount": "10.00", "currency": "AED"} for name in amounts}
    assert shop.call("PUT", "/v1/policies/current", json=given, key=key).status_code == 200
    assert shop.get("/v1/policies/current", key=key)["currency"] == "AED"


def test_default_amounts_are_converted_once_at_the_dated_rate(shop: Shop) -> None:
    """A rate that changed later flips nobody's choices."""
    today = clock.wall().date()
    key = shop.other_merchant(currency="AED")
    shop.kit.rates = lambda: (RateTable(base="AED", on=today, units={"INR": Decimal(20)}),)
    given = {"give_up_at": {"amount": "12.00", "currency": "AED"}}
    first = shop.call("PUT", "/v1/policies/current", json=given, key=key).json()
    shop.kit.rates = lambda: (RateTable(base="AED", on=today, units={"INR": Decimal(10)}),)
    second = shop.call("PUT", "/v1/policies/current", json={"floor": 0.5}, key=key).json()
    amounts = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")
    assert [first[name]["amount"] for name in amounts] == ["12.00", "0.75", "0.40", "2.00", "0.30"]
    assert [second[name]["amount"] for name in amounts] == ["15.00", "0.75", "0.40", "2.00", "0.30"]


def test_without_a_rate_each_amount_that_was_not_given_is_told(shop: Shop) -> None:
    answer = shop.call("PUT", "/v1/policies/current", json={"floor": 0.5}, key=shop.other_merchant(currency="AED"))
    missing = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")
    assert (answer.status_code, shop.errors(answer)) == (422, {f"/{name}": "invalid" for name in missing})


# --- keys ------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_then_only_hinted_at(shop: Shop) -> None:
    made = shop.post("/v1/api-keys", {"name": "helper", "scopes": ["pickups:read", "pickups:read"]})
    assert made["key"].startswith("gw_test_")
    assert (made["scopes"], made["hint"]) == (["pickups:read"], made["key"][-10:-6])
    assert without(shop.get("/v1/api-keys")["data"][0], "last_used_at") == without(made, "key", "last_used_at")


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"scopes": []}, {"/scopes": "too_short"}),
        ({"scopes": ["root"]}, {"/scopes/0": "not_one_of"}),
        ({"name": ""}, {"/name": "too_short"}),
        ({"expires_at": "2020-01-01T00:00:00Z"}, {"/expires_at": "in_the_past"}),
        ({"mode": "live"}, {"/mode": "unknown_field"}),
    ],
)
def test_a_key_is_refused_naming_each_field(shop: Shop, wrong: dict[str, Any], errors: dict[str, str]) -> None:
    answer = shop.call("POST", "/v1/api-keys", json={"name": "x", "scopes": ["admin"]} | wrong)
    assert (answer.status_code, shop.errors(answer)) == (422, errors)


def test_nobody_locks_himself_out(shop: Shop) -> None:
    mine = shop.get("/v1/api-keys")["data"][0]["id"]
    assert shop.call("DELETE", f"/v1/api-keys/{mine}").json()["code"] == "wrong_state"


def _patch(shop: Shop, account_id: str, changes: dict[str, Any]) -> Any:
    return shop.call("PATCH", f"/v1/carrier-accounts/{account_id}", json=changes)


def _send_card(shop: Shop, content: bytes, content_type: str) -> Any:
    return shop.call("POST", "/v1/rate-cards", content=content, headers={"content-type": content_type})


def _opened(shop: Shop, account_id: str) -> Any:
    with shop.db.read() as tx:
        return accounts.opened(shop.kit.vault, ACCOUNTS.one(tx, account_id))
