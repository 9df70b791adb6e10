"""Wire faults: what the caller sees and what the books hold, without sockets and over real ones; rules and magic values."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from adapters.lab.engine import Lab
from adapters.lab.exchange import SocketFault
from adapters.lab.faults import PHONES, WIRE, Ending, Kind
from adapters.lab.server import running
from adapters.lab.side import Reply
from tests.lab.swiftline import ACCOUNT, SIDE, a_lab, a_rule, ask, client, days_pass, story

READ_TIMEOUT, BROKEN = "ReadTimeout", "RemoteProtocolError"

# kind, what the caller of a booking sees (a patient one, of 0.3 s), how many bookings the books hold then
SEEN = [
    (Kind.REFUSE, (400, {"error": "swiftline says 400"}), 0),
    (Kind.ERROR_IN_200, (200, {"error": "swiftline says 200"}), 0),
    (Kind.THROTTLE, (429, {"error": "swiftline says 429"}), 0),
    (Kind.SERVER_ERROR, (500, {"error": "swiftline says 500"}), 0),
    (Kind.SERVER_ERROR_BOOKED, (500, {"error": "swiftline says 500"}), 1),
    (Kind.TIMEOUT_UNBOOKED, READ_TIMEOUT, 0),
    (Kind.TIMEOUT_BOOKED, READ_TIMEOUT, 1),
    (Kind.DROP_BEFORE_COMMIT, BROKEN, 0),
    (Kind.DROP_AFTER_COMMIT, BROKEN, 1),
    (Kind.TRUNCATED, BROKEN, 1),
    (Kind.HTML, (200, "502 Bad Gateway"), 0),
    (Kind.SLOW, READ_TIMEOUT, 1),
]
MAGIC = {fault.kind: digits for digits, fault in PHONES.items() if fault.kind in WIRE}


def seen(http: httpx.Client, phone: str = "9123456789", reference: str = "r1") -> Any:
    """Status and JSON of a booking (or the heading of a page), or the name of the httpx error."""
    try:
        answer = http.post("/book", json={"reference": reference, "phone": phone})
    except httpx.TransportError as error:
        return type(error).__name__
    page = answer.headers["content-type"] == "text/html"
    return answer.status_code, answer.text.split("<h1>")[1].split("<")[0] if page else answer.json()


def booked(lab: Lab) -> int:
    return len(list(lab.books.consignments()))


@contextlib.contextmanager
def over_sockets(lab: Lab) -> Iterator[httpx.Client]:
    with running(lab) as url, httpx.Client(base_url=f"{url}/swiftline", headers={"authorization": ACCOUNT}, timeout=0.3) as http:
        yield http


@contextlib.contextmanager
def in_process(lab: Lab) -> Iterator[httpx.Client]:
    with client(lab) as http:
        http.timeout = httpx.Timeout(0.3)
        yield http


def test_every_wire_fault_is_tried_here():
    assert {kind for kind, *_ in SEEN} == WIRE.keys() == MAGIC.keys()


@pytest.mark.parametrize("way", [in_process, over_sockets])
@pytest.mark.parametrize(("kind", "sees", "books"), SEEN)
def test_a_rule_breaks_the_call_as_its_kind_says(way, kind: Kind, sees: object, books: int):
    lab = a_lab()
    a_rule(lab, kind, times=1)
    with way(lab) as http:
        assert (seen(http), booked(lab)) == (sees, books)
        assert seen(http, reference="r2") == (200, {"awb": f"SW{books + 1:06d}"})


@pytest.mark.parametrize("way", [in_process, over_sockets])
@pytest.mark.parametrize(("kind", "sees", "books"), SEEN)
def test_a_magic_phone_breaks_the_booking_without_any_rule(way, kind: Kind, sees: object, books: int):
    lab = a_lab()
    with way(lab) as http:
        assert (seen(http, phone=f"+91 91230000{MAGIC[kind]}"), booked(lab)) == (sees, books)


@pytest.mark.parametrize("kind", sorted(WIRE.keys() - {Kind.REFUSE, Kind.ERROR_IN_200}))
def test_a_magic_phone_breaks_a_reference_once_so_that_asking_again_succeeds(kind: Kind):
    lab = a_lab()
    with in_process(lab) as http:
        first = seen(http, phone=f"91230000{MAGIC[kind]}")
        second = seen(http, phone=f"91230000{MAGIC[kind]}")
        other = seen(http, phone=f"91230000{MAGIC[kind]}", reference="r2")
    assert (second, other) == ((200, {"awb": f"SW{booked(lab) - WIRE[kind].works:06d}"}), first)


def test_a_magic_fault_that_a_rule_came_before_is_still_to_come():
    lab = a_lab()
    a_rule(lab, "server_error", times=1)
    with in_process(lab) as http:
        assert [seen(http, phone="9123000025")[0] for _ in range(3)] == [500, 429, 200]


@pytest.mark.parametrize("kind", [Kind.REFUSE, Kind.ERROR_IN_200])
def test_a_magic_refusal_stays_one(kind: Kind):
    lab = a_lab()
    with in_process(lab) as http:
        assert seen(http, phone=f"91230000{MAGIC[kind]}") == seen(http, phone=f"91230000{MAGIC[kind]}")


def test_a_magic_phone_can_mean_one_carrier_only():
    lab = Lab({"swiftline": SIDE, "acorn": SIDE})  # acorn is number 1, swiftline number 2
    answers = {
        (carrier, phone): client(lab, carrier=carrier).post("/book", json={"reference": "r", "phone": phone}).status_code
        for carrier in ("acorn", "swiftline")
        for phone in ("9123010020", "9123020020", "9123000020")
    }
    assert [key for key, status in answers.items() if status == 400] == [
        ("acorn", "9123010020"),
        ("acorn", "9123000020"),
        ("swiftline", "9123020020"),
        ("swiftline", "9123000020"),
    ]


@pytest.mark.parametrize("phone", ["9123100020", "9123000120", "9123000099", "20", ""])
def test_other_phones_are_not_magic(phone: str):
    with in_process(a_lab()) as http:
        assert seen(http, phone=phone) == (200, {"awb": "SW000001"})


@pytest.mark.parametrize(
    ("postal_code", "sees"),
    [
        ("999001", READ_TIMEOUT),
        ("999002", READ_TIMEOUT),
        ("999003", BROKEN),
        ("999004", 429),
        ("999005", 500),
        ("999006", BROKEN),
        ("999007", 200),
        ("999008", 200),
        ("999104", 429),
        ("999204", "minor"),
        ("1999004", "minor"),
        ("999099", "minor"),
        ("999009", "we do not go there"),
    ],
)
def test_a_magic_postal_code_breaks_every_call_that_names_it_and_books_nothing(postal_code: str, sees: object):
    with in_process(a_lab()) as http:
        try:
            answer = http.get(f"/price?from={postal_code}&to=400001")
        except httpx.TransportError as error:
            assert type(error).__name__ == sees
        else:
            assert sees == answer.status_code or str(sees) in answer.text
        assert http.post("/book", json={"reference": "r", "origin": postal_code}).status_code == 200


# --- rules: whom they strike, and how often -------------------------------------------------------


def statuses(http: httpx.Client, count: int) -> list[int]:
    return [http.get("/price?from=560001&to=400001").status_code for _ in range(count)]


def test_a_rule_strikes_after_so_many_calls_and_so_many_times():
    lab = a_lab()
    a_rule(lab, "server_error", operation="quote", after=2, times=3)
    assert statuses(client(lab), 7) == [200, 200, 500, 500, 500, 200, 200]


def test_a_rule_strikes_always_until_it_is_deleted():
    lab = a_lab()
    a_rule(lab, "refuse", status=422)
    assert statuses(client(lab), 3) == [422] * 3
    assert ask(lab, "DELETE", "faults?id=1") == (200, {"deleted": 1})
    assert statuses(client(lab), 1) == [200]


def test_a_rule_strikes_only_its_operation_and_its_account():
    lab = a_lab()
    a_rule(lab, "server_error", operation="quote", account=ACCOUNT)
    ours, others = client(lab), client(lab, "lab_bela")
    answers = [
        statuses(ours, 1),
        statuses(others, 1),
        ours.get("/find?reference=r").status_code,
    ]
    assert answers == [[500], [200], 200]


def test_a_rule_with_a_probability_strikes_about_that_often():
    lab = a_lab()
    a_rule(lab, "server_error", probability=0.3)
    assert 30 < statuses(client(lab), 150).count(500) < 60


def test_the_first_rule_that_fires_ends_the_call():
    lab = a_lab()
    a_rule(lab, "server_error", times=1)
    a_rule(lab, "throttle", times=1, retry_after=7)
    http = client(lab)
    answers = [http.get("/price?from=1&to=2") for _ in range(3)]
    assert [(a.status_code, a.headers.get("retry-after")) for a in answers] == [(500, None), (429, "7"), (200, None)]


def test_a_throttle_names_half_a_minute_unless_told_otherwise():
    lab = a_lab()
    a_rule(lab, "throttle")
    assert client(lab).get("/price?from=1&to=2").headers["retry-after"] == "30"


def test_a_world_rule_marks_the_bookings_it_fires_on():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    a_rule(lab, "visit_fails", reason="address_incomplete", visits=1, times=1, operation="book")
    http = client(lab)
    for reference in ("r1", "r2"):
        http.post("/book", json={"reference": reference})
    days_pass(lab)
    assert (story(lab)[2], story(lab)[4]) == ("pickup_failed: address_incomplete", "picked_up")
    assert story(lab, "SW000002")[2] == "picked_up"


def test_a_booking_that_was_undone_does_not_use_up_a_world_rule():
    lab = a_lab()
    a_rule(lab, "silent", times=1)
    a_rule(lab, "drop_before_commit", times=1)
    with in_process(lab) as http:
        assert [seen(http), seen(http)] == [BROKEN, (200, {"awb": "SW000001"})]
    days_pass(lab, 30)
    assert story(lab) == ["pickup_scheduled", "= scheduled"]


def test_a_batch_that_was_undone_does_not_use_up_a_world_rule():
    lab = a_lab()
    a_rule(lab, "silent", times=1)
    batch = [{"reference": "r1"}, {"reference": "r2", "phone": "9123000023"}]
    with in_process(lab) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/book-many", json=batch)
        assert http.post("/book-many", json=batch).json() == {"awbs": ["SW000001", "SW000002"]}
    days_pass(lab, 30)
    assert (story(lab), len(story(lab, "SW000002")) > 2) == (["pickup_scheduled", "= scheduled"], True)


def test_a_slow_answer_is_the_right_one_for_a_patient_caller():
    lab = a_lab()
    a_rule(lab, "slow", delay_ms=150)
    with over_sockets(lab) as http:
        answer = http.post("/book", json={"reference": "r"})
    assert (answer.json(), answer.elapsed > dt.timedelta(milliseconds=140)) == ({"awb": "SW000001"}, True)


def test_even_an_empty_reply_can_be_truncated():
    empty = msgspec.structs.replace(SIDE.routes[0], handle=lambda call, desk: Reply())
    lab = a_lab(routes=(empty,))
    a_rule(lab, "truncated")
    with over_sockets(lab) as http:
        assert seen(http) == BROKEN


def test_without_a_transport_a_broken_call_raises_how_it_ended():
    lab = a_lab()
    a_rule(lab, "truncated")
    with pytest.raises(SocketFault) as broken:
        lab.answer("GET", "http://lab/swiftline/find?reference=r", {"Authorization": ACCOUNT})
    assert broken.value.ending is Ending.CUT


async def _book_async(lab: Lab) -> int:
    async with httpx.AsyncClient(transport=lab.transport(), base_url="http://lab/swiftline") as http:
        answer = await http.post("/book", json={"reference": "r"}, headers={"authorization": ACCOUNT})
        return answer.status_code


def test_the_transport_serves_async_clients_too():
    assert asyncio.run(_book_async(a_lab())) == 200
