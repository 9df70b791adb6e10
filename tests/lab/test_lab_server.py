"""The lab on a real socket: HTTP as clients speak it, delays that hold nothing up, and a kill -9 that loses nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.lab.server import running
from tests.lab.swiftline import ACCOUNT, COLLECTS, MONDAY, Wall, a_lab, a_rule, ask, book_one, wait_until

AUTHORIZED = {"authorization": ACCOUNT}


def exchange(url: str, sent: bytes) -> list[bytes]:
    """Raw bytes to the lab; the statuses of all its answers until it closes or falls silent."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port), timeout=0.3) as connection:
        connection.sendall(sent)
        return re.findall(rb"HTTP/1.1 (\d+)", received(connection))


def received(connection: socket.socket) -> bytes:
    gathered = b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while data := connection.recv(65536):
            gathered += data
    return gathered


def test_one_connection_carries_many_calls():
    with running(a_lab()) as url, httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        ports = {
            http.get("/swiftline/find?reference=r").extensions["network_stream"].get_extra_info("client_addr") for _ in range(5)
        }
    assert len(ports) == 1


def test_pipelined_calls_are_answered_in_order():
    lab = a_lab()
    a_rule(lab, "slow", times=1, delay_ms=50)
    first = b"GET /swiftline/find?reference=r HTTP/1.1\r\nhost: lab\r\nauthorization: lab_anita\r\n\r\n"
    second = b"GET /swiftline/nowhere HTTP/1.1\r\nhost: lab\r\n\r\n"
    with running(lab) as url:
        assert exchange(url, first + second) == [b"200", b"404"]


def test_who_hangs_up_before_the_answer_has_booked_all_the_same():
    lab = a_lab()
    ask(lab, "POST", "latency", {"carrier": "swiftline", "operation": "book", "ms": 100})
    head = b"POST /swiftline/book HTTP/1.1\r\nhost: lab\r\nauthorization: lab_anita\r\ncontent-length: 17\r\n\r\n"
    with running(lab) as url:
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port)) as connection:
            connection.sendall(head + b'{"reference":"r"}')
        wait_until(lambda: bool(httpx.get(f"{url}/_lab/books").json()["consignments"]))
        assert [c["reference"] for c in httpx.get(f"{url}/_lab/books").json()["consignments"]] == ["r"]


def test_what_is_no_http_ends_the_connection():
    with running(a_lab()) as url:
        assert exchange(url, b"EHLO lab\r\n\r\n") == []
        assert httpx.get(f"{url}/_lab/health").status_code == 200


def test_a_body_beyond_all_measure_ends_the_connection():
    head = b"POST /swiftline/book HTTP/1.1\r\nhost: lab\r\nauthorization: lab_anita\r\ncontent-length: 9000000\r\n\r\n"
    with running(a_lab()) as url, contextlib.suppress(ConnectionError):
        assert exchange(url, head + b"x" * 9_000_000) == []


def test_a_client_that_asks_first_is_told_to_go_on():
    head = b"POST /swiftline/book HTTP/1.1\r\nhost: lab\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    with running(a_lab()) as url:
        assert exchange(url, head) == [b"100"]
        assert exchange(url, head + b"{}") == [b"100", b"401"]


def test_a_client_that_wants_the_connection_closed_gets_it_closed():
    with running(a_lab()) as url, httpx.Client() as http:
        answer = http.get(f"{url}/_lab/health", headers={"connection": "close"})
    assert (answer.status_code, answer.headers.get("connection")) == (200, "close")


def test_a_head_request_is_answered_without_a_body():
    with running(a_lab()) as url:
        assert httpx.head(f"{url}/_lab/health").status_code == 404


def test_links_a_side_hands_out_lead_to_the_host_that_was_asked():
    with running(a_lab()) as url:
        assert f"http://{httpx.post(f'{url}/swiftline/sign-in?user=u').json()['links_to']}" == f"{url}/swiftline"


def test_a_fixed_latency_holds_every_answer_of_the_operation_back_and_no_other():
    lab = a_lab()
    with running(lab) as url, httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        http.post("/_lab/latency", json={"carrier": "swiftline", "ms": 20})
        http.post("/_lab/latency", json={"carrier": "swiftline", "operation": "quote", "ms": 120})
        quote, find, admin = (
            http.get(path).elapsed / dt.timedelta(milliseconds=1)
            for path in ("/swiftline/price?from=1&to=2", "/swiftline/find?reference=r", "/_lab/health")
        )
    assert admin < 20 <= find < 120 <= quote


def test_slow_answers_do_not_hold_each_other_up():
    lab = a_lab()
    lab.set_latency("swiftline", "", 200)
    with running(lab) as url, httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        threads = [threading.Thread(target=http.get, args=("/swiftline/find?reference=r",)) for _ in range(8)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert time.monotonic() - began < 0.8


def test_time_passes_without_any_call():
    wall = Wall()
    with running(a_lab(wall)) as url, httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        book_one_at(http)
        wall.now += dt.timedelta(days=14)
        wait_until(lambda: http.get("/_lab/books").json()["consignments"][0]["state"] == "delivered")
        assert http.get("/_lab/books").json()["consignments"][0]["state"] == "delivered"


def test_the_lab_stops_while_a_call_hangs():
    lab = a_lab()
    a_rule(lab, "timeout_booked")
    began = time.monotonic()
    with running(lab) as url, contextlib.suppress(httpx.ReadTimeout):
        httpx.post(f"{url}/swiftline/book", json={"reference": "r"}, headers=AUTHORIZED, timeout=0.1)
    assert time.monotonic() - began < 2


def test_a_bug_in_a_side_ends_its_connection_and_logs_where_but_not_what(caplog: pytest.LogCaptureFixture):
    with running(a_lab()) as url, httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/swiftline/cancel/9812345678")
        assert http.get("/_lab/health").status_code == 200
    assert "KeyError at" in caplog.text
    assert "9812345678" not in caplog.text


# --- kill -9 --------------------------------------------------------------------------------------

_PROGRAM = """
import asyncio, sys
from adapters.lab.server import serve
from tests.lab.swiftline import a_lab
asyncio.run(serve(a_lab(path=sys.argv[1]), port=0, started=lambda url: print(url, flush=True)))
"""


@contextlib.contextmanager
def a_process(books: Path) -> Iterator[tuple[str, int]]:
    """The lab in a process of its own: base URL and pid. Killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(books)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_killed_lab_has_lost_nothing(tmp_path: Path):
    books = tmp_path / "lab.db"
    clock = {"carrier": "swiftline", "account": ACCOUNT, "offset_seconds": 7200}
    with a_process(books) as (url, pid), httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        http.post("/_lab/clock", json=clock)
        http.post("/_lab/faults", json={"carrier": "swiftline", "kind": "throttle", "operation": "quote", "times": 2})
        http.post("/_lab/seed", json={"seed": 77})
        http.post("/_lab/latency", json={"carrier": "swiftline", "operation": "cancel", "ms": 1})
        http.post("/_lab/pushes", json={"carrier": "swiftline", "account": ACCOUNT, "url": "http://127.0.0.1:9/"})
        http.put("/swiftline/memory/note", json={"kept": True}).raise_for_status()
        assert http.get("/swiftline/price?from=1&to=2").status_code == 429
        awbs = [book_one_at(http) for _ in range(20)]
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(httpx.TransportError):
            book_one_at(http)

    with a_process(books) as (url, _), httpx.Client(base_url=url, headers=AUTHORIZED) as http:
        assert [c["awb"] for c in http.get("/_lab/books").json()["consignments"]] == awbs
        assert http.get("/_lab/clock").json()["clocks"][0]["offset_seconds"] == 7200
        assert [(f["kind"], f["fired"]) for f in http.get("/_lab/faults").json()["faults"]] == [("throttle", 1)]
        assert http.get("/_lab/seed").json() == {"seed": 77}
        assert http.get("/_lab/latency").json() == {"latency": [{"carrier": "swiftline", "operation": "cancel", "ms": 1}]}
        assert http.get("/_lab/pushes").json()["pushes"][0]["pending"] == 20
        assert http.put("/swiftline/memory/note", json={}).json() == {"kept": True}
        assert book_one_at(http) == "SW000021"
        http.post("/_lab/clock", json=clock | {"offset_seconds": 14 * 86400})
        assert {c["state"] for c in http.get("/_lab/books").json()["consignments"]} == {"delivered"}


def test_what_was_answered_before_a_kill_is_in_the_books(tmp_path: Path):
    books = tmp_path / "lab.db"
    answered: list[str] = []
    with (
        a_process(books) as (url, pid),
        contextlib.suppress(httpx.TransportError),
        httpx.Client(base_url=url, headers=AUTHORIZED) as http,
    ):
        threading.Timer(0.25, os.kill, (pid, signal.SIGKILL)).start()
        while True:
            answered.append(book_one_at(http))
    written = [c["awb"] for c in ask(a_lab(path=str(books)), "GET", "books")[1]["consignments"]]
    assert answered
    assert written[: len(answered)] == answered
    assert len(written) - len(answered) in (0, 1)


def book_one_at(http: httpx.Client) -> str:
    """Books at a lab whose admin calls share the client."""
    answer = http.post("/swiftline/book", json={"reference": "r", "phone": COLLECTS})
    awb: str = answer.json()["awb"]
    return awb


def test_books_in_a_file_are_read_again_by_the_next_lab(tmp_path: Path):
    path = str(tmp_path / "lab.db")
    first = a_lab(path=path, seed=0)
    book_one(
        httpx.Client(transport=first.transport(), base_url="http://lab/swiftline", headers=AUTHORIZED), COLLECTS, reference="r9"
    )
    first.close()
    second = a_lab(path=path)
    assert (second.seed, [c["reference"] for c in ask(second, "GET", "books")[1]["consignments"]]) == (0, ["r9"])
    second.move_clock("swiftline", ACCOUNT, 14 * 86400)
    found = ask(second, "GET", "books")[1]["consignments"][0]
    assert (found["state"], found["created_at"]) == ("delivered", MONDAY.isoformat().replace("+00:00", "Z"))
