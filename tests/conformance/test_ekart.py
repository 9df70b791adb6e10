"""Ekart Elite: every request strictly against the carrier's OpenAPI file, its examples of replies through the adapter."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import (
    OPERATIONS,
    Acted,
    AwbList,
    Booked,
    Booking,
    Cancelled,
    Instruction,
    Serviceability,
    Step,
    Tat,
    Token,
)
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction, QualityCheck
from adapters.contract.scans import Milestone, Scan, Tracked
from adapters.contract.units import Money
from adapters.ekart import CARRIER
from adapters.ekart.lab import SIDE
from adapters.ekart.quality import ATTRIBUTES
from adapters.ekart.statuses import NDR_STATUSES, STATUSES
from adapters.lab.engine import Lab
from tests.adapters.ekart import examples
from tests.adapters.ekart.examples import AWBS, access, booking, enquiry, instruction, pickup, shipment, stop
from tests.adapters.ekart.shop import Shop
from tests.conformance.conftest import Counted
from tests.conformance.openapi import DocumentedCall, OpenApi

ALL_CHECKS = tuple(QualityCheck(question=name, expected="https://images.test/1.jpg") for name in ATTRIBUTES)
ALL_EXTRA = {
    "invoice_number": "INV-9",
    "invoice_date": "2026-02-01",
    "tax_value": "56.19",
    "consignee_gst_amount": "10",
    "consignee_gst_tin": "27ABCDE1234F1Z5",
    "ewbn": "123456789012",
    "warehouse_alias": "surat-1",
}
FULL_ITEM = replace(examples.SHIRT, hs_code="6105", category="Shirts")
FRIDAY = dt.date(2026, 3, 13)

QUESTIONS: dict[str, list[Any]] = {
    "sign_in": [None],
    "serviceability": [stop(), stop(direction=Direction.FORWARD, collect=False)],
    "tat": [enquiry(), enquiry(direction=Direction.FORWARD)],
    "quote": [enquiry(), enquiry(direction=Direction.FORWARD), enquiry(quality_checks=3)],
    "book": [
        pickup(),
        shipment(),
        pickup(shipper=replace(examples.CUSTOMER, state="", city="", landmark="", alternate_phone="")),
        pickup(quality_checks=ALL_CHECKS, items=(FULL_ITEM,), window=examples.window(FRIDAY), extra={"ekart": ALL_EXTRA}),
    ],
    "label": [booking()],
    "cancel": [booking()],
    "track": [AWBS],
    "reattempt": [instruction(), instruction(party=examples.CUSTOMER, instructions="gate 2")],
    "reschedule": [instruction(date=FRIDAY)],
}


def steps(name: str) -> tuple[Step[Any, Any], ...]:
    operation = CARRIER.operation(name)
    assert operation
    return operation.steps


CASES = [(name, step, question) for name, questions in QUESTIONS.items() for step in steps(name) for question in questions]


@pytest.fixture
def file(reference: Path) -> OpenApi:
    return OpenApi(reference / "ekart" / "Ekart_API.yaml")


def reading(name: str, reply: Any, question: Any) -> Any:
    """What the adapter makes of a documented reply."""
    response = reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)
    return steps(name)[-1].parse(response, question, {})


def documented(file: OpenApi, name: str, question: Any) -> DocumentedCall:
    request = steps(name)[-1].build(question, access(), {})
    return file.operation(request.method, request.url.path)


# --- requests -------------------------------------------------------------------------------------


def test_every_operation_is_asked_here() -> None:
    assert set(QUESTIONS) == {name for name in OPERATIONS if CARRIER.operation(name)}


@pytest.mark.parametrize(("name", "step", "question"), CASES)
def test_a_request_is_valid_by_the_file(file: OpenApi, counted: Counted, name: str, step: Step[Any, Any], question: Any) -> None:
    counted(f"ekart.{name} request", "read")
    request = step.build(question, access(), {})
    assert file.operation(request.method, request.url.path).faults(request) == []


def test_the_field_of_a_later_revision_is_the_only_one_the_file_does_not_know(file: OpenApi) -> None:
    request = steps("book")[0].build(pickup(), access(books_service="yes"), {})
    (fault,) = file.operation(request.method, request.url.path).faults(request)
    assert "'service' was unexpected" in fault


@pytest.mark.parametrize("change", [{"weight": "480"}, {"undeclared": 1}, {"total_amount": None}, {"payment_mode": "pickup"}])
def test_the_check_itself_finds_faults(file: OpenApi, change: dict[str, Any]) -> None:
    sound = steps("book")[0].build(pickup(), access(), {})
    broken = httpx.Request("PUT", sound.url, headers=sound.headers, json=examples.sent(sound) | change)
    assert file.operation("PUT", broken.url.path).faults(broken) != []
    nobodys = httpx.Request("PUT", sound.url, json=examples.sent(sound))
    assert file.operation("PUT", nobodys.url.path).faults(nobodys) == ["no bearer token"]


# --- replies --------------------------------------------------------------------------------------


def test_the_files_example_of_a_booking(file: OpenApi, counted: Counted) -> None:
    counted("ekart.book reply")
    order = pickup(carrier_reference="order_number")
    (example,) = [e for e in documented(file, "book", order).examples() if "tracking_id" in e]
    assert reading("book", example, order) == Booked(
        awb="500999A3408005",
        handles={"wbn": "vendor_waybill_plain_text", "vendor": "XYZ"},
        tracking_url="https://app.elite.ekartlogistics.in/track/500999A3408005",
    )


KNOWN = Booking(awb="string", carrier_reference="string")
DRAWN = [
    ("sign_in", None, Token(value="string", expires_in=dt.timedelta(seconds=1))),
    ("tat", enquiry(), Tat(days=1)),
    ("cancel", KNOWN, Cancelled()),
    ("reattempt", Instruction(booking=KNOWN), Acted()),
    ("reschedule", Instruction(booking=KNOWN, date=FRIDAY), Acted()),
]


@pytest.mark.parametrize(("name", "question", "answer"), DRAWN)
def test_a_reply_drawn_from_its_schema(file: OpenApi, counted: Counted, name: str, question: Any, answer: Any) -> None:
    """The file gives these replies no example: the plainest reply the schema allows stands in."""
    counted(f"ekart.{name} reply")
    assert reading(name, documented(file, name, question).reply(), question) == answer


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("collect", [True, False])
def test_the_files_example_of_a_pin_code(file: OpenApi, counted: Counted, direction: Direction, collect: bool) -> None:
    counted("ekart.serviceability reply")
    asked = stop(postal_code="560008", direction=direction, collect=collect)
    reply = documented(file, "serviceability", asked).reply()
    assert reading("serviceability", reply, asked) == Serviceability(serviceable=True)


def test_the_files_estimate_in_its_own_text(file: OpenApi, counted: Counted) -> None:
    """All amounts are text there, without an example: every one is put at ten rupees."""
    counted("ekart.quote reply")
    amounts = ("shippingCharge", "rtoCharge", "fuelSurcharge", "codCharge", "qcCharge", "taxes", "total")
    reply = documented(file, "quote", enquiry()).reply()
    assert set(amounts) <= set(reply)
    (quote,) = reading("quote", reply | dict.fromkeys(amounts, "10.00"), enquiry())
    assert quote.price == Money(1000, "INR")
    with pytest.raises(Misread):
        reading("quote", reply, enquiry())


@pytest.mark.parametrize("status", STATUSES)
def test_a_tracking_of_every_status(file: OpenApi, counted: Counted, status: str) -> None:
    counted("ekart.track reply")
    asked = AwbList(awbs=("string",))
    reply = documented(file, "track", asked).reply()
    reply["track"] |= {"status": status, "details": [reply["track"]["details"][0] | {"status": status}]}
    (scan,) = reading("track", reply, asked)["string"].scans
    assert scan.milestone is STATUSES[status][0]


def test_the_tables_are_the_files_lists(file: OpenApi) -> None:
    assert list(STATUSES) == file.schema("swift_status")["enum"]
    assert list(NDR_STATUSES) == file.schema("swift_ndr_status")["enum"]
    assert set(ATTRIBUTES) == set(file.schema("qcDetails")["properties"]) - {"qc_shipment"}


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "track"])
def test_the_files_error_body_is_a_refusal(file: OpenApi, counted: Counted, name: str) -> None:
    counted(f"ekart.{name} reply", "refused")
    body = file.sample(file.schema("error")) | {"statusCode": 400}
    with pytest.raises(Refused) as caught:
        reading(name, httpx.Response(400, json=body), QUESTIONS[name][0])
    assert examples.told(caught.value) == (Refused, RefusalKind.REFUSED, "string", "string string", "")


@pytest.mark.parametrize("example", ["non_large", "large"])
def test_the_raw_tracking_is_not_taken_for_the_one_asked_for(file: OpenApi, counted: Counted, example: str) -> None:
    counted("ekart.track reply", "refused")
    body = file.operation("GET", "/data/v1/elite/track/1").named_example(example)
    with pytest.raises(Misread):
        reading("track", body, AWBS)


# --- pushes ---------------------------------------------------------------------------------------

PUSHED = [
    Tracked(
        awb="501346BN6838925",
        scans=(
            Scan(
                code="Delivered",
                at=dt.datetime(2022, 7, 11, 7, 6, 27, 604000, tzinfo=dt.UTC),
                milestone=Milestone.DELIVERED,
                text="Delivered Successfully",
            ),
        ),
        carrier_reference="41839",
        expected_delivery=dt.datetime(2022, 7, 11, 7, 6, 27, 609000, tzinfo=dt.UTC),
    ),
    Tracked(
        awb="509271DS0153341",
        scans=(
            Scan(code="shipment_created", at=dt.datetime(2024, 4, 6, 10, 4, 16, tzinfo=dt.UTC), milestone=Milestone.LABEL_CREATED),
        ),
        carrier_reference="RAZNE009",
    ),
    Tracked(
        awb="832504GV3486674",
        scans=(
            Scan(code="shipment_created", at=dt.datetime(2024, 4, 6, 10, 4, 16, tzinfo=dt.UTC), milestone=Milestone.LABEL_CREATED),
        ),
        carrier_reference="RAZNE009",
    ),
]


@pytest.mark.parametrize(("index", "tracked"), [*enumerate(PUSHED)])
def test_the_files_examples_of_pushes(file: OpenApi, counted: Counted, index: int, tracked: Tracked) -> None:
    counted("ekart.push")
    body = file.operation("POST", "/api/v2/webhook").examples()[index]
    assert CARRIER.read_callback
    pushed = CARRIER.read_callback({}, json.dumps(body).encode(), {})
    assert (pushed.verified, pushed.tracked) == (False, (tracked,))


# --- the lab --------------------------------------------------------------------------------------


def lives(shop: Shop) -> None:
    """A pickup that fails once and is collected, one that is cancelled, one that is refused."""
    shop.sign_in()
    for question in (stop(), stop(postal_code="999009")):
        shop.ask("serviceability", question)
    shop.ask("tat", enquiry())
    shop.ask("quote", enquiry())
    awb = shop.ask("book", pickup(shipper=replace(examples.CUSTOMER, phone="9800000004"))).awb
    shop.later(days=1, hours=6)
    shop.tracked(awb)
    shop.ask("reattempt", Instruction(booking=booking(awb)))
    shop.later(days=14)
    shop.tracked(awb)
    shop.ask("label", booking(awb))
    shop.refused("cancel", booking(awb))
    shop.refused("book", pickup(shipper=replace(examples.CUSTOMER, postal_code="999009")))
    shop.refused("label", booking("unheard-of"))
    shop.ask("cancel", booking(shop.ask("book", pickup()).awb))


def test_the_labs_replies_are_valid_by_the_file(file: OpenApi) -> None:
    lab = Lab({"ekart": SIDE}, wall=lambda: examples.NOW)
    shop = Shop(lab)
    lives(shop)
    lab.close()
    calls = [(file.operation(seen.request.method, seen.request.url.path.removeprefix("/ekart")), seen) for seen in shop.seen]
    assert [(call.pattern, fault) for call, seen in calls for fault in call.reply_faults(seen)] == []
    assert len({call.pattern for call, _ in calls}) == len(QUESTIONS) - 1  # re-attempt and reschedule are one call
