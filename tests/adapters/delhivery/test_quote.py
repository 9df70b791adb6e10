from __future__ import annotations

import datetime as dt

import httpx
import pytest

from adapters.contract.carrier import Enquiry, Next, PriceLine, Quote, Serviceability, Stop, Tat
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Direction, Parcel
from adapters.contract.places import Lane
from adapters.contract.units import Length, Money, Weight
from adapters.delhivery import quote

from .examples import NOW, PARCEL, access, says


def stop(direction: Direction = Direction.REVERSE, *, collect: bool = True, pin: str = "560001", country: str = "IN") -> Stop:
    return Stop(postal_code=pin, country=country, direction=direction, collect=collect)


def enquiry(direction: Direction = Direction.REVERSE, ready_at: dt.datetime | None = None, parcel: Parcel = PARCEL) -> Enquiry:
    lane = Lane(origin="560001", destination="421302")
    return Enquiry(lane=lane, direction=direction, parcels=(parcel,), declared_value=Money(149900, "INR"), ready_at=ready_at)


def pins(**flags: object) -> httpx.Response:
    return says({"delivery_codes": [{"postal_code": {"pin": 560001, "remarks": "", "pickup": "Y", "pre_paid": "Y"} | flags}]})


# --- does it go there? ---


def test_one_pin_is_asked_at_a_time():
    request = quote.build_serviceability(stop(pin="560 001"), access(), {})
    assert str(request.url) == "https://dlv.example/c/api/pin-codes/json/?filter_codes=560001"


@pytest.mark.parametrize(
    ("asked", "flags", "serviceable", "cause"),
    [
        (stop(), {}, True, ""),
        (stop(), {"pre_paid": "N", "cod": "N"}, True, ""),
        (stop(), {"pickup": "N"}, False, "pickup: N"),
        (stop(), {"pickup": None}, False, "pickup: N"),
        (stop(collect=False), {"pickup": "N", "pre_paid": "N"}, True, ""),
        (stop(Direction.FORWARD, collect=False), {}, True, ""),
        (stop(Direction.FORWARD, collect=False), {"pre_paid": "N"}, False, "pre_paid: N"),
        (stop(Direction.FORWARD), {"pickup": "N", "pre_paid": "N"}, True, ""),
    ],
)
def test_each_end_of_a_lane_has_its_flag(asked, flags, serviceable, cause):
    assert quote.parse_serviceability(pins(**flags), asked, {}) == Serviceability(serviceable=serviceable, cause=cause)


def test_an_empty_list_is_a_no():
    answer = quote.parse_serviceability(says({"delivery_codes": []}), stop(), {})
    assert answer == Serviceability(serviceable=False, cause="not in Delhivery's list of pins")


@pytest.mark.parametrize("name", ["remarks", "remark"])
def test_an_embargo_is_a_no_that_soon_may_end(name):
    reply = says({"delivery_codes": [{"postal_code": {name: "Embargo"}}]})
    expected = Serviceability(serviceable=False, cause="Embargo", holds_for=dt.timedelta(hours=1))
    assert quote.parse_serviceability(reply, stop(), {}) == expected


@pytest.mark.parametrize(
    "reply", [pins(pin=560002), pins(pin=""), says({}), says([]), says({"delivery_codes": [{}]}), says(b"<html>")]
)
def test_another_pins_answer_is_misread(reply):
    with pytest.raises(Misread):
        quote.parse_serviceability(reply, stop(), {})


@pytest.mark.parametrize(("asked", "field"), [(stop(pin="12"), "/postal_code"), (stop(country="BD"), "/country")])
def test_a_place_that_has_no_indian_pin_is_not_asked_for(asked, field):
    with pytest.raises(Refused) as caught:
        quote.build_serviceability(asked, access(), {})
    assert caught.value.field == field


# --- how long does it take? ---


def test_the_pickup_time_is_given_in_indian_time():
    request = quote.build_tat(enquiry(ready_at=NOW), access(), {})
    assert request.url.path == "/api/dc/expected_tat"
    assert dict(request.url.params) == {
        "origin_pin": "560001",
        "destination_pin": "421302",
        "mot": "S",
        "pdt": "B2C",
        "expected_pickup_date": "2026-11-24 12:00",
    }


def test_without_a_pickup_time_none_is_made_up():
    assert "expected_pickup_date" not in quote.build_tat(enquiry(), access(), {}).url.params


def test_the_days_are_read():
    assert quote.parse_tat(says({"msg": "", "data": {"tat": 3}, "success": True}), enquiry(), {}) == Tat(days=3)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Origin pin not serviceable.", RefusalKind.NOT_SERVICEABLE),
        ("Unable to process request. Origin pin missing.", RefusalKind.INVALID_REQUEST),
        ("A new text", RefusalKind.REFUSED),
    ],
)
def test_no_days_is_a_refusal(text, kind):
    with pytest.raises(Refused) as caught:
        quote.parse_tat(says({"msg": text, "data": "", "success": False}, 400), enquiry(), {})
    assert (caught.value.kind, caught.value.raw_message) == (kind, text)


@pytest.mark.parametrize("body", [{"success": True}, {"success": True, "data": ""}, {"success": True, "data": {"tat": -1}}, {}])
def test_a_success_without_days_is_misread(body):
    with pytest.raises(Misread):
        quote.parse_tat(says(body), enquiry(), {})


# --- what does it cost? ---


@pytest.mark.parametrize(("direction", "status"), [(Direction.REVERSE, "DTO"), (Direction.FORWARD, "Delivered")])
def test_a_price_is_asked_for_each_mode(direction, status):
    surface, express = (build(enquiry(direction), access(), {}) for build in (quote.build_surface, quote.build_express))
    expected = {"md": "S", "ss": status, "o_pin": "560001", "d_pin": "421302", "cgm": "700", "pt": "Pre-paid"}
    assert surface.url.path == "/api/kinko/v1/invoice/charges/.json"
    assert (dict(surface.url.params), dict(express.url.params)) == (expected, expected | {"md": "E"})


def test_the_heavier_of_scale_and_volume_counts():
    bulky = Parcel(dead_weight=Weight(700), length=Length(401), width=Length(300), height=Length(200))
    assert (quote.chargeable_grams(PARCEL), quote.chargeable_grams(bulky)) == (700, 4812)


def price(total: object, **more: object) -> dict[str, object]:
    return {"total_amount": total, "gross_amount": 86, "tax_data": {"IGST": 15.48, "SGST": 0, "CGST": 0}, "zone": "D"} | more


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_charges_are_a_list_of_one_or_the_object_itself(wrapped):
    body: object = [price(101.48)] if wrapped else price(101.48)
    step = quote.parse_surface(says(body), enquiry(), {})
    assert isinstance(step, Next)
    express = quote.parse_express(says([price("142.07", gross_amount=0, tax_data={})]), enquiry(), step.so_far)
    assert express == (
        Quote(
            service="surface",
            price=Money(10148, "INR"),
            lines=(PriceLine(code="gross", amount=Money(8600, "INR")), PriceLine(code="igst", amount=Money(1548, "INR"))),
        ),
        Quote(service="express", price=Money(14207, "INR")),
    )


def test_a_price_of_nothing_is_no_quote():
    nothing = quote.parse_surface(says([price(0)]), enquiry(), {})
    assert quote.parse_express(says([price(0.0)]), enquiry(), nothing.so_far) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Unable to process request for provided o_pin", RefusalKind.NOT_SERVICEABLE),
        ("ss is mandatory field and possible values can be Delivered,RTO,DTO", RefusalKind.INVALID_REQUEST),
        ("A new text", RefusalKind.REFUSED),
    ],
)
def test_no_price_for_a_lane_is_a_refusal(text, kind):
    with pytest.raises(Refused) as caught:
        quote.parse_surface(says({"error": text}, 400), enquiry(), {})
    assert caught.value.kind is kind


@pytest.mark.parametrize("body", [[], {}, [price(1), price(2)], [price(-1)], price("much"), [price(5, error=None)] * 2])
def test_no_total_is_misread(body):
    with pytest.raises(Misread):
        quote.parse_surface(says(body), enquiry(), {})
