from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rates
from adapters.contract.units import Weight
from rates.cardfiles import CardError, CardErrors, read_csv, read_toml
from rates.cards import CardPrice, LaneRule, Per, RateCard, Slab, price
from rates.zones import LaneClass
from tests.rates.making import TODAY, lane, parcel, rupees

DATA = Path(rates.__path__[0]) / "data"

TOML = """\
carrier = "swiftline"
service = "doorstep"
currency = "INR"
valid_from = 2026-04-01
valid_to = 2027-03-31
divisor = 4000
slab_g = 250
fuel_percent = 9.5
tax_percent = 18
quality_check_fee = "4.00"
quality_check_fee_per = "question"
failed_visit_fee = 12
minimum = "28.00"

[[slab]]
zone = "metro"
up_to_g = 500
price = "57.00"

[[slab]]
zone = "metro"
up_to_g = 20000
price = 27.5
per_g = 500

[[slab]]
zone = "hills"
up_to_g = 1000
price = "99.00"

[[lane]]
origin = "1710"
zone = "hills"
"""

CSV = """\
# the same, as a spreadsheet saves it
carrier,swiftline
service,doorstep
currency,INR
valid_from,2026-04-01
valid_to,2027-03-31
divisor,4000
slab_g,250
fuel_percent,9.5
tax_percent,18
quality_check_fee,4.00
quality_check_fee_per,question
failed_visit_fee,12
minimum,28.00,,

zone,up_to_g,price,per_g
metro,500,57.00,
metro,20000,27.5,500
hills,1000,99.00,
,,,
origin,destination,zone
1710,,hills
"""

CARD = RateCard(
    carrier="swiftline",
    service="doorstep",
    currency="INR",
    valid_from=dt.date(2026, 4, 1),
    valid_to=dt.date(2027, 3, 31),
    divisor=4000,
    slab=Weight(250),
    zones={
        "metro": (
            Slab(up_to=Weight(500), price=rupees(57)),
            Slab(up_to=Weight(20000), price=rupees("27.50"), per=Weight(500)),
        ),
        "hills": (Slab(up_to=Weight(1000), price=rupees(99)),),
    },
    lanes=(LaneRule(origin="1710", destination="", zone="hills"),),
    fuel_percent=Decimal("9.5"),
    tax_percent=Decimal(18),
    quality_check_fee=rupees(4),
    quality_check_fee_per=Per.QUESTION,
    failed_visit_fee=rupees(12),
    minimum=rupees(28),
)


def found(answer: RateCard | CardErrors) -> list[tuple[int, str, str]]:
    assert isinstance(answer, CardErrors)
    return [(error.line, error.field, error.problem) for error in answer.errors]


def test_a_card_is_read_from_toml():
    assert read_toml(TOML) == CARD


def test_the_same_card_is_read_from_csv():
    assert read_csv(CSV) == CARD


def test_a_spreadsheets_byte_order_mark_line_ends_and_quotes_do_no_harm():
    assert read_csv("\ufeff" + CSV.replace("\n", "\r\n").replace("swiftline", '"swiftline"')) == CARD


def test_slabs_may_be_written_inline():
    start = TOML.index("[[slab]]")
    inline = 'slab = [\n  {zone = "metro", up_to_g = 500, price = "57.00"},\n]\n'
    card = read_toml(TOML[:start] + inline)
    assert isinstance(card, RateCard) and card.zones == {"metro": (Slab(up_to=Weight(500), price=rupees(57)),)}


@pytest.mark.parametrize("name", ["delhivery_surface.toml", "delhivery_express.toml", "example.csv"])
def test_the_example_cards_price_every_class_of_lane(name):
    text = (DATA / name).read_text()
    card = read_toml(text) if name.endswith("toml") else read_csv(text)
    assert isinstance(card, RateCard)
    lanes = {
        LaneClass.WITHIN_CITY: lane("560034", "560095"),
        LaneClass.WITHIN_STATE: lane("560034", "575001"),
        LaneClass.METRO: lane("560034", "110001"),
        LaneClass.REST: lane("560034", "302001"),
        LaneClass.SPECIAL: lane("560034", "799001"),
    }
    prices = [price(card, where, [parcel()], 2, TODAY) for where in lanes.values()]
    assert [found.zone for found in prices if isinstance(found, CardPrice)] == list(lanes)
    totals = [found.total.minor for found in prices if isinstance(found, CardPrice)]
    assert totals == sorted(totals) and totals[0] > 40_00 and totals[-1] < 500_00


def test_example_prices_are_said_to_be_invented():
    assert [path.name for path in sorted(DATA.iterdir()) if "invented" not in path.read_text()] == []


# --- errors ---------------------------------------------------------------------------------------


def test_all_errors_come_at_once_each_with_its_line_and_its_cure():
    faulty = (
        TOML.replace('currency = "INR"', 'curency = "INR"')
        .replace("2027-03-31", "2025-03-31")
        .replace("up_to_g = 20000", "up_to_g = 400")
        .replace('price = "99.00"', 'price = "cheap"')
        .replace('origin = "1710"\nzone = "hills"', 'zone = "moon"')
    )
    assert read_toml(faulty) == CardErrors(
        errors=(
            CardError(line=1, field="currency", problem="is missing", cure="write an ISO 4217 code in capitals, such as INR"),
            CardError(
                line=3,
                field="curency",
                problem="is not a known setting",
                cure="use one of: carrier, service, currency, valid_from, divisor, slab_g, valid_to, fuel_percent, tax_percent, "
                "quality_check_fee, quality_check_fee_per, failed_visit_fee, minimum",
            ),
            CardError(
                line=5,
                field="valid_to",
                problem="is before the first day, 2026-04-01",
                cure="write the last day as 2026-12-31, or leave the line out",
            ),
            CardError(
                line=22,
                field="up_to_g",
                problem="400 is no multiple of slab_g, 250",
                cure="write the heaviest weight of this slab in grams, such as 500",
            ),
            CardError(
                line=22,
                field="up_to_g",
                problem="is not above the slab before it, 500",
                cure="write the heaviest weight of this slab in grams, such as 500",
            ),
            CardError(
                line=27,
                field="zone",
                problem="no lane leads to 'hills': no usual class, and no lane rule",
                cure="name the class of the lane, such as within_city, within_state, metro, rest or special",
            ),
            CardError(line=29, field="price", problem="cannot be 'cheap'", cure="write an amount such as 46.00"),
            CardError(
                line=32,
                field="zone",
                problem="'moon' has no slabs on this card",
                cure="name the class of the lane, such as within_city, within_state, metro, rest or special",
            ),
        )
    )


def test_csv_errors_name_the_line_of_the_sheet():
    faulty = (
        CSV.replace("divisor,4000", "divisor,0").replace("metro,500,57.00,", "metro,500,,").replace("1710,,hills", "1710,,hills!")
    )
    assert found(read_csv(faulty)) == [
        (7, "divisor", "cannot be '0'"),
        (17, "price", "is missing"),
        (19, "zone", "no lane leads to 'hills': no usual class, and no lane rule"),
        (22, "zone", "cannot be 'hills!'"),
        (22, "zone", "'hills!' has no slabs on this card"),
    ]


def test_a_setting_written_twice_is_an_error():
    assert found(read_csv(CSV.replace("service,doorstep", "service,doorstep\nservice,express"))) == [(4, "service", "is set twice")]


def test_two_slabs_up_to_the_same_weight_are_an_error():
    assert found(read_csv(CSV.replace("metro,20000", "metro,500"))) == [(18, "up_to_g", "is not above the slab before it, 500")]


def test_a_card_without_prices_is_an_error():
    assert found(read_toml(TOML[: TOML.index("[[slab]]")])) == [(1, "slab", "the card has no prices")]


@pytest.mark.parametrize(("currency", "decimals"), [("INR", 2), ("JPY", 0)])
def test_an_amount_cannot_have_more_decimals_than_its_currency(currency, decimals):
    faulty = TOML.replace("INR", currency).replace('"57.00"', '"57.005"')
    assert (18, "price", f"57.005 has more decimals than {currency} ({decimals})") in found(read_toml(faulty))


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ('"swiftline"', '["swiftline"]', 1, "carrier"),
        ('"INR"', '"rupees"', 3, "currency"),
        ("2026-04-01", '"1.4.2026"', 4, "valid_from"),
        ("slab_g = 250", "slab_g = 0", 7, "slab_g"),
        ("slab_g = 250", "slab_g = 2.5", 7, "slab_g"),
        ("9.5", "-9.5", 8, "fuel_percent"),
        ('"4.00"', '"Rs 4"', 10, "quality_check_fee"),
        ('"question"', '"parcel"', 11, "quality_check_fee_per"),
        ('"28.00"', "true", 13, "minimum"),
        ("up_to_g = 500", "up_to_g = -500", 17, "up_to_g"),
        ('price = "57.00"', "price = nan", 18, "price"),
    ],
)
def test_a_value_of_the_wrong_kind_is_pointed_at(old, new, line, field):
    assert (line, field) in [(error[0], error[1]) for error in found(read_toml(TOML.replace(old, new, 1)))]


def test_broken_toml_is_pointed_at():
    (error,) = found(read_toml(TOML.replace("divisor = 4000", "divisor 4000")))
    assert error[:2] == (6, "")


def test_slabs_that_are_no_tables_are_pointed_at():
    assert found(read_toml(TOML[: TOML.index("[[slab]]")] + "slab = [5]\n"))[-1] == (15, "slab", "5 is no table")


@pytest.mark.parametrize(
    "text", ["", "[" * 5000, "x = [" * 3000, "divisor = " + "9" * 5000, "divisor = 0x" + "f" * 9000, "slab = 1"]
)
def test_nonsense_is_answered_with_errors(text):
    assert isinstance(read_toml(text), CardErrors)
    assert isinstance(read_csv(text), CardErrors)


@given(st.text())
def test_no_text_whatever_raises(text):
    assert isinstance(read_toml(text), CardErrors)
    assert isinstance(read_csv(text), CardErrors)


@given(st.sampled_from((TOML, CSV)), st.data())
def test_no_damaged_card_raises_and_what_is_read_still_has_prices(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 12, len(text))))
    damaged = text[:start] + data.draw(st.text(alphabet='[]{}",=\n#.0195ag ', max_size=6)) + text[end:]
    answer = (read_toml if text is TOML else read_csv)(damaged)
    assert answer.zones if isinstance(answer, RateCard) else answer.errors
