"""The adapter against its own simulated side, through the lab's transport."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import AwbList, Booked, Booking, Cancelled, DayPage, Document, Listing, Next, Tat
from adapters.contract.errors import CarrierError, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.orders import Order
from adapters.contract.places import Window
from adapters.contract.scans import Milestone, Reason
from adapters.contract.units import Weight
from adapters.easypost import CARRIER
from adapters.easypost.lab import SIDE
from adapters.easypost.quote import SMARTRATE
from adapters.lab.engine import Lab

from . import examples
from .examples import CALGARY, CUSTOMER, PARCEL, REFERENCE, TORONTO, WAREHOUSE, canadian_enquiry, enquiry, pickup, shipment
from .shop import Shop

COLLECTS, FAILS_ALWAYS = "4152000000", "4152000008"  # magic phones: 0000NN
FRIDAY = dt.date(2026, 3, 13)


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab({"easypost": SIDE}, wall=lambda: examples.NOW)
    yield lab
    lab.close()


@pytest.fixture
def shop(lab: Lab) -> Shop:
    return Shop(lab)


def order(phone: str = COLLECTS, **changes: Any) -> Order:
    return pickup(shipper=replace(CUSTOMER, phone=phone), **changes)


def codes(shop: Shop, awb: str) -> list[str]:
    return [scan.code for scan in shop.tracked(awb).scans]


def world(shop: Shop, **changes: object) -> None:
    answer = shop.lab.answer("POST", "http://lab/_lab/world", body=json.dumps({"carrier": "easypost", **changes}).encode())
    assert answer.status == 200, answer


# --- offers -----------------------------------------------------------------------------------------------


def test_a_lane_is_priced_with_everybody_who_moves_there(shop: Shop) -> None:
    quotes = shop.ask("quote", enquiry())
    assert [(quote.service, quote.moved_by) for quote in quotes] == [
        ("usps/GroundAdvantage", "usps"),
        ("usps/Priority", "usps"),
        ("usps/Express", "usps"),
        ("ups/Ground", "ups"),
        ("ups/2ndDayAir", "ups"),
        ("ups/NextDayAir", "ups"),
        ("fedex/FEDEX_GROUND", "fedex"),
        ("fedex/FEDEX_2_DAY", "fedex"),
    ]
    assert all(quote.price.minor > 0 and quote.tat_days and quote.rate.startswith("rate_") for quote in quotes)


def test_canada_has_other_movers_and_its_own_money(shop: Shop) -> None:
    quotes = shop.ask("quote", canadian_enquiry())
    assert {(quote.moved_by, quote.price.currency) for quote in quotes} == {("canadapost", "CAD"), ("purolator", "CAD")}


def test_an_account_may_leave_movers_out(shop: Shop) -> None:
    shop.settings = {"carrier_accounts": "ca_ups"}
    assert {quote.moved_by for quote in shop.ask("quote", enquiry())} == {"ups"}


def test_a_heavy_parcel_does_not_go_by_mail(shop: Shop) -> None:
    heavy = enquiry(parcels=(replace(PARCEL, dead_weight=Weight(31_800)),))
    assert {quote.moved_by for quote in shop.ask("quote", heavy)} == {"ups", "fedex"}


def test_a_price_follows_the_world(shop: Shop) -> None:
    before = shop.ask("quote", enquiry())[0].lines[0].amount
    world(shop, zone="941", price=2)
    after = shop.ask("quote", enquiry())[0].lines[0].amount
    assert 1.9 < after.minor / before.minor < 2.1


def test_where_nobody_goes_everybody_says_so(shop: Shop) -> None:
    world(shop, zone="941", serviceable=False)
    refusal = shop.refused("quote", enquiry())
    assert refusal[:2] == (Refused, RefusalKind.NOT_SERVICEABLE)
    assert "USPS: " in str(refusal[3])
    assert shop.refused("book", order())[:2] == (Refused, RefusalKind.NOT_SERVICEABLE)


def test_smartrate_is_later_than_the_movers_promise(shop: Shop) -> None:
    promised = {quote.service: quote.tat_days + 1 for quote in shop.ask("quote", enquiry())}
    assert shop.ask("tat", enquiry()) == Tat(days=max(promised.values()), by_service=promised, source=SMARTRATE)


def test_the_customers_address_is_checked(shop: Shop) -> None:
    assert shop.ask("validate", pickup()) is None
    nowhere = pickup(shipper=replace(CUSTOMER, line1="12 Nowhere Street"))
    assert shop.refused("validate", nowhere)[1:3] == (RefusalKind.INVALID_ADDRESS, "E.ADDRESS.NOT_FOUND")
    numberless = pickup(shipper=replace(CUSTOMER, line1="Rose Street"))
    assert shop.refused("validate", numberless)[-1] == "/shipper/line1"


# --- a booking --------------------------------------------------------------------------------------------


def test_a_booking_is_a_label_and_a_visit(shop: Shop) -> None:
    quoted = next(quote for quote in shop.ask("quote", enquiry()) if quote.service == "ups/Ground")
    booked = shop.ask("book", order(service="ups/Ground"))
    assert isinstance(booked, Booked)
    assert (booked.awb[:2], booked.pickup_token, booked.price) == ("1Z", "LAB00000001", quoted.price)
    assert {name: value.split("_")[0] for name, value in booked.handles.items()} == {
        "shipment": "shp", "rate": "rate", "mover": "ups", "pickup": "pickup",
    }  # fmt: skip
    assert booked.tracking_url == f"https://track.lab.test/{booked.awb}"


def test_the_parcel_goes_from_the_customer_in_a_return(shop: Shop) -> None:
    shop.book(order())
    shop.book(shipment(carrier_reference="bkg_forward"))
    lines = [(c.reference, c.origin, c.destination, c.phone) for _, _, c in shop.lab.books.consignments()]
    assert lines == [
        (REFERENCE, "94117", "60607-1234", COLLECTS),
        ("bkg_forward", "60607-1234", "94117", "3125550199"),
    ]


def test_a_pickup_in_canada(shop: Shop) -> None:
    toronto = pickup(shipper=replace(TORONTO, phone=COLLECTS), consignee=CALGARY)
    booking = shop.book(toronto)
    assert (booking.handles["mover"], shop.tracked(booking.awb).moved_by) == ("canadapost", "canadapost")


def test_a_pickup_from_booking_to_delivery(shop: Shop) -> None:
    awb = shop.book(order()).awb
    assert codes(shop, awb) == ["pre_transit/label_created"]
    shop.wait(days=14)
    assert [(scan.code, scan.milestone) for scan in shop.tracked(awb).scans] == [
        ("pre_transit/label_created", Milestone.LABEL_CREATED),
        ("in_transit/received_at_origin_facility", Milestone.PICKED_UP),
        ("in_transit/departed_facility", Milestone.IN_TRANSIT),
        ("out_for_delivery/out_for_delivery", Milestone.OUT_FOR_DELIVERY),
        ("delivered/arrived_at_destination", Milestone.DELIVERED),
    ]


def test_of_a_failed_visit_nothing_is_told(shop: Shop) -> None:
    awb = shop.book(order(FAILS_ALWAYS)).awb
    shop.wait(days=14)
    assert codes(shop, awb) == ["pre_transit/label_created"]
    (_, _, consignment) = next(iter(shop.lab.books.consignments()))
    assert (consignment.visits, consignment.events[-1].milestone) == (1, Milestone.PICKUP_FAILED)


def test_no_rider_reports_a_reason() -> None:
    assert dict(SIDE.failures) == {}
    assert Reason.CUSTOMER_UNAVAILABLE in SIDE.untold


def test_a_later_day_is_kept(shop: Shop) -> None:
    window = Window(date=FRIDAY, start=dt.time(10), end=dt.time(14), timezone="America/Los_Angeles")
    awb = shop.book(order(window=window)).awb
    shop.wait(days=10)
    (collected,) = [scan.at for scan in shop.tracked(awb).scans if scan.milestone is Milestone.PICKED_UP]
    assert collected.date() == FRIDAY


def test_a_visit_that_nobody_makes_gives_the_label_back(shop: Shop) -> None:
    """Between the label and the visit the window runs out."""
    window = Window(date=examples.NOW.date(), start=dt.time(8), end=dt.time(9), timezone="America/Los_Angeles")
    late = order(window=window)
    shop.ask_until("label", late)
    shop.wait(hours=2)
    shop.put("pickup", late)
    with pytest.raises(Refused) as caught:
        shop.put("visit", late)
    assert (caught.value.kind, caught.value.field) == (RefusalKind.WINDOW_UNAVAILABLE, "/window")
    assert shop.call("GET", f"/shipments/{shop.so_far['shipment']}").json()["refund_status"] == "submitted"
    assert list(shop.lab.books.consignments()) == []


def test_the_label_is_a_pdf_that_names_the_parcel(shop: Shop) -> None:
    booking = shop.book(order())
    label = shop.ask("label", booking)
    assert isinstance(label, Document)
    assert (label.format, booking.awb.encode() in label.content) == ("pdf", True)


def test_the_label_file_is_not_for_the_key(shop: Shop) -> None:
    assert shop.call("GET", "/files/postage_label/1.pdf").status_code == 403


# --- a lost answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ["shipment", "label", "pickup"])
def test_until_the_visit_is_bought_there_is_no_booking(shop: Shop, last: str) -> None:
    shop.ask_until(last, order())
    assert shop.find(**shop.so_far) is None


def test_a_booking_is_found_by_its_stored_ids(shop: Shop) -> None:
    shop.ask_until("visit", order())
    known = {name: value for name, value in shop.so_far.items() if name != "confirmation"}
    found = shop.find(**known)
    assert found == shop.put("outcome", order())
    assert found
    assert (found.awb, found.pickup_token) == (known["awb"], "LAB00000001")


def test_a_booking_is_found_by_our_reference_too(shop: Shop) -> None:
    booking = shop.book(order())
    found = shop.find()
    assert found
    assert (found.awb, found.handles["shipment"]) == (booking.awb, booking.handles["shipment"])
    assert shop.find("bkg_never") is None


def test_a_label_is_bought_once_however_often_it_is_asked_for(shop: Shop) -> None:
    shop.ask_until("label", order())
    assert shop.put("label", order()) == Next(so_far={})


@pytest.mark.parametrize("number", ["21", "22", "23", "24", "28"])
def test_a_lost_answer_is_no_answer(shop: Shop, number: str) -> None:
    with pytest.raises(httpx.TransportError):
        shop.ask("book", order(f"41520000{number}"))


@pytest.mark.parametrize(
    ("number", "told_of"),
    [("20", Refused), ("25", Throttled), ("26", OutcomeUnknown), ("27", OutcomeUnknown), ("29", Refused), ("30", OutcomeUnknown)],
)
def test_a_fault_is_told_in_easyposts_own_words(shop: Shop, number: str, told_of: type[CarrierError]) -> None:
    with pytest.raises(told_of):
        shop.ask("book", order(f"41520000{number}"))


# --- cancelling -------------------------------------------------------------------------------------------


def test_a_cancel_calls_the_visit_off_and_gives_the_label_back(shop: Shop) -> None:
    booking = shop.book(order())
    assert shop.ask("cancel", booking) == Cancelled()
    last = shop.tracked(booking.awb).scans[-1]
    assert (last.code, last.milestone, last.reason) == ("cancelled/cancelled", Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT)
    assert shop.find(**booking.handles) is None
    shop.wait(days=14)
    assert shop.tracked(booking.awb).scans[-1] == last


def test_a_refund_takes_its_time(shop: Shop) -> None:
    booking = shop.book(order())
    shop.ask("cancel", booking)
    path, told = f"/shipments/{booking.handles['shipment']}", []
    for _ in range(2):
        told.append(shop.call("GET", path).json()["refund_status"])
        shop.wait(days=15)
    assert [*told, shop.call("GET", path).json()["refund_status"]] == ["submitted", "refunded", "refunded"]


def test_cancelling_again_is_no_other_answer(shop: Shop) -> None:
    booking = shop.book(order())
    assert [shop.ask("cancel", booking) for _ in range(2)] == [Cancelled()] * 2


def test_a_label_alone_is_given_back(shop: Shop) -> None:
    shop.ask_until("label", order())
    booking = Booking(awb=shop.so_far["awb"], carrier_reference=REFERENCE, handles=dict(shop.so_far))
    assert shop.ask("cancel", booking) == Cancelled()


def test_a_parcel_on_its_way_is_not_cancelled(shop: Shop) -> None:
    booking = shop.book(order())
    shop.wait(days=2)
    assert shop.refused("cancel", booking)[1:3] == (RefusalKind.TOO_LATE, "PICKUP.CANCEL.FAILED")
    label = replace(booking, handles={"shipment": booking.handles["shipment"]})
    assert shop.refused("cancel", label)[1:3] == (RefusalKind.TOO_LATE, "SHIPMENT.REFUND.UNAVAILABLE")


def test_after_a_visit_that_failed_the_label_is_given_back(shop: Shop) -> None:
    booking = shop.book(order(FAILS_ALWAYS))
    shop.wait(days=5)
    assert shop.ask("cancel", booking) == Cancelled()


# --- strictness -------------------------------------------------------------------------------------------


def body_of(step: str, **so_far: str) -> dict[str, Any]:
    _, _, body = examples.request_of(CARRIER.book, step, order(), so_far)
    found: dict[str, Any] = body
    return found


@pytest.mark.parametrize(
    "change",
    [
        {"parcel": {"length": 1, "width": 1, "height": 1}},
        {"parcel": {"length": 1, "width": 1, "height": 1, "weight": 16.93}},
        {"parcel": {"length": 0, "width": 1, "height": 1, "weight": 1}},
        {"parcel": {"length": "1", "width": 1, "height": 1, "weight": 1}},
        {"is_return": "true"},
        {"reference": ""},
        {"to_address": {"zip": "94117"}},
        {"to_address": {"zip": "94117", "country": "US", "state": "California"}},
        {"to_address": {"zip": "94117", "country": "US", "phone": ""}},
        {"from_address": {"zip": "94117", "country": "DE"}},
        {"carrier_accounts": ["ups"]},
        {"buyer": "Mia"},
        {"parcel": None},
    ],
)
def test_a_mistyped_shipment_is_refused(shop: Shop, change: dict[str, Any]) -> None:
    response = shop.call("POST", "/shipments", {"shipment": body_of("shipment")["shipment"] | change})
    assert (response.status_code, set(response.json()["error"])) == (422, {"code", "message", "errors"})


def made(shop: Shop, last: str) -> dict[str, str]:
    shop.ask_until(last, order())
    return shop.so_far


def test_a_label_needs_a_rate_of_its_shipment(shop: Shop) -> None:
    path = f"/shipments/{made(shop, 'shipment')['shipment']}/buy"
    said = [shop.call("POST", path, body).json()["error"]["code"] for body in ({}, {"rate": {"id": "rate_x"}}, {"rate": "rate_x"})]
    assert said == ["PARAMETER.REQUIRED", "SHIPMENT.MISSING_RATE", "PARAMETER.REQUIRED"]


def test_a_label_needs_whole_addresses(shop: Shop) -> None:
    bare = replace(WAREHOUSE, state="")
    assert shop.refused("book", order(consignee=bare))[2:4] == ("SHIPMENT.POSTAGE.FAILURE", "lab: USPS misses state")
    ups = order(service="ups/Ground", consignee=replace(WAREHOUSE, phone=""))
    assert shop.refused("book", ups)[2:4] == ("SHIPMENT.POSTAGE.FAILURE", "lab: UPS misses phone")


@pytest.mark.parametrize(
    "change",
    [{"min_datetime": "tomorrow"}, {"max_datetime": None}, {"shipment": "shp_1"}, {"is_account_address": "no"}, {"batch": {}}],
)
def test_a_mistyped_visit_is_refused(shop: Shop, change: dict[str, Any]) -> None:
    known = made(shop, "label")
    body = body_of("pickup", **known)["pickup"] | change
    assert shop.call("POST", "/pickups", {"pickup": body}).status_code == 422


def test_a_visit_needs_a_label_first(shop: Shop) -> None:
    body = body_of("pickup", shipment=made(shop, "shipment")["shipment"])
    assert shop.call("POST", "/pickups", body).json()["error"]["code"] == "PICKUP.BATCH_CARRIER.INCONSISTENT"


def test_a_visit_is_bought_by_its_rate_and_once(shop: Shop) -> None:
    known = made(shop, "pickup")
    path, right = f"/pickups/{known['pickup']}/buy", {"carrier": known["pickup_carrier"], "service": known["pickup_service"]}
    said = [shop.call("POST", path, body) for body in ({"carrier": "UPS", "service": "x"}, right, right)]
    assert [answer.json().get("status") or answer.json()["error"]["code"] for answer in said] == [
        "PICKUP.BUY.NO_MATCHING_RATES", "scheduled", "PICKUP.STATUS.INVALID",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/shipments/shp_x", "/shipments/shp_x/label", "/shipments/shp_x/smartrate", "/pickups/pickup_x"])
def test_what_was_never_made_is_not_found(shop: Shop, path: str) -> None:
    answer = shop.call("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_label_that_was_not_bought_is_neither_shown_nor_given_back(shop: Shop) -> None:
    path = f"/shipments/{made(shop, 'shipment')['shipment']}"
    said = [shop.call("GET", f"{path}/label?file_format=PDF"), shop.call("POST", f"{path}/refund", {})]
    assert [answer.json()["error"]["code"] for answer in said] == ["SHIPMENT.POSTAGE.REQUIRED"] * 2


def test_a_label_comes_as_pdf_only(shop: Shop) -> None:
    booking = shop.book(order())
    answer = shop.call("GET", f"/shipments/{booking.handles['shipment']}/label?file_format=EPL2")
    assert answer.json()["error"]["code"] == "SHIPMENT.POSTAGE.INVALID_FORMAT"


def test_smartrate_is_not_for_canada(shop: Shop) -> None:
    shop.ask_until("shipment", pickup(shipper=TORONTO, consignee=CALGARY))
    assert shop.call("GET", f"/shipments/{shop.so_far['shipment']}/smartrate").status_code == 400


@pytest.mark.parametrize(("user", "password"), [("kestrel", ""), ("live_key", ""), ("lab_kestrel", "x")])
def test_only_a_lab_key_without_a_password_is_let_in(shop: Shop, user: str, password: str) -> None:
    answer = shop.call("GET", "/shipments/shp_x", user=user, password=password)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("header", ["", "Bearer lab_kestrel", "Basic lab_kestrel", "Basic /w=="])
def test_only_basic_authentication_is_read(lab: Lab, header: str) -> None:
    with httpx.Client(transport=lab.transport()) as client:
        assert client.get("http://lab/easypost/pickups/1", headers={"authorization": header}).status_code == 401


def test_the_adapter_reads_a_wrong_key_as_one(lab: Lab) -> None:
    assert Shop(lab, "kestrel").refused("quote", enquiry())[:2] == (Refused, RefusalKind.UNAUTHORIZED)


def test_accounts_do_not_see_each_others_things(shop: Shop) -> None:
    booking = shop.book(order())
    stranger = Shop(shop.lab, "lab_other")
    assert stranger.find(**booking.handles) is None
    refusal = stranger.ask("track", AwbList(awbs=(booking.awb,)))[booking.awb]
    assert isinstance(refusal, Refused)


# --- pushes -----------------------------------------------------------------------------------------------

HOOK = {"webhook": {"url": "http://127.0.0.1:1/push", "webhook_secret": "bell"}}


def pushes(shop: Shop) -> list[Any]:
    """What the lab would send now, read by the adapter."""
    read_callback = CARRIER.read_callback
    assert read_callback
    found = []
    while due := shop.lab.due_pushes():
        for sending, _ in due:
            found.append(read_callback(sending.headers, sending.body, {"webhook_secret": "bell"}))
            shop.lab.pushed(sending, delivered=True)
    return found


def test_a_webhook_hears_of_every_word_there_is(shop: Shop) -> None:
    assert shop.call("POST", "/webhooks", HOOK).status_code == 201
    awb = shop.book(order()).awb
    shop.wait(days=14)
    told = pushes(shop)
    assert all(push.verified and push.tracked[0].awb == awb for push in told)
    assert [push.tracked[0].scans[-1].milestone for push in told] == [
        Milestone.LABEL_CREATED,
        Milestone.PICKED_UP,
        Milestone.IN_TRANSIT,
        Milestone.OUT_FOR_DELIVERY,
        Milestone.DELIVERED,
    ]


def test_a_webhook_without_a_secret_is_not_signed(shop: Shop) -> None:
    shop.call("POST", "/webhooks", {"webhook": {"url": "http://127.0.0.1:1/push"}})
    shop.book(order())
    assert [push.verified for push in pushes(shop)] == [False]


def test_webhooks_are_listed_and_struck_off(shop: Shop) -> None:
    made = shop.call("POST", "/webhooks", HOOK).json()
    assert shop.call("GET", "/webhooks").json() == {"webhooks": [made]}
    assert [shop.call("DELETE", f"/webhooks/{made['id']}").status_code for _ in range(2)] == [200, 404]
    shop.book(order())
    assert pushes(shop) == []


def test_a_webhook_needs_an_address(shop: Shop) -> None:
    assert shop.call("POST", "/webhooks", {"webhook": {}}).status_code == 422


def test_the_list_of_a_day_is_what_was_bought_that_day_page_by_page(shop: Shop) -> None:
    first = shop.book()
    second = shop.book(order(carrier_reference="bkg_02TEST"))
    shop.ask("quote", enquiry())  # makes a shipment that nobody buys
    today, yesterday = (DayPage(day=shop.now.date() - dt.timedelta(days=back)) for back in (0, 1))

    assert {one.awb for one in shop.ask("list_of_day", today).lines} == {first.awb, second.awb}
    assert shop.ask("list_of_day", yesterday) == Listing(lines=())
    shop.ask("cancel", first)
    assert {one.awb: one.cancelled for one in shop.ask("list_of_day", today).lines} == {first.awb: True, second.awb: False}

    page = f"/shipments?purchased=true&page_size=1&start_datetime={today.day}T00:00:00Z"
    newest = shop.call("GET", page, user=shop.account).json()
    rest = shop.call("GET", f"{page}&before_id={newest['shipments'][0]['id']}", user=shop.account).json()
    assert (newest["has_more"], rest["has_more"]) == (True, False)
    assert {newest["shipments"][0]["tracking_code"], rest["shipments"][0]["tracking_code"]} == {first.awb, second.awb}
    assert shop.call("GET", "/shipments?start_datetime=soon", user=shop.account).status_code == 400
    assert shop.call("GET", "/shipments?page_size=many", user=shop.account).status_code == 400
