"""Swiftline, an invented carrier with as little wire format as will do: what a `lab.py` looks like, and how tests arrange one."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from adapters.contract.scans import Milestone, Reason
from adapters.lab.engine import Lab
from adapters.lab.side import Call, Consignment, Desk, Event, Push, Reply, Route, Side, lab_credential

MONDAY = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)  # 08:30 in Kolkata: a booking is visited today
ACCOUNT = "lab_anita"
COLLECTS, FAILS_ONCE, FAILS_ALWAYS, NOBODY_CAME, QC_FAILS = "9123000000", "9123000001", "9123000008", "9123000007", "9123000009"
SILENT, LATE, TWICE, SWAPPED, LOST = "9123000010", "9123000011", "9123000012", "9123000013", "9123000014"


class Booking(msgspec.Struct, kw_only=True):
    reference: str
    phone: str = "9123456789"
    origin: str = "560001"
    destination: str = "400001"
    qc: bool = False
    name: str = "Asha Invented"


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(value))


def book(call: Call, desk: Desk) -> Reply:
    return _json({"awb": enter(msgspec.json.decode(call.body, type=Booking), desk)})


def book_many(call: Call, desk: Desk) -> Reply:
    return _json({"awbs": [enter(order, desk) for order in msgspec.json.decode(call.body, type=list[Booking])]})


def enter(order: Booking, desk: Desk) -> str:
    awb = f"SW{desk.next_number('awb'):06d}"
    desk.open(
        Consignment(
            awb=awb,
            reference=order.reference,
            origin=order.origin,
            destination=order.destination,
            created_at=desk.now,
            state="scheduled",
            phone=order.phone,
            details=msgspec.to_builtins(order),
            price_minor=9_900,
        )
    )
    return awb


def track(call: Call, desk: Desk) -> Reply:
    found = desk.by_awb(call.params["awb"])
    return _json({"events": found.events, "state": found.state}) if found else _json({"error": "no such awb"}, 404)


def find(call: Call, desk: Desk) -> Reply:
    return _json({"awbs": [c.awb for c in desk.by_reference(call.query["reference"])]})


def price(call: Call, desk: Desk) -> Reply:
    origin, destination = call.query["from"], call.query["to"]
    if not desk.serves(origin):
        return _json({"error": "we do not go there"})
    return _json({"minor": round(10_000 * desk.price_factor(origin, destination))})


def cancel(call: Call, desk: Desk) -> Reply:
    desk.cancel(call.params["awb"], Reason.CANCELLED_BY_MERCHANT)
    return _json({"cancelled": call.params["awb"]})


def again(call: Call, desk: Desk) -> Reply:
    day = call.query.get("day")
    desk.visit_again(call.params["awb"], dt.date.fromisoformat(day) if day else None)
    return _json({"again": call.params["awb"]})


def note(call: Call, desk: Desk) -> Reply:
    desk.update(call.params["awb"], note=call.query["text"])
    found = desk.by_awb(call.params["awb"])
    return _json(found and found.details)


def memory(call: Call, desk: Desk) -> Reply:
    """Keeps the body under a key, answers what was there before."""
    before = desk.recall(call.params["key"])
    desk.remember(call.params["key"], msgspec.json.decode(call.body))
    return _json(before)


def sign_in(call: Call, desk: Desk) -> Reply:
    return _json({"token": call.query["user"], "luck": desk.dice("sign_in"), "links_to": call.host})


def word(consignment: Consignment, event: Event, secret: str) -> Push | None:
    if event.milestone is Milestone.IN_TRANSIT:
        return None
    body = {"awb": consignment.awb, "event": event.milestone, "reason": event.reason}
    return Push(body=msgspec.json.encode(body), headers={"x-secret": secret})


def word_booking(consignment: Consignment, secret: str) -> Push | None:
    return Push(body=msgspec.json.encode({"awb": consignment.awb, "event": "booked"}), headers={"x-secret": secret})


SIDE = Side(
    carrier="swiftline",
    timezone="Asia/Kolkata",
    routes=(
        Route(method="POST", pattern="/book", operation="book", handle=book, commits=True),
        Route(method="POST", pattern="/book-many", operation="book", handle=book_many, commits=True),
        Route(method="GET", pattern="/track/{awb}", operation="track", handle=track),
        Route(method="GET", pattern="/find", operation="find", handle=find),
        Route(method="GET", pattern="/price", operation="quote", handle=price),
        Route(method="POST", pattern="/cancel/{awb}", operation="cancel", handle=cancel),
        Route(method="POST", pattern="/again/{awb}", operation="reattempt", handle=again),
        Route(method="POST", pattern="/note/{awb}", operation="edit_contact", handle=note),
        Route(method="PUT", pattern="/memory/{key}", operation="memory", handle=memory),
        Route(method="POST", pattern="/sign-in", operation="sign_in", handle=sign_in, open=True),
    ),
    account_of=lambda call: lab_credential(call.headers.get("authorization", "")),
    unauthorized=lambda call: _json({"error": "who are you?"}, 401),
    error=lambda status: _json({"error": f"swiftline says {status}"}, status),
    failures={
        Reason.CUSTOMER_UNAVAILABLE: 3.0,
        Reason.ADDRESS_INCOMPLETE: 1.0,
        Reason.NOT_ATTEMPTED: 1.0,
        Reason.MAX_VISITS_REACHED: 0.0,
    },
    qc_failures={Reason.QC_MISMATCH: 1.0},
    push=word,
    created=word_booking,
)


class Wall:
    """A wall clock that moves when it is told to."""

    def __init__(self, now: dt.datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


def a_lab(wall: Wall | None = None, seed: int | None = None, path: str = ":memory:", **changes: Any) -> Lab:
    return Lab({"swiftline": msgspec.structs.replace(SIDE, **changes)}, path, seed, wall or Wall())


def client(lab: Lab, account: str = ACCOUNT, carrier: str = "swiftline") -> httpx.Client:
    return httpx.Client(transport=lab.transport(), base_url=f"http://lab/{carrier}", headers={"authorization": account})


_references = itertools.count(1)


def book_one(http: httpx.Client, phone: str = "9123456789", **changes: Any) -> str:
    """The AWB."""
    body = {"reference": f"ref-{next(_references)}", "phone": phone} | changes
    awb: str = http.post("/book", json=body).raise_for_status().json()["awb"]
    return awb


def days_pass(lab: Lab, days: float = 14, account: str = ACCOUNT) -> None:
    lab.advance("swiftline", account, dt.timedelta(days=days))


def consignment(lab: Lab, awb: str = "SW000001", account: str = ACCOUNT) -> Consignment:
    entry = lab.books.entry("swiftline", account, awb)
    assert entry is not None
    return entry.consignment


def story(lab: Lab, awb: str = "SW000001") -> list[str]:
    """The consignment's events as "milestone" or "milestone: reason", and its state."""
    found = consignment(lab, awb)
    return [*(f"{e.milestone}: {e.reason}" if e.reason else str(e.milestone) for e in found.events), f"= {found.state}"]


def ask(lab: Lab, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One admin call: status and JSON."""
    answer = lab.answer(method, f"/_lab/{path}", body=b"" if body is None else msgspec.json.encode(body))
    return answer.status, msgspec.json.decode(answer.body)


def a_rule(lab: Lab, kind: str, **more: Any) -> None:
    status, reply = ask(lab, "POST", "faults", {"carrier": "swiftline", "kind": kind} | more)
    assert status == 200, reply


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
