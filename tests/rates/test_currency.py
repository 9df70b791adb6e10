from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.units import CurrencyMismatch, Money
from rates.currency import Converted, NoRate, Rate, RateTable, convert, exchange
from tests.rates.making import TODAY, rupees


def table(days_ago: int = 1, **units: str) -> RateTable:
    rates = {currency: Decimal(value) for currency, value in units.items()}
    return RateTable(base="EUR", on=TODAY - dt.timedelta(days=days_ago), units=rates, source="an imported file")


def rate(source: str, target: str, value: str, days_ago: int = 1) -> Rate:
    on = TODAY - dt.timedelta(days=days_ago)
    return Rate(source_currency=source, target_currency=target, value=Decimal(value), on=on, source="an imported file")


def test_the_same_currency_needs_no_rate():
    assert convert(rupees(96), "INR", (), TODAY) == Converted(money=rupees(96), rate=None)


@pytest.mark.parametrize(
    ("money", "target", "expected", "value"),
    [
        (Money(10_00, "EUR"), "INR", Money(1000_00, "INR"), "100"),  # as stated
        (Money(1000_00, "INR"), "EUR", Money(10_00, "EUR"), "0.01"),  # the other way
        (Money(10_00, "USD"), "INR", Money(800_00, "INR"), "80"),  # over the base
        (Money(10_00, "EUR"), "JPY", Money(1600, "JPY"), "160"),  # into a currency without a minor unit
        (Money(1600, "JPY"), "KWD", Money(3_500, "KWD"), "0.0021875"),  # into one with three decimals
    ],
)
def test_an_amount_is_converted_and_the_rate_used_is_told(money, target, expected, value):
    tables = (table(INR="100", USD="1.25", JPY="160", KWD="0.35"),)
    assert convert(money, target, tables, TODAY) == Converted(money=expected, rate=rate(money.currency, target, value))


def test_halves_round_up():
    assert convert(Money(1, "EUR"), "USD", (table(USD="1.5"),), TODAY) == Converted(
        money=Money(2, "USD"), rate=rate("EUR", "USD", "1.5")
    )


def test_the_newest_table_up_to_the_day_counts():
    tables = (table(days_ago=9, INR="90"), table(days_ago=2, INR="100"), table(days_ago=-1, INR="110"))
    assert convert(Money(1_00, "EUR"), "INR", tables, TODAY) == Converted(
        money=Money(100_00, "INR"), rate=rate("EUR", "INR", "100", days_ago=2)
    )


def test_a_table_without_both_currencies_is_passed_over():
    tables = (table(days_ago=9, INR="90", USD="1.2"), table(days_ago=2, INR="100"))
    found = convert(Money(1_00, "USD"), "INR", tables, TODAY)
    assert isinstance(found, Converted) and found.rate == rate("USD", "INR", "75", days_ago=9)


@pytest.mark.parametrize("units", [{}, {"USD": "1.25"}, {"USD": "1.25", "INR": "0"}, {"USD": "1.25", "INR": "NaN"}])
def test_without_a_usable_rate_the_conversion_is_refused(units):
    assert convert(Money(1_00, "USD"), "INR", (table(**units),), TODAY) == NoRate(
        source_currency="USD", target_currency="INR", on=TODAY
    )


def test_a_refusal_says_what_is_missing():
    assert str(NoRate(source_currency="USD", target_currency="INR", on=TODAY)) == "no rate from USD to INR on or before 2026-11-23"


def test_a_rate_serves_only_its_own_currency():
    with pytest.raises(CurrencyMismatch):
        exchange(rupees(1), rate("USD", "INR", "80"))


@given(st.integers(-(10**15), 10**15), st.decimals("0.000001", "1000000", places=6))
def test_what_is_stored_can_be_recomputed(minor, value):
    converted = convert(Money(minor, "EUR"), "INR", (table(INR=str(value)),), TODAY)
    assert isinstance(converted, Converted) and converted.rate is not None
    assert exchange(Money(minor, "EUR"), converted.rate) == converted.money
    assert abs(Decimal(converted.money.minor) - Decimal(minor) * converted.rate.value) <= Decimal("0.5")
