"""Pushes: how they are signed, and what they tell."""

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from adapters.contract.carrier import Pushed
from adapters.contract.errors import Misread
from adapters.contract.scans import Milestone, Scan, Tracked
from adapters.easypost.callback import read_callback, sign

from .examples import AWB

BODY = json.dumps(
    {
        "object": "Event",
        "id": "evt_1",
        "description": "tracker.updated",
        "result": {
            "object": "Tracker",
            "tracking_code": AWB,
            "carrier": "UPS",
            "status": "delivered",
            "status_detail": "arrived_at_destination",
            "updated_at": "2026-03-14T20:00:00Z",
            "tracking_details": [
                {
                    "status": "delivered",
                    "status_detail": "arrived_at_destination",
                    "datetime": "2026-03-14T20:00:00Z",
                    "message": "At door",
                }
            ],
        },
    }
).encode()
TOLD = Tracked(
    awb=AWB,
    scans=(
        Scan(
            code="delivered/arrived_at_destination",
            at=dt.datetime(2026, 3, 14, 20, tzinfo=dt.UTC),
            milestone=Milestone.DELIVERED,
            text="At door",
        ),
    ),
    moved_by="ups",
)


def signature(key: bytes, text: bytes) -> str:
    return "hmac-sha256-hex=" + hmac.new(key, text, hashlib.sha256).hexdigest()


def pushed(headers: dict[str, str], body: bytes = BODY, secret: str = "bell") -> Pushed:
    return read_callback(headers, body, {"webhook_secret": secret} if secret else {})


def test_a_signed_push_tells_of_its_parcel() -> None:
    found = pushed({"X-Hmac-Signature": signature(b"bell", BODY)})
    assert found == Pushed(verified=True, tracked=(TOLD,))


def test_the_secret_is_decomposed_before_it_is_a_key() -> None:
    decomposed = b"clochette-e\xcc\x81troite"  # e and its accent, apart
    headers = {"x-hmac-signature": signature(decomposed, BODY)}
    assert [pushed(headers, secret=secret).verified for secret in ("clochette-étroite", "clochette-e\u0301troite")] == [True, True]


def test_a_known_vector() -> None:
    # RFC 4231, test case 2
    signed = "hmac-sha256-hex=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", "Jefe") == signed


def newer(key: bytes = b"bell", **changes: str) -> dict[str, str]:
    """The newer signature: over time, method, path and body."""
    headers = {"X-Timestamp": "Wed, 11 Mar 2026 15:00:00 GMT", "X-Path": "/hooks/1"} | changes
    text = f"{headers['X-Timestamp']}POST{headers['X-Path']}".encode() + BODY
    return headers | {"X-Hmac-Signature-V2": signature(key, text)}


def test_the_newer_signature_will_do_as_well() -> None:
    assert pushed(newer()).verified
    assert pushed({"X-Hmac-Signature": "hmac-sha256-hex=00", **newer()}).verified


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hmac-Signature": ""},
        {"X-Hmac-Signature": signature(b"another", BODY)},
        {"X-Hmac-Signature": signature(b"bell", BODY).removeprefix("hmac-sha256-hex=")},
        {"X-Hmac-Signature": signature(b"bell", BODY).upper()},
        {"X-Hmac-Signature": signature(b"bell", BODY + b" ")},
        {"X-Hmac-Signature": "h\xe9"},
        newer(b"another"),
        {**newer(), "X-Timestamp": "Wed, 11 Mar 2026 15:00:01 GMT"},
        {**newer(), "X-Path": "/hooks/2"},
    ],
)
def test_a_push_that_is_not_signed_so_is_only_a_hint(headers: dict[str, str]) -> None:
    assert pushed(headers) == Pushed(verified=False, tracked=(TOLD,))


def test_without_a_secret_nothing_is_verified() -> None:
    assert not pushed({"X-Hmac-Signature": signature(b"", BODY)}, secret="").verified


def event(description: str, result: Any) -> bytes:
    return json.dumps({"object": "Event", "description": description, "result": result}).encode()


@pytest.mark.parametrize("description", ["tracker.created", "tracker.updated", "shipment.tracker.moved"])
def test_every_event_with_a_tracker_is_read(description: str) -> None:
    assert pushed({}, event(description, json.loads(BODY)["result"])).tracked == (TOLD,)


@pytest.mark.parametrize(
    ("description", "kind"), [("refund.successful", "Refund"), ("batch.created", "Batch"), ("insurance.purchased", "Insurance")]
)
def test_an_event_about_something_else_tells_of_no_parcel(description: str, kind: str) -> None:
    assert pushed({}, event(description, {"object": kind})).tracked == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        event("", {"object": "Tracker"}),
        event("tracker.updated", {"object": "Batch"}),
        event("tracker.updated", {"object": "Tracker", "tracking_code": " ", "status": "delivered"}),
        event("refund.successful", None),
        BODY.replace(b'"Event"', b'"Tracker"'),
        BODY.replace(b"2026-03-14T20:00:00Z", b"soon"),
    ],
)
def test_what_is_no_event_is_misread(body: bytes) -> None:
    with pytest.raises(Misread):
        pushed({}, body)
