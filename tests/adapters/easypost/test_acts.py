"""Label, cancel and the check of an address: what is sent, and what is taken for a yes."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Cancelled, Document, Next
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused, Unreachable
from adapters.easypost.cancel import CANCEL, REFUND_STATUSES
from adapters.easypost.label import FILE_HOSTS, LABEL
from adapters.easypost.validate import VALIDATE

from . import examples
from .examples import (
    CUSTOMER,
    CUSTOMER_WRITTEN,
    PICKUP,
    SHIPMENT,
    access,
    answer,
    booking,
    bought,
    failure,
    made,
    pickup,
    refused_building,
    request_of,
    scheduled,
    shipment,
    visit,
)

WRONG_STATE, ADDRESS = RefusalKind.WRONG_STATE, RefusalKind.INVALID_ADDRESS
PDF = b"%PDF-1.4\nlabel\n%%EOF\n"
LINK = "https://easypost-files.s3.us-west-2.amazonaws.com/files/postage_label/1.pdf"


# --- label ------------------------------------------------------------------------------------------------


def file_request(link: str) -> httpx.Request:
    return LABEL.steps[1].build(booking(), access(), {"link": link})


def test_a_label_is_asked_for_as_pdf() -> None:
    found = request_of(LABEL, "link", booking())
    assert found == ("GET", "https://easypost.test/v2/shipments/shp_1/label?file_format=PDF", None)


def test_the_answer_brings_a_link() -> None:
    assert examples.read(LABEL, answer(bought()), booking(), step="link") == Next(so_far={"link": "https://files.test/1.pdf"})


def test_a_booking_without_a_shipment_has_no_label() -> None:
    assert refused_building(LABEL, booking(rate="rate_1")) == {"kind": WRONG_STATE, "field": "/handles/shipment"}


@pytest.mark.parametrize(
    "odd",
    [
        bought(tracking_code="9999"),
        bought(id="shp_2"),
        bought(reference="x"),
        bought(postage_label=None),
        bought(postage_label={"label_url": "https://files.test/1.zpl", "label_pdf_url": None}),
    ],
)
def test_a_link_to_something_else_is_misread(odd: dict[str, Any]) -> None:
    assert examples.read(LABEL, answer(odd), booking(), step="link")[0] is Misread


@pytest.mark.parametrize("host", [*FILE_HOSTS, f"bucket.{FILE_HOSTS[0]}"])
def test_the_file_is_fetched_without_the_key(host: str) -> None:
    request = file_request(f"https://{host}/1.pdf")
    assert (request.method, str(request.url), "authorization" in request.headers) == ("GET", f"https://{host}/1.pdf", False)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/1.pdf",
        "https://easypost-files.s3.amazonaws.com.evil.test/1.pdf",
        f"https://evil{FILE_HOSTS[0]}/1.pdf",
        f"http://{FILE_HOSTS[0]}/1.pdf",
        "https://easypost.test:8443/1.pdf",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_file_elsewhere_is_not_fetched(link: str) -> None:
    with pytest.raises(Misread):
        file_request(link)


def test_a_whole_pdf_is_the_label() -> None:
    found = examples.read(LABEL, httpx.Response(200, content=PDF), booking(), {"link": LINK})
    assert found == Document(content=PDF, format="pdf")


@pytest.mark.parametrize("response", [httpx.Response(404, content=PDF), httpx.Response(200, content=PDF[:-6]), answer({})])
def test_half_a_file_is_misread(response: httpx.Response) -> None:
    assert examples.read(LABEL, response, booking(), {"link": LINK})[0] is Misread


# --- cancel -----------------------------------------------------------------------------------------------


def test_the_visit_is_called_off_first() -> None:
    assert request_of(CANCEL, "visit", booking()) == ("POST", "https://easypost.test/v2/pickups/pickup_1/cancel", {})
    assert examples.read(CANCEL, answer(visit(status="canceled")), booking(), step="visit") == Next(so_far={})


def test_then_the_label_is_given_back() -> None:
    assert request_of(CANCEL, "refund", booking()) == ("POST", "https://easypost.test/v2/shipments/shp_1/refund", {})


def test_before_that_it_is_looked_whether_it_was_given_back_already() -> None:
    assert request_of(CANCEL, "look", booking()) == ("GET", "https://easypost.test/v2/shipments/shp_1", None)
    assert examples.read(CANCEL, answer(bought()), booking(), step="look") == Next(so_far={})


@pytest.mark.parametrize("status", ["submitted", "refunded", "not_applicable"])
def test_a_refund_that_runs_need_not_be_asked_for_again(status: str) -> None:
    assert examples.read(CANCEL, answer(bought(refund_status=status)), booking(), step="look") == Cancelled()


def test_a_refund_that_was_rejected_is_asked_for_once_more() -> None:
    assert examples.read(CANCEL, answer(bought(refund_status="rejected")), booking(), step="look") == Next(so_far={})


def test_of_a_shipment_without_a_label_there_is_nothing_to_give_back() -> None:
    half_booked = replace(booking(), awb="")
    assert examples.read(CANCEL, answer(made()), half_booked, step="look") == Cancelled()


@pytest.mark.parametrize("part", ["tracking_code", "selected_rate", "postage_label"])
def test_a_shipment_with_any_part_of_a_label_is_given_back(part: str) -> None:
    half_booked = replace(booking(), awb="")
    answered = bought(**dict.fromkeys({"tracking_code", "selected_rate", "postage_label"} - {part}))
    assert examples.read(CANCEL, answer(answered), half_booked, step="look") == Next(so_far={})


@pytest.mark.parametrize("odd", [made(), bought(id="shp_2"), bought(tracking_code="9999"), bought(reference="x")])
def test_another_label_is_none_of_ours(odd: dict[str, Any]) -> None:
    assert examples.read(CANCEL, answer(odd), booking(), step="look")[0] is Misread


@pytest.mark.parametrize("status", ["submitted", "refunded", "rejected", "not_applicable"])
def test_whatever_becomes_of_its_price_the_booking_is_off(status: str) -> None:
    assert examples.read(CANCEL, answer(bought(refund_status=status)), booking()) == Cancelled()
    assert status in REFUND_STATUSES


def test_a_label_that_was_bought_and_never_told_of_is_given_back_too() -> None:
    half_booked = replace(booking(), awb="")
    assert examples.read(CANCEL, answer(bought(refund_status="submitted")), half_booked) == Cancelled()


def test_a_visit_that_is_not_scheduled_need_not_be_called_off() -> None:
    assert examples.read(CANCEL, failure("PICKUP.STATUS.INVALID"), booking(), step="visit") == Next(so_far={})


def test_without_a_visit_only_the_label_is_given_back() -> None:
    when = CANCEL.steps[0].when
    assert when
    assert [when(asked, access()) for asked in (booking(), booking(shipment=SHIPMENT))] == [True, False]


def test_without_a_shipment_there_is_nothing_to_cancel() -> None:
    found = examples.refused_building(CANCEL, booking(pickup=PICKUP), 1)
    assert found == {"kind": WRONG_STATE, "field": "/handles/shipment"}


@pytest.mark.parametrize(
    ("step", "code", "kind"),
    [
        ("visit", "PICKUP.CANCEL.FAILED", RefusalKind.TOO_LATE),
        ("refund", "SHIPMENT.REFUND.UNAVAILABLE", RefusalKind.TOO_LATE),
        ("refund", "SHIPMENT.POSTAGE.REQUIRED", WRONG_STATE),
        ("visit", "NOT_FOUND", RefusalKind.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_cancelled_is_refused(step: str, code: str, kind: RefusalKind) -> None:
    assert examples.read(CANCEL, failure(code, "No"), booking(), step=step) == (Refused, kind, code, "No", "")


@pytest.mark.parametrize(
    "odd", [visit(), scheduled(), visit(status="canceled", id="pickup_2"), visit(status="canceled", reference="x")]
)
def test_a_visit_that_is_still_on_is_no_yes(odd: dict[str, Any]) -> None:
    assert examples.read(CANCEL, answer(odd), booking(), step="visit")[0] is Misread


@pytest.mark.parametrize(
    "odd",
    [
        bought(),
        bought(refund_status="maybe"),
        bought(refund_status="submitted", id="shp_2"),
        bought(refund_status="submitted", tracking_code="9999"),
    ],
)
def test_a_label_that_was_not_given_back_is_no_yes(odd: dict[str, Any]) -> None:
    assert examples.read(CANCEL, answer(odd), booking())[0] is Misread


def test_a_mover_that_did_not_answer_may_have_taken_it_back() -> None:
    assert examples.read(CANCEL, failure("REFUND.NO_RESPONSE"), booking())[0] is OutcomeUnknown


# --- the check of an address ------------------------------------------------------------------------------


def verified(success: bool = True, *errors: dict[str, Any], **changes: Any) -> httpx.Response:
    delivery = {"success": success, "errors": list(errors), "details": {}}
    return answer({"id": "adr_1", "object": "Address", "verifications": {"delivery": delivery}, **changes}, 201)


def objection(code: str, field: str = "address", message: str = "odd") -> dict[str, Any]:
    return {"code": code, "field": field, "message": message, "suggestion": None}


def judged(response: httpx.Response, order: Any = None) -> Any:
    return examples.read(VALIDATE, response, order or pickup())


def test_the_customers_door_is_verified() -> None:
    asked = ("POST", "https://easypost.test/v2/addresses", {"address": CUSTOMER_WRITTEN, "verify": True})
    assert request_of(VALIDATE, "", pickup()) == asked
    assert request_of(VALIDATE, "", shipment()) == asked


def test_an_order_that_cannot_be_booked_is_refused_before_asking() -> None:
    assert refused_building(VALIDATE, pickup(service="x"))["field"] == "/service"
    assert refused_building(VALIDATE, pickup(shipper=replace(CUSTOMER, phone="")))["field"] == "/shipper/phone"


def test_a_verified_address_is_fine() -> None:
    assert judged(verified()) is None


def test_what_is_said_about_a_good_address_does_not_matter() -> None:
    assert judged(verified(True, objection("E.STREET.MAGNET", "street1"))) is None


@pytest.mark.parametrize(
    ("code", "field", "named"),
    [
        ("E.ADDRESS.NOT_FOUND", "address", "/shipper/line1"),
        ("E.HOUSE_NUMBER.MISSING", "street1", "/shipper/line1"),
        ("E.SECONDARY_INFORMATION.MISSING", "street2", "/shipper/line2"),
        ("E.CITY_STATE.INVALID", "city", "/shipper/city"),
        ("E.STATE.INVALID", "state", "/shipper/state"),
        ("E.ZIP.INVALID", "zip", "/shipper/postal_code"),
        ("E.WHATEVER", "planet", "/shipper/line1"),
    ],
)
def test_a_part_that_is_objected_to_is_named(code: str, field: str, named: str) -> None:
    assert judged(verified(False, objection(code, field))) == (Refused, ADDRESS, code, "odd", named)


def test_in_a_forward_parcel_the_door_is_the_consignees() -> None:
    found = judged(verified(False, objection("E.ZIP.INVALID", "zip")), shipment())
    assert found[-1] == "/consignee/postal_code"


@pytest.mark.parametrize("code", ["E.SECONDARY_INFORMATION.INVALID", "E.SECONDARY_INFORMATION.MISSING"])
def test_a_rider_needs_the_flat_where_mail_would_come_without(code: str) -> None:
    assert judged(verified(True, objection(code))) == (Refused, ADDRESS, code, "odd", "/shipper/line2")


def test_several_objections_are_told_together() -> None:
    found = judged(verified(False, objection("E.ADDRESS.NOT_FOUND"), objection("E.ZIP.INVALID", "zip", "no such ZIP")))
    assert found == (Refused, ADDRESS, "E.ADDRESS.NOT_FOUND", "odd; no such ZIP", "/shipper/postal_code")


def test_no_success_and_no_word_is_a_refusal_too() -> None:
    assert judged(verified(False)) == (Refused, ADDRESS, "", "", "/shipper/line1")


@pytest.mark.parametrize("code", ["E.COUNTRY.UNSUPPORTED", "E.QUERY.UNANSWERABLE"])
def test_what_cannot_be_judged_is_not_called_wrong(code: str) -> None:
    assert judged(verified(False, objection(code))) == (Refused, RefusalKind.REFUSED, code, "odd", "/shipper/country")


@pytest.mark.parametrize(
    "response",
    [
        verified(False, objection("E.TIMED_OUT")),
        verified(False, objection("E.ENGINE.UNAVAILABLE")),
        failure("ADDRESS.VERIFY.UNAVAILABLE"),
    ],
)
def test_a_verification_that_is_out_can_be_asked_again(response: httpx.Response) -> None:
    assert judged(response)[0] is Unreachable


def test_the_error_body_names_its_part_too() -> None:
    response = failure("ADDRESS.VERIFY.FAILURE", "Unable to verify address.", [objection("E.ZIP.INVALID", "zip")])
    assert judged(response) == (
        Refused, ADDRESS, "ADDRESS.VERIFY.FAILURE", "Unable to verify address.; E.ZIP.INVALID zip odd", "/shipper/postal_code",
    )  # fmt: skip


def test_another_error_is_no_judgement_on_the_address() -> None:
    assert judged(failure("APIKEY.INACTIVE", status=403))[1] is RefusalKind.UNAUTHORIZED


@pytest.mark.parametrize("odd", [{"id": ""}, {"object": "Shipment"}, {"verifications": {}}, {"verifications": None}])
def test_what_was_not_verified_is_misread(odd: dict[str, Any]) -> None:
    assert judged(verified(**odd))[0] is Misread
