"""Prices and days: the rates of a shipment that is never bought, and SmartRate."""

import functools
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Next, PriceLine, Quote, Tat
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction
from adapters.contract.places import Lane
from adapters.contract.units import Money
from adapters.easypost.quote import QUOTE, SMARTRATE, TAT

from . import examples
from .examples import PARCEL, SHIPMENT, answer, bought, canadian_enquiry, enquiry, made, rate, refused_building, request_of

US_LANE = functools.partial(Lane, origin_country="US", destination_country="US")
WRITTEN = {"length": 11.9, "width": 7.9, "height": 2.2, "weight": 17.0}
HOME, DOCK = {"zip": "94117", "country": "US"}, {"zip": "60607-1234", "country": "US"}


def priced(*rates: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return made(reference=None, rates=list(rates) or [rate()], **changes)


def quoted(*rates: dict[str, Any], **changes: Any) -> Any:
    return examples.read(QUOTE, answer(priced(*rates, **changes), 201), enquiry())


@pytest.mark.parametrize("operation", [QUOTE.steps[0], TAT.steps[0]])
def test_a_return_is_priced_like_the_parcel_that_went_out(operation: Any) -> None:
    body = examples.sent(operation.build(enquiry(), examples.access(), {}))
    assert body == {"shipment": {"from_address": DOCK, "to_address": HOME, "is_return": True, "parcel": WRITTEN}}


def test_a_forward_parcel_is_priced_as_it_goes() -> None:
    _, _, body = request_of(QUOTE, "", enquiry(direction=Direction.FORWARD), carrier_accounts="ca_1")
    assert body == {
        "shipment": {"from_address": HOME, "to_address": DOCK, "is_return": False, "parcel": WRITTEN, "carrier_accounts": ["ca_1"]}
    }


def test_a_quote_is_the_label_and_an_estimate_of_the_visit() -> None:
    assert quoted(rate("UPS", "Ground", "8.10", id="rate_ups")) == (
        Quote(
            service="ups/Ground",
            price=Money(1428, "USD"),
            lines=(
                PriceLine(code="base", amount=Money(810, "USD")),
                PriceLine(code="pickup", amount=Money(618, "USD"), detail="an estimate until booked"),
            ),
            tat_days=3,
            due_if_not_collected=Money(618, "USD"),
            rate="rate_ups",
            moved_by="ups",
        ),
    )


@pytest.mark.parametrize(
    ("carrier", "service", "currency", "fee", "told"),
    [
        ("USPS", "Priority", "USD", 0, "an estimate until booked"),
        ("UPSDAP", "Ground", "USD", 618, "an estimate until booked"),
        ("FedEx", "FEDEX_GROUND", "USD", 1000, "a guess until booked"),
        ("CanadaPost", "RegularParcel", "CAD", 1000, "a guess until booked"),
        ("Purolator", "PurolatorGround", "CAD", 1000, "a guess until booked"),
    ],
)
def test_what_a_visit_costs_is_estimated_by_who_comes(carrier: str, service: str, currency: str, fee: int, told: str) -> None:
    (quote,) = quoted(rate(carrier, service, currency=currency))
    assert quote.lines[1] == PriceLine(code="pickup", amount=Money(fee, currency), detail=told)
    assert not quote.firm


def test_every_service_is_quoted_once_at_its_cheapest() -> None:
    rates = (rate("USPS", "Priority", "9.00"), rate(amount="7.42"), rate(amount="7.02", id="rate_b"), rate("Veho", "Ground"))
    assert [(quote.service, quote.lines[0].amount.minor, quote.rate) for quote in quoted(*rates)] == [
        ("usps/Priority", 900, "rate_ga"),
        ("usps/GroundAdvantage", 702, "rate_b"),
    ]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ({"est_delivery_days": 2, "delivery_days": 5}, 2),
        ({"est_delivery_days": None, "delivery_days": 5}, 5),
        ({"est_delivery_days": 0, "delivery_days": 5}, 0),
        ({"est_delivery_days": None, "delivery_days": None}, None),
        ({"est_delivery_days": -1}, None),
        ({"est_delivery_days": 10**30}, None),
    ],
)
def test_the_days_are_the_movers_own(days: dict[str, Any], told: int | None) -> None:
    (quote,) = quoted(rate(**days))
    assert quote.tat_days == told


def test_where_nothing_is_offered_the_lane_is_not_served() -> None:
    found = quoted(rate("Veho", "Ground"), messages=[{"carrier": "USPS", "message": "no such ZIP"}])
    assert found == (Refused, RefusalKind.NOT_SERVICEABLE, "", "USPS: no such ZIP", "")


@pytest.mark.parametrize("odd", [bought(reference=None), made(object="Rate"), made(id=""), made(rates=None)])
def test_what_was_not_made_for_its_prices_is_misread(odd: dict[str, Any]) -> None:
    assert examples.read(QUOTE, answer(odd, 201), enquiry())[0] is Misread


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"parcels": (PARCEL, PARCEL)}, RefusalKind.INVALID_REQUEST, "/parcels"),
        ({"lane": US_LANE(origin="x", destination="60607")}, RefusalKind.INVALID_ADDRESS, "/lane/origin"),
        ({"lane": US_LANE(origin="94117", destination="x")}, RefusalKind.INVALID_ADDRESS, "/lane/destination"),
        (
            {"lane": Lane(origin="94117", destination="T2P1J9", origin_country="US", destination_country="CA")},
            RefusalKind.NOT_SERVICEABLE,
            "/lane/destination_country",
        ),
    ],
)
@pytest.mark.parametrize("operation", [QUOTE, TAT])
def test_what_cannot_be_priced_is_refused_by_name(operation: Any, changes: Any, kind: RefusalKind, field: str) -> None:
    assert refused_building(operation, enquiry(**changes)) == {"kind": kind, "field": field}


def test_nothing_is_priced_elsewhere() -> None:
    india = enquiry(lane=Lane(origin="560038", destination="394101"))
    assert refused_building(QUOTE, india) == {"kind": RefusalKind.NOT_SERVICEABLE, "field": "/lane/origin_country"}


def test_canada_is_priced_too() -> None:
    _, _, body = request_of(QUOTE, "", canadian_enquiry())
    assert body["shipment"]["to_address"] == {"zip": "M5V 3L9", "country": "CA"}


# --- days -------------------------------------------------------------------------------------------------


def predicted(carrier: str, service: str, days: int | None, shipment: str = SHIPMENT) -> dict[str, Any]:
    time = {"percentile_50": 1, "percentile_85": days, "percentile_99": 9}
    return {"carrier": carrier, "service": service, "shipment_id": shipment, "rate": 6.07, "time_in_transit": time}


def days_of(*result: dict[str, Any]) -> Any:
    return examples.read(TAT, answer({"result": list(result)}), enquiry(), {"shipment": SHIPMENT})


def test_days_are_asked_of_a_shipment_that_is_not_bought() -> None:
    found = examples.read(TAT, answer(priced(), 201), enquiry(), step="shipment")
    assert found == Next(so_far={"shipment": SHIPMENT})
    assert request_of(TAT, "smartrate", enquiry(), found.so_far) == (
        "GET", "https://easypost.test/v2/shipments/shp_1/smartrate", None,
    )  # fmt: skip


def test_tat_is_when_85_in_100_have_come_by_each_service_we_offer() -> None:
    ours = (predicted("USPS", "GroundAdvantage", 4), predicted("USPS", "Express", 1), predicted("USPS", "Priority", None))
    assert days_of(*ours, predicted("USPS", "LibraryMail", 9)) == Tat(
        days=4, by_service={"usps/GroundAdvantage": 4, "usps/Express": 1}, source=SMARTRATE
    )  # fmt: skip


@pytest.mark.parametrize("result", [(), (predicted("USPS", "LibraryMail", 9),), (predicted("USPS", "Priority", None),)])
def test_without_a_prediction_there_are_no_days(result: Any) -> None:
    assert days_of(*result)[:2] == (Refused, RefusalKind.REFUSED)


def test_a_service_without_a_prediction_has_none() -> None:
    assert days_of(predicted("USPS", "Priority", 2), predicted("UPS", "Ground", 5) | {"time_in_transit": None}) == Tat(
        days=2, by_service={"usps/Priority": 2}, source=SMARTRATE
    )  # fmt: skip


def test_days_of_another_shipment_are_misread() -> None:
    assert days_of(predicted("USPS", "Priority", 2), predicted("USPS", "Express", 1, "shp_2"))[0] is Misread


def test_smartrate_knows_the_usa_only() -> None:
    canada = canadian_enquiry()
    refused = {"kind": RefusalKind.INVALID_REQUEST, "field": "/lane/origin_country"}
    assert refused_building(TAT, canada) == refused
    half = enquiry(lane=replace(canada.lane, origin="94117", origin_country="US"))
    assert refused_building(TAT, half)["field"] == "/lane/destination_country"
