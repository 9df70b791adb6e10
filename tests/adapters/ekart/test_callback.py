"""Pushes: verified or only a hint, and the booking they can tell of."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from adapters.contract.carrier import Pushed
from adapters.contract.errors import Misread
from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from adapters.ekart.callback import read_callback

from .examples import AWB, REFERENCE, SECRETS

UPDATED = {
    "ctime": 1_773_210_600_000,
    "status": "Not Picked",
    "location": "Domlur hub",
    "desc": "Customer not at home",
    "attempts": "1",
    "wbn": "318019134877",
    "id": AWB,
    "orderNumber": REFERENCE,
    "edd": 1_773_297_000_000,
}
CREATED = {"id": AWB, "wbn": "3496549343", "vendor": "EKART", "orderNumber": REFERENCE, "channelId": "69b10f28da60dcb528a11cad"}
AT = dt.datetime(2026, 3, 11, 6, 30, tzinfo=dt.UTC)


def pushed(body: object, headers: dict[str, str] | None = None, **settings: str) -> Pushed:
    return read_callback(headers or {}, json.dumps(body).encode(), SECRETS | settings)


def signature(body: object, secret: str = "push-secret") -> bytes:
    return hmac.new(secret.encode(), json.dumps(body).encode(), hashlib.sha256).digest()


def test_a_signed_update_is_a_verified_scan() -> None:
    # Header name (grade C) and hex (grade D) are assumed: both are settings.
    assert pushed(UPDATED, {"X-Ekart-Signature": signature(UPDATED).hex()}) == Pushed(
        verified=True,
        tracked=(
            Tracked(
                awb=AWB,
                scans=(
                    Scan(
                        code="Not Picked",
                        at=AT,
                        milestone=Milestone.PICKUP_FAILED,
                        text="Customer not at home",
                        place="Domlur hub",
                        reason=Reason.UNKNOWN,
                    ),
                ),
                carrier_reference=REFERENCE,
                expected_delivery=AT + dt.timedelta(days=1),
            ),
        ),
    )


def test_header_and_encoding_are_the_accounts() -> None:
    headers = {"x-hmac": base64.b64encode(signature(UPDATED)).decode()}
    assert pushed(UPDATED, headers, signature_header="X-Hmac", signature_encoding="base64").verified


@pytest.mark.parametrize("value", ["", "00", signature(UPDATED, "other-secret").hex(), "\u00e9"])
def test_a_wrong_signature_makes_it_a_hint(value: str) -> None:
    found = pushed(UPDATED, {"x-ekart-signature": value})
    assert (found.verified, found.tracked[0].awb) == (False, AWB)


def test_without_a_secret_nothing_is_verified() -> None:
    empty = signature(UPDATED, "").hex()
    assert not pushed(UPDATED, {"x-ekart-signature": empty}, webhook_secret="").verified
    assert not pushed(UPDATED).verified


def test_the_push_about_a_creation_brings_our_reference_and_the_tracking_id() -> None:
    # It brings no time; that the order id's first half tells it is assumed (grade D).
    scan = Scan(code="shipment_created", at=AT + dt.timedelta(seconds=40 * 60), milestone=Milestone.LABEL_CREATED)
    late = CREATED | {"channelId": f"{int(scan.at.timestamp()):x}da60dcb528a11cad"}
    assert pushed(late).tracked == (Tracked(awb=AWB, scans=(scan,), carrier_reference=REFERENCE),)


def test_an_order_id_that_tells_no_time_leaves_the_scan_out() -> None:
    assert pushed(CREATED | {"channelId": "A-17"}).tracked == (Tracked(awb=AWB, scans=(), carrier_reference=REFERENCE),)


def test_a_known_prefix_is_taken_off_our_reference() -> None:
    found = pushed(CREATED | {"orderNumber": f"KES-{REFERENCE}"}, order_number_prefix="KES-")
    assert found.tracked[0].carrier_reference == REFERENCE


def test_an_ndr_status_is_read_where_a_push_brings_one() -> None:
    assert pushed(UPDATED | {"ndrStatus": "Address Issue"}).tracked[0].scans[0].reason is Reason.ADDRESS_INCOMPLETE


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "x",
        {"id": ""},
        {"id": AWB},
        {"id": AWB, "status": "Delivered"},
        {"id": AWB, "channelId": "69b10f28da60dcb528a11cad"},
        UPDATED | {"status": ""},
        UPDATED | {"id": ""},
    ],
)
def test_what_is_none_of_the_topics_is_misread(body: Any) -> None:
    with pytest.raises(Misread):
        pushed(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", json.dumps(UPDATED).encode()[:-1]])
def test_nonsense_is_misread(body: bytes) -> None:
    with pytest.raises(Misread):
        read_callback({}, body, SECRETS)
