"""Money, weight and length that carry their unit in the type.

Money is exact minor units with an ISO 4217 code (JSON: a decimal string and the code), weight is
whole grams, length whole millimetres. Conversion happens at the carrier's edge, in `build`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Self

import msgspec

# ISO 4217 minor-unit exponents that differ from 2.
_EXPONENTS = dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3) | dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were added or compared."""


class Money(msgspec.Struct, frozen=True, order=False):
    """An exact amount: `minor` units of `currency` (Rs 96.50 is `Money(9650, "INR")`)."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Read a decimal amount; halves round up at the currency's exponent. Raises ValueError on anything else."""
        try:
            scaled = Decimal(str(amount)).scaleb(exponent(currency))
            return cls(int(scaled.quantize(Decimal(1), ROUND_HALF_UP)), currency)
        except (ArithmeticError, ValueError) as error:
            raise ValueError(f"{amount!r} is not an amount of money") from error

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.decimal:f} {self.currency}"

    def told(self) -> dict[str, str]:
        """As JSON tells it."""
        return {"amount": f"{self.decimal:f}", "currency": self.currency}

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} are different currencies")
        return other


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): INR 2, JPY 0, KWD 3."""
    return _EXPONENTS.get(currency, 2)


class Weight(msgspec.Struct, frozen=True, order=True):
    grams: int

    @property
    def kilograms(self) -> Decimal:
        return Decimal(self.grams).scaleb(-3)


class Length(msgspec.Struct, frozen=True, order=True):
    millimetres: int

    @property
    def centimetres(self) -> Decimal:
        return Decimal(self.millimetres).scaleb(-1)

    @property
    def whole_centimetres(self) -> int:
        """Rounded up, as carriers that take whole centimetres bill it."""
        return -(-self.millimetres // 10)
