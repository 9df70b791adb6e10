"""CalculateRate. The figures are invented: so much for each begun half kilogram, more across a border, a little by chance."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from lxml import etree

from adapters.aramex.lab.envelopes import A, Asked, Objection
from adapters.lab.side import Desk

_BASE = {"INR": Decimal(58)}
_ELSEWHERE = Decimal(12)  # dirhams and the like
_EXPRESS = frozenset({"ONP", "OND", "CGO", "PPX", "PDX"})
_TAX = Decimal("0.05")
_CENT = Decimal("0.01")
_HALF_A_KILOGRAM = Decimal("0.5")


def rate(asked: Asked, desk: Desk) -> list[etree._Element]:
    ends = [asked.text(f"{end}/PostCode") or asked.text(f"{end}/City") for end in ("OriginAddress", "DestinationAddress")]
    if not all(desk.serves(end) for end in ends):
        raise Objection("ERR61", "no rate for this lane")
    currency = asked.text("PreferredCurrencyCode")
    before_tax = _price(asked, desk, ends, currency)
    tax = (before_tax * _TAX).quantize(_CENT)
    return [
        A.TotalAmount(A.CurrencyCode(currency), A.Value(str(before_tax + tax))),
        A.RateDetails(
            A.Amount(str(before_tax)),
            *(A(f"OtherAmount{number}", "0") for number in range(1, 6)),
            A.TotalAmountBeforeTax(str(before_tax)),
            A.TaxAmount(str(tax)),
        ),
    ]


def _price(asked: Asked, desk: Desk, ends: list[str], currency: str) -> Decimal:
    kilograms = Decimal(asked.text("ShipmentDetails/ActualWeight/Value"))
    slabs = max(1, int((kilograms / _HALF_A_KILOGRAM).to_integral_value(ROUND_CEILING)))
    abroad = Decimal(4) if asked.text("ShipmentDetails/ProductGroup") == "EXP" else Decimal(1)
    fast = Decimal("1.3") if asked.text("ShipmentDetails/ProductType") in _EXPRESS else Decimal(1)
    chance = Decimal(str(round(0.9 + 0.2 * desk.dice("price", ends[0][:3], ends[1][:3]), 4)))
    factor = Decimal(str(desk.price_factor(ends[0], ends[1])))
    return (_BASE.get(currency, _ELSEWHERE) * (1 + slabs) * abroad * fast * chance * factor).quantize(_CENT)
