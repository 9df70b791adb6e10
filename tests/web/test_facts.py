"""Facts of the world that bodies are held against."""

from __future__ import annotations

import pytest

from gateway.web import facts


@pytest.mark.parametrize(
    ("country", "right", "wrong"),
    [
        ("IN", ["560034", "110001"], ["056003", "56003", "5600341", "56O034", "560 034", "\u0665\u0666\u0660\u0660\u0663\u0664"]),
        ("US", ["94105", "94105-1234"], ["9410", "94105-12", "\u0669\u0664\u0661\u0660\u0665"]),
        ("CA", ["K1A 0B1", "k1a0b1"], ["K1A 0O1", "D1A 0B1", "12345"]),
        ("GB", ["SW1A 1AA", "M1 1AE"], ["SW1A", "1AA SW1"]),
        ("DE", ["10115"], ["1011", "D-10115"]),
        ("SG", ["018956"], ["18956"]),
        ("KE", ["00100"], ["!!", ""]),
        ("AE", ["", "anything"], []),
    ],
)
def test_a_postal_code_has_its_countrys_shape(country: str, right: list[str], wrong: list[str]) -> None:
    assert [code for code in right if facts.postal_code_fault(code, country)] == []
    assert [code for code in wrong if not facts.postal_code_fault(code, country)] == []


@pytest.mark.parametrize(
    ("phone", "country", "right"),
    [
        ("9800000100", "IN", True),
        ("+91 98000 00100", "IN", True),
        ("098000 00100", "IN", True),
        ("+14158586273", "IN", True),
        ("4158586273", "US", True),
        ("12345", "IN", False),
        ("0000000000", "IN", False),
        ("call me", "IN", False),
        ("", "IN", False),
        ("+999 1234567", "IN", False),
    ],
)
def test_a_phone_number_is_one_that_could_be_dialled(phone: str, country: str, right: bool) -> None:
    assert (facts.phone_fault(phone, country) == "") is right


@pytest.mark.parametrize(
    ("country", "state", "zone"),
    [
        ("IN", "", "Asia/Kolkata"),
        ("SG", "", "Asia/Singapore"),
        ("AE", "", "Asia/Dubai"),
        ("DE", "", "Europe/Berlin"),
        ("US", "CA", "America/Los_Angeles"),
        ("US", "ca ", "America/Los_Angeles"),
        ("CA", "ON", "America/Toronto"),
        ("AU", "QLD", "Australia/Brisbane"),
        ("US", "", ""),
        ("US", "TN", ""),
        ("RU", "", ""),
        ("XX", "", ""),
    ],
)
def test_a_zone_is_derived_only_where_there_is_one(country: str, state: str, zone: str) -> None:
    assert facts.timezone_of(country, state) == zone


def test_every_zone_that_is_derived_exists() -> None:
    derived = {facts.timezone_of(country, "") for country in facts.countries()} - {""}
    assert derived <= facts.zones()
    assert len(derived) > 150


def test_currencies_are_three_capitals_and_hold_the_ones_we_trade_in() -> None:
    assert all(len(code) == 3 and code.isupper() for code in facts.CURRENCIES)
    assert {"INR", "USD", "EUR", "AED", "JPY", "KWD"} <= facts.CURRENCIES
