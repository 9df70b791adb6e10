from __future__ import annotations

import datetime as dt
import json

import pytest

from adapters.contract.carrier import Pushed
from adapters.contract.errors import Misread
from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from adapters.delhivery.callback import read_callback

from .examples import AWB, REFERENCE

SECRET = "loom-push-secret"
HEADERS = {"Content-Type": "application/json", "authorization": SECRET}


def push(**changes: object) -> bytes:
    status = {
        "Status": "Canceled",
        "StatusType": "CN",
        "StatusDateTime": "2026-11-24T17:10:42.767",
        "StatusLocation": "Blr_Koramangala_D (Karnataka)",
        "Instructions": "Cancelled the pickup request",
    }
    shipment = {"AWB": AWB, "ReferenceNo": REFERENCE, "NSLCode": "EOD-21", "Sortcode": "BLR/KOR", "PickUpDate": None}
    return json.dumps({"Shipment": shipment | {"Status": status} | changes}).encode()


def test_a_push_is_one_scan():
    scan = Scan(
        code="CN/EOD-21",
        at=dt.datetime(2026, 11, 24, 11, 40, 42, 767_000, tzinfo=dt.UTC),
        milestone=Milestone.CANCELLED,
        text="Canceled: Cancelled the pickup request",
        place="Blr_Koramangala_D (Karnataka)",
        reason=Reason.CANCELLED_BY_CUSTOMER,
    )
    told = Tracked(awb=AWB, scans=(scan,), carrier_reference=REFERENCE)
    assert read_callback(HEADERS, push(), {"push_secret": SECRET}) == Pushed(verified=True, tracked=(told,))


@pytest.mark.parametrize(
    ("headers", "secrets", "verified"),
    [
        ({"AUTHORIZATION": SECRET}, {"push_secret": SECRET}, True),
        ({"X-Loom": SECRET}, {"push_secret": SECRET, "push_header": "x-loom"}, True),
        ({"X-Loom": SECRET}, {"push_secret": SECRET}, False),
        ({"Authorization": "wrong"}, {"push_secret": SECRET}, False),
        ({}, {"push_secret": SECRET}, False),
        ({}, {}, False),
        ({"Authorization": ""}, {"push_secret": ""}, False),
        ({"Authorization": "sécret"}, {"push_secret": "sécret"}, True),
    ],
)
def test_only_the_secret_of_the_form_verifies(headers, secrets, verified):
    assert read_callback(headers, push(), secrets).verified is verified


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>",
        push()[:-3],
        push(AWB=""),
        push(Status={}),
        push(Status=None),
        json.dumps({"Doc": {}}).encode(),
    ],
)
def test_another_shape_is_misread(body):
    with pytest.raises(Misread):
        read_callback(HEADERS, body, {"push_secret": SECRET})
