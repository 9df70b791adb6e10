"""The file of currency rates, while a process runs."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.services.exchange import Exchange
from gateway.settings import BadSetting, Settings

RATES = '[[rates]]\nbase = "USD"\non = 2026-01-01\nunits = {{ INR = "{rupees}" }}\n'


def write(folder: Path, text: str, second: int = 1) -> None:
    """At a time of its own: two writings may fall into one tick of the file system's clock."""
    path = folder / "currency_rates.toml"
    path.write_text(text)
    os.utime(path, (second, second))


def rupees(exchange: Exchange) -> list[Decimal]:
    return [table.units["INR"] for table in exchange()]


def test_without_a_file_there_are_no_rates_until_there_is_one(tmp_path):
    exchange = Exchange(Settings(data_dir=tmp_path))
    assert exchange() == ()

    write(tmp_path, RATES.format(rupees=90))
    assert rupees(exchange) == [90]


def test_rates_written_anew_count_at_once(tmp_path):
    write(tmp_path, RATES.format(rupees=90))
    exchange = Exchange(Settings(data_dir=tmp_path))
    assert rupees(exchange) == [90]

    write(tmp_path, RATES.format(rupees=91), second=2)
    assert rupees(exchange) == [91]


def test_a_file_gone_wrong_leaves_the_last_good_rates(tmp_path):
    write(tmp_path, RATES.format(rupees=90))
    exchange = Exchange(Settings(data_dir=tmp_path))

    write(tmp_path, "[[rates]]\nbase = dollar\n", second=2)
    assert rupees(exchange) == [90]


def test_a_file_wrong_at_the_start_is_refused_by_name(tmp_path):
    write(tmp_path, RATES.format(rupees=-1))
    with pytest.raises(BadSetting, match=r"currency_rates\.toml: rates table 1 \(2026-01-01\): INR = -1"):
        Exchange(Settings(data_dir=tmp_path))


def test_the_setting_names_another_file(tmp_path):
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(RATES.format(rupees=89))
    assert rupees(Exchange(Settings(data_dir=tmp_path, currency_rates_file=elsewhere))) == [89]
