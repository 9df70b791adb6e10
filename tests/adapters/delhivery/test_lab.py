"""The adapter against its own lab: every operation over the wire, and the lab's strictness by hand."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from adapters.contract.carrier import (
    Access,
    Act,
    Acted,
    AwbList,
    Booked,
    Booking,
    Cancelled,
    Enquiry,
    Instruction,
    Later,
    Next,
    Sought,
    Standing,
    Stop,
    Tat,
)
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.orders import Direction, Order
from adapters.contract.reading import read
from adapters.contract.scans import Milestone, Reason, Tracked
from adapters.contract.units import Money
from adapters.delhivery import CARRIER
from adapters.delhivery.callback import read_callback
from adapters.delhivery.lab import SIDE, booking, pins
from adapters.lab.engine import Lab

from .examples import COLOUR, NOW, PARCEL, REFERENCE, SHIRT, access, customer, first_shipment, pickup, shipment

ACCOUNT = "lab_loom"
BASE = "http://lab/delhivery"


class Bench:
    """One lab account, asked as the gateway would, without its ledger."""

    def __init__(self) -> None:
        self.lab = Lab({"delhivery": SIDE}, seed=7, wall=lambda: NOW)
        self.http = httpx.Client(transport=self.lab.transport(), timeout=60)
        self.seen: list[httpx.Request] = []

    @property
    def now(self) -> dt.datetime:
        return self.lab.now("delhivery", ACCOUNT)

    def ask(self, name: str, question: Any, **settings: str) -> Any:
        operation = CARRIER.operation(name)
        assert operation
        index = 0
        so_far: dict[str, str] = {}
        while True:
            step = operation.steps[index]
            if step.when and not step.when(question, self.access(settings)):
                index += 1
                continue
            request = step.build(question, self.access(settings), so_far)
            self.seen.append(request)
            answer = read(operation, step, self.http.send(request), question, so_far, self.now)
            if isinstance(answer, Later):
                self.later(answer.at - self.now)
            elif isinstance(answer, Next):
                index += 1
            else:
                return answer
            so_far |= dict(answer.so_far)

    def access(self, settings: dict[str, str]) -> Access:
        return access(settings, now=self.now, base=BASE)

    def later(self, by: dt.timedelta) -> None:
        self.lab.advance("delhivery", ACCOUNT, by)

    def fault(self, **rule: object) -> None:
        answer = self.lab.answer("POST", "/_lab/faults", body=json.dumps({"carrier": "delhivery"} | rule).encode())
        assert answer.status < 300, answer.body

    def book(self, order: Order | None = None, **settings: str) -> Booking:
        order = order or pickup()
        booked: Booked = self.ask("book", order, **settings)
        return Booking(awb=booked.awb, carrier_reference=order.carrier_reference, handles=booked.handles)

    def track(self, held: Booking) -> Tracked:
        told = self.ask("track", AwbList(awbs=(held.awb,)))[held.awb]
        assert isinstance(told, Tracked)
        return told

    def post(self, path: str, body: object, kind: str = "application/json") -> httpx.Response:
        content = body if isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Token {ACCOUNT}", "Content-Type": kind}
        return self.http.post(BASE + path, content=content, headers=headers)

    def create(self, **changes: object) -> Any:
        document = {"shipments": [first_shipment(pickup()) | changes], "pickup_location": {"name": "Loom Main WH"}}
        body = urlencode({"format": "json", "data": json.dumps(document)})
        return self.post("/api/cmu/create.json", body, "application/x-www-form-urlencoded").json()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def stop(pin: str = "560001", direction: Direction = Direction.REVERSE, *, collect: bool = True) -> Stop:
    return Stop(postal_code=pin, country="IN", direction=direction, collect=collect)


def enquiry(**changes: Any) -> Enquiry:
    order = pickup()
    question = Enquiry(lane=order.lane, direction=order.direction, parcels=order.parcels, declared_value=order.declared_value)
    return msgspec.structs.replace(question, **changes)


# --- offers ---


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        (stop(), ""),
        (stop("999001"), ""),
        (stop("911001"), "not in Delhivery's list of pins"),
        (stop(pins.NOT_LISTED), "not in Delhivery's list of pins"),
        (stop(pins.EMBARGOED), "Embargo"),
        (stop(pins.NO_PICKUP), "pickup: N"),
        (stop(pins.NO_PICKUP, Direction.FORWARD, collect=False), ""),
    ],
)
def test_serviceability_over_the_wire(bench, asked, cause):
    answer = bench.ask("serviceability", asked)
    assert (answer.serviceable, answer.cause) == (not cause, cause)


def test_days_over_the_wire(bench):
    assert bench.ask("tat", enquiry(ready_at=NOW)) == Tat(days=4)


def test_prices_over_the_wire(bench):
    quotes = bench.ask("quote", enquiry())
    assert [(quote.service, quote.price) for quote in quotes] == [
        ("surface", Money(10148, "INR")),
        ("express", Money(14207, "INR")),
    ]


def test_no_days_to_a_pin_that_is_not_served(bench):
    with pytest.raises(Refused) as caught:
        bench.ask("tat", enquiry(lane=pickup(shipper=customer(postal_code=pins.NOT_LISTED)).lane))
    assert caught.value.kind is RefusalKind.NOT_SERVICEABLE


# --- booking ---


def test_a_pickup_is_booked_found_tracked_and_labelled(bench):
    held = bench.book()
    assert [request.url.path for request in bench.seen] == ["/delhivery/api/cmu/create.json"]
    assert bench.ask("find", Sought(carrier_reference=REFERENCE, sent_at=NOW)) == Booked(awb=held.awb, handles={"pin": "560001"})
    assert [scan.code for scan in bench.track(held).scans] == ["PP/X-UCO", "PP/X-ASP"]
    assert bench.ask("label", held).content.startswith(b"%PDF-")
    assert "authorization" not in bench.seen[-1].headers


def test_the_slip_is_opened_by_its_signature_alone(bench):
    bench.ask("label", bench.book())
    link = bench.seen[-1].url
    assert bench.http.get(link, headers={"Authorization": f"Token {ACCOUNT}"}).status_code == 403
    assert bench.http.get(link.copy_set_param("X-Amz-Signature", "0")).status_code == 403


def test_what_was_never_booked_is_not_found(bench):
    assert bench.ask("find", Sought(carrier_reference=REFERENCE, sent_at=NOW)) is None


def test_a_waybill_can_be_fetched_first(bench):
    held = bench.book(waybills="prefetched")
    assert [request.url.path for request in bench.seen] == ["/delhivery/waybill/api/fetch/json/", "/delhivery/api/cmu/create.json"]
    assert bench.track(held).awb == held.awb


def test_a_second_booking_of_the_same_order_is_refused_as_a_duplicate(bench):
    bench.book()
    with pytest.raises(Refused) as caught:
        bench.book()
    assert caught.value.kind is RefusalKind.DUPLICATE


def test_another_amount_makes_a_second_parcel(bench):
    dearer = pickup(items=(msgspec.structs.replace(SHIRT, quantity=3),))
    assert bench.book().awb != bench.book(dearer).awb


@pytest.mark.parametrize(
    ("order", "settings", "kind"),
    [
        (pickup(shipper=customer(postal_code=pins.NO_PICKUP)), {}, RefusalKind.NOT_SERVICEABLE),
        (pickup(shipper=customer(postal_code=pins.EMBARGOED)), {}, RefusalKind.NOT_SERVICEABLE),
        (pickup(), {"pickup_location": booking.UNKNOWN_WAREHOUSE}, RefusalKind.ACCOUNT),
        (pickup(), {"pickup_location": booking.CLOSED_WAREHOUSE}, RefusalKind.ACCOUNT),
        (pickup(), {"client": booking.POOR_CLIENT}, RefusalKind.ACCOUNT),
    ],
)
def test_the_lab_refuses_in_the_carriers_words(bench, order, settings, kind):
    with pytest.raises(Refused) as caught:
        bench.ask("book", order, **settings)
    assert caught.value.kind is kind
    assert bench.ask("find", Sought(carrier_reference=REFERENCE, sent_at=NOW)) is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": ""}, "name is missing"),
        ({"return_pin": ""}, "return_pin is missing"),
        ({"order": "o" * 51}, "oid does not pass the validator"),
        ({"phone": "12345"}, f"Incorrect phone number(s) for order {REFERENCE}"),
        ({"payment_mode": "pickup"}, "Package type pickup not serviceable for LOOM-HQ"),
        ({"waybill": "57930810000066"}, "Unable to consume waybill 57930810000066 for LOOM-HQ"),
        ({"custom_qc": [{"description": "x", "images": [], "questions": []}], "qc_type": "param"}, "custom_qc is not valid"),
    ],
)
def test_the_lab_demands_what_the_documents_demand(bench, changes, text):
    answer = bench.create(**changes)
    assert (answer["success"], answer["packages"][0]["status"]) == (False, "Fail")
    assert text in answer["packages"][0]["remarks"][0]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("data={}", "format key missing in the post"),
        ("format=json&data={", "Unterminated string starting at"),
        ('format=json&data={"shipments":"x"}', "'unicode' object has no attribute 'get'"),
        ('format=json&data={"shipments":[]}', "shipment list contains no data"),
        ('format=json&data={"shipments":[{"client":""}]}', "shipment list contains no data"),
        ('format=json&data={"shipments":[{"client":"C"}]}', "ClientWarehouse matching query does not exist."),
        ('format=json&data={"shipments":[{"client":7}]}', "Package might be saved"),
    ],
)
def test_the_lab_refuses_a_misshapen_body(bench, body, text):
    answer = bench.post("/api/cmu/create.json", body, "application/x-www-form-urlencoded").json()
    assert (answer["success"], answer["packages"]) == (False, [])
    assert text in answer["rmk"]


def test_a_used_waybill_is_a_duplicate(bench):
    held = bench.book()
    assert bench.create(waybill=held.awb, order="bkg_other")["packages"][0]["remarks"] == ["Duplicate waybill"]


@pytest.mark.parametrize(("questions", "checked"), [(6, True), (7, False)])
def test_beyond_the_limits_the_lab_drops_the_qc_in_silence(bench, questions, checked):
    question = {"questions_id": "Q", "options": [""], "value": ["x"], "required": True, "type": "varchar"}
    item = {"description": "x", "images": ["https://pictures.example/x.jpg"], "questions": [question] * questions}
    awb = bench.create(custom_qc=[item], qc_type="param")["packages"][0]["waybill"]
    entry = bench.lab.books.entry("delhivery", ACCOUNT, awb)
    assert entry is not None
    assert entry.consignment.details["qc"] is checked


# --- faults ---


def test_a_lost_answer_is_found_by_reference(bench):
    bench.fault(kind="server_error_booked", operation="book", times=1)
    with pytest.raises(OutcomeUnknown):
        bench.book()
    assert bench.ask("find", Sought(carrier_reference=REFERENCE, sent_at=NOW)) is not None


def test_the_firewalls_403_is_a_throttle(bench):
    bench.fault(kind="throttle", operation="track", times=1)
    with pytest.raises(Throttled):
        bench.ask("track", AwbList(awbs=("1",)))


@pytest.mark.parametrize("kind", ["refuse", "error_in_200"])
def test_a_refusal_asked_for_is_one(bench, kind):
    bench.fault(kind=kind, operation="book", times=1)
    with pytest.raises(Refused) as caught:
        bench.book()
    assert caught.value.kind is RefusalKind.REFUSED


def test_a_proxys_page_is_no_booking(bench):
    bench.fault(kind="html", operation="book", times=1)
    with pytest.raises(Misread):
        bench.book()


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("serviceability", stop()),
        ("tat", enquiry()),
        ("book", pickup()),
        ("track", AwbList(awbs=("1",))),
        ("cancel", Booking(awb="1", carrier_reference="r")),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"waybills": "prefetched"}])
def test_a_live_token_is_turned_away(name, question, settings):
    bench = Bench()
    operation = CARRIER.operation(name)
    assert operation
    step = next(step for step in operation.steps if not step.when or settings)
    request = step.build(question, access(settings, token="0123456789abcdef", base=BASE), {})
    with pytest.raises(Refused) as caught:
        read(operation, step, bench.http.send(request), question, {}, NOW)
    assert caught.value.kind is RefusalKind.UNAUTHORIZED


# --- changes ---


def test_a_scheduled_pickup_is_corrected_and_cancelled_twice(bench):
    held = bench.book()
    assert bench.ask("edit_contact", Instruction(booking=held, party=customer(phone="9845099887"))) == Acted()
    assert bench.ask("edit_address", Instruction(booking=held, party=customer(line1="14 Lake Road"))) == Acted()
    assert bench.ask("cancel", held) == Cancelled()
    assert bench.ask("cancel", held) == Cancelled()
    assert bench.track(held).scans[-1].reason is Reason.CANCELLED_BY_MERCHANT


def test_a_pickup_whose_rider_is_out_is_neither_cancelled_nor_corrected(bench):
    held = bench.book(pickup(shipper=customer(phone="98450 00000")))
    while bench.track(held).scans[-1].milestone is not Milestone.OUT_FOR_PICKUP:
        bench.later(dt.timedelta(minutes=20))
    for name, question in (("cancel", held), ("edit_contact", Instruction(booking=held, party=customer()))):
        with pytest.raises(Refused) as caught:
            bench.ask(name, question)
        assert caught.value.kind is RefusalKind.WRONG_STATE


def test_a_collected_parcel_is_too_late_to_cancel(bench):
    held = bench.book(pickup(shipper=customer(phone="98450 00000")))
    bench.later(dt.timedelta(days=10))
    told = bench.track(held)
    assert [scan.milestone for scan in told.scans[2:]] == [
        Milestone.OUT_FOR_PICKUP,
        Milestone.PICKED_UP,
        Milestone.IN_TRANSIT,
        Milestone.OUT_FOR_DELIVERY,
        Milestone.DELIVERED,
    ]
    with pytest.raises(Refused) as caught:
        bench.ask("cancel", held)
    assert caught.value.kind is RefusalKind.TOO_LATE


def test_a_failed_quality_check_is_reopened_in_the_evening(bench):
    bench.fault(kind="qc_fails", reason="qc_failed_other", visits=1)
    held = bench.book(pickup(quality_checks=(COLOUR,)))
    bench.later(dt.timedelta(days=1, hours=9))
    last = bench.track(held).scans[-1]
    assert (last.code, last.reason) == ("CN/EOD-777", Reason.QC_FAILED_OTHER)
    at = CARRIER.act_from and CARRIER.act_from(Act.RESCHEDULE, Standing(last=last, visits=1), bench.now)
    assert at is not None
    bench.later(at - bench.now)
    assert isinstance(bench.ask("reschedule", Instruction(booking=held)), Acted)
    assert bench.track(held).scans[-1].milestone is Milestone.PICKUP_SCHEDULED
    bench.later(dt.timedelta(days=8))
    assert bench.track(held).scans[-1].milestone is Milestone.DELIVERED


@pytest.mark.parametrize("name", ["reattempt", "reschedule"])
def test_a_scheduled_pickup_needs_no_lever(bench, name):
    held = bench.book()
    with pytest.raises(Refused) as caught:
        bench.ask(name, Instruction(booking=held))
    assert caught.value.kind is RefusalKind.WRONG_STATE


def test_a_foreign_waybill_is_refused_by_every_call(bench):
    foreign = Booking(awb="57930810000066", carrier_reference=REFERENCE)
    kinds = []
    for name, question in (
        ("cancel", foreign),
        ("label", foreign),
        ("edit_contact", Instruction(booking=foreign, party=customer())),
        ("reschedule", Instruction(booking=foreign)),
    ):
        with pytest.raises(Refused) as caught:
            bench.ask(name, question)
        kinds.append(caught.value.kind)
    assert kinds == [
        RefusalKind.INVALID_REQUEST,
        RefusalKind.WRONG_STATE,
        RefusalKind.INVALID_REQUEST,
        RefusalKind.INVALID_REQUEST,
    ]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"waybill": "1", "pin": "560002"}, 400, "asked to not let you see that"),
        ({"waybill": "", "cancellation": "true"}, 200, "Enter Waybill/OrderID"),
        ({}, 200, "Enter Waybill/OrderID"),
    ],
)
def test_the_lab_edits_only_what_may_be_edited(bench, body, status, text):
    answer = bench.post("/api/p/edit", body)
    assert answer.status_code == status
    assert text in answer.text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"data": {}}, "Invalid data provided"),
        ({"data": []}, '\\"waybill\\" is missing'),
        ({"data": [{"waybill": "1", "act": "re-attempt"}]}, "Action is not valid"),
        ({"data": [{"waybill": "1", "act": "RE-ATTEMPT"}] * 1001}, "Can not update more than 1000 records"),
    ],
)
def test_the_lab_takes_only_documented_acts(bench, body, text):
    answer = bench.post("/api/p/update", body)
    assert (answer.status_code, text in answer.text) == (400, True)


def test_more_than_fifty_waybills_are_too_many(bench):
    with pytest.raises(Misread):
        bench.ask("track", AwbList(awbs=tuple(str(n) for n in range(51))))


# --- the lives of many ---


def test_every_scan_of_many_pickups_is_understood(bench):
    held = [bench.book(pickup(carrier_reference=f"bkg_{n}", quality_checks=(COLOUR,) * (n % 2))) for n in range(60)]
    bench.later(dt.timedelta(days=14))
    scans = [scan for one in held for scan in bench.track(one).scans]
    assert Milestone.UNKNOWN not in {scan.milestone for scan in scans}
    assert {Milestone.PICKUP_FAILED, Milestone.CANCELLED, Milestone.DELIVERED} <= {scan.milestone for scan in scans}
    assert Reason.UNKNOWN not in {scan.reason for scan in scans}


def test_pushes_tell_what_tracking_tells_from_the_first_plan_on(bench):
    hook = {"carrier": "delhivery", "account": ACCOUNT, "url": "http://127.0.0.1:9/x", "secret": "s3cret"}
    assert bench.lab.answer("POST", "/_lab/pushes", body=json.dumps(hook).encode()).status == 200
    held = bench.book()
    bench.later(dt.timedelta(days=14))
    pushed = []
    while due := bench.lab.due_pushes():
        for sending, _ in due:
            pushed.append(read_callback(sending.headers, sending.body, {"push_secret": "s3cret"}))
            bench.lab.pushed(sending, delivered=True)
    assert all(push.verified for push in pushed)
    assert [scan for push in pushed for scan in push.tracked[0].scans] == list(bench.track(held).scans[1:])


def test_every_reason_of_the_lab_is_read_back_as_it_was_meant(bench):
    reasons = [*SIDE.failures, *SIDE.qc_failures]
    for n, reason in enumerate(reasons):
        bench.fault(kind="qc_fails" if reason in SIDE.qc_failures else "visit_fails", reason=reason, visits=1, times=1)
        held = bench.book(pickup(carrier_reference=f"bkg_{n}", quality_checks=(COLOUR,)))
        bench.later(dt.timedelta(days=3))
        told = {scan.reason for scan in bench.track(held).scans}
        assert reason in told


def test_a_pickup_nobody_hands_over_ends_after_three_visits(bench):
    bench.fault(kind="visit_fails", reason="customer_unavailable", times=1)
    held = bench.book()
    bench.later(dt.timedelta(days=8))
    scans = bench.track(held).scans
    assert [scan.code for scan in scans if scan.milestone is Milestone.OUT_FOR_PICKUP] == ["PP/X-DDD3FP"] * 3
    assert (scans[-1].code, scans[-1].text) == ("CN/EOD-106", "Closed: Maximum attempts reached")


def test_forward_parcels_are_worded_as_such(bench):
    held = [bench.book(shipment(carrier_reference=f"bkg_{n}")) for n in range(20)]
    bench.later(dt.timedelta(days=14))
    scans = [scan for one in held for scan in bench.track(one).scans]
    assert Milestone.UNKNOWN not in {scan.milestone for scan in scans}
    assert {scan.code.partition("/")[0] for scan in scans} == {"UD", "DL"}


def test_a_lost_parcel_is_lost(bench):
    bench.fault(kind="lost", times=1)
    held = bench.book(pickup(shipper=customer(phone="98450 00000")))
    bench.later(dt.timedelta(days=12))
    assert bench.track(held).scans[-1].milestone is Milestone.LOST


def test_heavier_parcels_cost_more_in_the_books(bench):
    heavy = msgspec.structs.replace(PARCEL, dead_weight=msgspec.structs.replace(PARCEL.dead_weight, grams=4000))
    held = [bench.book(), bench.book(pickup(carrier_reference="bkg_heavy", parcels=(heavy,)))]
    entries = [bench.lab.books.entry("delhivery", ACCOUNT, one.awb) for one in held]
    prices = [entry.consignment.price_minor for entry in entries if entry]
    assert prices == [10148, 27140]
