from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.places import Lane
from adapters.contract.units import Money, Weight
from rates.cards import CardPrice, LaneRule, Line, NoPrice, NoPriceCause, Per, RateCard, Slab, percent, price
from tests.rates.making import TODAY, lane, parcel, rupees

METRO = lane("560034", "110001")
IN_TOWN = lane("560034", "560095")


def card(**settings: object) -> RateCard:
    plain = RateCard(
        carrier="swiftline",
        service="doorstep",
        currency="INR",
        valid_from=dt.date(2026, 1, 1),
        divisor=5000,
        slab=Weight(500),
        zones={
            "metro": (
                Slab(up_to=Weight(500), price=rupees(50)),
                Slab(up_to=Weight(5000), price=rupees(20), per=Weight(500)),
                Slab(up_to=Weight(10000), price=rupees(30), per=Weight(1000)),
            ),
            "within_city": (Slab(up_to=Weight(2000), price=rupees(20)),),
        },
        quality_check_fee=rupees(0),
        failed_visit_fee=rupees(0),
        minimum=rupees(0),
    )
    return msgspec.structs.replace(plain, **settings)


def total(given: RateCard, grams: int = 700, checks: int = 0, on: dt.date = TODAY) -> Money:
    found = price(given, METRO, [parcel(grams=grams)], checks, on)
    assert isinstance(found, CardPrice)
    return found.total


def test_every_part_of_a_price_is_a_line():
    full = card(
        fuel_percent=Decimal("12.5"),
        tax_percent=Decimal(18),
        quality_check_fee=rupees(15),
        failed_visit_fee=rupees(10),
        minimum=rupees(75),
    )
    assert price(full, METRO, [parcel(grams=700)], 3, TODAY) == CardPrice(
        total=rupees("117.27"),
        lines=(
            Line(code="freight", amount=rupees(70), detail="metro, 1 kg"),
            Line(code="minimum", amount=rupees(5)),
            Line(code="fuel", amount=rupees("9.38"), detail="12.5 %"),  # of 75.00, half a paisa up
            Line(code="quality_check", amount=rupees(15)),
            Line(code="tax", amount=rupees("17.89"), detail="18 %"),  # of 99.38
        ),
        due_if_not_collected=rupees("11.80"),
        chargeable=Weight(1000),
        zone="metro",
    )


def test_a_plain_price_is_its_freight_alone():
    assert price(card(), METRO, [parcel(grams=300)], 0, TODAY) == CardPrice(
        total=rupees(50),
        lines=(Line(code="freight", amount=rupees(50), detail="metro, 0.5 kg"),),
        due_if_not_collected=rupees(0),
        chargeable=Weight(500),
        zone="metro",
    )


@pytest.mark.parametrize(
    ("grams", "rupees_due"),
    [(1, 50), (500, 50), (501, 70), (1000, 70), (1001, 90), (5000, 230), (5001, 260), (6000, 260), (6001, 290), (10000, 380)],
)
def test_slabs_add_a_price_for_each_begun_step(grams, rupees_due):
    assert total(card(), grams=grams) == rupees(rupees_due)


def test_the_volumetric_weight_counts_when_it_is_the_larger():
    found = price(card(), METRO, [parcel(grams=100, millimetres=(300, 200, 100))], 0, TODAY)
    assert isinstance(found, CardPrice) and (found.chargeable, found.total) == (Weight(1500), rupees(90))


@pytest.mark.parametrize(
    ("per", "checks", "fee"), [(Per.PICKUP, 0, 0), (Per.PICKUP, 4, 15), (Per.QUESTION, 0, 0), (Per.QUESTION, 4, 60)]
)
def test_quality_checks_are_charged_per_pickup_or_per_question(per, checks, fee):
    charged = card(quality_check_fee=rupees(15), quality_check_fee_per=per)
    assert total(charged, checks=checks) == rupees(70 + fee)


def test_a_freight_above_the_minimum_is_left_alone():
    assert total(card(minimum=rupees(60))) == rupees(70)


@pytest.mark.parametrize("on", [dt.date(2026, 3, 1), dt.date(2026, 3, 31)])
def test_the_first_and_the_last_day_are_valid(on):
    assert total(card(valid_from=dt.date(2026, 3, 1), valid_to=dt.date(2026, 3, 31)), on=on) == rupees(70)


@pytest.mark.parametrize("on", [dt.date(2026, 2, 28), dt.date(2026, 4, 1)])
def test_outside_its_days_a_card_has_no_price(on):
    short = card(valid_from=dt.date(2026, 3, 1), valid_to=dt.date(2026, 3, 31))
    refused = NoPrice(cause=NoPriceCause.NOT_VALID, detail="valid from 2026-03-01 to 2026-03-31")
    assert price(short, METRO, [parcel()], 0, on) == refused


def test_a_lane_the_card_does_not_know_has_no_price():
    assert price(card(), lane("560034", "781001"), [parcel()], 0, TODAY) == NoPrice(
        cause=NoPriceCause.NO_ZONE, detail="no prices for special (560034 to 781001)"
    )


def test_a_lane_of_no_class_has_no_price():
    assert price(card(), lane("900056", "560034"), [parcel()], 0, TODAY) == NoPrice(
        cause=NoPriceCause.NO_ZONE, detail="no prices for a lane (900056 to 560034)"
    )


def test_a_weight_above_the_last_slab_has_no_price():
    assert price(card(), IN_TOWN, [parcel(grams=2001)], 0, TODAY) == NoPrice(
        cause=NoPriceCause.NO_SLAB, detail="2500 g, the card ends at 2000 g for within_city"
    )


@pytest.mark.parametrize(
    ("rule", "zone"),
    [
        (LaneRule(origin="5600", destination="5600", zone="metro"), "metro"),
        (LaneRule(origin="5600", zone="metro"), "metro"),
        (LaneRule(destination="5600", zone="metro"), "metro"),
        (LaneRule(zone="metro"), "metro"),
        (LaneRule(origin="5601", zone="metro"), "within_city"),
        (LaneRule(origin="5600", destination="5601", zone="metro"), "within_city"),
    ],
)
def test_the_cards_own_lane_rules_come_before_the_usual_class(rule, zone):
    found = price(card(lanes=(rule,)), IN_TOWN, [parcel()], 0, TODAY)
    assert isinstance(found, CardPrice) and found.zone == zone


def test_the_first_lane_rule_that_fits_wins():
    rules = (LaneRule(origin="560", zone="metro"), LaneRule(origin="5600", zone="within_city"))
    found = price(card(lanes=rules), IN_TOWN, [parcel()], 0, TODAY)
    assert isinstance(found, CardPrice) and found.zone == "metro"


def test_a_card_abroad_lives_by_its_own_lane_rules():
    american = Lane(origin="90210", destination="10001", origin_country="US", destination_country="US")
    found = price(card(lanes=(LaneRule(origin="9", destination="1", zone="metro"),)), american, [parcel()], 0, TODAY)
    assert isinstance(found, CardPrice) and found.total == rupees(70)


@given(
    st.integers(1, 10_000), st.integers(1, 10_000), st.integers(0, 6), st.decimals(0, 40, places=2), st.decimals(0, 28, places=2)
)
def test_the_total_is_the_sum_of_its_lines_and_heavier_is_never_cheaper(grams, more, checks, fuel, tax):
    taxed = card(fuel_percent=fuel, tax_percent=tax, quality_check_fee=rupees(15), quality_check_fee_per=Per.QUESTION)
    light, heavy = (price(taxed, METRO, [parcel(grams=weight)], checks, TODAY) for weight in sorted((grams, more)))
    assert isinstance(light, CardPrice) and isinstance(heavy, CardPrice)
    assert light.total.minor == sum(line.amount.minor for line in light.lines)
    assert light.total <= heavy.total


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [
        (Money(50, "INR"), "1", Money(1, "INR")),  # half a paisa
        (Money(49, "INR"), "1", Money(0, "INR")),
        (Money(1000, "JPY"), "2.5", Money(25, "JPY")),
        (Money(1000, "KWD"), "2.5", Money(25, "KWD")),
    ],
)
def test_per_cent_is_rounded_half_up_at_the_currencys_own_unit(amount, rate, expected):
    assert percent(amount, Decimal(rate)) == expected


def test_a_card_is_named_as_a_source():
    assert card().title == "rate card swiftline/doorstep of 2026-01-01"
