"""Finding out what became of a booking: by the ids that were stored before money was spent."""

from typing import Any

import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Booked, Next
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.units import Money
from adapters.easypost.find import FIND

from . import examples
from .examples import AWB, PICKUP, RATE, SHIPMENT, answer, bought, failure, made, request_of, scheduled, sought, visit

KNOWN = sought(shipment=SHIPMENT, rate=RATE, mover="usps", awb=AWB, pickup=PICKUP, pickup_fee="150 USD", confirmation="")
NOTHING_KNOWN = sought()
BOOKED = Booked(
    awb=AWB,
    handles={"shipment": SHIPMENT, "rate": RATE, "mover": "usps", "pickup": PICKUP},
    pickup_token="WTC1",
    price=Money(892, "USD"),
    tracking_url="https://track.test/1",
)


def visit_read(response: Any, asked: Any = KNOWN) -> Any:
    return examples.read(FIND, response, asked, step="pickup")


def found(shipment: Any, pickup: Any = None, asked: Any = KNOWN) -> Any:
    first = visit_read(answer(pickup or scheduled()), asked)
    assert isinstance(first, Next)
    return examples.read(FIND, answer(shipment), asked, first.so_far)


@pytest.mark.parametrize(
    ("asked", "step", "path"),
    [
        (KNOWN, "shipment", "/shipments/shp_1"),
        (KNOWN, "pickup", "/pickups/pickup_1"),
        (NOTHING_KNOWN, "shipment", "/shipments/bkg_01TEST"),
        (NOTHING_KNOWN, "pickup", "/pickups/bkg_01TEST"),
        (sought(shipment="a/b?c"), "shipment", "/shipments/a%2Fb%3Fc"),
    ],
)
def test_it_is_asked_by_the_stored_id_or_by_our_reference(asked: Any, step: str, path: str) -> None:
    assert request_of(FIND, step, asked) == ("GET", f"https://easypost.test/v2{path}", None)


def test_a_scheduled_visit_with_a_bought_label_is_the_booking() -> None:
    assert found(bought()) == BOOKED


def test_found_by_our_reference_it_has_its_ids_again() -> None:
    assert found(bought(), asked=NOTHING_KNOWN) == replace(BOOKED, handles={"shipment": SHIPMENT, "pickup": PICKUP}, price=None)


@pytest.mark.parametrize("shipment", [made(), bought(refund_status="submitted"), bought(postage_label=None)])
def test_what_is_not_bought_or_given_back_is_no_booking(shipment: dict[str, Any]) -> None:
    assert found(shipment) is None


def test_a_label_for_which_no_visit_was_asked_is_no_booking_yet() -> None:
    when = FIND.steps[0].when
    assert when
    no_visit = sought(shipment=SHIPMENT)
    assert [when(asked, examples.access()) for asked in (KNOWN, NOTHING_KNOWN, no_visit)] == [True, True, False]
    assert examples.read(FIND, answer(bought()), no_visit) is None


@pytest.mark.parametrize("status", ["unknown", "canceled"])
def test_a_visit_that_is_not_scheduled_is_no_booking(status: str) -> None:
    assert visit_read(answer(visit(status=status))) is None


@pytest.mark.parametrize("step", ["shipment", "pickup"])
def test_what_easypost_does_not_know_is_no_booking(step: str) -> None:
    assert examples.read(FIND, failure("NOT_FOUND", status=404), KNOWN, step=step) is None


@pytest.mark.parametrize("step", ["shipment", "pickup"])
def test_any_other_no_says_nothing_about_the_booking(step: str) -> None:
    reply = failure("APIKEY.INACTIVE", status=403)
    assert examples.read(FIND, reply, KNOWN, step=step)[:2] == (Refused, RefusalKind.UNAUTHORIZED)
    assert examples.read(FIND, failure("X", status=500), KNOWN, step=step)[0] is OutcomeUnknown


@pytest.mark.parametrize("other", [bought(id="shp_2"), bought(reference="x"), bought(object="Order"), bought(tracking_code="9999")])
def test_another_shipment_is_misread(other: dict[str, Any]) -> None:
    assert found(other)[0] is Misread


@pytest.mark.parametrize("other", [scheduled(id="pickup_2"), scheduled(reference="x"), scheduled(object="Batch")])
def test_another_visit_is_misread(other: dict[str, Any]) -> None:
    assert visit_read(answer(other))[0] is Misread


def test_without_a_stored_id_our_reference_has_to_be_there() -> None:
    assert visit_read(answer(scheduled(reference=None)), NOTHING_KNOWN)[0] is Misread
    assert found(bought(reference=None), asked=NOTHING_KNOWN)[0] is Misread


def test_a_stored_id_is_enough() -> None:
    assert found(bought(reference=None), scheduled(reference=None)) == BOOKED


def test_asking_twice_does_no_harm() -> None:
    assert FIND.repeatable
