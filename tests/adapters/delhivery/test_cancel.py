from __future__ import annotations

import json

import pytest

from adapters.contract.carrier import Cancelled
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.delhivery import cancel

from .examples import AWB, access, booking, says

XML = "<?xml version='1.0'?><root><status>{status}</status><waybill>{awb}</waybill><remark>{remark}</remark></root>"
DONE = "Shipment has been cancelled."


def test_a_cancel_says_true_as_a_text():
    request = cancel.build(booking(), access(), {})
    assert (request.method, str(request.url)) == ("POST", "https://dlv.example/api/p/edit")
    assert json.loads(request.content) == {"waybill": AWB, "cancellation": "true"}
    assert (request.headers["content-type"], request.headers["accept"]) == ("application/json", "application/json")


@pytest.mark.parametrize(
    "body",
    [
        {"status": True, "waybill": AWB, "remark": DONE, "order_id": "bkg_01jd"},
        {"status": "True", "waybill": AWB, "remark": DONE, "error": None},
        XML.format(status="True", awb=AWB, remark=DONE).encode(),
        b"<root><status>True</status></root>",
    ],
)
def test_json_and_xml_confirm_alike(body):
    assert cancel.parse(says(body), booking(), {}) == Cancelled()


def test_a_repeated_cancel_may_be_asked():
    assert cancel.CANCEL.repeatable


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"status": False, "waybill": AWB, "error": "Shipment could not be updated"}, RefusalKind.WRONG_STATE),
        (
            XML.format(status="False", awb=AWB, remark="Incorrect Waybill/OrderID, please try again").encode(),
            RefusalKind.INVALID_REQUEST,
        ),
        (
            {
                "status": "Failure",
                "error": "Shipment status cannot be changed as shipment is either picked up or already in return flow",
            },
            RefusalKind.TOO_LATE,
        ),
    ],
)
def test_a_refused_cancel_says_why(body, kind):
    with pytest.raises(Refused) as caught:
        cancel.parse(says(body), booking(), {})
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    "body",
    [
        {"status": True, "waybill": AWB, "order_id": "bkg_01jd"},
        {"status": True, "remark": DONE},
        XML.format(status="True", awb=AWB, remark="Address changed").encode(),
        b"<root><status>True</status><waybill/><order_id>bkg_other</order_id><remark/></root>",
        b"<root><status>True</status><order_id>bkg_other</order_id></root>",
        f'{{"status": "Failure", "status": true, "waybill": "{AWB}", "remark": "{DONE}"}}'.encode(),
        XML.format(status="True", awb="1", remark=DONE).encode(),
        {"status": True, "waybill": "1", "remark": DONE},
        {},
        b"<html><body>cancelled: true</body></html>",
    ],
)
def test_a_yes_to_something_else_cancels_nothing(body):
    with pytest.raises(Misread):
        cancel.parse(says(body), booking(), {})
