"""Many pickups in one request: each as if posted alone, all of the accepted ones with the request's key or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway import clock
from gateway.services.accepting import accept
from gateway.store import tables
from gateway.store.ledger import People
from gateway.web.examples import EXAMPLES
from tests.web.shop import SHIPPER, Shop, body
from tests.world import WAREHOUSE, customer, wanted


def send(shop: Shop, *pickups: Any, key: str = "k", **more: Any) -> Any:
    return shop.call("POST", "/v1/pickups/batch", json={"pickups": list(pickups)}, headers={"idempotency-key": key}, **more)


def told(answer: Any) -> list[tuple[int, int, str]]:
    """Index, status, and the reference or the kind of problem, of each."""
    return [
        (one["index"], one["status"], one["pickup"]["reference"] if one["pickup"] else one["problem"]["code"])
        for one in answer.json()["data"]
    ]


def test_sound_pickups_are_all_accepted_in_their_order(shop: Shop) -> None:
    answer = send(shop, body(reference="A"), body(reference="B"))
    assert (answer.status_code, answer.json()["accepted"], answer.json()["refused"]) == (200, 2, 0)
    assert told(answer) == [(0, 202, "A"), (1, 202, "B")]
    first = answer.json()["data"][0]["pickup"]
    assert shop.get(f"/v1/pickups/{first['id']}") == first


def test_what_is_wrong_with_one_stops_none_of_the_others(shop: Shop) -> None:
    wrong = body(reference="B", shipper=SHIPPER | {"phone": "12"}, parcels=[])
    answer = send(shop, body(reference="A"), wrong, body(reference="C"), "no pickup")
    assert (answer.status_code, answer.json()["accepted"], answer.json()["refused"]) == (207, 2, 2)
    assert told(answer) == [(0, 202, "A"), (1, 422, "invalid"), (2, 202, "C"), (3, 422, "invalid")]
    problems = [one["problem"] for one in answer.json()["data"]]
    assert {one["pointer"]: one["code"] for one in problems[1]["errors"]} == {
        "/pickups/1/shipper/phone": "invalid_phone",
        "/pickups/1/parcels": "too_short",
    }
    assert [one["pointer"] for one in problems[3]["errors"]] == ["/pickups/3"]
    assert problems[1]["request_id"] == answer.headers["x-request-id"]
    assert shop.count(tables.pickups) == 2


def test_each_is_refused_as_it_would_be_alone(shop: Shop) -> None:
    wrong = body(
        shipper=SHIPPER | {"postal_code": "1", "surprise": 1}, items=[], window={"date": "2001-01-01", "from": "9", "to": "8"}
    )
    alone = shop.ask_to_book(wrong).json()
    within = send(shop, wrong).json()["data"][0]["problem"]
    moved = [error | {"pointer": "/pickups/0" + error["pointer"]} for error in alone["errors"]]
    assert (within["status"], within["errors"]) == (alone["status"], moved)


def test_a_reference_that_is_in_use_is_told_with_its_pickup_also_within_the_batch(shop: Shop) -> None:
    known = shop.book(reference="A")["id"]
    answer = send(shop, body(reference="A"), body(reference="B"), body(reference="B"))
    assert told(answer) == [(0, 409, "duplicate_reference"), (1, 202, "B"), (2, 409, "duplicate_reference")]
    data = answer.json()["data"]
    assert [data[0]["problem"]["existing"], data[2]["problem"]["existing"]] == [known, data[1]["pickup"]["id"]]


def test_a_reference_somebody_takes_at_the_same_moment_is_told_as_in_use(shop: Shop) -> None:
    people = People(shipper=customer(), consignee=WAREHOUSE)
    with ThreadPoolExecutor(1) as other:
        with shop.db.write() as tx:
            known = accept(tx, shop.owner, shop.merchant, "A", people, wanted(), clock.wall()).id
            sent = other.submit(send, shop, body(reference="A"), body(reference="B"))
        answer = sent.result(30)
    assert told(answer) == [(0, 409, "duplicate_reference"), (1, 202, "B")]
    assert answer.json()["data"][0]["problem"]["existing"] == known


def test_asked_again_under_its_key_the_batch_gets_its_first_answer(shop: Shop) -> None:
    first, again = (send(shop, body(reference="A"), body(reference="A")) for _ in range(2))
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (207, first.content, "true")
    assert shop.count(tables.pickups) == 1
    assert send(shop, body(reference="Z")).json()["code"] == "key_reused"


def test_a_batch_needs_a_key(shop: Shop) -> None:
    answer = shop.call("POST", "/v1/pickups/batch", json={"pickups": [body()]})
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_idempotency_key")


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ({}, {"/pickups": "missing"}),
        ({"pickups": []}, {"/pickups": "too_short"}),
        ({"pickups": [1] * 101}, {"/pickups": "too_long"}),
        ({"pickups": {}}, {"/pickups": "wrong_type"}),
        ({"pickups": [1], "more": 1}, {"/more": "unknown_field"}),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(shop: Shop, content: Any, errors: dict[str, str]) -> None:
    answer = shop.call("POST", "/v1/pickups/batch", json=content, headers={"idempotency-key": "k"})
    assert (answer.status_code, shop.errors(answer)) == (422, errors)


def test_a_hundred_are_taken_and_every_one_is_booked(running: Shop) -> None:
    answer = send(running, *(body(reference=f"RMA-{number}") for number in range(100)))
    assert (answer.status_code, answer.json()["accepted"], running.count(tables.outbox)) == (200, 100, 100)


def test_the_example_of_a_batch_is_accepted(shop: Shop) -> None:
    assert send(shop, *EXAMPLES["BatchRequest"]["pickups"]).status_code == 200


def test_a_key_that_only_reads_books_nothing(shop: Shop) -> None:
    reader = shop.new_key("pickups:read")
    answer = shop.call("POST", "/v1/pickups/batch", json={"pickups": [body()]}, headers={"idempotency-key": "k"}, key=reader)
    assert (answer.status_code, shop.count(tables.pickups)) == (403, 0)
