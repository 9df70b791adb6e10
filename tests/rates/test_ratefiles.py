import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from rates.currency import RateTable
from rates.ratefiles import BadRates, read_rates

GOOD = '[[rates]]\nbase = "EUR"\non = 2026-11-20\nsource = "example"\nunits = { INR = "96.42" }\n'


def test_a_file_is_read_as_tables():
    assert read_rates(GOOD) == (RateTable(base="EUR", on=dt.date(2026, 11, 20), units={"INR": Decimal("96.42")}, source="example"),)


def test_the_example_file_can_be_used():
    assert read_rates((Path(__file__).parents[2] / "rates/data/example_rates.toml").read_text())[0].base == "USD"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rates = 1", "rates"),
        ("[[rates]\n", "line 1"),
        (GOOD.replace("EUR", "euro"), "'euro' is no ISO 4217 code"),
        (GOOD.replace("96.42", "-1"), "INR = -1 is no rate above 0"),
        (GOOD.replace("96.42", "NaN"), "INR = NaN is no rate above 0"),
        (GOOD + "odd = 1\n", "odd"),
        (GOOD.replace("2026-11-20", '"soon"'), "on"),
    ],
)
def test_a_bad_file_says_where_and_why(text, why):
    with pytest.raises(BadRates, match=why):
        read_rates(text)
