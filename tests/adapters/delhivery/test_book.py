from __future__ import annotations

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.carrier import Booked, Next
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.units import Money
from adapters.delhivery import book, wire

from .examples import (
    AWB,
    CUSTOMER,
    PARCEL,
    REFERENCE,
    SHIRT,
    access,
    created,
    customer,
    failure,
    first_shipment,
    pickup,
    says,
    sent,
    shipment,
    success,
)

# --- the request ---


def test_a_reverse_pickup_has_the_customer_in_name_and_the_warehouse_in_return():
    request = book.build(pickup(), access(), {})
    assert sent(request) == {
        "shipments": [
            {
                "name": "Meera Iyer",
                "add": "Flat #4, 12/3 Lake Road, Block B & C, opposite the park",
                "pin": "560001",
                "city": "Bengaluru",
                "state": "Karnataka",
                "country": "India",
                "phone": "9845011223",
                "return_name": "Returns dock",
                "return_add": "Loom & Thread, Plot 7, Industrial Area",
                "return_pin": "421302",
                "return_city": "Bhiwandi",
                "return_state": "Maharashtra",
                "return_country": "India",
                "return_phone": "2223456789",
                "client": "LOOM-HQ",
                "order": REFERENCE,
                "waybill": "",
                "payment_mode": "Pickup",
                "products_desc": "Cotton shirt",
                "total_amount": 1499.0,
                "quantity": 2,
                "weight": 700,
                "shipment_length": 21,
                "shipment_width": 15,
                "shipment_height": 5,
                "shipping_mode": "Surface",
            }
        ],
        "pickup_location": {"name": "Loom Main WH"},
    }


def test_the_body_is_a_form_with_the_json_url_encoded():
    request = book.build(pickup(), access(), {})
    assert request.method == "POST"
    assert str(request.url) == "https://dlv.example/api/cmu/create.json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Token lab_loom"
    body = request.content.decode()
    assert body.startswith("format=json&data=%7B")
    assert not set("#;\\") & set(body.removeprefix("format=json&data="))
    assert b'"total_amount":1499.00' in wire.encode({"total_amount": pickup().declared_value.decimal})


def test_a_forward_parcel_goes_from_the_warehouse_to_the_customer_prepaid():
    sent_shipment = first_shipment(shipment())
    parts = ("name", "pin", "return_name", "return_pin", "payment_mode", "shipping_mode")
    assert [sent_shipment[part] for part in parts] == ["Meera Iyer", "560001", "Returns dock", "421302", "Prepaid", "Express"]


def test_without_a_service_the_carrier_chooses_the_mode():
    assert "shipping_mode" not in first_shipment(pickup(service=""))


def test_tariff_codes_and_documented_extras_are_sent():
    items = (msgspec.structs.replace(SHIRT, hs_code="620520"), msgspec.structs.replace(SHIRT, hs_code="620520"))
    order = pickup(items=items, extra={"delhivery": {"seller_name": "Loom", "fragile_shipment": True}})
    sent_shipment = first_shipment(order)
    assert (sent_shipment["hsn_code"], sent_shipment["seller_name"], sent_shipment["fragile_shipment"]) == ("620520", "Loom", True)


@given(reference=st.text(min_size=1, max_size=50), description=st.text(max_size=200), value=st.integers(0, 10**9))
def test_the_same_question_builds_the_same_bytes(reference, description, value):
    items = (msgspec.structs.replace(SHIRT, description=description, unit_value=Money(value, "INR")),)
    order = pickup(carrier_reference=reference, items=items)
    first, second = (book.build(order, access(), {}) for _ in range(2))
    assert (first.content, first.headers) == (second.content, second.headers)
    assert sent(first)["shipments"][0]["order"] == reference


@pytest.mark.parametrize(
    ("order", "kind", "field"),
    [
        (pickup(parcels=(PARCEL, PARCEL)), RefusalKind.INVALID_REQUEST, "/parcels/1"),
        (pickup(carrier_reference="r" * 51), RefusalKind.INVALID_REQUEST, "/carrier_reference"),
        (pickup(shipper=customer(phone="12345")), RefusalKind.INVALID_REQUEST, "/shipper/phone"),
        (pickup(shipper=customer(postal_code="1000")), RefusalKind.INVALID_ADDRESS, "/shipper/postal_code"),
        (pickup(shipper=customer(country="NP")), RefusalKind.NOT_SERVICEABLE, "/shipper/country"),
        (pickup(consignee=customer(phone="")), RefusalKind.INVALID_REQUEST, "/consignee/phone"),
        (pickup(service="teleport"), RefusalKind.INVALID_REQUEST, "/service"),
        (pickup(extra={"delhivery": {"pin": "1"}}), RefusalKind.INVALID_REQUEST, "/extra/delhivery/pin"),
        (pickup(extra={"delhivery": {"ewbn": ["1"]}}), RefusalKind.INVALID_REQUEST, "/extra/delhivery/ewbn"),
        (shipment(consignee=customer(phone="1")), RefusalKind.INVALID_REQUEST, "/consignee/phone"),
        (
            pickup(items=(SHIRT, msgspec.structs.replace(SHIRT, unit_value=Money(100, "USD")))),
            RefusalKind.INVALID_REQUEST,
            "/items/1/unit_value/currency",
        ),
    ],
)
def test_what_cannot_be_put_faithfully_is_refused_by_its_field(order, kind, field):
    with pytest.raises(Refused) as caught:
        book.build(order, access(), {})
    assert (caught.value.kind, caught.value.field) == (kind, field)


@pytest.mark.parametrize("missing", ["client", "pickup_location"])
def test_an_account_lacking_a_setting_is_refused_by_its_name(missing):
    with pytest.raises(Refused) as caught:
        book.build(pickup(), access({missing: ""}), {})
    assert caught.value.kind is RefusalKind.ACCOUNT
    assert missing in caught.value.raw_message


# --- a waybill in advance ---


def test_a_waybill_is_fetched_only_where_the_account_wants_it():
    assert not book.wants_waybill(pickup(), access())
    assert not book.wants_waybill(pickup(), access({"waybills": "carrier"}))
    assert book.wants_waybill(pickup(), access({"waybills": "prefetched"}))


def test_a_misspelt_way_of_getting_waybills_is_refused():
    with pytest.raises(Refused) as caught:
        book.build(pickup(), access({"waybills": "prefetch"}), {})
    assert caught.value.kind is RefusalKind.ACCOUNT


def test_the_waybill_call_takes_the_token_in_its_query():
    request = book.build_waybill(pickup(), access({"waybills": "prefetched"}), {})
    assert str(request.url) == "https://dlv.example/waybill/api/fetch/json/?token=lab_loom"


def test_an_order_that_cannot_be_booked_costs_no_waybill():
    with pytest.raises(Refused):
        book.build_waybill(pickup(parcels=(PARCEL, PARCEL)), access({"waybills": "prefetched"}), {})


def test_the_waybill_is_known_before_the_step_that_commits():
    assert book.parse_waybill(says(AWB), pickup(), {}) == Next(so_far={"waybill": AWB})
    assert sent(book.build(pickup(), access(), {"waybill": AWB}))["shipments"][0]["waybill"] == AWB
    assert [step.commits for step in book.BOOK.steps] == [False, True]


@pytest.mark.parametrize("reply", [says(""), says("no more"), says({"waybill": AWB}), says(AWB, 400), says(b"")])
def test_anything_but_digits_is_no_waybill(reply):
    with pytest.raises(Misread):
        book.parse_waybill(reply, pickup(), {})


# --- the answer ---


def test_a_booking_needs_success_and_a_waybill():
    assert book.parse(success(), pickup(), {}) == Booked(awb=AWB, handles={"pin": "560001"})


def test_a_waybill_may_come_as_a_number():
    assert book.parse(success(created(waybill=int(AWB))), pickup(), {}).awb == AWB


def test_our_own_waybill_must_come_back():
    assert book.parse(success(), pickup(), {"waybill": AWB}).awb == AWB
    with pytest.raises(Misread):
        book.parse(success(), pickup(), {"waybill": "57930810000077"})


@pytest.mark.parametrize(
    "reply",
    [
        success(created(waybill="")),
        success(created(waybill=None)),
        success(created(refnum="bkg_other")),
        success(created(refnum=None)),
        success(created(), created()),
        success(created(), created(status="Fail")),
        says({"success": True, "packages": []}),
        says({"success": True}),
        says({"success": False, "packages": [created()]}),
        says({"packages": [created()]}),
        says({"success": True, "packages": [created(status="success ")]}),
        says({"success": True, "packages": [created()]}, 400),
        failure("Duplicate Order Id", refnum="bkg_other"),
    ],
)
def test_a_doubtful_yes_is_an_unknown_outcome(reply):
    with pytest.raises(Misread):
        book.parse(reply, pickup(), {})


def test_a_refusal_comes_with_http_200():
    text = "Crashing while saving package due to exception suspicious order/consignee. Package might have been partially saved."
    with pytest.raises(Refused) as caught:
        book.parse(failure(text, err_code="ER0005"), pickup(), {})
    assert (caught.value.kind, caught.value.raw_code) == (RefusalKind.REFUSED, "ER0005")
    assert caught.value.raw_message.startswith(text)


@pytest.mark.parametrize(("text", "kind"), book.REFUSALS)
@pytest.mark.parametrize("place", ["remarks", "text", "rmk", "bare"])
def test_every_text_of_the_table_is_found_wherever_it_stands(text, kind, place):
    said = f"Crashing while saving package due to exception '{text.capitalize()} 1'. Package might have been partially saved."
    replies = {
        "remarks": failure("", said),
        "text": failure(remarks=said),
        "rmk": says({"success": False, "packages": [], "rmk": said, "error": True}),
        "bare": says(said.encode(), 400),
    }
    with pytest.raises(Refused) as caught:
        book.parse(replies[place], pickup(), {})
    assert caught.value.kind is kind
    assert said in caught.value.raw_message


def test_a_package_type_that_is_not_enabled_is_the_accounts_matter():
    with pytest.raises(Refused) as caught:
        book.parse(
            failure("exception 'Package type Pickup not serviceable for LOOM-HQ'. Package might have been partially saved."),
            pickup(),
            {},
        )
    assert caught.value.kind is RefusalKind.ACCOUNT


def test_a_refused_phone_names_the_customers_field():
    reply = failure("Incorrect phone number(s) for order bkg_01jd")
    fields = []
    for order in (pickup(), shipment()):
        with pytest.raises(Refused) as caught:
            book.parse(reply, order, {})
        fields.append(caught.value.field)
    assert fields == ["/shipper/phone", "/consignee/phone"]


@pytest.mark.parametrize(
    "text", ["Package might have been partially saved.", "Package might be saved", "read timeout", "Lost connection"]
)
def test_without_a_cause_something_may_have_been_saved(text):
    with pytest.raises(OutcomeUnknown):
        book.parse(failure(f"Crashing while saving package due to exception 'x'. {text}"), pickup(), {})


def test_a_failed_package_with_an_unknown_text_is_a_refusal():
    with pytest.raises(Refused) as caught:
        book.parse(failure("We do not carry this on Tuesdays"), pickup(), {})
    assert caught.value.kind is RefusalKind.REFUSED


def test_no_package_and_an_unknown_text_is_an_unknown_outcome():
    with pytest.raises(OutcomeUnknown):
        book.parse(says({"success": False, "packages": [], "rmk": "Something new"}), pickup(), {})


def test_every_prefix_of_a_good_reply_is_no_booking():
    whole = success().content
    for length in range(len(whole)):
        with pytest.raises((OutcomeUnknown, Refused)):
            book.parse(httpx.Response(200, content=whole[:length]), pickup(), {})


def test_the_customer_keeps_his_pin_for_later_edits():
    assert book.parse(success(), shipment(), {}).handles == {"pin": CUSTOMER.postal_code.replace(" ", "")}
