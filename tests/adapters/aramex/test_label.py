"""The label inside the answer."""

import base64
from typing import Any

import httpx
import pytest

from adapters.contract.carrier import Document
from adapters.contract.errors import Misread, RefusalKind, Refused

from .examples import NUMBER, answer, booking, built, fault, notifications, read, refused_building, sent

PDF = b"%PDF-1.4\n1 0 obj\n%%EOF\n"


def labelled(content: bytes = PDF, number: str = NUMBER, **more: Any) -> httpx.Response:
    inner = f"<LabelURL/><LabelFileContents>{base64.b64encode(content).decode()}</LabelFileContents>"
    return answer(
        "LabelPrintingResponse", f"<ShipmentNumber>{number}</ShipmentNumber><ShipmentLabel>{inner}</ShipmentLabel>", **more
    )


def test_the_label_is_asked_for_as_bytes():
    request = built("label", booking())
    fields = {
        "ShipmentNumber": NUMBER,
        "ProductGroup": "DOM",
        "OriginEntity": "BLR",
        "LabelInfo/ReportID": "9201",
        "LabelInfo/ReportType": "RPT",
    }
    assert {name: sent(request, name) for name in fields} == fields


def test_report_and_entity_may_be_the_accounts():
    request = built("label", booking(handles={"group": "EXP"}), label_report="9729")
    assert [sent(request, name) for name in ("LabelInfo/ReportID", "OriginEntity")] == ["9729", "BOM"]


def test_a_report_that_is_no_number_is_the_accounts_fault():
    assert refused_building("label", booking(), label_report="A4")["kind"] is RefusalKind.ACCOUNT


def test_a_waybill_whose_group_was_lost_has_no_label():
    assert refused_building("label", booking(handles={}))["kind"] is RefusalKind.WRONG_STATE


def test_a_whole_pdf_is_a_label():
    assert read("label", labelled(), booking()) == Document(content=PDF, format="pdf")


@pytest.mark.parametrize(
    "response",
    [
        labelled(PDF[:-8]),
        labelled(b""),
        labelled(b"<html>"),
        labelled(number="47000000002"),
        labelled(number=""),
        labelled(errors=""),
    ],
)
def test_anything_else_is_misread(response):
    assert read("label", response, booking()) == (Misread,)


def test_a_refusal_is_one():
    response = labelled(b"", errors="true", head=notifications(REQ13="LabelInfo"))
    assert read("label", response, booking()) == (Refused, RefusalKind.INVALID_REQUEST, "REQ13", "LabelInfo")


def test_a_fault_of_theirs_is_none():
    assert read("label", fault("s:Server"), booking())[0].__name__ == "OutcomeUnknown"
