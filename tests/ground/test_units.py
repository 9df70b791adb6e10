from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.units import CurrencyMismatch, Length, Money, Weight, exponent

CURRENCIES = st.sampled_from(["INR", "EUR", "JPY", "KWD", "VND", "BHD"])
MINOR = st.integers(-(10**15), 10**15)
MONEY = st.builds(Money, MINOR, CURRENCIES)
RUPEES = st.builds(Money, MINOR, st.just("INR"))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("96.50", "INR", 9650),
        ("0.005", "INR", 1),
        ("0.0049", "INR", 0),
        ("-0.005", "INR", -1),
        ("1e2", "INR", 10000),
        (7, "INR", 700),
        (Decimal("1.10"), "EUR", 110),
        ("1500", "JPY", 1500),
        ("1500.5", "JPY", 1501),
        ("1.2345", "KWD", 1235),
        (" 5 ", "INR", 500),
    ],
)
def test_an_amount_is_read_at_its_currencys_exponent_and_halves_round_away_from_zero(amount, currency, minor):
    assert Money.of(amount, currency) == Money(minor, currency)


@pytest.mark.parametrize("amount", ["", "abc", "1,000.00", "NaN", "Infinity", "-Infinity", "1e999999", "9" * 40])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError, match="amount of money"):
        Money.of(amount, "INR")


@given(MONEY)
def test_money_written_as_a_decimal_reads_back_the_same(money):
    assert Money.of(money.decimal, money.currency) == money


@given(MONEY)
def test_money_is_shown_with_all_its_decimals_and_its_code(money):
    amount, code = str(money).split()
    assert (Decimal(amount), code) == (money.decimal, money.currency)
    assert len(amount.partition(".")[2]) == exponent(money.currency)


@given(RUPEES, RUPEES, RUPEES)
def test_adding_is_exact_in_any_order(a, b, c):
    assert a + b + c == c + (b + a)
    assert a + b - b == a


@given(RUPEES, RUPEES)
def test_amounts_of_one_currency_are_ordered_by_their_value(a, b):
    assert (a < b) == (a.decimal < b.decimal)
    assert (a <= b) == (a.decimal <= b.decimal)
    assert min(a, b).minor == min(a.minor, b.minor)


@pytest.mark.parametrize("operate", [Money.__add__, Money.__sub__, Money.__lt__, Money.__le__])
def test_two_currencies_are_never_mixed(operate):
    with pytest.raises(CurrencyMismatch, match="INR and EUR"):
        operate(Money(1, "INR"), Money(1, "EUR"))


def test_money_of_another_currency_is_not_equal():
    assert Money(100, "INR") != Money(100, "EUR")
    assert Money(0, "INR") != Money(0, "JPY")


def test_most_currencies_have_two_decimals():
    assert {code: exponent(code) for code in ("INR", "USD", "JPY", "KWD", "XOF")} == {
        "INR": 2,
        "USD": 2,
        "JPY": 0,
        "KWD": 3,
        "XOF": 0,
    }


def test_a_weight_is_grams_and_tells_kilograms_exactly():
    assert (Weight(1234).kilograms, Weight(500) < Weight(501)) == (Decimal("1.234"), True)


@given(st.integers(0, 10**7))
def test_whole_centimetres_are_rounded_up_by_less_than_one(millimetres):
    length = Length(millimetres)
    assert 0 <= length.whole_centimetres - length.centimetres < 1
