"""Refusals are problem details, whatever went wrong; what is our fault says nothing of our insides."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest
import sqlalchemy as sa
import structlog

from gateway.store.database import Database
from gateway.web.problems import KINDS
from tests.web.shop import SHIPPER, Shop


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/pickups/pck_nothing", 404, "not_found"),
        ("GET", "/v1/exceptions/exc_nothing", 404, "not_found"),
        ("PUT", "/v1/pickups", 405, "method_not_allowed"),
        ("DELETE", "/health/live", 405, "method_not_allowed"),
        ("POST", "/v1/pickups/pck_nothing/cancel", 404, "not_found"),
        ("GET", "/problems/nothing", 404, "not_found"),
    ],
)
def test_a_refusal_is_a_problem(shop: Shop, method: str, path: str, status: int, code: str) -> None:
    answer = shop.call(method, path)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem == {
        "type": f"/problems/{code}",
        "title": KINDS[code].title,
        "status": status,
        "detail": problem["detail"],
        "instance": path,
        "code": code,
        "request_id": answer.headers["x-request-id"],
    }
    assert answer.status_code == status and problem["detail"]


def test_a_method_that_is_not_taken_is_answered_with_those_that_are(shop: Shop) -> None:
    assert set(shop.call("PATCH", "/v1/pickups").headers["allow"].split(", ")) == {"GET", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/pickups", "GET, OPTIONS, POST"),
        ("/v1/carrier-accounts/cac_1", "DELETE, GET, OPTIONS, PATCH"),
        ("/v1/carriers", "GET, OPTIONS"),
    ],
)
def test_options_names_all_methods_of_an_address(shop: Shop, path: str, methods: str) -> None:
    answer = shop.client.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (204, methods)


def test_every_kind_of_problem_has_its_page(shop: Shop) -> None:
    for code, kind in KINDS.items():
        page = shop.client.get(f"/problems/{code}")
        assert (page.status_code, page.headers["content-type"], kind.title in page.text) == (200, "text/html; charset=utf-8", True)
    assert all(f'href="/problems/{code}"' in shop.client.get("/problems").text for code in KINDS)


def test_behind_another_address_the_type_is_that_ones(make_shop: Any) -> None:
    shop = make_shop(public_url="https://pickups.example.com")
    assert shop.call("GET", "/v1/nothing").json()["type"] == "https://pickups.example.com/problems/not_found"


def test_a_mistake_of_ours_is_told_without_its_insides_and_logged_without_words_or_values(shop: Shop, logged: list[Any]) -> None:
    shop.kit.db = _failing(shop.db, "read", RuntimeError(f"about {SHIPPER['name']}, {SHIPPER['phone']}, {shop.key}"))
    answer = shop.call("GET", "/v1/pickups")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    (entry,) = [one for one in logged if one["event"] == "request.failed"]
    assert (entry["error"], entry["route"], entry["request"]) == ("RuntimeError", "/v1/pickups", answer.json()["request_id"])
    private = (SHIPPER["name"], SHIPPER["phone"], shop.key)
    assert not [word for word in (*private, "RuntimeError") if word in answer.text]
    assert not [word for word in private if word in str(logged)]


def test_a_busy_ledger_is_no_mistake_but_a_reason_to_come_again(shop: Shop) -> None:
    shop.call("GET", "/v1/pickups")
    shop.kit.db = _failing(shop.db, "write", sa.exc.OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked")))
    answer = shop.ask_to_book()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


def _failing(db: Database, name: str, error: Exception) -> Database:
    """A ledger that fails when it is asked to read, or to write."""

    class Failing:
        def __getattr__(self, asked: str) -> Any:
            if asked == name:
                raise error
            return getattr(db, asked)

    return cast(Database, Failing())


def test_clients_of_carriers_print_no_addresses(shop: Shop) -> None:
    assert {logging.getLogger(name).getEffectiveLevel() for name in ("httpx", "httpcore")} == {logging.WARNING}


def test_answers_may_not_be_framed_sniffed_or_kept(shop: Shop) -> None:
    headers = shop.call("GET", "/v1/pickups").headers
    assert {name: headers[name] for name in ("content-security-policy", "x-content-type-options", "cache-control")} == {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as found:
        yield cast(list[Any], found)
