"""Signing in, label, cancel, and sending the rider again."""

import datetime as dt
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Act, Acted, Cancelled, Document, Standing, Token
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.scans import NEEDS_REASON, Milestone, Reason, Scan
from adapters.ekart import CARRIER
from adapters.ekart.act import REATTEMPT, RESCHEDULE, act_from
from adapters.ekart.cancel import CANCEL
from adapters.ekart.label import LABEL
from adapters.ekart.sign_in import SIGN_IN

from . import examples
from .examples import AWB, CUSTOMER, NOW, TODAY, access, answer, booking, failure, instruction, read, refused_building, sent

NONSENSE = (b"", b"{}", b"[]", b"null", b"<html></html>", b'{"status": true, "tra')
BOOKING_ANSWER = {"status": True, "remark": "", "tracking_id": AWB, "vendor": "EKART", "barcodes": {"wbn": "1", "order": "2"}}


def acknowledged(status: bool = True, awb: str = AWB, remark: str = "ok") -> dict[str, Any]:
    return {"status": status, "tracking_id": awb, "remark": remark}


# --- sign in ---

TOKEN = {"access_token": "abc123", "scope": "core:all", "expires_in": 86000, "token_type": "Bearer"}


def test_signing_in_puts_the_client_id_into_the_path() -> None:
    request = SIGN_IN.steps[0].build(None, replace(access(), secrets=examples.SECRETS | {"client_id": "EK/1"}), {})
    assert (request.method, str(request.url)) == ("POST", "https://ekart.test/integrations/v2/auth/token/EK%2F1")
    assert sent(request) == {"username": "api@warehouse.test", "password": "sesame"}


def test_a_token_holds_as_long_as_it_says() -> None:
    assert read(SIGN_IN, answer(TOKEN), None) == Token(value="abc123", expires_in=dt.timedelta(seconds=86000))


@pytest.mark.parametrize("change", [{"access_token": ""}, {"expires_in": 0}, {"token_type": "MAC"}, {"token_type": None}])
def test_a_token_that_cannot_be_used_is_misread(change: dict[str, Any]) -> None:
    assert read(SIGN_IN, answer(TOKEN | change), None) == (Misread,)


def test_wrong_credentials_are_unauthorized() -> None:
    assert read(SIGN_IN, failure(401), None) == (Refused, RefusalKind.UNAUTHORIZED, "C", "M", "")


# --- label ---

PDF = b"%PDF-1.4\n...\n%%EOF\n"


def test_a_label_is_asked_for_as_pdf() -> None:
    request = LABEL.steps[0].build(booking(), access(), {})
    assert (request.method, str(request.url)) == ("POST", "https://ekart.test/api/v1/package/label?json_only=false")
    assert sent(request) == {"ids": [AWB]}


def test_a_whole_pdf_is_a_label() -> None:
    assert read(LABEL, httpx.Response(200, content=PDF), booking()) == Document(content=PDF, format="pdf")


@pytest.mark.parametrize("content", [PDF[:-6], PDF[1:], b'{"status": true}'])
def test_half_a_pdf_is_no_label(content: bytes) -> None:
    assert read(LABEL, httpx.Response(200, content=content), booking()) == (Misread,)


# --- cancel ---


def test_cancelling_is_a_delete_by_tracking_id() -> None:
    request = CANCEL.steps[0].build(booking("A&B"), access(), {})
    assert (request.method, str(request.url)) == ("DELETE", "https://ekart.test/api/v1/package/cancel?tracking_id=A%26B")


def test_an_acknowledged_cancel_is_one() -> None:
    assert read(CANCEL, answer({"data": [acknowledged()]}), booking()) == Cancelled()


@pytest.mark.parametrize(
    "data", [[], [acknowledged(awb="other")], [acknowledged(), acknowledged()], [BOOKING_ANSWER], [{"tracking_id": AWB}]]
)
def test_what_acknowledges_something_else_cancels_nothing(data: list[Any]) -> None:
    assert read(CANCEL, answer({"data": data}), booking()) == (Misread,)


def test_a_cancel_may_be_refused_with_http_200() -> None:
    # No code and no list of remarks is documented: the state must be looked at again (grade D).
    refusal = {"data": [acknowledged(status=False, remark="already picked up")]}
    assert read(CANCEL, answer(refusal), booking()) == (Refused, RefusalKind.WRONG_STATE, "", "already picked up", "")


# --- re-attempt and reschedule ---


def test_the_rider_is_sent_again_tomorrow_unless_a_day_is_named() -> None:
    request = REATTEMPT.steps[0].build(instruction(), access(), {})
    assert (request.method, request.url.path) == ("POST", "/api/v2/package/ndr")
    assert sent(request) == {"action": "Re-Attempt", "wbn": AWB, "date": 1_773_297_000_000}


def test_a_corrected_customer_goes_along() -> None:
    moved = replace(CUSTOMER, phone="9000000001", line1="14 Rose Lane")
    asked = instruction(date=dt.date(2026, 3, 14), party=moved, instructions="gate 2")
    assert sent(RESCHEDULE.steps[0].build(asked, access(), {})) == {
        "action": "Re-Attempt",
        "wbn": AWB,
        "date": 1_773_469_800_000,
        "phone": "9000000001",
        "address": "14 Rose Lane, Indiranagar, opposite the library, Bengaluru, Karnataka, 560038",
        "instructions": "gate 2",
    }


@pytest.mark.parametrize(("days", "allowed"), [(-1, False), (0, False), (1, True), (7, True), (8, False)])
def test_the_day_lies_within_seven_days_and_is_not_today(days: int, allowed: bool) -> None:
    asked = instruction(date=TODAY + dt.timedelta(days=days))
    refused = {"kind": RefusalKind.WINDOW_UNAVAILABLE, "field": "/date"}
    assert [refused_building(operation, asked) for operation in (REATTEMPT, RESCHEDULE)] == [{} if allowed else refused] * 2


def test_a_reschedule_names_its_day_and_a_correction_its_phone() -> None:
    assert refused_building(RESCHEDULE, instruction()) == {"kind": RefusalKind.INVALID_REQUEST, "field": "/date"}
    wrong = instruction(party=replace(CUSTOMER, phone="1"))
    assert refused_building(REATTEMPT, wrong) == {"kind": RefusalKind.INVALID_REQUEST, "field": "/party/phone"}


def test_an_instruction_is_taken_or_refused() -> None:
    assert read(REATTEMPT, answer(acknowledged()), instruction()) == Acted()
    refusal = answer(acknowledged(status=False, remark="not allowed"))
    assert read(REATTEMPT, refusal, instruction()) == (Refused, RefusalKind.WRONG_STATE, "", "not allowed", "")


@pytest.mark.parametrize("body", [acknowledged(awb="other"), BOOKING_ANSWER, {"data": [acknowledged()]}])
def test_an_answer_to_something_else_is_no_instruction_taken(body: dict[str, Any]) -> None:
    assert read(REATTEMPT, answer(body), instruction()) == (Misread,)


def test_a_correction_alone_cannot_be_sent() -> None:
    assert (CARRIER.edit_contact, CARRIER.edit_address) == (None, None)


def standing(milestone: Milestone, reason: Reason | None = None) -> Standing:
    return Standing(last=Scan(code="x", at=NOW, milestone=milestone, reason=reason), visits=1)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("act", [Act.REATTEMPT, Act.RESCHEDULE])
def test_after_a_failed_visit_the_rider_may_be_sent_at_once(act: Act, reason: Reason) -> None:
    # That this works for a pickup is assumed (grade D); the call is written for deliveries.
    over = reason in (Reason.MAX_VISITS_REACHED, Reason.CANCELLED_BY_MERCHANT, Reason.CANCELLED_BY_CUSTOMER_VERIFIED)
    assert act_from(act, standing(Milestone.PICKUP_FAILED, reason), NOW) == (None if over else NOW)


@pytest.mark.parametrize("milestone", [one for one in Milestone if one is not Milestone.PICKUP_FAILED])
def test_in_every_other_standing_there_is_nothing_to_send(milestone: Milestone) -> None:
    last = standing(milestone, Reason.UNKNOWN if milestone in NEEDS_REASON else None)
    assert [act_from(act, last, NOW) for act in Act] == [None] * len(Act)


def test_an_untracked_booking_is_left_alone() -> None:
    assert act_from(Act.REATTEMPT, Standing(last=None, visits=0), NOW) is None
    assert act_from(Act.EDIT_CONTACT, standing(Milestone.PICKUP_FAILED, Reason.WRONG_PHONE), NOW) is None


@pytest.mark.parametrize("body", NONSENSE)
@pytest.mark.parametrize(
    ("operation", "question"), [(SIGN_IN, None), (LABEL, booking()), (CANCEL, booking()), (REATTEMPT, instruction())]
)
def test_nonsense_is_never_a_yes(operation: Any, question: object, body: bytes) -> None:
    assert read(operation, httpx.Response(200, content=body), question) == (Misread,)
