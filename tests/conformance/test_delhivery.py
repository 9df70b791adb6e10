"""Delhivery: our requests against published samples of theirs, and published replies through the adapter."""

import datetime as dt
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from adapters.contract.carrier import Access, Act, AwbList, Booking, Instruction, Standing
from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import QualityCheck
from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from adapters.delhivery import CARRIER
from tests.adapters.delhivery import examples
from tests.conformance.conftest import Counted

AWB = "00000000000000"
TWO_QUESTIONS = (QualityCheck(question="Colour?", expected="Blue"), QualityCheck(question="Serial number?", expected="SN123"))
AGREED = {"Colour?": {"id": "CLIENT-Q1", "type": "multi", "options": ["Blue", "Other"]}, "Serial number?": "CLIENT-Q2"}

ACCESS = Access(
    base_url="https://delhivery.test",
    secrets={"token": "token"},
    settings={"client": "KESTREL", "pickup_location": "Kestrel Surat", "qc_questions": json.dumps(AGREED)},
    now=dt.datetime(2026, 3, 11, 6, 30, tzinfo=dt.UTC),
)

# The sample writes grams as text with their unit; the table of fields says grams, and a number is taken as well.
OTHER_TYPES = {"weight": (int, str)}


@pytest.fixture
def folder(reference: Path) -> Path:
    return reference / "delhivery"


def sample(folder: Path, name: str) -> Any:
    """A sample without the notes of those who collected it."""
    body = json.loads((folder / f"{name}.json").read_text())
    return {key: value for key, value in body.items() if not key.startswith("_")}


def reply(folder: Path, name: str) -> httpx.Response:
    return httpx.Response(200, json=sample(folder, name))


def sent() -> Any:
    order = examples.pickup(carrier_reference="RET-1001", quality_checks=TWO_QUESTIONS)
    request = CARRIER.book.steps[-1].build(order, ACCESS, {})
    return json.loads(parse_qs(request.content.decode())["data"][0])


def unlike(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where ours has a field that theirs has not, or one of another type."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        unknown = [f"{path}/{name} is not in the sample" for name in ours if name not in theirs]
        return unknown + [fault for name in ours if name in theirs for fault in unlike(ours[name], theirs[name], f"{path}/{name}")]
    if isinstance(ours, list) and isinstance(theirs, list):
        return [fault for entry in ours for fault in unlike(entry, theirs[0], f"{path}/*")] if theirs else []
    allowed = OTHER_TYPES.get(path.rpartition("/")[2], (type(theirs),))
    number = isinstance(ours, int | float) and isinstance(theirs, int | float) and not isinstance(theirs, bool)
    return [] if number or type(ours) in allowed else [f"{path} is {type(ours).__name__}, not {type(theirs).__name__}"]


# --- requests ---


def test_a_booking_has_the_fields_and_types_of_the_sample(folder: Path, counted: Counted) -> None:
    counted("delhivery.book request")
    assert unlike(sent(), sample(folder, "create_rvp_qc_request")) == []


def test_the_questions_are_written_as_in_the_sample(folder: Path, counted: Counted) -> None:
    counted("delhivery.book request")
    ours, theirs = (body["shipments"][0]["custom_qc"][0] for body in (sent(), sample(folder, "create_rvp_qc_request")))
    assert set(ours) == set(theirs)
    named = ("questions_id", "options", "value", "required", "type")
    assert [[q[name] for name in named] for q in ours["questions"]] == [[q[name] for name in named] for q in theirs["questions"]]


def test_the_customer_and_the_warehouse_stand_where_the_sample_has_them(folder: Path, counted: Counted) -> None:
    counted("delhivery.book request")
    ours, theirs = (body["shipments"][0] for body in (sent(), sample(folder, "create_rvp_qc_request")))
    fields = {name for name in theirs if name.startswith("return_")} | {"name", "add", "pin", "phone", "city", "state", "country"}
    assert fields <= set(ours)
    fixed = ("payment_mode", "shipping_mode", "qc_type")
    assert [ours[name] for name in fixed] == [theirs[name] for name in fixed]


def test_the_check_itself_finds_faults(folder: Path) -> None:
    theirs = sample(folder, "create_rvp_qc_request")
    ours = {"shipments": [{"pin": 122001, "undeclared": 1}]}
    assert unlike(ours, theirs) == ["/shipments/*/undeclared is not in the sample", "/shipments/*/pin is int, not str"]


def test_a_reschedule_is_the_sample(folder: Path, counted: Counted) -> None:
    counted("delhivery.reschedule request")
    assert CARRIER.reschedule
    instruction = Instruction(booking=Booking(awb=AWB, carrier_reference="RET-1001"))
    request = CARRIER.reschedule.steps[0].build(instruction, ACCESS, {})
    assert json.loads(request.content) == sample(folder, "ndr_request")


# --- replies ---


def test_a_published_success_is_a_booking(folder: Path, counted: Counted) -> None:
    counted("delhivery.book reply")
    order = examples.pickup(carrier_reference="RET-1001")
    booked: Any = CARRIER.book.steps[-1].parse(reply(folder, "create_rvp_success_shape"), order, {})
    assert booked.awb == AWB


def test_a_published_refusal_is_one(folder: Path, counted: Counted) -> None:
    counted("delhivery.book reply", "refused")
    order = examples.pickup(carrier_reference="TEST-1")
    with pytest.raises(Refused) as caught:
        CARRIER.book.steps[-1].parse(reply(folder, "create_failure_real_redacted"), order, {})
    assert (caught.value.kind, caught.value.raw_code) == (RefusalKind.REFUSED, "ER0005")


def test_a_published_tracking_is_read(folder: Path, counted: Counted) -> None:
    counted("delhivery.track reply")
    assert CARRIER.track
    answer: Any = CARRIER.track.steps[-1].parse(reply(folder, "tracking_in_transit_redacted"), AwbList(awbs=(AWB,)), {})
    tracked = answer[AWB]
    assert isinstance(tracked, Tracked)
    assert (tracked.carrier_reference, tracked.scans[0].at) == ("REF-1", dt.datetime(2024, 9, 21, 9, 1, 48, 752000, tzinfo=dt.UTC))
    told = {scan.code.rpartition("/")[2]: scan.milestone for scan in tracked.scans}
    assert told["X-PPOM"] is not Milestone.UNKNOWN
    assert [scan.at for scan in tracked.scans] == sorted(scan.at for scan in tracked.scans)


def test_a_published_push_is_read(folder: Path, counted: Counted) -> None:
    counted("delhivery.push")
    assert CARRIER.read_callback
    body = json.dumps(sample(folder, "webhook_scan_push_shape")).encode()
    (tracked,) = CARRIER.read_callback({}, body, {}).tracked
    scan: Scan = tracked.scans[0]
    assert (tracked.awb, tracked.carrier_reference, scan.milestone) == (AWB, "RET-1001", Milestone.CANCELLED)
    assert scan.reason is Reason.CANCELLED_BY_CUSTOMER
    assert scan.at == dt.datetime(2024, 1, 10, 11, 40, 42, 767000, tzinfo=dt.UTC)
    assert CARRIER.act_from
    assert CARRIER.act_from(Act.RESCHEDULE, Standing(last=scan, visits=1), scan.at)
