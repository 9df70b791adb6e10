"""Pushes: worded by the side, delivered at least once, in order, tried again until the receiver says yes."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
from pathlib import Path

import httpx
import pytest

from adapters.lab import pushing
from adapters.lab.engine import Lab
from adapters.lab.server import running
from tests.lab.swiftline import (
    ACCOUNT,
    COLLECTS,
    FAILS_ONCE,
    SIDE,
    SWAPPED,
    TWICE,
    Wall,
    a_lab,
    a_rule,
    ask,
    book_one,
    client,
    days_pass,
    story,
    wait_until,
)

HOOK = {"carrier": "swiftline", "account": ACCOUNT, "url": "http://127.0.0.1:7/hook", "secret": "s3", "headers": {"x-from": "lab"}}


class Receiver:
    """Answers with the statuses given, then 200 for ever; 0 breaks the connection."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        if not status:
            raise httpx.ConnectError("nobody there", request=request)
        return httpx.Response(status)

    def told(self) -> list[str]:
        """What it was told, repetitions included."""
        return [httpx.Response(200, content=request.content).json()["event"] for request in self.requests]


def a_hooked_lab(wall: Wall | None = None, path: str = ":memory:") -> Lab:
    lab = a_lab(wall, path=path)
    assert ask(lab, "POST", "pushes", HOOK)[0] == 200
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    return lab


def deliver(lab: Lab, receiver: Receiver, wall: Wall | None = None, rounds: int = 30) -> None:
    """As the server does; the wall moves on a second each time nothing is due."""

    async def until_quiet() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as http:
            for _ in range(rounds):
                if not await pushing.deliver_due(lab, http) and wall:
                    wall.now += dt.timedelta(seconds=1)

    asyncio.run(until_quiet())


def test_each_event_that_the_side_words_is_pushed_in_order():
    lab, receiver = a_hooked_lab(), Receiver()
    book_one(client(lab), COLLECTS)
    days_pass(lab)
    deliver(lab, receiver)
    assert receiver.told() == ["booked", "out_for_pickup", "picked_up", "out_for_delivery", "delivered"]


def test_what_happens_to_different_consignments_is_pushed_in_the_order_it_happens():
    lab, receiver = a_hooked_lab(), Receiver()
    http = client(lab)
    late, early = book_one(http, COLLECTS), book_one(http, COLLECTS)
    http.post(f"/again/{late}?day=2026-11-26")
    http.post(f"/again/{early}?day=2026-11-25")
    days_pass(lab, 5)
    deliver(lab, receiver)
    assert [r.content[8:16].decode() for r in receiver.requests if b"picked_up" in r.content] == [early, late]


def test_a_push_carries_the_hooks_headers_and_the_sides():
    lab, receiver = a_hooked_lab(), Receiver()
    book_one(client(lab), COLLECTS)
    deliver(lab, receiver)
    request = receiver.requests[0]
    assert (request.method, str(request.url), request.content) == ("POST", HOOK["url"], b'{"awb":"SW000001","event":"booked"}')
    assert [request.headers[name] for name in ("content-type", "x-from", "x-secret")] == ["application/json", "lab", "s3"]


def test_a_push_is_tried_again_until_the_answer_is_2xx_and_the_later_ones_wait():
    wall = Wall()
    lab, receiver = a_hooked_lab(wall), Receiver(500, 0, 302, 404)
    book_one(client(lab), COLLECTS)
    days_pass(lab, 1)
    deliver(lab, receiver, wall)
    assert receiver.told() == ["booked"] * 5 + ["out_for_pickup", "picked_up"]


def test_one_consignments_trouble_does_not_hold_up_the_others():
    lab, receiver = a_hooked_lab(), Receiver(500)
    for _ in (1, 2):
        book_one(client(lab), COLLECTS)
    deliver(lab, receiver)
    assert [r.content for r in receiver.requests] == [f'{{"awb":"SW00000{n}","event":"booked"}}'.encode() for n in (1, 2)]


def test_the_pauses_grow_to_half_a_minute():
    wall = Wall()
    lab, receiver = a_hooked_lab(wall), Receiver(*[500] * 8)
    book_one(client(lab), COLLECTS)
    times = []
    for _ in range(200):
        tries = len(receiver.requests)
        deliver(lab, receiver, rounds=1)
        if len(receiver.requests) > tries:
            times.append(wall.now)
        wall.now += dt.timedelta(seconds=1)
    pauses = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_after_an_hour_a_push_is_given_up():
    wall = Wall()
    lab, receiver = a_hooked_lab(wall), Receiver(*[500] * 999)
    book_one(client(lab), COLLECTS)
    for _ in range(150):
        deliver(lab, receiver, rounds=1)
        wall.now += dt.timedelta(seconds=30)
    assert ask(lab, "GET", "pushes") == (
        200,
        {"pushes": [{"carrier": "swiftline", "account": ACCOUNT, "url": HOOK["url"], "pending": 0}]},
    )
    assert 115 < len(receiver.requests) < 130


def test_doubled_scans_are_pushed_twice_and_swapped_ones_out_of_order():
    lab, receiver = a_hooked_lab(), Receiver()
    book_one(client(lab), TWICE)
    days_pass(lab, 1)
    deliver(lab, receiver)
    assert receiver.told() == ["booked", "out_for_pickup", "out_for_pickup", "picked_up", "picked_up"]
    receiver.requests.clear()
    book_one(client(lab), SWAPPED)
    days_pass(lab, 1.5)
    deliver(lab, receiver)
    assert [told for told in receiver.told() if "pick" in told] == ["picked_up", "out_for_pickup"]


def test_a_visit_planned_anew_is_pushed():
    lab, receiver = a_hooked_lab(), Receiver()
    http = client(lab)
    awb = book_one(http, FAILS_ONCE)
    days_pass(lab, 0.8)
    http.post(f"/again/{awb}")
    deliver(lab, receiver)
    assert receiver.told() == ["booked", "out_for_pickup", "pickup_failed", "pickup_scheduled"]


def test_of_a_consignment_whose_pushes_are_lost_only_those_hear_who_ask():
    lab, receiver = a_hooked_lab(), Receiver()
    a_rule(lab, "pushes_lost", times=1)
    book_one(client(lab), COLLECTS)
    days_pass(lab)
    deliver(lab, receiver)
    assert (receiver.told(), story(lab)[-1]) == ([], "= delivered")


def test_without_a_hook_nothing_is_queued():
    lab, receiver = a_lab(), Receiver()
    book_one(client(lab), COLLECTS)
    ask(lab, "POST", "pushes", HOOK)
    deliver(lab, receiver)
    assert receiver.requests == []


def test_a_side_may_register_the_hook_itself():
    lab, receiver = a_lab(), Receiver()
    http = client(lab)
    http.put("/memory/push", json={"url": "http://localhost:7/own", "secret": "own"})
    book_one(http, COLLECTS)
    deliver(lab, receiver)
    assert [(str(r.url), r.headers["x-secret"]) for r in receiver.requests] == [("http://localhost:7/own", "own")]


def test_pushes_follow_the_hook_when_it_moves_and_end_with_it():
    lab, receiver = a_hooked_lab(), Receiver()
    http = client(lab)
    book_one(http, COLLECTS)
    ask(lab, "POST", "pushes", HOOK | {"url": "http://127.0.0.1:7/moved"})
    deliver(lab, receiver)
    book_one(http, COLLECTS)
    http.put("/memory/push", content=b"null")
    deliver(lab, receiver)
    assert [r.url.path for r in receiver.requests] == ["/moved"]
    assert lab.books.pending("swiftline", ACCOUNT) == 0


@pytest.mark.parametrize(
    "url", ["https://example.com/", "http://10.0.0.1/", "http://169.254.169.254/", "ftp://localhost/", "localhost", "http://[bad"]
)
def test_pushes_never_leave_the_machine(url: str):
    lab, receiver = a_lab(), Receiver()
    assert ask(lab, "POST", "pushes", HOOK | {"url": url}) == (
        400,
        {"error": "the lab pushes to loopback addresses only", "field": "url"},
    )
    http = client(lab)
    http.put("/memory/push", json={"url": url})
    book_one(http, COLLECTS)
    deliver(lab, receiver)
    assert receiver.requests == []


def test_undelivered_pushes_are_still_there_after_a_restart(tmp_path: Path):
    path = str(tmp_path / "lab.db")
    lab, receiver = a_hooked_lab(path=path), Receiver()
    book_one(client(lab), COLLECTS)
    lab.close()
    deliver(a_lab(path=path), receiver)
    assert receiver.told() == ["booked"]


def test_the_server_delivers_by_itself_and_logs_nothing_personal(caplog: pytest.LogCaptureFixture):
    """First nobody listens at the hook, then the lab's own sign-in does."""
    caplog.set_level(logging.DEBUG)
    lab = Lab({"swiftline": SIDE})
    with running(lab) as url, httpx.Client(base_url=url, headers={"authorization": ACCOUNT}) as http:
        http.post("/_lab/pushes", json=HOOK | {"url": "http://127.0.0.1:9/nobody-there"})
        http.post("/swiftline/book", json={"reference": "r", "phone": "9812345678", "name": "Asha Invented"})
        wait_until(lambda: "push failed" in caplog.text)
        http.post("/_lab/pushes", json=HOOK | {"url": f"{url}/swiftline/sign-in?user=u"})
        wait_until(lambda: http.get("/_lab/pushes").json()["pushes"][0]["pending"] == 0)
        assert [c["operation"] for c in http.get("/_lab/calls").json()["calls"]] == ["sign_in", "book"]
    assert "push failed: carrier=swiftline try=1 error=ConnectError" in caplog.text
    assert not any(word in caplog.text for word in ("9812345678", "Asha"))
