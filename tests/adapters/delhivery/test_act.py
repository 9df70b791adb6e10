from __future__ import annotations

import datetime as dt
import json

import pytest

from adapters.contract.carrier import Act, Acted, Later, Next, Standing
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.reading import read
from adapters.contract.scans import Milestone, Scan
from adapters.delhivery import act
from adapters.delhivery.codes import meaning

from .examples import AWB, NOW, access, booking, customer, instruction, says

UPL = "UPL17749083484755923441"
KNOWN = {"upl": UPL}
NINE = dt.datetime(2026, 11, 24, 15, 30, tzinfo=dt.UTC)  # 21:00 in India


def standing(code: str, text: str = "", visits: int = 1) -> Standing:
    kind, _, nsl = code.partition("/")
    milestone, reason = meaning(kind, nsl, text.partition(":")[0])
    return Standing(last=Scan(code=code, at=NOW, milestone=milestone, text=text, reason=reason), visits=visits)


# --- when may it be sent? ---


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (NOW, NINE),
        (NINE, NINE),
        (NINE + dt.timedelta(hours=2), NINE + dt.timedelta(hours=2)),
        (NINE + dt.timedelta(hours=4), NINE + dt.timedelta(days=1)),  # one in the night, in India
    ],
)
def test_another_visit_is_asked_for_after_nine_in_the_evening(now, at):
    assert act.act_from(Act.RESCHEDULE, standing("CN/EOD-777"), now) == at


@pytest.mark.parametrize("code", ["CN/EOD-777", "CN/EOD-21"])
@pytest.mark.parametrize(("visits", "at"), [(0, None), (1, NINE), (2, NINE), (3, None)])
def test_a_cancelled_pickup_is_reopened_after_its_first_or_second_visit(code, visits, at):
    assert act.act_from(Act.RESCHEDULE, standing(code, "Canceled: A note", visits), NOW) == at


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("CN/EOD-6O", "Canceled: by OTP"),
        ("CN/EOD-21", "Canceled: OTP verified cancellation"),
        ("CN/EOD-21", "Closed: request closed"),
        ("CN/EOD-106", "Canceled"),
        ("PP/EOD-21", "Scheduled"),
        ("PP/EOD-26", "Scheduled: unavailable"),
    ],
)
def test_anything_else_is_not_reopened(code, text):
    assert act.act_from(Act.RESCHEDULE, standing(code, text), NOW) is None


@pytest.mark.parametrize("code", sorted(act.REATTEMPT_CODES))
@pytest.mark.parametrize(("visits", "at"), [(0, None), (1, NINE), (2, NINE), (3, None)])
def test_a_pending_parcel_is_tried_again(code, visits, at):
    assert act.act_from(Act.REATTEMPT, standing(f"UD/{code}", "Pending: A note", visits), NOW) == at


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("PP/EOD-74", "Scheduled"),
        ("PP/EOD-11", ""),
        ("CN/EOD-74", "Canceled"),
        ("UD/EOD-26", "Pending"),
        ("UD/EOD-74", "Dispatched: x"),
    ],
)
def test_a_reverse_pickup_has_no_reattempt_and_its_own_visits_are_respected(code, text):
    assert act.act_from(Act.REATTEMPT, standing(code, text), NOW) is None


@pytest.mark.parametrize("what", [Act.EDIT_CONTACT, Act.EDIT_ADDRESS])
@pytest.mark.parametrize(
    ("code", "text", "at"),
    [
        ("PP/X-ASP", "", NOW),
        ("PP/EOD-26", "Scheduled: unavailable", NOW),
        ("PP/EOD-26", "", None),
        ("PP/X-UCO", "Open: data received", None),
        ("PP/X-DDD3FP", "Dispatched: out", None),
        ("PU/EOD-77", "In Transit: collected", None),
        ("CN/EOD-21", "Canceled", None),
        ("UD/X-UCI", "Manifested: uploaded", NOW),
        ("UD/EOD-11", "Pending: unavailable", NOW),
        ("UD/X-DDD3FD", "Dispatched: out", None),
        ("DL/EOD-38", "Delivered", None),
    ],
)
def test_a_pickup_is_corrected_only_while_scheduled(what, code, text, at):
    assert act.act_from(what, standing(code, text), NOW) == at


@pytest.mark.parametrize("what", list(Act))
def test_nothing_is_sent_where_nothing_is_known(what):
    assert act.act_from(what, Standing(last=None, visits=1), NOW) is None


def test_the_cancelled_milestone_alone_is_not_enough():
    last = Scan(code="CN/", at=NOW, milestone=Milestone.CANCELLED)
    assert act.act_from(Act.RESCHEDULE, Standing(last=last, visits=1), NOW) is None


# --- another visit ---

SUBMIT, RESULT = act.RESCHEDULE.steps


@pytest.mark.parametrize(("operation", "word"), [(act.REATTEMPT, "RE-ATTEMPT"), (act.RESCHEDULE, "PICKUP_RESCHEDULE")])
def test_an_act_is_a_list_of_one(operation, word):
    request = operation.steps[0].build(instruction(), access(), {})
    assert (request.method, str(request.url)) == ("POST", "https://dlv.example/api/p/update")
    assert json.loads(request.content) == {"data": [{"waybill": AWB, "act": word}]}


def test_a_day_beyond_the_next_round_is_refused_as_none_can_be_given():
    today = NOW.date()
    SUBMIT.build(instruction(date=today + dt.timedelta(days=2)), access(), {})
    with pytest.raises(Refused) as caught:
        SUBMIT.build(instruction(date=today + dt.timedelta(days=3)), access(), {})
    assert caught.value.field == "/date"


def test_the_upload_id_is_kept():
    assert act.parse_submitted(says({"message": "Request submitted successfully!", "request_id": UPL}), instruction(), {}) == Next(
        so_far=KNOWN
    )


@pytest.mark.parametrize(("text", "kind"), act.REFUSALS)
@pytest.mark.parametrize("shape", ["bare", "message", "error"])
def test_every_text_of_the_table_refuses_the_upload(text, kind, shape):
    said = f"{text.capitalize()}."
    with pytest.raises(Refused) as caught:
        act.parse_submitted(says(said if shape == "bare" else {shape: said}, 400), instruction(), {})
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    "text", ["Package is part of dispatch. Cannot update the information now", "Package action is being performed"]
)
def test_a_busy_parcel_is_tried_later(text):
    with pytest.raises(Throttled) as caught:
        act.parse_submitted(says(text, 400), instruction(), {})
    assert caught.value.retry_after == dt.timedelta(minutes=30)


@pytest.mark.parametrize("body", [{}, {"message": "Request submitted successfully!"}, {"request_id": ""}, [], None, "what?"])
def test_no_upload_id_is_misread(body):
    with pytest.raises(Misread):
        act.parse_submitted(says(body), instruction(), {})


def result(done: list[object] | None = None, failed: list[object] | None = None, **more: object) -> dict[str, object]:
    return {"status": "", "remark": "", "success_wbns": done or [], "failed_wbns": failed or [], "request_id": UPL} | more


def line(awb: str = AWB, action: str = "PICKUP_RESCHEDULE", **more: object) -> dict[str, object]:
    return {"waybill": awb, "action": action} | more


def test_the_result_is_asked_with_every_detail():
    assert str(RESULT.build(instruction(), access(), KNOWN).url) == f"https://dlv.example/api/cmu/get_bulk_upl/{UPL}?verbose=true"


def test_the_waybills_own_list_counts_and_not_the_uploads_status():
    reply = says(result([line()], [line("1", message="Incorrect waybill")], status="Failure"))
    assert RESULT.parse(reply, instruction(), KNOWN) == Acted(receipt=UPL)


@pytest.mark.parametrize(
    ("text", "kind"),
    [*act.REFUSALS, ("Package is part of dispatch. Cannot update", RefusalKind.WRONG_STATE), ("who knows", RefusalKind.REFUSED)],
)
def test_a_failed_waybill_says_why(text, kind):
    with pytest.raises(Refused) as caught:
        RESULT.parse(says(result(failed=[line(message=text)], status="Failure")), instruction(), KNOWN)
    assert (caught.value.kind, caught.value.raw_message) == (kind, text)


@pytest.mark.parametrize(
    "reply",
    [
        says(result()),
        says(result([line("1")])),
        says(result([line(action="RE-ATTEMPT")])),
        says(result(failed=[line(message="Package action is being performed")])),
        says("not known", 404),
    ],
)
def test_an_upload_in_work_is_asked_for_again(reply):
    answer = read(act.RESCHEDULE, RESULT, reply, instruction(), {**KNOWN, "looks": "1"}, NOW)
    assert isinstance(answer, Later)
    assert (answer.at, answer.so_far) == (NOW + dt.timedelta(minutes=1), {**KNOWN, "looks": "2"})


def test_an_upload_without_an_end_is_an_unknown_outcome():
    with pytest.raises(OutcomeUnknown):
        RESULT.parse(says(result()), instruction(), {**KNOWN, "looks": "20"})


@pytest.mark.parametrize("body", [{}, result([line()], request_id="UPL9"), result([line()], request_id=None), [], None])
def test_another_uploads_result_is_misread(body):
    with pytest.raises(Misread):
        RESULT.parse(says(body), instruction(), KNOWN)


def test_without_an_upload_id_no_result_is_ours():
    with pytest.raises(Misread):
        RESULT.parse(says(result([line()], request_id=None)), instruction(), {})


def test_a_lost_answer_to_an_act_is_an_unknown_outcome():
    assert [step.commits for step in act.REATTEMPT.steps] == [True, False]


# --- corrections ---


def test_a_contact_is_a_name_and_a_phone():
    request = act.build_contact(instruction(party=customer(name="Meera R. Iyer")), access(), {})
    assert str(request.url) == "https://dlv.example/api/p/edit"
    assert json.loads(request.content) == {"waybill": AWB, "name": "Meera R. Iyer", "phone": "9845011223"}


def test_an_address_is_its_lines():
    party = customer(line1="14 Lake Road", line2="", landmark="")
    assert json.loads(act.build_address(instruction(party=party), access(), {}).content) == {"waybill": AWB, "add": "14 Lake Road"}


@pytest.mark.parametrize("build", [act.build_contact, act.build_address])
def test_a_pin_cannot_be_edited(build):
    booked = booking(pin="560001")
    build(instruction(booking=booked, party=customer(postal_code="560 001")), access(), {})
    with pytest.raises(Refused) as caught:
        build(instruction(booking=booked, party=customer(postal_code="560002")), access(), {})
    assert caught.value.field == "/party/postal_code"


@pytest.mark.parametrize("build", [act.build_contact, act.build_address])
def test_there_must_be_something_to_correct(build):
    with pytest.raises(Refused) as caught:
        build(instruction(), access(), {})
    assert caught.value.field == "/party"


@pytest.mark.parametrize(
    "body",
    [
        {"status": True, "waybill": AWB, "order_id": "bkg_01jd"},
        f"<root><status>True</status><waybill>{AWB}</waybill></root>".encode(),
    ],
)
def test_an_edit_is_confirmed_for_this_waybill(body):
    assert act.parse_edit(says(body), instruction(), {}) == Acted()


@pytest.mark.parametrize("body", [{"status": True}, {"status": True, "waybill": AWB, "remark": "Shipment has been cancelled."}, {}])
def test_a_cancel_is_no_edit(body):
    with pytest.raises(Misread):
        act.parse_edit(says(body), instruction(), {})


def test_an_edit_after_dispatch_is_refused():
    with pytest.raises(Refused) as caught:
        act.parse_edit(says({"status": "Failure", "error": "Shipment could not be updated"}), instruction(), {})
    assert caught.value.kind is RefusalKind.WRONG_STATE
