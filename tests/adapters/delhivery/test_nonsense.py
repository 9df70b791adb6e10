"""Whatever comes back, it is a yes only if it is one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.carrier import OPERATIONS, AwbList, Enquiry, Sought, Step, Stop
from adapters.contract.errors import CarrierError
from adapters.contract.orders import Direction
from adapters.contract.places import Lane
from adapters.contract.reading import read
from adapters.contract.units import Money
from adapters.delhivery import CARRIER

from .examples import AWB, NOW, PARCEL, REFERENCE, access, booking, created, customer, instruction, pickup

QUESTIONS: dict[str, Any] = {
    "serviceability": Stop(postal_code="560001", country="IN", direction=Direction.REVERSE, collect=True),
    "tat": Enquiry(
        lane=Lane(origin="560001", destination="421302"),
        direction=Direction.REVERSE,
        parcels=(PARCEL,),
        declared_value=Money(1, "INR"),
    ),
    "book": pickup(),
    "find": Sought(carrier_reference=REFERENCE, sent_at=NOW),
    "label": booking(),
    "cancel": booking(),
    "track": AwbList(awbs=(AWB,)),
    "reattempt": instruction(),
    "reschedule": instruction(),
    "edit_contact": instruction(party=customer()),
    "edit_address": instruction(party=customer()),
}
QUESTIONS["quote"] = QUESTIONS["tat"]
KNOWN = {"upl": "UPL1", "link": "https://files.amazonaws.com/a.pdf"}
STEPS = [(name, step) for name in OPERATIONS if (operation := CARRIER.operation(name)) for step in operation.steps]

YES = {
    "serviceability": {"delivery_codes": [{"postal_code": {"pin": 560001, "remarks": "", "pickup": "Y"}}]},
    "tat": {"success": True, "data": {"tat": 3}},
    "quote": [{"total_amount": 90}],
    "book": {"success": True, "packages": [created()]},
    "label": {"packages": [{"wbn": AWB, "pdf_download_link": KNOWN["link"]}], "packages_found": 1},
    "track": {"ShipmentData": [{"Shipment": {"AWB": AWB, "ReferenceNo": REFERENCE}}]},
    "reattempt": {"message": "Request submitted successfully!", "request_id": "UPL1"},
}
SAME_CALL = {"find": "track", "reschedule": "reattempt"}


def ask(name: str, step: Step[Any, Any], response: httpx.Response) -> Any:
    """The answer, or the CarrierError; any other exception is a bug and surfaces."""
    operation = CARRIER.operation(name)
    assert operation
    try:
        return read(operation, step, response, QUESTIONS[name], KNOWN, NOW)
    except CarrierError as error:
        return error


def test_there_is_a_question_for_every_operation():
    assert set(QUESTIONS) == {name for name, _ in STEPS}


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_the_same_question_builds_the_same_bytes(name, step):
    first, second = (step.build(QUESTIONS[name], access(), KNOWN) for _ in range(2))
    assert (first.method, first.url, first.content, first.headers) == (second.method, second.url, second.content, second.headers)


@pytest.mark.parametrize(("name", "step"), STEPS)
@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "null", "0", "true", '"yes"', "<html><body>OK</body></html>", "<root/>", '{"success": true', "[{}]"]
)
def test_nonsense_is_never_a_yes(name, step, body):
    for status in (200, 201, 302, 400, 404, 500, 503):
        answer = ask(name, step, httpx.Response(status, content=body.encode()))
        waiting = name in ("reattempt", "reschedule") and step.name == "result" and status == 404
        assert isinstance(answer, CarrierError) or waiting


@pytest.mark.parametrize(("name", "step"), STEPS)
@pytest.mark.parametrize("other", sorted(YES))
def test_an_answer_to_another_operation_is_never_a_yes(name, step, other):
    if SAME_CALL.get(name, name) != other:
        assert isinstance(ask(name, step, httpx.Response(200, json=YES[other])), CarrierError)


@pytest.mark.parametrize("other", sorted(YES))
def test_the_same_answer_to_its_own_operation_is_a_yes(other):
    names = [other, *(name for name, call in SAME_CALL.items() if call == other)]
    for name in names:
        operation = CARRIER.operation(name)
        assert operation
        step = next(step for step in operation.steps if step.name not in ("waybill", "result", "file"))
        assert not isinstance(ask(name, step, httpx.Response(200, json=YES[other])), CarrierError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "success", "packages", "status", "waybill", "wbn", "ShipmentData", "Shipment", "AWB", "Scans", "request_id", "data", "tat",
        "delivery_codes", "postal_code", "pin", "total_amount", "error", "Error", "rmk", "remarks", "refnum", "success_wbns",
    ]), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@given(body=JSON, which=st.sampled_from(STEPS))
def test_no_json_whatever_breaks_a_parser(body, which):
    name, step = which
    ask(name, step, httpx.Response(200, json=body))


@given(body=st.binary(max_size=60), which=st.sampled_from(STEPS))
def test_no_bytes_whatever_break_a_parser(body, which):
    name, step = which
    ask(name, step, httpx.Response(200, content=body))
