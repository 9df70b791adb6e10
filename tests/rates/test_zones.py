from __future__ import annotations

import pytest

from adapters.contract.places import Lane
from rates.zones import METROS, STATES, LaneClass, area, lane_class, zone
from tests.rates.making import lane


@pytest.mark.parametrize(
    ("code", "country", "expected"),
    [
        ("560034", "IN", "IN-560"),
        (" 560 034", "IN", "IN-560"),
        ("m5v 2t6", "CA", "CA-M5V"),
        ("90210", "US", "US-902"),
        ("SW1A 1AA", "GB", "GB-SW"),
        ("1010", "NZ", "NZ-10"),
        ("", "AE", "AE-"),
    ],
)
def test_a_zone_is_the_head_of_the_code_within_its_country(code, country, expected):
    assert zone(code, country) == expected


def test_the_same_digits_in_two_countries_are_two_zones():
    assert zone("560034", "IN") != zone("56003", "US")


@pytest.mark.parametrize(
    ("named", "shown"), [("IN-560", "560xxx"), ("CA-M5V", "M5Vxxx"), ("US-902", "902xx"), ("GB-SW", "SWxx"), ("AE-", "AE")]
)
def test_a_zone_is_shown_as_its_codes_are_written(named, shown):
    assert area(named) == shown


@pytest.mark.parametrize(
    ("origin", "destination", "expected"),
    [
        ("560034", "560095", LaneClass.WITHIN_CITY),  # Bengaluru
        ("201301", "110001", LaneClass.WITHIN_CITY),  # Noida and Delhi are one metro over a state border
        ("575001", "575014", LaneClass.WITHIN_CITY),  # one sorting district outside the metros
        ("560034", "575001", LaneClass.WITHIN_STATE),  # both Karnataka
        ("560034", "110001", LaneClass.METRO),
        ("560034", "302001", LaneClass.REST),  # Bengaluru, Jaipur
        ("403001", "411001", LaneClass.REST),  # Goa is not Maharashtra, though its PINs begin alike
        ("560034", "781001", LaneClass.SPECIAL),  # Guwahati
        ("190001", "110001", LaneClass.SPECIAL),  # Srinagar
        ("744101", "700001", LaneClass.SPECIAL),  # Port Blair's PINs begin like West Bengal's
        ("781001", "785001", LaneClass.SPECIAL),  # also inside the North-East
    ],
)
def test_indian_lanes_have_a_class_both_ways(origin, destination, expected):
    assert (lane_class(lane(origin, destination)), lane_class(lane(destination, origin))) == (expected, expected)


@pytest.mark.parametrize("code", ["900056", "56003", "5600345", "ABCDEF", "", "290001", "५६००३४"])
def test_what_is_no_civil_pin_has_no_class(code):
    assert (lane_class(lane(code, "560034")), lane_class(lane("560034", code))) == (None, None)


def test_other_countries_know_only_domestic_and_international():
    assert (
        lane_class(Lane(origin="90210", destination="10001", origin_country="US", destination_country="US")) is LaneClass.DOMESTIC
    )
    assert lane_class(Lane(origin="560034", destination="10001", destination_country="US")) is LaneClass.INTERNATIONAL


def test_every_metro_lies_in_a_known_state():
    assert [prefix for prefix in METROS if not any(prefix.startswith(state) for state in STATES)] == []
