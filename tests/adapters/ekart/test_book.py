"""Booking: what is sent, and what is taken for a yes."""

import datetime as dt
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.contract.carrier import Booked
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.orders import ReturnReason
from adapters.contract.units import Length, Money, Weight
from adapters.ekart.book import BOOK, RETURN_REASONS

from . import examples
from .examples import REFERENCE, SHIRT, access, answer, body_of, failure, pickup, read, refused_building, shipment, window

CREATED = {
    "status": True,
    "remark": "Successfully created shipment",
    "tracking_id": examples.AWB,
    "vendor": "EKART",
    "barcodes": {"wbn": "3496549343", "order": REFERENCE},
}
INVALID = RefusalKind.INVALID_REQUEST


def booked(**changes: Any) -> Any:
    return body_of(BOOK, pickup(**changes), access())


def test_a_reverse_pickup_is_written_with_the_customer_as_the_drop() -> None:
    request = BOOK.steps[0].build(pickup(instructions="ring twice"), access(), {})
    assert (request.method, str(request.url)) == ("PUT", "https://ekart.test/api/v1/package/create")
    assert request.headers["authorization"] == "Bearer tok"
    warehouse = {
        "name": "Returns Desk",
        "phone": 8040002000,
        "address": "Kestrel Apparel, Plot 7, Industrial Area",
        "city": "Surat",
        "state": "Gujarat",
        "country": "India",
        "pin": 394101,
    }
    assert examples.sent(request) == {
        "order_number": REFERENCE,
        "consignee_name": "Asha Rao",
        "consignee_alternate_phone": "9123456780",
        "drop_location": {
            "name": "Asha Rao",
            "phone": 9876543210,
            "address": "12 Rose Lane, Indiranagar, opposite the library, ring twice",
            "city": "Bengaluru",
            "state": "Karnataka",
            "country": "India",
            "pin": 560038,
        },
        "pickup_location": warehouse,
        "return_location": warehouse,
        "seller_name": "Kestrel Apparel",
        "seller_address": "4 Mill Road, Bengaluru",
        "seller_gst_tin": "29ABCDE1234F1Z5",
        "invoice_number": REFERENCE,
        "invoice_date": "2026-03-11",
        "total_amount": 1180.0,
        "tax_value": 180.0,
        "taxable_amount": 1000.0,
        "commodity_value": "1000.00",
        "cod_amount": 0,
        "consignee_gst_amount": 0.0,
        "products_desc": "Cotton shirt",
        "category_of_goods": "Apparel",
        "quantity": 1,
        "weight": 480,
        "length": 31,
        "width": 20,
        "height": 6,
        "payment_mode": "Pickup",
        "return_reason": "Size or fit",
    }


def test_a_forward_parcel_is_prepaid_and_goes_from_the_warehouse() -> None:
    body = body_of(BOOK, shipment(), access())
    assert [body[name] for name in ("payment_mode", "return_reason")] == ["Prepaid", ""]
    assert [body[name]["pin"] for name in ("drop_location", "pickup_location", "return_location")] == [560038, 394101, 394101]


@pytest.mark.parametrize("reason", ReturnReason)
def test_every_reason_for_a_return_has_its_words(reason: ReturnReason) -> None:
    assert booked(items=(replace(SHIRT, return_reason=reason),))["return_reason"] == RETURN_REASONS[reason]


def test_several_items_are_told_together() -> None:
    belt = replace(
        SHIRT,
        description="Belt",
        quantity=2,
        unit_value=Money(5900, "INR"),
        hs_code="4203",
        category="Accessories",
        return_reason=ReturnReason.DEFECTIVE,
    )
    body = booked(items=(replace(SHIRT, hs_code="6105", category="Shirts"), belt))
    told = {
        name: body[name] for name in ("products_desc", "quantity", "category_of_goods", "hsn_code", "return_reason", "total_amount")
    }
    assert told == {
        "products_desc": "Cotton shirt, Belt",
        "quantity": 3,
        "category_of_goods": "Shirts, Accessories",
        "hsn_code": "6105,4203",
        "return_reason": "Size or fit, Product defective",
        "total_amount": 1298.0,
    }


def test_only_a_future_day_is_asked_for() -> None:
    assert booked(window=window(dt.date(2026, 3, 13)))["preferred_dispatch_date"] == "2026-03-13"
    assert "preferred_dispatch_date" not in booked(window=window(examples.TODAY))


def test_today_is_reckoned_in_india() -> None:
    late = replace(access(), now=dt.datetime(2026, 3, 11, 20, tzinfo=dt.UTC))  # past midnight in India
    assert body_of(BOOK, pickup(), late)["invoice_date"] == "2026-03-12"


def test_the_order_brings_its_own_papers() -> None:
    extra = {
        "invoice_number": "INV-9",
        "invoice_date": "2026-02-01",
        "tax_value": "56.19",
        "consignee_gst_amount": "10",
        "consignee_gst_tin": "27ABCDE1234F1Z5",
        "category_of_goods": "Shirts",
        "warehouse_alias": "surat-1",
        "ewbn": "123456789012",
    }
    body = booked(extra={"ekart": extra, "delhivery": {"ignored": True}})
    told = {name: body[name] for name in ("invoice_number", "invoice_date", "tax_value", "taxable_amount", "commodity_value")}
    assert told == {
        "invoice_number": "INV-9",
        "invoice_date": "2026-02-01",
        "tax_value": 56.19,
        "taxable_amount": 1123.81,
        "commodity_value": "1123.81",
    }
    named = ("consignee_gst_amount", "consignee_gst_tin", "category_of_goods", "ewbn")
    assert [body[name] for name in named] == [10.0, "27ABCDE1234F1Z5", "Shirts", "123456789012"]
    assert [body[name]["name"] for name in ("pickup_location", "return_location")] == ["surat-1", "surat-1"]


def test_the_accounts_warehouse_is_called_by_its_alias() -> None:
    body = body_of(BOOK, pickup(), access(warehouse_alias="surat-1"))
    assert (body["pickup_location"]["name"], body["pickup_location"]["pin"]) == ("surat-1", 394101)


def test_a_city_or_state_we_do_not_know_is_left_out() -> None:
    drop = booked(shipper=replace(examples.CUSTOMER, city="", state=""))["drop_location"]
    assert {"city", "state"} & set(drop) == set()


@pytest.mark.parametrize("alternate", ["", "9876543210"])
def test_a_customer_with_one_phone_is_booked_with_the_merchants_as_the_second(alternate: str) -> None:
    # A live account refused the same number twice (grade B).
    assert booked(shipper=replace(examples.CUSTOMER, alternate_phone=alternate))["consignee_alternate_phone"] == "8040001000"


def test_an_account_set_to_it_says_the_service() -> None:
    # `service` is a field of revision 3.8.10 (grade B), not of 3.8.8: off unless the account says so.
    assert body_of(BOOK, pickup(service="express"), access(books_service="yes"))["service"] == "EXPRESS"
    assert body_of(BOOK, pickup(), access(books_service="yes"))["service"] == "SURFACE"
    assert "service" not in booked(service="surface")


EMPTY_PARCEL = replace(examples.PARCEL, height=Length(0))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"service": "express"}, "/service"),
        ({"parcels": (examples.PARCEL, examples.PARCEL)}, "/parcels"),
        ({"parcels": (EMPTY_PARCEL,)}, "/parcels/0/height_mm"),
        ({"parcels": (replace(examples.PARCEL, dead_weight=Weight(0)),)}, "/parcels/0/weight_g"),
        ({"shipper": replace(examples.CUSTOMER, phone="12345")}, "/shipper/phone"),
        ({"shipper": replace(examples.CUSTOMER, alternate_phone="12345")}, "/shipper/alternate_phone"),
        ({"consignee": replace(examples.WAREHOUSE, phone="")}, "/consignee/phone"),
        ({"items": (replace(SHIRT, unit_value=Money(100, "USD")),)}, "/items/0/unit_value/currency"),
        ({"items": (replace(SHIRT, unit_value=Money(99, "INR")),)}, "/items/0/unit_value"),
        ({"extra": {"ekart": {"invoice_number": "INV-9"}}}, "/extra/ekart/invoice_date"),
        ({"extra": {"ekart": {"invoice_date": "2026-02-01"}}}, "/extra/ekart/invoice_number"),
        ({"extra": {"ekart": {"tax_value": "-1"}}}, "/extra/ekart/tax_value"),
        ({"extra": {"ekart": {"tax_value": "NaN"}}}, "/extra/ekart/tax_value"),
        ({"extra": {"ekart": {"ewbn": "12"}}}, "/extra/ekart"),
        ({"extra": {"ekart": {"unheard_of": 1}}}, "/extra/ekart"),
    ],
)
def test_what_cannot_be_put_faithfully_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    assert refused_building(BOOK, pickup(**changes)) == {"kind": INVALID, "field": field}


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"postal_code": "5600"}, RefusalKind.INVALID_ADDRESS, "/shipper/postal_code"),
        ({"postal_code": "056003"}, RefusalKind.INVALID_ADDRESS, "/shipper/postal_code"),
        ({"country": "NP"}, RefusalKind.NOT_SERVICEABLE, "/shipper/country"),
    ],
)
def test_a_place_outside_india_or_without_a_pin_is_refused_by_name(changes: dict[str, Any], kind: RefusalKind, field: str) -> None:
    order = pickup(shipper=replace(examples.CUSTOMER, **changes))
    assert refused_building(BOOK, order) == {"kind": kind, "field": field}


def test_a_pin_may_be_written_with_a_space() -> None:
    assert booked(shipper=replace(examples.CUSTOMER, postal_code="560 038"))["drop_location"]["pin"] == 560038


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"seller_name": ""}, "/settings/seller_name"),
        ({"seller_address": ""}, "/settings/seller_address"),
        ({"seller_gst_tin": ""}, "/settings/seller_gst_tin"),
        ({"gst_percent": ""}, "/settings/gst_percent"),
        ({"gst_percent": "eighteen"}, "/settings/gst_percent"),
        ({"consignee_gst_amount": "-5"}, "/settings/consignee_gst_amount"),
    ],
)
def test_a_missing_setting_is_the_accounts_fault(settings: dict[str, str], field: str) -> None:
    assert refused_building(BOOK, pickup(), access(**settings)) == {"kind": RefusalKind.ACCOUNT, "field": field}


def test_without_a_second_phone_anywhere_nothing_is_invented() -> None:
    order = pickup(shipper=replace(examples.CUSTOMER, alternate_phone=""))
    assert refused_building(BOOK, order, access(alternate_phone="")) == {"kind": INVALID, "field": "/shipper/alternate_phone"}
    wrong = refused_building(BOOK, order, access(alternate_phone="12"))
    assert wrong == {"kind": RefusalKind.ACCOUNT, "field": "/settings/alternate_phone"}


def test_without_a_category_anywhere_nothing_is_invented() -> None:
    assert refused_building(BOOK, pickup(), access(category_of_goods="")) == {"kind": INVALID, "field": "/items/0/category"}


@given(paise=st.integers(200, 10**9), percent=st.integers(0, 28))
def test_taxable_amount_and_tax_are_the_total(paise: int, percent: int) -> None:
    order = pickup(items=(replace(SHIRT, unit_value=Money(paise, "INR")),))
    body = body_of(BOOK, order, access(gst_percent=str(percent)))
    assert round(body["taxable_amount"] * 100) + round(body["tax_value"] * 100) == paise
    assert float(body["commodity_value"]) == body["taxable_amount"]


def test_the_same_question_makes_the_same_bytes() -> None:
    first, second = (BOOK.steps[0].build(pickup(), access(), {}) for _ in range(2))
    assert (first.content, first.headers) == (second.content, second.headers)


# --- the answer ---


def test_a_booking_has_a_tracking_id_and_our_order_number() -> None:
    assert read(BOOK, answer(CREATED), pickup()) == Booked(
        awb=examples.AWB,
        handles={"wbn": "3496549343", "vendor": "EKART"},
        tracking_url=f"https://app.elite.ekartlogistics.in/track/{examples.AWB}",
    )


def test_our_order_number_may_come_back_with_a_prefix() -> None:
    prefixed = answer(CREATED | {"barcodes": {"wbn": "", "order": f"KES-{REFERENCE}"}, "vendor": ""})
    assert read(BOOK, prefixed, pickup()).handles == {}


@pytest.mark.parametrize(
    "change",
    [
        {"barcodes": {"wbn": "1", "order": "bkg_other"}},
        {"barcodes": {"wbn": "1", "order": REFERENCE + "2"}},
        {"barcodes": None},
        {"tracking_id": ""},
        {"status": False},
        {"status": "maybe"},
        {"barcodes": {"wbn": "1"}},
    ],
)
def test_what_is_no_whole_booking_of_ours_leaves_the_outcome_unknown(change: dict[str, Any]) -> None:
    assert read(BOOK, answer(CREATED | change), pickup()) == (Misread,)


def test_a_refusal_comes_with_http_200() -> None:
    refusal = {"status": False, "remark": "Pincode is not serviceable", "tracking_id": ""}
    assert read(BOOK, answer(refusal), pickup()) == (Refused, RefusalKind.REFUSED, "", "Pincode is not serviceable", "")


@pytest.mark.parametrize("code", ["SWIFT_VALIDATION_EXCEPTION", "SWIFT_MALFORMED_INPUT_EXCEPTION"])
def test_known_exceptions_are_our_fault_wherever_their_name_stands(code: str) -> None:
    # Neither name is in the documents; both were met by live clients (grade B).
    by_code = failure(code=code, message="no length", description="")
    by_message = failure(code="", message=code, description="no length")
    by_remark = answer({"status": False, "remark": code})
    assert read(BOOK, by_code, pickup()) == (Refused, INVALID, code, "no length", "")
    assert read(BOOK, by_message, pickup()) == (Refused, INVALID, "", f"{code} no length", "")
    assert read(BOOK, by_remark, pickup()) == (Refused, INVALID, "", code, "")


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (failure(400), (Refused, RefusalKind.REFUSED, "C", "M D", "")),
        (failure(200, statusCode=400), (Refused, RefusalKind.REFUSED, "C", "M D", "")),
        (failure(401), (Refused, RefusalKind.UNAUTHORIZED, "C", "M", "")),
        (failure(200, statusCode=401), (Refused, RefusalKind.UNAUTHORIZED, "C", "M", "")),
        (httpx.Response(401, text="no"), (Refused, RefusalKind.UNAUTHORIZED, "401", "", "")),
        (failure(200, statusCode=429), (Throttled,)),
        (failure(200, statusCode=500), (OutcomeUnknown,)),
        (failure(200), (Misread,)),
        (httpx.Response(404, text="<html>"), (Misread,)),
        (httpx.Response(302), (Misread,)),
        (httpx.Response(201, json=CREATED), (Misread,)),
    ],
)
def test_the_body_of_an_error_decides_before_its_http_status(response: httpx.Response, told: tuple[object, ...]) -> None:
    assert read(BOOK, response, pickup()) == told


WHOLE = json.dumps(CREATED).encode()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html></html>", b"\xff", b"[" * 5000, WHOLE[:-1], WHOLE[:40]])
def test_nonsense_is_never_a_yes(body: bytes) -> None:
    assert read(BOOK, httpx.Response(200, content=body), pickup()) == (Misread,)


def test_an_acknowledgement_of_something_else_is_no_booking() -> None:
    acknowledged = answer({"status": True, "remark": "ok", "tracking_id": examples.AWB})
    assert read(BOOK, acknowledged, pickup()) == (Misread,)


def test_only_the_booking_commits() -> None:
    assert [step.commits for step in BOOK.steps] == [True]
