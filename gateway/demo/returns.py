"""The sample returns as bodies of pickups; the returns themselves stand in returns.toml."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with something to send back. `asked` is what the lab is asked to do with it, "" for nothing."""

    name: str
    phone: str
    line1: str
    city: str
    state: str
    pin: str
    warehouse: str
    what: str
    value: Decimal
    grams: int
    reason: str
    asked: str = ""
    check: str = ""
    country: str = "IN"
    currency: str = "INR"
    dial: str = "+91"


class _Samples(msgspec.Struct, frozen=True, kw_only=True):
    warehouses: dict[str, dict[str, str]]
    returns: tuple[Return, ...]


_SAMPLES = msgspec.toml.decode((importlib.resources.files(__package__) / "returns.toml").read_bytes(), type=_Samples)

WAREHOUSES: Mapping[str, Mapping[str, str]] = _SAMPLES.warehouses
RETURNS = _SAMPLES.returns

# Above it a person takes over, in rupees: lanes abroad cost more than the default allows.
GIVE_UP_AT = "3000.00"

# Lanes on which the lab makes Ekart cheaper than its price list, so that both carriers are chosen: the customer's district.
EKART_CHEAP = ("500", "600", "682")


def sample(number: int) -> tuple[Return, bool]:
    """Return `number` (from 0, any); whether it is a first one. After them the same customers send back more, undisturbed."""
    return RETURNS[number % len(RETURNS)], number < len(RETURNS)


def worth(one: Return) -> str:
    return f"Rs {one.value}" if one.currency == "INR" else f"{one.currency} {one.value}"


def request(number: int, locations: Mapping[str, str]) -> dict[str, Any]:
    """Return `number` as the body of a pickup."""
    one, first = sample(number)
    body: dict[str, Any] = {
        "reference": f"RMA-{1001 + number}",
        "shipper": _customer(one, one.phone if first else _another(one.phone, number)),
        "consignee": {"location": locations[one.warehouse]},
        "parcels": [{"weight_g": one.grams, "length_mm": 320, "width_mm": 240, "height_mm": 80}],
        "items": [_item(one)],
        "order": {"number": f"KA-{70001 + number}", "channel": "web"},
        "metadata": {"city": one.city, "warehouse": one.warehouse},
    }
    if one.check and first:
        body["quality_checks"] = [{"question": "Colour?", "expected": one.check}]
    return body


def _another(phone: str, number: int) -> str:
    """A number as long, and not one of the lab's magic ones."""
    return f"{phone[:-6]}{411000 + number}"


def _customer(one: Return, phone: str) -> dict[str, str]:
    return {
        "name": one.name,
        "phone": f"{one.dial}{phone}",
        "line1": one.line1,
        "city": one.city,
        "state": one.state,
        "postal_code": one.pin,
        "country": one.country,
    }


def _item(one: Return) -> dict[str, Any]:
    return {
        "sku": one.what.upper().replace(" ", "-"),
        "description": one.what,
        "quantity": 1,
        "unit_value": {"amount": f"{one.value:.2f}", "currency": one.currency},
        "return_reason": one.reason,
        "images": [f"https://img.kalpana.example/{one.what.lower().replace(' ', '-')}.jpg"],
        "brand": "Kalpana",
        "category": "Apparel",
    }
