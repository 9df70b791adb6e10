"""Enrolling a merchant: its row, and the first policy of each mode in its own currency.

The default amounts are INR; they are converted once, here, at the dated rate (GATEWAY_CURRENCY_RATES), and the rate stays in the
policy. Without a rate the amounts must be given: a bare number taken for another currency would flip choices.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec
import sqlalchemy as sa

from adapters.contract.units import Money
from gateway.store import accounts, merchants
from gateway.store.merchants import Merchant
from gateway.store.rows import Owner
from gateway.values import Mode
from rates import policy as policies
from rates.currency import NoRate, RateTable
from rates.policy import Policy

AMOUNTS = ("give_up_at", "failed_visit_cost", "cost_per_day", "deadline_penalty", "failover_cost")


class NameTaken(ValueError):
    """There is a merchant of this name; `merchant_id` is its id."""

    def __init__(self, name: str, merchant_id: str) -> None:
        super().__init__(f"there is a merchant {name!r} already: choose another name")
        self.merchant_id = merchant_id


class NoFirstPolicy(ValueError):
    """The default amounts cannot be converted; the text says what to do."""


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to be enrolled. `amounts` are the policy's, all of AMOUNTS or none."""

    name: str
    country: str
    currency: str
    amounts: Mapping[str, Money] = {}
    retention_days: int | None = None


def enrol(tx: sa.Connection, asked: Newcomer, rates: Iterable[RateTable], wall: dt.datetime) -> Merchant:
    """The merchant, ready for both modes. Raises NameTaken, NoFirstPolicy."""
    same = merchants.by_name(tx, asked.name)
    if same:
        raise NameTaken(asked.name, same.id)
    policy = first_policy(asked, rates, wall.date())
    row = merchants.create(tx, asked.name, asked.currency, asked.country, wall, asked.retention_days)
    for mode in Mode:
        accounts.store_policy(tx, Owner(row.id, mode), policy, wall)
    return row


def first_policy(asked: Newcomer, rates: Iterable[RateTable], on: dt.date) -> Policy:
    """The default with the amounts given, else with its own, converted. Raises NoFirstPolicy."""
    if asked.amounts:
        return msgspec.structs.replace(policies.DEFAULT, currency=asked.currency, **asked.amounts)
    found = policies.default(asked.currency, rates, on)
    if isinstance(found, NoRate):
        raise NoFirstPolicy(
            f"{found}: give the policy's amounts in {asked.currency} ({', '.join(AMOUNTS)}), "
            "or name a file of rates with GATEWAY_CURRENCY_RATES"
        )
    return found
