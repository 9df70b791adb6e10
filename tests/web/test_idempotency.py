"""The same request under the same key is one request, however often and from however many places it comes."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from litestar import Response

from gateway import clock
from gateway.store import merchants, tables
from gateway.web.access import Call, answered
from gateway.web.repeats import attempt_of, once
from tests.web.shop import SHIPPER, Shop, body


def test_a_pickup_without_a_key_is_refused(shop: Shop) -> None:
    answer = shop.call("POST", "/v1/pickups", json=body())
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_idempotency_key")


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_a_key_that_cannot_be_one_is_refused(shop: Shop, key: str) -> None:
    answer = shop.call("POST", "/v1/pickups", json=body(), headers={"idempotency-key": key.encode("latin-1")})
    assert (answer.status_code, shop.errors(answer)) == (400, {"Idempotency-Key": "invalid_format"})


def test_asked_again_the_first_answer_is_given_byte_for_byte(shop: Shop) -> None:
    first, again = (shop.ask_to_book(idempotency_key="k") for _ in range(2))
    assert (again.status_code, again.content, again.headers["location"]) == (202, first.content, first.headers["location"])
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert shop.count(tables.pickups) == 1


def test_the_first_answer_is_given_even_when_the_request_would_be_refused_by_now(shop: Shop) -> None:
    first = shop.ask_to_book(idempotency_key="k")
    shop.post(f"/v1/pickups/{first.json()['id']}/cancel")
    shop.drive()
    assert shop.ask_to_book(idempotency_key="k").json()["state"] == "requested"


def test_prefer_is_no_part_of_the_request(shop: Shop) -> None:
    first = shop.ask_to_book(idempotency_key="k")
    again = shop.ask_to_book(idempotency_key="k", headers={"prefer": "wait=5"})
    assert (again.content, again.elapsed < dt.timedelta(seconds=1)) == (first.content, True)


def test_the_key_with_another_body_is_refused(shop: Shop) -> None:
    shop.ask_to_book(idempotency_key="k")
    other = shop.ask_to_book(body(reference="RMA-2"), idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_the_key_for_another_thing_at_the_same_kind_of_address_is_refused(shop: Shop) -> None:
    one, two = shop.book(reference="A")["id"], shop.book(reference="B")["id"]
    headers = {"idempotency-key": "k"}
    assert shop.call("POST", f"/v1/pickups/{one}/cancel", headers=headers).status_code == 200
    assert shop.call("POST", f"/v1/pickups/{two}/cancel", headers=headers).json()["code"] == "key_reused"
    assert shop.get(f"/v1/pickups/{two}")["state"] == "requested"


def test_two_merchants_may_use_the_same_key(shop: Shop) -> None:
    mine = shop.ask_to_book(idempotency_key="k")
    theirs = shop.ask_to_book(idempotency_key="k", key=shop.other_merchant())
    assert (mine.status_code, theirs.status_code, mine.json()["id"] != theirs.json()["id"]) == (202, 202, True)


def test_a_refused_request_does_not_burn_its_key(shop: Shop) -> None:
    assert shop.ask_to_book(body(reference=""), idempotency_key="k").status_code == 422
    assert shop.ask_to_book(idempotency_key="k").status_code == 202


def test_a_duplicate_reference_does_not_burn_its_key(shop: Shop) -> None:
    first = shop.book()
    assert shop.ask_to_book(idempotency_key="k").status_code == 409
    shop.post(f"/v1/pickups/{first['id']}/cancel")
    shop.drive()
    assert shop.ask_to_book(idempotency_key="k").status_code == 202


def test_a_key_is_forgotten_after_72_hours(shop: Shop) -> None:
    shop.ask_to_book(idempotency_key="k")
    with shop.db.write() as tx:
        expires = tx.scalar(sa.select(tables.idempotency.c.expires_at))
        tx.execute(tables.idempotency.update().values(expires_at=clock.wall()))
    assert expires is not None and dt.timedelta(hours=71) < expires - clock.wall() <= dt.timedelta(hours=72)
    assert shop.ask_to_book(body(reference="RMA-2"), idempotency_key="k").status_code == 202


def test_from_sixteen_places_at_once_there_is_one_pickup_and_one_answer(shop: Shop) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: shop.ask_to_book(idempotency_key="k"), range(16)))
    assert {(one.status_code, one.content) for one in answers} == {(202, answers[0].content)}
    assert (shop.count(tables.pickups), shop.count(tables.outbox)) == (1, 1)


def test_a_request_that_is_still_at_work_is_not_begun_again(shop: Shop) -> None:
    shop.post("/v1/quotes", _quote(), headers={"idempotency-key": "k"})
    with shop.db.write() as tx:  # as it stands while carriers are asked
        tx.execute(tables.idempotency.update().values(status=None, expires_at=clock.wall() + dt.timedelta(seconds=60)))
    answer = shop.call("POST", "/v1/quotes", json=_quote(), headers={"idempotency-key": "k"})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (409, "in_flight", "1")


def test_a_request_whose_process_died_can_be_asked_again_after_a_minute(shop: Shop) -> None:
    shop.post("/v1/quotes", _quote(), headers={"idempotency-key": "k"})
    with shop.db.write() as tx:
        tx.execute(tables.idempotency.update().values(status=None, expires_at=clock.wall()))
    assert shop.call("POST", "/v1/quotes", json=_quote(), headers={"idempotency-key": "k"}).status_code == 200


def test_quotes_asked_again_are_the_first_ones(running: Shop) -> None:
    answers = [running.call("POST", "/v1/quotes", json=_quote(), headers={"idempotency-key": "k"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_a_failed_question_to_carriers_leaves_the_key_free(make_shop: Any) -> None:
    shop = make_shop("delhivery", lab=False)
    for _ in range(2):
        answer = shop.call("POST", "/v1/quotes", json=_quote(), headers={"idempotency-key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (503, "lab_not_running")
    assert shop.count(tables.idempotency) == 0


def test_what_is_shown_once_is_shown_again_only_under_its_key_and_not_kept_in_the_clear(shop: Shop) -> None:
    wanted = {"name": "x", "scopes": ["pickups:read"]}
    first, again = (shop.post("/v1/api-keys", wanted, headers={"idempotency-key": "k"}) for _ in range(2))
    assert first["key"] == again["key"]
    with shop.db.read() as tx:
        kept = tx.scalar(sa.select(tables.idempotency.c.answer))
    assert kept is not None and first["key"].encode() not in kept
    assert "key" not in shop.get("/v1/api-keys")["data"][0]


def test_every_post_may_carry_a_key(shop: Shop) -> None:
    wanted = {"name": "Mumbai", "party": SHIPPER}
    first, again = (shop.post("/v1/locations", wanted, headers={"idempotency-key": "k"}) for _ in range(2))
    assert (first, shop.count(tables.locations)) == (again, 1)


def test_a_request_that_lost_a_race_is_looked_at_again(shop: Shop) -> None:
    """As on PostgreSQL, where two may insert at once: the second sees what the first did, or works."""
    tries: list[int] = []

    def work(tx: sa.Connection, _: None) -> Response[Any]:
        tries.append(1)
        if len(tries) == 1:
            raise sa.exc.IntegrityError("INSERT", {}, Exception("unique"))
        return answered(None)

    with shop.db.read() as tx:
        found = merchants.find_key(tx, shop.key, clock.wall())
    assert found is not None
    scope: dict[str, Any] = {
        "path": "/v1/x",
        "method": "POST",
        "path_template": "/v1/x",
        "state": {},
        "headers": [],
        "route_handler": None,
    }
    request = cast(Any, SimpleNamespace(scope=scope, path_params={}))
    call = Call(request, shop.kit, shop.settings, *found)
    answer = once(call, attempt_of(call, "k", b""), lambda _: None, work)
    assert (answer.status_code, len(tries)) == (200, 2)


def _quote() -> dict[str, Any]:
    found = body()
    return {name: found[name] for name in ("shipper", "consignee", "parcels", "items")}
