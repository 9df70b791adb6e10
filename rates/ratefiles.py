"""Currency rates from a TOML file: one table a day, as central banks publish them.

[[rates]]
base = "EUR"
on = 2026-11-20
source = "example"
units = { INR = "96.42", USD = "1.1570" }
"""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal

import msgspec

from rates.currency import RateTable


class BadRates(ValueError):
    """The file cannot be used; the text says where and why."""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    base: str
    on: dt.date
    units: dict[str, Decimal]
    source: str = "settings"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rates: list[_Table]


def read_rates(text: str) -> tuple[RateTable, ...]:
    """The tables of a rates file. Raises BadRates."""
    try:
        tables = msgspec.convert(tomllib.loads(text), _File).rates
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadRates(f"not a rates file: {error}") from error
    for number, table in enumerate(tables, 1):
        _check(number, table)
    return tuple(RateTable(base=table.base, on=table.on, units=table.units, source=table.source) for table in tables)


def _check(number: int, table: _Table) -> None:
    for code in (table.base, *table.units):
        if len(code) != 3 or not code.isupper():
            raise BadRates(f"rates table {number} ({table.on}): {code!r} is no ISO 4217 code")
    for code, units in table.units.items():
        if not units.is_finite() or units <= 0:
            raise BadRates(f"rates table {number} ({table.on}): {code} = {units} is no rate above 0")
