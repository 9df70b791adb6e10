"""What an offer is made of: serviceability, days, price."""

from typing import Any

import httpx
import pytest

from adapters.contract.carrier import Next, PriceLine, Quote, Serviceability, Tat
from adapters.contract.errors import CarrierError, Misread, RefusalKind, Refused
from adapters.contract.orders import Direction
from adapters.contract.places import Lane
from adapters.contract.units import Money
from adapters.ekart.quote import QUOTE, books_services
from adapters.ekart.serviceability import SERVICEABILITY, TAT

from . import examples
from .examples import access, answer, body_of, enquiry, failure, read, refused_building, stop

NONSENSE = (
    b"",
    b"{}",
    b"null",
    b"<html></html>",
    b'{"tat": ',
    b'{"status": true, "tracking_id": "1", "remark": ""}',
    b"7",
    b'"yes"',
)

# --- serviceability ---

FLAGS = {"forward_pickup": False, "forward_drop": False, "reverse_pickup": False, "reverse_drop": False}


def about(pin: int = 560038, **changes: Any) -> httpx.Response:
    details = {"cod": True, "max_cod_amount": 1, **FLAGS, "city": "B", "state": "KA"}
    return answer({"status": True, "pincode": pin, "remark": "ok", "details": details} | changes)


def test_serviceability_is_asked_by_pin() -> None:
    request = SERVICEABILITY.steps[0].build(stop(), access(), {})
    asked = (request.method, str(request.url), request.headers["authorization"])
    assert asked == ("GET", "https://ekart.test/api/v2/serviceability/560038", "Bearer tok")


@pytest.mark.parametrize(
    ("direction", "collect", "flag"),
    [
        (Direction.REVERSE, True, "reverse_pickup"),
        (Direction.REVERSE, False, "reverse_drop"),
        (Direction.FORWARD, True, "forward_pickup"),
        (Direction.FORWARD, False, "forward_drop"),
    ],
)
def test_each_end_and_direction_has_its_flag(direction: Direction, collect: bool, flag: str) -> None:
    asked = stop(direction=direction, collect=collect)
    others = {name: name != flag for name in FLAGS}
    assert read(SERVICEABILITY, about(details=FLAGS | {flag: True}), asked) == Serviceability(serviceable=True)
    assert read(SERVICEABILITY, about(details=others), asked) == Serviceability(serviceable=False, cause=f"{flag} is false")


def test_an_unserved_pin_says_why() -> None:
    unserved = answer({"status": False, "pincode": 560038, "remark": "we do not go there"})
    assert read(SERVICEABILITY, unserved, stop()) == Serviceability(serviceable=False, cause="we do not go there")


def test_a_pin_with_a_space_is_the_same_pin() -> None:
    asked = stop(postal_code="560 038")
    assert read(SERVICEABILITY, about(details=FLAGS | {"reverse_pickup": True}), asked) == Serviceability(serviceable=True)


@pytest.mark.parametrize("response", [about(400001), about(details=None), about(details={}), about(status=None)])
def test_an_answer_about_another_pin_or_without_flags_is_none(response: httpx.Response) -> None:
    assert read(SERVICEABILITY, response, stop()) == (Misread,)


def test_ekart_is_asked_about_india_only() -> None:
    assert refused_building(SERVICEABILITY, stop(country="NP")) == {"kind": RefusalKind.NOT_SERVICEABLE, "field": "/country"}
    assert refused_building(SERVICEABILITY, stop(postal_code="SW1A")) == {
        "kind": RefusalKind.INVALID_ADDRESS,
        "field": "/postal_code",
    }


# --- days ---


def test_days_are_asked_as_text_with_the_seller_first() -> None:
    # That the seller's PIN comes first for a return too is written for the booking only (grade D here).
    request = TAT.steps[0].build(enquiry(), access(), {})
    assert (request.method, request.url.path) == ("POST", "/data/v3/serviceability")
    assert examples.sent(request) == {
        "pickupPincode": "394101",
        "dropPincode": "560038",
        "length": "31",
        "width": "20",
        "height": "6",
        "weight": "480",
        "paymentType": "Prepaid",
        "serviceType": "SURFACE",
        "invoiceAmount": "1180.00",
    }


def test_a_forward_parcel_has_the_seller_first_as_well() -> None:
    body = body_of(TAT, enquiry(direction=Direction.FORWARD), access())
    assert (body["pickupPincode"], body["dropPincode"]) == ("560038", "394101")


def test_the_slowest_partners_latest_day_counts() -> None:
    assert read(TAT, answer([{"tat": {"min": 2, "max": 4}}, {"tat": {"min": 3, "max": 6}}]), enquiry()) == Tat(days=6)


def test_no_partner_means_not_serviceable() -> None:
    told = (Refused, RefusalKind.NOT_SERVICEABLE, "", "no courier partner for this lane", "")
    assert read(TAT, answer([]), enquiry()) == told


@pytest.mark.parametrize("partners", [[{}], [{"tat": {}}], [{"tat": {"max": -1}}], [{"tat": {"max": "soon"}}], {"tat": {"max": 3}}])
def test_a_partner_without_days_is_misread(partners: Any) -> None:
    assert read(TAT, answer(partners), enquiry()) == (Misread,)


# --- price ---

ESTIMATE = {
    "type": "WEIGHT_BASED",
    "zone": "C",
    "shippingCharge": "70.00",
    "rtoCharge": "35.00",
    "fuelSurcharge": "7.00",
    "codCharge": "0.00",
    "qcCharge": "10.00",
    "taxes": "13.86",
    "total": "90.86",
}


def rupees(paise: int) -> Money:
    return Money(paise, "INR")


def lines(**paise: int) -> tuple[PriceLine, ...]:
    return tuple(PriceLine(code=code, amount=rupees(amount)) for code, amount in paise.items())


def test_a_price_is_asked_with_whole_numbers_and_its_direction() -> None:
    request = QUOTE.steps[-1].build(enquiry(), access(), {})
    assert (request.method, request.url.path) == ("POST", "/data/pricing/estimate")
    assert examples.sent(request) == {
        "billingClientType": "EXISTING_CLIENT",
        "shippingDirection": "REVERSE",
        "serviceType": "SURFACE",
        "pickupPincode": 394101,
        "dropPincode": 560038,
        "invoiceAmount": 1180.0,
        "weight": 480,
        "length": 31,
        "width": 20,
        "height": 6,
        "codAmount": 0,
    }


def test_the_billing_client_type_is_the_accounts() -> None:
    # The words are from live clients (grade B): one of three, EXISTING_CLIENT unless set.
    body = body_of(QUOTE, enquiry(), access(billing_client_type="PROSPECTIVE_CLIENT"), -1)
    assert body["billingClientType"] == "PROSPECTIVE_CLIENT"


def test_without_checks_their_charge_is_not_in_the_price() -> None:
    expected = Quote(service="surface", price=rupees(9086), lines=lines(base=7000, fuel=700, tax=1386))
    assert read(QUOTE, answer(ESTIMATE), enquiry()) == (expected,)
    assert read(QUOTE, answer(ESTIMATE | {"total": "100.86"}), enquiry()) == (expected,)


def test_with_checks_their_charge_is_in_the_price_once() -> None:
    # Whether the total holds it is worked out from the sum of the parts (grade D).
    expected = Quote(service="surface", price=rupees(10086), lines=lines(base=7000, fuel=700, qc=1000, tax=1386))
    asked = enquiry(quality_checks=2)
    assert read(QUOTE, answer(ESTIMATE), asked) == (expected,)
    assert read(QUOTE, answer(ESTIMATE | {"total": 100.86}), asked) == (expected,)


def test_a_total_alone_is_a_price() -> None:
    assert read(QUOTE, answer({"total": "90.86"}), enquiry()) == (Quote(service="surface", price=rupees(9086)),)


@pytest.mark.parametrize(
    "change", [{"total": "0.00"}, {"total": ""}, {"total": "-5"}, {"total": "free"}, {"taxes": "-1"}, {"total": None}]
)
def test_nothing_is_no_price(change: dict[str, Any]) -> None:
    assert read(QUOTE, answer(ESTIMATE | change), enquiry()) == (Misread,)


def express(response: httpx.Response) -> object:
    try:
        return QUOTE.steps[0].parse(response, enquiry(), {})
    except CarrierError as error:
        return examples.told(error)


def test_express_is_priced_first_where_the_booking_can_say_it() -> None:
    assert body_of(QUOTE, enquiry(), access(), 0)["serviceType"] == "EXPRESS"
    assert [bool(step.when and step.when(enquiry(), access())) for step in QUOTE.steps] == [False, False]
    assert books_services(enquiry(), access(books_service="Yes"))
    kept = express(answer(ESTIMATE | {"total": "190.86"}))
    assert isinstance(kept, Next)
    quotes = read(QUOTE, answer(ESTIMATE), enquiry(), kept.so_far)
    assert [(quote.service, quote.price) for quote in quotes] == [("surface", rupees(9086)), ("express", rupees(19086))]


def test_a_refusal_of_express_leaves_surface() -> None:
    assert express(failure(400)) == Next(so_far={})
    assert express(failure(401)) == (Refused, RefusalKind.UNAUTHORIZED, "C", "M", "")


ABROAD = Lane(origin="560038", destination="44600", destination_country="NP")


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"parcels": ()}, RefusalKind.INVALID_REQUEST, "/parcels"),
        ({"declared_value": Money(100, "USD")}, RefusalKind.INVALID_REQUEST, "/declared_value/currency"),
        ({"lane": ABROAD}, RefusalKind.NOT_SERVICEABLE, "/lane/destination_country"),
        ({"lane": Lane(origin="5600", destination="394101")}, RefusalKind.INVALID_ADDRESS, "/lane/origin"),
    ],
)
@pytest.mark.parametrize("operation", [QUOTE, TAT])
def test_what_cannot_be_asked_is_refused_by_name(operation: Any, changes: dict[str, Any], kind: RefusalKind, field: str) -> None:
    assert refused_building(operation, enquiry(**changes)) == {"kind": kind, "field": field}


@pytest.mark.parametrize("body", NONSENSE)
@pytest.mark.parametrize(("operation", "question"), [(SERVICEABILITY, stop()), (TAT, enquiry()), (QUOTE, enquiry())])
def test_nonsense_is_never_a_yes(operation: Any, question: object, body: bytes) -> None:
    assert read(operation, httpx.Response(200, content=body), question) == (Misread,)
