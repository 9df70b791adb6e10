"""Amounts in another currency, by dated rates that come from settings or an imported file.

A table states units of each currency for one unit of its base on one day (as central banks publish them), so direct,
inverse and cross rates are one division. The newest table up to the day asked is used, however old: its date
stands in every decision. There is no rate of last resort: without one the conversion is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal

import msgspec

from adapters.contract.units import CurrencyMismatch, Money, exponent

# Rates are kept to twelve significant digits, and money is converted with the kept rate: what is stored can be recomputed.
_RATE = Context(prec=12, rounding=ROUND_HALF_UP)
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class RateTable(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of `base` was worth on one day, in units of the other currencies."""

    base: str
    on: dt.date
    units: Mapping[str, Decimal]
    source: str = "settings"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """The rate a conversion used: one `source_currency` is `value` of `target_currency`."""

    source_currency: str
    target_currency: str
    value: Decimal
    on: dt.date
    source: str


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """An amount and the rate it came by; no rate where the currency was the same."""

    money: Money
    rate: Rate | None


class NoRate(msgspec.Struct, frozen=True, kw_only=True):
    """There is no rate between these two on or before that day."""

    source_currency: str
    target_currency: str
    on: dt.date

    def __str__(self) -> str:
        return f"no rate from {self.source_currency} to {self.target_currency} on or before {self.on}"


def convert(money: Money, to: str, rates: Iterable[RateTable], on: dt.date) -> Converted | NoRate:
    """The amount in `to`, rounded half up at its minor unit, with the rate used; or the refusal."""
    if money.currency == to:
        return Converted(money=money, rate=None)
    rate = find(money.currency, to, rates, on)
    return rate if isinstance(rate, NoRate) else Converted(money=exchange(money, rate), rate=rate)


def find(source: str, target: str, rates: Iterable[RateTable], on: dt.date) -> Rate | NoRate:
    """The rate of the newest table, not younger than `on`, that knows both currencies."""
    usable = [table for table in rates if table.on <= on and _knows(table, source) and _knows(table, target)]
    if not usable:
        return NoRate(source_currency=source, target_currency=target, on=on)
    newest = max(usable, key=lambda table: table.on)
    value = _RATE.divide(_units(newest, target), _units(newest, source))
    return Rate(source_currency=source, target_currency=target, value=value, on=newest.on, source=newest.source)


def exchange(money: Money, rate: Rate) -> Money:
    """The amount at this rate. Raises CurrencyMismatch where the rate is for another currency."""
    if money.currency != rate.source_currency:
        raise CurrencyMismatch(f"{money} at a rate from {rate.source_currency}")
    shift = exponent(rate.target_currency) - exponent(rate.source_currency)
    minor = _EXACT.multiply(Decimal(money.minor), rate.value).scaleb(shift, _EXACT)
    return Money(int(minor.quantize(Decimal(1), ROUND_HALF_UP, _EXACT)), rate.target_currency)


def _knows(table: RateTable, currency: str) -> bool:
    units = _units(table, currency)
    return units.is_finite() and units > 0


def _units(table: RateTable, currency: str) -> Decimal:
    return Decimal(1) if currency == table.base else table.units.get(currency, Decimal(0))
