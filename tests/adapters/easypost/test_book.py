"""Booking: what is sent step by step, what is taken for a yes, and what happens where the visit is not to be had."""

import datetime as dt
import json
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Booked, Later, Next
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.orders import QualityCheck
from adapters.contract.units import Money
from adapters.easypost.book import BOOK

from . import examples
from .examples import (
    AWB,
    CALGARY,
    CUSTOMER,
    CUSTOMER_WRITTEN,
    PICKUP,
    RATE,
    REFERENCE,
    SHIPMENT,
    TORONTO,
    WAREHOUSE_WRITTEN,
    access,
    answer,
    bought,
    failure,
    made,
    pickup,
    rate,
    refused_building,
    request_of,
    scheduled,
    sent,
    shipment,
    visit,
    window,
)

PARCEL = {"length": 11.9, "width": 7.9, "height": 2.2, "weight": 17.0}
INVALID, UNSERVED, NO_WINDOW = RefusalKind.INVALID_REQUEST, RefusalKind.NOT_SERVICEABLE, RefusalKind.WINDOW_UNAVAILABLE
FRIDAY = dt.date(2026, 3, 13)

PRICED = {"shipment": SHIPMENT, "rate": RATE, "mover": "usps"}
LABELLED = PRICED | {"awb": AWB}
VISITED = LABELLED | {"pickup": PICKUP, "pickup_carrier": "USPS", "pickup_service": "NextDay", "pickup_fee": "150 USD"}
CONFIRMED = VISITED | {"confirmation": "WTC1"}


def read(step: str, response: Any, so_far: dict[str, str] | None = None, **changes: Any) -> Any:
    return examples.read(BOOK, response, pickup(**changes), so_far, step)


# --- the shipment -----------------------------------------------------------------------------------------


def test_a_return_is_written_like_the_parcel_that_went_out() -> None:
    assert request_of(BOOK, "shipment", pickup()) == (
        "POST",
        "https://easypost.test/v2/shipments",
        {
            "shipment": {
                "from_address": WAREHOUSE_WRITTEN,
                "to_address": CUSTOMER_WRITTEN,
                "is_return": True,
                "parcel": PARCEL,
                "reference": REFERENCE,
            }
        },
    )


def test_a_forward_parcel_goes_from_the_warehouse() -> None:
    _, _, body = request_of(BOOK, "shipment", shipment())
    ends = {name: body["shipment"][name] for name in ("from_address", "to_address", "is_return")}
    assert ends == {"from_address": WAREHOUSE_WRITTEN, "to_address": CUSTOMER_WRITTEN, "is_return": False}


def test_an_account_may_choose_its_carrier_accounts() -> None:
    _, _, body = request_of(BOOK, "shipment", pickup(), carrier_accounts="ca_1, ca_2,")
    assert body["shipment"]["carrier_accounts"] == ["ca_1", "ca_2"]


def test_an_order_may_bring_options() -> None:
    _, _, body = request_of(BOOK, "shipment", pickup(extra={"easypost": {"print_custom_1": "RMA-1"}, "ekart": {"a": 1}}))
    assert body["shipment"]["options"] == {"print_custom_1": "RMA-1"}


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"service": "usps/Teleport"}, INVALID, "/service"),
        ({"quality_checks": (QualityCheck(question="colour", expected="Blue"),)}, INVALID, "/quality_checks"),
        ({"extra": {"easypost": {"cod_amount": "5"}}}, INVALID, "/extra/easypost/cod_amount"),
        ({"extra": {"easypost": {"label_size": {"a": 1}}}}, INVALID, "/extra/easypost/label_size"),
        ({"window": window(examples.NOW.date() - dt.timedelta(days=1))}, NO_WINDOW, "/window"),
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_what_cannot_be_put_is_refused_before_anything_is_bought(
    changes: dict[str, Any], kind: RefusalKind, field: str, step: int
) -> None:
    assert refused_building(BOOK, pickup(**changes), step) == {"kind": kind, "field": field}


def test_ids_are_stored_and_the_price_is_told_before_anything_is_bought() -> None:
    assert read("shipment", answer(made(), 201)) == Next(so_far=PRICED, price=Money(7_42, "USD"))


RATES = [
    rate("UPS", "Ground", "8.10", id="rate_ups"),
    rate("USPS", "GroundAdvantage", "7.42", id="rate_ga"),
    rate("USPS", "GroundAdvantage", "7.02", id="rate_ga_other_account"),
    rate("UPSDAP", "2ndDayAir", "21.00", id="rate_dap"),
    rate("DHLExpress", "DomesticExpress", "1.00", id="rate_unknown"),
    rate("USPS", "Priority", "0.00", id="rate_free"),
]


@pytest.mark.parametrize(
    ("service", "chosen", "mover", "cents"),
    [
        ("usps/GroundAdvantage", "rate_ga_other_account", "usps", 7_02),
        ("ups/Ground", "rate_ups", "ups", 8_10 + 6_18),
        ("ups/2ndDayAir", "rate_dap", "ups", 21_00 + 6_18),
        ("", "rate_ga_other_account", "usps", 7_02),
    ],
)
def test_the_cheapest_rate_of_the_ordered_service_is_booked(service: str, chosen: str, mover: str, cents: int) -> None:
    """Its price is the label's and what the visit is expected to cost."""
    found = read("shipment", answer(made(rates=RATES), 201), service=service)
    assert found == Next(so_far={"shipment": SHIPMENT, "rate": chosen, "mover": mover}, price=Money(cents, "USD"))


def test_a_service_that_is_not_offered_any_more_is_refused() -> None:
    found = read("shipment", answer(made(rates=RATES), 201), service="usps/Express")
    assert found[:2] == (Refused, UNSERVED)
    assert found[-1] == "/service"


def test_a_service_without_a_price_is_not_offered() -> None:
    assert read("shipment", answer(made(rates=RATES), 201), service="usps/Priority")[:2] == (Refused, UNSERVED)


def test_where_nothing_is_offered_the_movers_say_why() -> None:
    messages = [
        {"carrier": "USPS", "type": "rate_error", "message": "too heavy"},
        {"carrier": "UPS", "message": ["no", "thanks"]},
        {"message": None},
    ]
    assert read("shipment", answer(made(rates=[], messages=messages), 201)) == (
        Refused, UNSERVED, "", 'USPS: too heavy; UPS: ["no","thanks"]; null', "",
    )  # fmt: skip


def test_services_we_do_not_know_are_named_where_nothing_else_is_offered() -> None:
    found = read("shipment", answer(made(rates=[rate("Veho", "Ground")]), 201))
    assert found == (Refused, UNSERVED, "", "only services that are not offered here: Veho/Ground", "")


@pytest.mark.parametrize(
    "odd",
    [
        made(object="Batch"),
        made(id=""),
        made(reference="bkg_another"),
        made(rates=None),
        made(rates=[rate(amount="-7")]),
        made(rates=[rate(currency="dollars")]),
        bought(),
    ],
)
def test_what_is_no_new_shipment_of_ours_is_misread(odd: dict[str, Any]) -> None:
    assert read("shipment", answer(odd, 201))[0] is Misread


# --- the label --------------------------------------------------------------------------------------------


def test_the_chosen_rate_is_bought() -> None:
    assert request_of(BOOK, "label", pickup(), PRICED) == (
        "POST",
        "https://easypost.test/v2/shipments/shp_1/buy",
        {"rate": {"id": RATE}},
    )


def test_a_bought_label_has_its_tracking_code() -> None:
    assert read("label", answer(bought()), PRICED) == Next(so_far={"awb": AWB})


def test_a_label_bought_by_an_earlier_call_is_gone_on_with() -> None:
    assert read("label", failure("SHIPMENT.POSTAGE.EXISTS"), PRICED) == Next(so_far={})


def test_a_purchase_under_way_is_asked_for_again() -> None:
    assert read("label", failure("SHIPMENT.PURCHASE.IN_PROGRESS"), PRICED) == Later(after=dt.timedelta(seconds=15))


def test_a_purchase_that_nobody_answered_is_unknown() -> None:
    assert read("label", failure("SHIPMENT.POSTAGE.TIMED_OUT"), PRICED)[0] is OutcomeUnknown


def test_a_label_that_is_refused_is_refused() -> None:
    assert read("label", failure("SHIPMENT.POSTAGE.FAILURE", "no phone"), PRICED) == (
        Refused, RefusalKind.REFUSED, "SHIPMENT.POSTAGE.FAILURE", "no phone", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        made(),
        bought(id="shp_2"),
        bought(reference="bkg_another"),
        bought(tracking_code=""),
        bought(postage_label=None),
        bought(selected_rate=None),
        bought(selected_rate=rate(id="rate_dearer")),
    ],
)
def test_what_is_not_the_label_we_bought_is_misread(odd: dict[str, Any]) -> None:
    assert read("label", answer(odd), PRICED)[0] is Misread


# --- the visit ----------------------------------------------------------------------------------------------


def visit_body(so_far: dict[str, str] | None = None, now: dt.datetime = examples.NOW, **changes: Any) -> Any:
    step = next(one for one in BOOK.steps if one.name == "pickup")
    return sent(step.build(pickup(**changes), replace(access(), now=now), so_far or LABELLED))["pickup"]


def test_the_visit_is_asked_for_at_the_customers_door() -> None:
    order = pickup(window=window(FRIDAY), instructions="ring twice")
    assert request_of(BOOK, "pickup", order, LABELLED) == (
        "POST",
        "https://easypost.test/v2/pickups",
        {
            "pickup": {
                "address": CUSTOMER_WRITTEN,
                "shipment": {"id": SHIPMENT},
                "min_datetime": "2026-03-13T10:00:00-07:00",
                "max_datetime": "2026-03-13T14:00:00-07:00",
                "reference": REFERENCE,
                "is_account_address": False,
                "instructions": "ring twice",
            }
        },
    )


def times(**asked: Any) -> list[str]:
    body = visit_body(**asked)
    return [body["min_datetime"], body["max_datetime"]]


def test_without_a_window_it_is_the_next_weekday_at_the_door() -> None:
    assert times() == ["2026-03-12T09:00:00-07:00", "2026-03-12T17:00:00-07:00"]
    friday_night = dt.datetime(2026, 3, 14, 5, 0, tzinfo=dt.UTC)  # still Friday in California
    assert times(now=friday_night) == ["2026-03-16T09:00:00-07:00", "2026-03-16T17:00:00-07:00"]


def test_of_a_window_that_is_open_what_is_left_is_asked_for() -> None:
    noon = dt.datetime(2026, 3, 13, 19, 0, 40, tzinfo=dt.UTC)
    assert times(now=noon, window=window(FRIDAY)) == ["2026-03-13T12:05:00-07:00", "2026-03-13T14:00:00-07:00"]


def test_nobody_is_asked_to_come_on_a_public_holiday() -> None:
    day_before_thanksgiving = dt.datetime(2026, 11, 25, 18, 0, tzinfo=dt.UTC)
    assert times(now=day_before_thanksgiving) == ["2026-11-27T09:00:00-08:00", "2026-11-27T17:00:00-08:00"]


def test_a_door_without_a_zone_is_taken_to_be_in_new_york() -> None:
    assert times(shipper=replace(CUSTOMER, timezone=""))[0] == "2026-03-12T09:00:00-04:00"


def test_a_door_in_canada_has_canadian_hours() -> None:
    assert times(shipper=TORONTO, consignee=CALGARY, window=replace(window(FRIDAY), timezone="America/Toronto"))[0] == (
        "2026-03-13T10:00:00-04:00"
    )


def test_what_the_visit_costs_is_stored_before_it_is_bought() -> None:
    other = {"id": "pr_0", "carrier": "UPS", "service": "Same-Day Pickup", "rate": "0.50", "currency": "USD"}
    dearer = {"id": "pr_2", "carrier": "USPS", "service": "Today", "rate": 3.25, "currency": "USD"}
    rates = [other, dearer, *visit()["pickup_rates"]]
    assert read("pickup", answer(visit(pickup_rates=rates)), LABELLED) == Next(
        so_far={"pickup": PICKUP, "pickup_carrier": "USPS", "pickup_service": "NextDay", "pickup_fee": "150 USD"}
    )


def test_the_priced_visit_is_bought() -> None:
    assert request_of(BOOK, "visit", pickup(), VISITED) == (
        "POST",
        "https://easypost.test/v2/pickups/pickup_1/buy",
        {"carrier": "USPS", "service": "NextDay"},
    )


def test_a_bought_visit_has_its_confirmation() -> None:
    assert read("visit", answer(scheduled()), VISITED) == Next(so_far={"confirmation": "WTC1"})
    assert read("visit", answer(visit(status="scheduled")), VISITED) == Next(so_far={"confirmation": ""})


@pytest.mark.parametrize("odd", [visit(object="Batch"), visit(id=""), visit(status="planned"), visit(reference="x"), scheduled()])
def test_what_is_no_new_visit_of_ours_is_misread(odd: dict[str, Any]) -> None:
    assert read("pickup", answer(odd), LABELLED)[0] is Misread


@pytest.mark.parametrize("odd", [visit(), visit(status="canceled"), scheduled(id="pickup_2"), scheduled(reference="x")])
def test_what_is_not_the_visit_we_bought_is_misread(odd: dict[str, Any]) -> None:
    assert read("visit", answer(odd), VISITED)[0] is Misread


def test_a_visit_that_may_be_bought_already_is_found_out() -> None:
    assert read("visit", failure("PICKUP.STATUS.INVALID"), VISITED)[0] is OutcomeUnknown


# --- the end ------------------------------------------------------------------------------------------------

BOOKED = Booked(
    awb=AWB,
    handles={"shipment": SHIPMENT, "rate": RATE, "mover": "usps", "pickup": PICKUP},
    pickup_token="WTC1",
    price=Money(892, "USD"),
    tracking_url="https://track.test/1",
)


def test_at_the_end_everything_is_read_back() -> None:
    assert request_of(BOOK, "outcome", pickup(), CONFIRMED) == (
        "GET",
        "https://easypost.test/v2/shipments/shp_1/label?file_format=PDF",
        None,
    )
    assert read("outcome", answer(bought()), CONFIRMED) == BOOKED


def test_a_label_bought_by_an_earlier_call_is_known_at_the_end() -> None:
    known = {name: value for name, value in CONFIRMED.items() if name != "awb"}
    assert read("outcome", answer(bought()), known) == BOOKED


@pytest.mark.parametrize("fee", [{"pickup_fee": ""}, {"pickup_fee": "150 CAD"}])
def test_a_price_that_cannot_be_summed_is_not_told(fee: dict[str, str]) -> None:
    assert read("outcome", answer(bought()), CONFIRMED | fee) == replace(BOOKED, price=None)


@pytest.mark.parametrize(
    "odd",
    [
        made(),
        bought(id="shp_2"),
        bought(reference="x"),
        bought(tracking_code="9999"),
        bought(refund_status="submitted"),
        bought(postage_label={"label_url": "https://files.test/1.png", "label_pdf_url": None}),
    ],
)
def test_what_is_not_what_we_booked_is_misread(odd: dict[str, Any]) -> None:
    assert read("outcome", answer(odd), CONFIRMED)[0] is Misread


def test_a_no_to_reading_back_is_no_no_to_the_booking() -> None:
    assert read("outcome", failure("NOT_FOUND", status=404), CONFIRMED)[0] is OutcomeUnknown


def test_what_spends_money_is_marked() -> None:
    assert [step.name for step in BOOK.steps if step.commits] == ["label", "visit", "outcome"]


# --- a label without a visit ----------------------------------------------------------------------------------


def kept(kind: RefusalKind, code: str, text: str, field: str = "") -> dict[str, str]:
    return {"refused": json.dumps({"kind": kind, "code": code, "text": text, "field": field}, separators=(",", ":"))}


NOBODY_COMES = kept(NO_WINDOW, "", "usps offers no visit then", "/window")


@pytest.mark.parametrize(
    ("reply", "remembered"),
    [
        (answer(visit(pickup_rates=[])), NOBODY_COMES),
        (answer(visit(pickup_rates=[{"id": "pr_0", "carrier": "UPS", "service": "x", "rate": "1.00"}])), NOBODY_COMES),
        (
            answer(visit(pickup_rates=[], messages=[{"carrier": "USPS", "message": "not on this street"}])),
            kept(UNSERVED, "", "USPS: not on this street", "/window"),
        ),
        (
            failure("PICKUP.ADDRESS.INVALID", "which street?"),
            kept(RefusalKind.INVALID_ADDRESS, "PICKUP.ADDRESS.INVALID", "which street?"),
        ),
    ],
)
def test_a_visit_that_is_not_to_be_had_is_remembered(reply: Any, remembered: dict[str, str]) -> None:
    assert read("pickup", reply, LABELLED) == Next(so_far=remembered)


def test_a_visit_that_cannot_be_bought_is_remembered() -> None:
    reply = failure("PICKUP.BUY.NO_MATCHING_RATES", "gone")
    assert read("visit", reply, VISITED) == Next(so_far=kept(NO_WINDOW, "PICKUP.BUY.NO_MATCHING_RATES", "gone"))


@pytest.mark.parametrize("step", ["pickup", "visit"])
def test_with_a_key_that_opens_nothing_any_more_nothing_is_given_back(step: str) -> None:
    found = read(step, failure("APIKEY.INACTIVE", status=403), VISITED)
    assert found[:2] == (Refused, RefusalKind.UNAUTHORIZED)


@pytest.mark.parametrize("step", ["visit", "outcome"])
def test_the_label_is_given_back_then(step: str) -> None:
    known = LABELLED | NOBODY_COMES
    assert request_of(BOOK, step, pickup(), known) == ("POST", "https://easypost.test/v2/shipments/shp_1/refund", {})
    assert read(step, answer(bought(refund_status="submitted")), known) == (
        Refused, NO_WINDOW, "", "usps offers no visit then (the label's refund: submitted)", "/window",
    )  # fmt: skip


@pytest.mark.parametrize("step", ["visit", "outcome"])
def test_a_label_that_is_rejected_so_soon_is_given_back_once_more(step: str) -> None:
    known = LABELLED | NOBODY_COMES
    rejected = answer(bought(refund_status="rejected"))
    assert read(step, rejected, known) == Later(after=dt.timedelta(minutes=15), so_far={"rejected": "once"})
    assert read(step, rejected, known | {"rejected": "once"}) == (
        Refused, NO_WINDOW, "", "usps offers no visit then (the label's refund: rejected)", "/window",
    )  # fmt: skip


def test_a_label_that_is_not_taken_back_is_told_with_the_refusal() -> None:
    found = read("visit", failure("SHIPMENT.REFUND.FAILURE", "not today"), LABELLED | NOBODY_COMES)
    assert found[:2] == (Refused, NO_WINDOW)
    assert "SHIPMENT.REFUND.FAILURE" in found[3]
    assert "not today" in found[3]


def test_a_lost_answer_to_giving_back_is_unknown() -> None:
    assert read("visit", failure("REFUND.NO_RESPONSE"), LABELLED | NOBODY_COMES)[0] is OutcomeUnknown
