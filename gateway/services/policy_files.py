"""A merchant's policy from a TOML file: the same names as in the API, amounts as text in the merchant's currency.

give_up_at = "400.00"
floor = 0.6
deny = ["ekart/express"]
[[pins]]
carrier = "delhivery"
postal_code = "5600"
[[caps]]
carrier = "ekart"
price = "120.00"
pickups_a_day = 200
"""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from adapters.contract.units import Money
from rates.policy import Policy, PolicyError, validate

_AMOUNTS = frozenset(
    {"give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost", "max_total_cost", "price_cap", "price"}
)
_OURS = frozenset({"currency", "converted_by", "version"})


class BadPolicy(ValueError):
    """The file cannot be used; the text says where and why."""


def read_policy(text: str, start: Policy) -> Policy:
    """The policy of a file, over the defaults that `start` has in the merchant's currency. Raises BadPolicy."""
    try:
        given = {name: _plain(name, value, start.currency) for name, value in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise BadPolicy(str(error)) from error
    strange = sorted(given.keys() - (set(Policy.__struct_fields__) - _OURS))
    if strange:
        raise BadPolicy(f"there is no setting {', '.join(strange)}")
    try:
        policy = msgspec.convert(msgspec.to_builtins(start) | msgspec.to_builtins(given), Policy)
    except msgspec.ValidationError as error:
        raise BadPolicy(str(error)) from error
    _refuse(validate(policy))
    return policy


def _plain(name: str, value: Any, currency: str) -> Any:
    if isinstance(value, list):
        return [_plain(name, one, currency) for one in value]
    if isinstance(value, dict):
        return {inner: _plain(inner, one, currency) for inner, one in value.items()}
    return Money.of(value, currency) if name in _AMOUNTS else value


def _refuse(errors: tuple[PolicyError, ...]) -> None:
    if errors:
        raise BadPolicy("; ".join(f"{error.pointer} {error.detail}" for error in errors))
