"""What a price is asked for, and what is taken for one."""

from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from adapters.aramex import CARRIER, quote
from adapters.contract.carrier import Next, PriceLine, Quote
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction
from adapters.contract.places import Lane
from adapters.contract.units import Money

from .examples import (
    IN_DUBAI,
    PARCEL,
    access,
    answer,
    built,
    enquiry,
    envelope,
    fault,
    notifications,
    pickup,
    read,
    refused_building,
    sent,
)

ECHO = ("express", "IN 560038", "IN 394101", "480 g")
GULF = enquiry(
    lane=Lane(
        origin="", destination="", origin_country="AE", destination_country="AE", origin_city="Dubai", destination_city="Ajman"
    )
)


def rated(
    value: str = "106.20", currency: str = "INR", details: str = "", echo: tuple[str, ...] | None = ECHO, **more: Any
) -> httpx.Response:
    total = f"<TotalAmount><CurrencyCode>{currency}</CurrencyCode><Value>{value}</Value></TotalAmount>"
    return answer("RateCalculatorResponse", total + details, echo=echo, **more)


def details(before_tax: str, tax: str) -> str:
    others = "".join(f"<OtherAmount{number}>0</OtherAmount{number}>" for number in range(1, 6))
    end = f"<TotalAmountBeforeTax>{before_tax}</TotalAmountBeforeTax><TaxAmount>{tax}</TaxAmount>"
    return f"<RateDetails><Amount>{before_tax}</Amount>{others}{end}</RateDetails>"


def test_a_price_is_asked_for_what_will_be_booked():
    request = built("quote", enquiry(direction=Direction.REVERSE))
    fields = {
        "OriginAddress/City": "Bengaluru",
        "OriginAddress/PostCode": "560038",
        "DestinationAddress/PostCode": "394101",
        "ShipmentDetails/ActualWeight/Value": "0.480",
        "ShipmentDetails/ProductType": "CGO",
        "ShipmentDetails/PaymentType": "3",
        "ShipmentDetails/Services": "RTRN",
        "PreferredCurrencyCode": "INR",
    }
    assert {name: sent(request, name) for name in fields} == fields
    assert str(request.url) == "https://aramex.test/ShippingAPI.V2/RateCalculator/Service_1_0.svc"


@pytest.mark.parametrize(("settings", "currency"), [({}, "AED"), ({"currency": "USD"}, "USD")])
def test_the_currency_is_the_accounts_or_the_collecting_countrys(settings, currency):
    assert sent(built("quote", GULF, **settings), "PreferredCurrencyCode") == currency


def test_the_lane_of_an_order_brings_its_cities():
    lane = pickup(shipper=IN_DUBAI).lane
    assert (lane.origin_city, lane.destination_city) == ("Dubai", "Surat")
    assert sent(built("quote", enquiry(lane=lane)), "OriginAddress/City") == "Dubai"


def test_where_there_are_no_postal_codes_the_city_is_needed():
    assert sent(built("quote", GULF), "OriginAddress/City") == "Dubai"
    assert sent(built("quote", GULF), "OriginAddress/PostCode") == ""
    nowhere = replace(GULF, lane=replace(GULF.lane, origin_city=""))
    assert refused_building("quote", nowhere) == {"kind": RefusalKind.INVALID_REQUEST, "field": "/lane/origin_city"}


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        (
            {"lane": Lane(origin="20095", destination="394101", origin_country="DE")},
            RefusalKind.NOT_SERVICEABLE,
            "/lane/origin_country",
        ),
        ({"lane": Lane(origin="near the lake", destination="394101")}, RefusalKind.INVALID_ADDRESS, "/lane/origin"),
        ({"parcels": (PARCEL, PARCEL)}, RefusalKind.INVALID_REQUEST, "/parcels/1"),
    ],
)
def test_what_cannot_be_priced_is_refused_by_name(changes, kind, field):
    assert refused_building("quote", enquiry(**changes)) == {"kind": kind, "field": field}


def test_a_total_is_a_quote():
    assert read("quote", rated(), enquiry()) == (Quote(service="express", price=Money(10620, "INR")),)


def test_a_breakdown_that_adds_up_is_shown():
    (quoted,) = read("quote", rated(details=details("90.00", "16.2")), enquiry())
    assert quoted.lines == (PriceLine(code="base", amount=Money(9000, "INR")), PriceLine(code="tax", amount=Money(1620, "INR")))


@pytest.mark.parametrize("amounts", [("0", "0"), ("90.00", "10")])
def test_a_breakdown_that_does_not_add_up_is_left_out(amounts):
    assert read("quote", rated(details=details(*amounts)), enquiry()) == (Quote(service="express", price=Money(10620, "INR")),)


def test_three_decimals_are_kept():
    assert read("quote", rated("3.125", "KWD"), enquiry())[0].price == Money(3125, "KWD")


@pytest.mark.parametrize(
    "response",
    [
        rated("0"),
        rated("-5"),
        rated("NaN"),
        rated("1,5"),
        rated(""),
        rated(currency=""),
        rated(currency="rupees"),
        rated(echo=None),
        rated(echo=("economy", *ECHO[1:])),
        rated(echo=("express", "IN 560038", "IN 394102", "480 g")),
        rated(errors=""),
        answer("RateCalculatorResponse", echo=ECHO),
        answer("ShipmentCreationResponse", echo=ECHO),
        envelope(
            '<RateCalculatorResponse xmlns="http://ws.aramex.net/ShippingAPI/v1/"><HasErrors>false</HasErrors></RateCalculatorResponse>'
        ),
    ],
)
def test_what_is_no_price_of_this_lane_is_misread(response):
    assert read("quote", response, enquiry()) == (Misread,)


def test_no_rate_means_not_serviceable():
    response = answer("RateCalculatorResponse", errors="true", head=notifications(ERR61="no rate"), echo=ECHO)
    assert read("quote", response, enquiry()) == (Refused, RefusalKind.NOT_SERVICEABLE, "ERR61", "no rate")


# --- economy --------------------------------------------------------------------------------------

ECONOMY_ECHO = ("economy", *ECHO[1:])


@pytest.mark.parametrize(
    ("settings", "offered"),
    [({}, False), ({"domestic_economy_product": "PEC"}, True), ({"international_economy_product": "EPX"}, False)],
)
def test_economy_is_priced_only_where_the_account_has_a_product_for_it(settings, offered):
    step = CARRIER.quote and CARRIER.quote.steps[0]
    assert step and step.when
    assert step.when(enquiry(), access(**settings)) is offered


def test_economy_is_priced_with_its_own_product():
    request = built("quote", enquiry(), "economy", domestic_economy_product="PEC")
    assert (sent(request, "ShipmentDetails/ProductType"), sent(request, "Transaction/Reference1")) == ("PEC", "economy")


def test_both_prices_are_offered():
    kept = read("quote", rated("50", echo=ECONOMY_ECHO), enquiry(), "economy", {})
    assert isinstance(kept, Next)
    both = read("quote", rated(), enquiry(), "express", kept.so_far)
    assert [(one.service, one.price.minor) for one in both] == [("express", 10620), ("economy", 5000)]


def test_economy_not_going_there_takes_nothing_from_express():
    no = answer("RateCalculatorResponse", errors="true", head=notifications(ERR61="no rate"), echo=ECONOMY_ECHO)
    assert read("quote", no, enquiry(), "economy", {}) == Next(so_far={})


def test_wrong_credentials_end_it_at_once():
    no = answer("RateCalculatorResponse", errors="true", head=notifications(ERR01="who?"), echo=ECONOMY_ECHO)
    assert read("quote", no, enquiry(), "economy", {})[:2] == (Refused, RefusalKind.UNAUTHORIZED)


def test_a_broken_economy_answer_is_no_answer():
    assert read("quote", fault("s:Server"), enquiry(), "economy", {})[0].__name__ == "OutcomeUnknown"


def test_a_kept_quote_is_read_back_as_it_was():
    quoted = Quote(service="economy", price=Money(1, "KWD"))
    assert msgspec.json.decode(msgspec.json.encode(quoted), type=Quote) == quoted
    assert quote.QUOTE.repeatable
