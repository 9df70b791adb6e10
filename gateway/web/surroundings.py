"""What a body is held against, read from the ledger when it is needed."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.contract.places import Party
from gateway.carriers import registry
from gateway.store import accounts
from gateway.web.access import Call
from gateway.web.addresses import About
from rates.filters import names
from rates.policy import Policy


def about(call: Call, tx: sa.Connection) -> About:
    """For pickups and quotes: good as long as the transaction is."""

    def location(location_id: str) -> Party | None:
        found = accounts.LOCATIONS.get(tx, call.owner, location_id)
        return found.party if found else None

    return About(now=call.now, currency=call.merchant.currency, location=location, names=_names(call, tx))


def start_of_policy(call: Call) -> Policy:
    """What a new policy of this merchant has where nothing is said."""
    given = (call.merchant.currency, call.kit.rates(), call.wall.date())
    return call.read(lambda tx: accounts.start_of_policy(tx, call.owner, *given))


def _names(call: Call, tx: sa.Connection) -> frozenset[str]:
    """By what the merchant's accounts, carriers and services may be called."""
    found: set[str] = set()
    for account in accounts.of_owner(tx, call.owner):
        for service in registry.carrier(account.carrier).services:
            found |= names(account.id, account.carrier, service.code, service.moved_by)
    return frozenset(found)
