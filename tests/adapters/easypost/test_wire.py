"""What every call shares: the key, people and places, ounces and inches, and EasyPost's errors."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused, Throttled, Unreachable
from adapters.contract.orders import Parcel
from adapters.contract.places import Party
from adapters.contract.units import Length, Money, Weight
from adapters.easypost import places, refusals, wire
from adapters.easypost.book import BOOK

from . import examples
from .examples import CALGARY, CUSTOMER, PARCEL, TORONTO, WAREHOUSE, access, answer, failure, pickup, read, refused_building, told

INVALID, ADDRESS, UNSERVED = RefusalKind.INVALID_REQUEST, RefusalKind.INVALID_ADDRESS, RefusalKind.NOT_SERVICEABLE


def test_the_key_is_a_user_without_a_password() -> None:
    request = BOOK.steps[0].build(pickup(), access(), {})
    assert request.headers["authorization"] == "Basic bGFiX2tleTo="  # lab_key:


def test_an_account_without_a_key_is_told_so() -> None:
    with pytest.raises(Refused) as caught:
        BOOK.steps[0].build(pickup(), replace(access(), secrets={}), {})
    assert told(caught.value) == (Refused, RefusalKind.ACCOUNT, "", "the account has no API key", "/secrets/api_key")


# --- people and places --------------------------------------------------------------------------------


def test_a_person_is_written_field_by_field() -> None:
    assert places.address(CUSTOMER, "/shipper") == examples.CUSTOMER_WRITTEN
    assert places.address(WAREHOUSE, "/consignee") == examples.WAREHOUSE_WRITTEN


def test_what_is_not_known_is_left_out() -> None:
    bare = Party(name="", phone="", line1="1 Elm St", postal_code="60607", country="US", city="", state="")
    assert places.address(bare, "/consignee") == {"street1": "1 Elm St", "zip": "60607", "country": "US"}


@pytest.mark.parametrize(
    ("code", "country", "written"),
    [
        ("94117", "US", "94117"),
        (" 94117-2011 ", "US", "94117-2011"),
        ("941172011", "US", "94117-2011"),
        ("m5v3l9", "CA", "M5V 3L9"),
        ("M5V-3L9", "CA", "M5V 3L9"),
    ],
)
def test_postal_codes_are_written_as_each_country_does(code: str, country: str, written: str) -> None:
    assert places.place(code, country, "", "") == {"zip": written, "country": country}


@pytest.mark.parametrize(
    ("country", "state", "written"),
    [("US", "california", "CA"), ("US", " ny ", "NY"), ("CA", "Québec", "QC"), ("CA", "british columbia", "BC"), ("US", "", None)],
)
def test_a_state_may_come_by_its_name(country: str, state: str, written: str | None) -> None:
    party = replace(CUSTOMER if country == "US" else TORONTO, state=state)
    assert places.address(party, "").get("state") == written


@pytest.mark.parametrize("phone", ["4155550142", "1 415 555 0142", "+1 (415) 555-0142", "415.555.0142"])
def test_a_phone_is_its_ten_digits(phone: str) -> None:
    assert places.phone(phone, "") == "4155550142"


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"country": "DE"}, UNSERVED, "/shipper/country"),
        ({"postal_code": "9411"}, ADDRESS, "/shipper/postal_code"),
        ({"postal_code": "M5V 3L9"}, ADDRESS, "/shipper/postal_code"),
        ({"state": "Ontario"}, ADDRESS, "/shipper/state"),
        ({"phone": "555-0142"}, INVALID, "/shipper/phone"),
        ({"phone": "1155550142"}, INVALID, "/shipper/phone"),
        ({"phone": ""}, INVALID, "/shipper/phone"),
    ],
)
def test_a_door_that_cannot_be_written_is_refused_by_name(change: dict[str, str], kind: RefusalKind, field: str) -> None:
    order = pickup(shipper=replace(CUSTOMER, **change))
    assert refused_building(BOOK, order) == {"kind": kind, "field": field}


def test_a_canadian_code_is_no_zip() -> None:
    assert refused_building(BOOK, pickup(shipper=replace(TORONTO, postal_code="94117"), consignee=CALGARY)) == {
        "kind": ADDRESS,
        "field": "/shipper/postal_code",
    }


def test_nothing_crosses_the_border() -> None:
    assert refused_building(BOOK, pickup(shipper=TORONTO)) == {"kind": UNSERVED, "field": "/consignee/country"}


# --- measures ---------------------------------------------------------------------------------------------


def test_a_parcel_is_written_in_inches_and_ounces() -> None:
    assert wire.parcel((PARCEL,)) == {"length": 11.9, "width": 7.9, "height": 2.2, "weight": 17.0}


sizes = st.integers(1, 100_000)


@given(length=sizes, width=sizes, height=sizes, weight=sizes)
def test_a_parcel_is_never_made_smaller_and_grows_by_less_than_a_tenth(length: int, width: int, height: int, weight: int) -> None:
    parcel = Parcel(dead_weight=Weight(weight), length=Length(length), width=Length(width), height=Length(height))
    written = {name: Decimal(str(value)) for name, value in wire.parcel((parcel,)).items()}
    true = {
        "length": length / wire.MILLIMETRES_IN_AN_INCH,
        "width": width / wire.MILLIMETRES_IN_AN_INCH,
        "height": height / wire.MILLIMETRES_IN_AN_INCH,
        "weight": weight / wire.GRAMS_IN_AN_OUNCE,
    }
    assert [name for name in true if not 0 <= written[name] - true[name] < Decimal("0.1")] == []


def test_exact_tenths_stay_as_they_are() -> None:
    ten_inches = Parcel(dead_weight=Weight(453_592_370), length=Length(254), width=Length(254), height=Length(127))
    assert wire.parcel((ten_inches,)) == {"length": 10.0, "width": 10.0, "height": 5.0, "weight": 16_000_000.0}


@pytest.mark.parametrize(
    ("parcels", "field"),
    [
        ((PARCEL, PARCEL), "/parcels"),
        ((), "/parcels"),
        ((replace(PARCEL, height=Length(0)),), "/parcels/0/height_mm"),
        ((replace(PARCEL, dead_weight=Weight(0)),), "/parcels/0/weight_g"),
    ],
)
def test_a_parcel_that_cannot_be_written_is_refused_by_name(parcels: tuple[Parcel, ...], field: str) -> None:
    assert refused_building(BOOK, pickup(parcels=parcels)) == {"kind": INVALID, "field": field}


@pytest.mark.parametrize(("amount", "minor"), [("7.42", 742), (7.42, 742), ("0.00", 0), ("5", 500), (6.605, 661)])
def test_an_amount_may_be_text_or_number(amount: str | float, minor: int) -> None:
    assert wire.money(amount, "USD") == Money(minor, "USD")


@pytest.mark.parametrize(("amount", "currency"), [("-1", "USD"), ("seven", "USD"), ("nan", "USD"), ("1", "")])
def test_what_is_no_price_is_misread(amount: str, currency: str) -> None:
    with pytest.raises(Misread):
        wire.money(amount, currency)


# --- errors -----------------------------------------------------------------------------------------------


def refused(response: httpx.Response) -> Any:
    return read(BOOK, response, pickup(), step="shipment")


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([], "Wrong parameters"),
        (["street1 is missing"], "Wrong parameters; street1 is missing"),
        ([{"to_address": "Required and missing."}], 'Wrong parameters; {"to_address":"Required and missing."}'),
        ([{"code": "E.X", "field": "zip", "message": "odd zip", "suggestion": None}], "Wrong parameters; E.X zip odd zip"),
        ([{"message": "Wrong parameters"}], "Wrong parameters"),
        ({"zip": ["is odd"]}, 'Wrong parameters; {"zip":["is odd"]}'),
        (None, "Wrong parameters"),
    ],
)
def test_an_error_tells_everything_it_brings(errors: object, said: str) -> None:
    response = failure("SHIPMENT.INVALID_PARAMS", "Wrong parameters", errors)
    assert refused(response) == (Refused, INVALID, "SHIPMENT.INVALID_PARAMS", said, "")


def test_a_message_need_not_be_a_text() -> None:
    assert refused(failure("BAD_REQUEST", ["a", "b"]))[3] == '["a","b"]'


def test_an_error_may_be_a_mere_text() -> None:
    assert refused(answer({"error": "no such page"}, 404)) == (Refused, RefusalKind.REFUSED, "404", "no such page", "")


def test_a_refusal_may_come_with_http_200() -> None:
    assert refused(failure("SHIPMENT.INVALID_PARAMS", status=200))[:3] == (Refused, INVALID, "SHIPMENT.INVALID_PARAMS")


def test_a_code_that_is_not_documented_is_kept_raw() -> None:
    assert refused(failure("SHIPMENT.NEWEST.ODDITY")) == (Refused, RefusalKind.REFUSED, "SHIPMENT.NEWEST.ODDITY", "No", "")


@pytest.mark.parametrize(
    ("status", "kind"), [(401, RefusalKind.UNAUTHORIZED), (402, RefusalKind.ACCOUNT), (403, RefusalKind.ACCOUNT)]
)
def test_an_unknown_code_is_judged_by_its_status(status: int, kind: RefusalKind) -> None:
    assert refused(failure("WHATEVER", status=status))[1] is kind


@pytest.mark.parametrize("code", sorted(refusals.UNKNOWN_OUTCOMES))
def test_a_mover_that_did_not_answer_may_have_done_it(code: str) -> None:
    assert refused(failure(code))[0] is OutcomeUnknown


@pytest.mark.parametrize("code", sorted(refusals.UNAVAILABLE))
def test_a_service_that_is_out_can_be_asked_again(code: str) -> None:
    assert refused(failure(code))[0] is Unreachable


@pytest.mark.parametrize(("code", "status"), [("RATE_LIMITED", 429), ("RATE_LIMITED", 422), ("WHATEVER", 429)])
def test_too_fast_is_throttled(code: str, status: int) -> None:
    assert refused(failure(code, status=status))[0] is Throttled


def test_a_server_error_is_no_refusal() -> None:
    assert refused(failure("INTERNAL_SERVER_ERROR", status=500))[0] is OutcomeUnknown


@pytest.mark.parametrize("status", [202, 204, 302, 404])
def test_a_strange_status_without_the_error_body_is_misread(status: int) -> None:
    assert refused(answer(examples.made(), status))[0] is Misread


def test_a_401_speaks_for_itself() -> None:
    assert refused(httpx.Response(401))[:2] == (Refused, RefusalKind.UNAUTHORIZED)
