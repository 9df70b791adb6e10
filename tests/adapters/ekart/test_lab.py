"""The adapter against its own simulated side, through the lab's transport."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import (
    Acted,
    AwbList,
    Booked,
    Cancelled,
    Document,
    Serviceability,
    Tat,
)
from adapters.contract.errors import CarrierError, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.orders import Direction, QualityCheck
from adapters.contract.scans import Milestone, Reason
from adapters.ekart import CARRIER
from adapters.ekart.lab import SIDE
from adapters.lab.engine import Lab

from . import examples
from .examples import CUSTOMER, REFERENCE, booking, enquiry, instruction, pickup, stop
from .shop import KEYS, Shop

UNSERVED = "999009"  # a magic postal code of the lab: every carrier stays away
COLLECTS, FAILS_ONCE, FAILS_ALWAYS = "9800000000", "9800000004", "9800000008"  # magic phones: 0000NN


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab({"ekart": SIDE}, wall=lambda: examples.NOW)
    yield lab
    lab.close()


@pytest.fixture
def shop(lab: Lab) -> Shop:
    shop = Shop(lab)
    shop.sign_in()
    return shop


def order(phone: str = COLLECTS, **changes: Any) -> Any:
    return pickup(shipper=replace(CUSTOMER, phone=phone), **changes)


def test_a_token_is_the_same_for_a_day_and_runs_out(shop: Shop) -> None:
    first = shop.token
    shop.wait(hours=23)
    shop.sign_in()
    assert shop.token == first
    assert shop.ask("sign_in", None).expires_in == dt.timedelta(hours=1)
    shop.wait(hours=1)
    assert shop.refused("serviceability", stop())[:2] == (Refused, RefusalKind.UNAUTHORIZED)
    shop.sign_in()
    assert shop.ask("serviceability", stop()) == Serviceability(serviceable=True)


@pytest.mark.parametrize("account", ["kestrel", "EKART_1"])
def test_only_lab_credentials_are_let_in(lab: Lab, account: str) -> None:
    assert Shop(lab, account).refused("sign_in", None)[:2] == (Refused, RefusalKind.UNAUTHORIZED)


def test_an_offer_is_made_of_both_ends_days_and_price(shop: Shop) -> None:
    assert shop.ask("tat", enquiry()) == Tat(days=6)
    (plain,), (checked,) = shop.ask("quote", enquiry()), shop.ask("quote", enquiry(quality_checks=1))
    assert (plain.service, plain.price.minor > 0, checked.price.minor - plain.price.minor) == ("surface", True, 1000)
    both = [
        shop.ask("serviceability", stop(postal_code=code, collect=ends)) for code, ends in (("560038", True), ("394101", False))
    ]
    assert both == [Serviceability(serviceable=True)] * 2


def test_where_the_carrier_does_not_go(shop: Shop) -> None:
    lane = replace(enquiry().lane, origin=UNSERVED)
    assert not shop.ask("serviceability", stop(postal_code=UNSERVED)).serviceable
    assert shop.refused("tat", enquiry(lane=lane))[:2] == (Refused, RefusalKind.NOT_SERVICEABLE)
    away = pickup(shipper=replace(CUSTOMER, postal_code=UNSERVED))
    assert shop.refused("book", away)[:2] == (Refused, RefusalKind.REFUSED)
    assert list(shop.lab.books.consignments()) == []


def test_a_price_follows_the_world(shop: Shop) -> None:
    (before,) = shop.ask("quote", enquiry())
    world = {"carrier": "ekart", "zone": "560", "price": 2}
    shop.lab.answer("POST", "http://lab/_lab/world", body=json.dumps(world).encode())
    (after,) = shop.ask("quote", enquiry())
    assert 1.9 < after.price.minor / before.price.minor < 2.1


def test_a_pickup_from_booking_to_delivery(shop: Shop) -> None:
    booked = shop.ask("book", order())
    assert isinstance(booked, Booked)
    assert (booked.awb, booked.handles) == ("500000000001kestrel", {"wbn": "LABW500000000001", "vendor": "EKART"})
    assert [scan.milestone for scan in shop.tracked(booked.awb).scans] == [Milestone.LABEL_CREATED, Milestone.PICKUP_SCHEDULED]
    shop.later(days=14)
    found = shop.tracked(booked.awb)
    assert [scan.code for scan in found.scans] == [
        "Order Placed",
        "Pickup Scheduled",
        "Out for Pickup",
        "Picked Up",
        "In Transit",
        "Out for Delivery",
        "Delivered",
    ]
    assert found.carrier_reference == REFERENCE
    assert found.expected_delivery


def test_tracking_is_open_to_everyone(shop: Shop) -> None:
    booked = shop.ask("book", order())
    assert Shop(shop.lab, "lab_other").tracked(booked.awb).awb == booked.awb
    refusal = shop.ask("track", AwbList(awbs=("500000000009kestrel",)))["500000000009kestrel"]
    assert isinstance(refusal, Refused)


def test_the_seller_and_the_customer_are_entered_as_they_move(shop: Shop) -> None:
    shop.ask("book", order())
    shop.ask("book", examples.shipment(carrier_reference="bkg_forward"))
    lines = [(c.reference, c.origin, c.destination, c.phone) for _, _, c in shop.lab.books.consignments()]
    assert lines == [(REFERENCE, "560038", "394101", COLLECTS), ("bkg_forward", "394101", "560038", "9876543210")]


def test_a_failed_visit_is_told_with_its_reason_and_sent_again(shop: Shop) -> None:
    awb = shop.ask("book", order(FAILS_ONCE)).awb
    shop.later(days=1, hours=6)
    last = shop.tracked(awb).scans[-1]
    assert (last.code, last.reason) == ("Not Picked/Address Issue", Reason.ADDRESS_INCOMPLETE)
    day = (shop.now + dt.timedelta(days=3)).date()
    moved = instruction(booking=booking(awb), date=day, party=replace(CUSTOMER, line1="14 Rose Lane"))
    assert shop.ask("reschedule", moved) == Acted()
    assert shop.tracked(awb).scans[-1].milestone is Milestone.PICKUP_SCHEDULED
    shop.later(days=4)
    out = [scan.at.date() for scan in shop.tracked(awb).scans if scan.milestone is Milestone.OUT_FOR_PICKUP]
    assert out[-1] == day


def test_the_carrier_gives_up_after_its_own_visits(shop: Shop) -> None:
    awb = shop.ask("book", order(FAILS_ALWAYS)).awb
    shop.later(days=10)
    assert [(scan.milestone, scan.reason) for scan in shop.tracked(awb).scans[-2:]] == [
        (Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE),
        (Milestone.CANCELLED, Reason.MAX_VISITS_REACHED),
    ]
    assert shop.refused("reattempt", instruction(booking=booking(awb)))[:2] == (Refused, RefusalKind.WRONG_STATE)


def test_the_rider_is_not_sent_where_no_visit_failed(shop: Shop) -> None:
    awb = shop.ask("book", order()).awb
    assert shop.refused("reattempt", instruction(booking=booking(awb)))[:2] == (Refused, RefusalKind.WRONG_STATE)


def test_a_cancel_holds_and_is_refused_the_second_time(shop: Shop) -> None:
    awb = shop.ask("book", order()).awb
    assert shop.ask("cancel", booking(awb)) == Cancelled()
    assert [(scan.code, scan.reason) for scan in shop.tracked(awb).scans[-1:]] == [
        ("Seller Cancelled", Reason.CANCELLED_BY_MERCHANT)
    ]
    assert shop.refused("cancel", booking(awb))[:2] == (Refused, RefusalKind.WRONG_STATE)
    assert shop.refused("cancel", booking("500000000009kestrel"))[:2] == (Refused, RefusalKind.WRONG_STATE)


def test_the_label_is_a_pdf_that_names_the_shipment(shop: Shop) -> None:
    awb = shop.ask("book", order()).awb
    label = shop.ask("label", booking(awb))
    assert isinstance(label, Document)
    assert awb.encode() in label.content
    assert shop.refused("label", booking("500000000009kestrel"))[:2] == (Refused, RefusalKind.INVALID_REQUEST)


def test_checks_reach_the_rider(shop: Shop) -> None:
    shop.ask("book", order(quality_checks=(QualityCheck(question="colour", expected="Blue"),)))
    (_, _, consignment) = next(iter(shop.lab.books.consignments()))
    assert consignment.details["qc"] is True


def test_nothing_documented_forbids_a_second_booking(shop: Shop) -> None:
    assert [shop.ask("book", order()).awb for _ in range(2)] == ["500000000001kestrel", "500000000002kestrel"]
    assert CARRIER.dedupes_by == ()


# --- strictness ---


def request_body() -> dict[str, Any]:
    body: dict[str, Any] = examples.body_of(CARRIER.book, pickup(), examples.access())
    return body


@pytest.mark.parametrize("field", sorted(request_body()))
def test_every_field_of_a_booking_is_missed(shop: Shop, field: str) -> None:
    body = request_body()
    del body[field]
    response = shop.call("PUT", "/api/v1/package/create", body)
    assert (response.status_code, response.json()["code"]) == (400, "SWIFT_VALIDATION_EXCEPTION")


@pytest.mark.parametrize(
    "change",
    [
        {"weight": "480"},
        {"weight": 480.5},
        {"length": 0},
        {"commodity_value": 1000},
        {"cod_amount": 50000},
        {"cod_amount": -1},
        {"payment_mode": "pickup"},
        {"consignee_alternate_phone": "98"},
        {"consignee_alternate_phone": "9876543210"},
        {"total_amount": 1181},
        {"return_reason": ""},
        {"service": "SURFACE"},
        {"drop_location": {"name": "Asha"}},
        {"preferred_dispatch_date": "13-03-2026"},
        {"ewbn": "12"},
    ],
)
def test_a_mistyped_booking_is_refused(shop: Shop, change: dict[str, Any]) -> None:
    response = shop.call("PUT", "/api/v1/package/create", request_body() | change)
    body = response.json()
    assert (response.status_code, body["statusCode"], body["code"]) == (400, 400, "SWIFT_VALIDATION_EXCEPTION")
    assert set(body) == {"statusCode", "code", "message", "description", "severity"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/data/pricing/estimate", {"pickupPincode": 394101}),
        ("/data/v3/serviceability", {"pickupPincode": 394101}),
        ("/api/v1/package/label", {"ids": []}),
        ("/api/v1/package/label", {"ids": ["1", "1"]}),
        ("/api/v2/package/ndr", {"action": "Edit", "wbn": "1"}),
        ("/api/v2/webhook", {"url": "http://127.0.0.1/", "secret": "short", "topics": ["track_updated"]}),
        ("/api/v2/webhook", {"url": "http://127.0.0.1/", "secret": "long enough", "topics": []}),
    ],
)
def test_every_other_call_is_strict_too(shop: Shop, path: str, body: object) -> None:
    assert shop.call("POST", path, body).status_code == 400


def failed_visit(shop: Shop) -> str:
    awb: str = shop.ask("book", order(FAILS_ONCE)).awb
    shop.later(days=1, hours=6)
    return awb


@pytest.mark.parametrize("days", [None, 0, 8, 10**12])
def test_a_re_attempt_needs_a_day_within_seven(shop: Shop, days: int | None) -> None:
    awb = failed_visit(shop)
    at = None if days is None else int(shop.now.timestamp() * 1000) + days * 86_400_000
    assert shop.call("POST", "/api/v2/package/ndr", {"action": "Re-Attempt", "wbn": awb, "date": at}).status_code == 400


def test_a_return_to_the_seller_is_nothing_for_a_pickup(shop: Shop) -> None:
    answer = shop.call("POST", "/api/v2/package/ndr", {"action": "RTO", "wbn": failed_visit(shop)}).json()
    assert (answer["status"], answer["remark"]) == (False, "RTO is not allowed now")


def test_cancelling_needs_an_id(shop: Shop) -> None:
    assert shop.call("DELETE", "/api/v1/package/cancel").status_code == 400


def test_a_pin_has_six_digits(shop: Shop) -> None:
    assert shop.call("GET", "/api/v2/serviceability/56").status_code == 400


def test_a_label_can_be_asked_for_as_json(shop: Shop) -> None:
    awb = shop.ask("book", order()).awb
    assert shop.call("POST", "/api/v1/package/label?json_only=true", {"ids": [awb]}).json() == [{"tracking_id": awb}]


# --- pushes ---

HOOK = {"url": "http://127.0.0.1:1/push", "secret": "push-secret", "topics": ["track_updated", "shipment_created"]}


def pushes(shop: Shop) -> list[Any]:
    """What the lab would send now, read by the adapter."""
    read_callback = CARRIER.read_callback
    assert read_callback
    found = []
    while due := shop.lab.due_pushes():
        for sending, _ in due:
            found.append(read_callback(sending.headers, sending.body, KEYS))
            shop.lab.pushed(sending, delivered=True)
    return found


def test_a_registered_webhook_hears_of_a_booking_and_of_every_scan(shop: Shop) -> None:
    shop.call("POST", "/api/v2/webhook", HOOK)
    awb = shop.ask("book", order()).awb
    (created,) = pushes(shop)
    assert (created.verified, created.tracked[0].awb, created.tracked[0].carrier_reference) == (True, awb, REFERENCE)
    assert [(scan.milestone, scan.at) for scan in created.tracked[0].scans] == [(Milestone.LABEL_CREATED, examples.NOW)]
    shop.later(days=14)
    told = pushes(shop)
    assert all(push.verified for push in told)
    assert [push.tracked[0].scans[0].code for push in told][-1] == "Delivered"
    assert told[-1].tracked[0].expected_delivery


def test_webhooks_are_listed_edited_and_switched_off(shop: Shop) -> None:
    added = shop.call("POST", "/api/v2/webhook", HOOK).json()
    assert added == {"id": "lab-webhook-1", **HOOK, "active": True}
    edited = shop.call("PUT", "/api/v2/webhook/lab-webhook-1", {"active": False}).json()
    assert shop.call("GET", "/api/v2/webhook").json() == [edited] == [added | {"active": False}]
    shop.ask("book", order())
    assert pushes(shop) == []
    assert shop.call("PUT", "/api/v2/webhook/other", {}).status_code == 404


# --- faults ---


@pytest.mark.parametrize(
    ("number", "told_of"),
    [("20", Refused), ("25", Throttled), ("26", OutcomeUnknown), ("27", OutcomeUnknown), ("29", Refused), ("30", OutcomeUnknown)],
)
def test_a_fault_is_told_in_the_carriers_own_words(shop: Shop, number: str, told_of: type[CarrierError]) -> None:
    with pytest.raises(told_of):
        shop.ask("book", order(f"98000000{number}"))


@pytest.mark.parametrize("number", ["21", "22", "23", "24", "28"])
def test_a_lost_answer_is_no_answer(shop: Shop, number: str) -> None:
    with pytest.raises(httpx.TransportError):
        shop.ask("book", order(f"98000000{number}"))


def test_an_unknown_path_is_said_to_be_one(shop: Shop) -> None:
    response = shop.call("GET", "/api/v9/unheard-of")
    assert (response.status_code, response.json()["code"]) == (404, "PATH_NOT_IMPLEMENTED")


@pytest.mark.parametrize("reason", [reason for reason, weight in SIDE.failures.items() if weight])
def test_every_reason_of_the_riders_comes_back_as_itself(shop: Shop, reason: Reason) -> None:
    fault = {"carrier": "ekart", "kind": "visit_fails", "reason": reason}
    assert shop.lab.answer("POST", "http://lab/_lab/faults", body=json.dumps(fault).encode()).status == 200
    awb = shop.ask("book", order("9876500001")).awb
    shop.later(days=1, hours=6)
    assert shop.tracked(awb).scans[-1].reason is reason


def test_forward_and_reverse_are_asked_for_apart(shop: Shop) -> None:
    forward = enquiry(direction=Direction.FORWARD)
    assert shop.ask("quote", forward)[0].price.minor > 0
