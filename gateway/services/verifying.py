"""Asking a carrier whether it takes an account's credentials: something harmless, in the merchant's name.

Signing in where there is that; else whether it serves a place it must know; else where a parcel is that it cannot know: that it
does not is an answer too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import AwbList, Carrier, Stop
from adapters.contract.errors import CarrierError, Refused
from adapters.contract.orders import Direction
from gateway.carriers import registry
from gateway.services import pausing
from gateway.services.kit import Kit
from gateway.store.accounts import ACCOUNTS, CarrierAccount
from gateway.values import Account

# A postal code that every carrier of the country knows: of its capital's general post office.
_WELL_KNOWN = {"IN": "110001"}
_NOBODYS = "1000000000"


class Nothing(LookupError):
    """The carrier has nothing harmless to be asked."""


class Probe(msgspec.Struct, frozen=True):
    """A harmless question: an operation's name and what it is asked."""

    operation: str
    question: Any


def probe(carrier: Carrier) -> Probe:
    """What shows whether the credentials are taken. Raises Nothing."""
    country = next((country for country in sorted(carrier.countries) if country in _WELL_KNOWN), "")
    if carrier.sign_in:
        return Probe("sign_in", None)
    if carrier.serviceability and country:
        place = Stop(postal_code=_WELL_KNOWN[country], country=country, direction=Direction.REVERSE, collect=True)
        return Probe("serviceability", place)
    if carrier.track:
        return Probe("track", AwbList(awbs=(_NOBODYS,)))
    raise Nothing(f"{carrier.name} has nothing harmless to be asked: book a pickup with it instead")


async def ask(kit: Kit, account: Account, now: dt.datetime) -> str:
    """The operation that was asked and shows that the credentials are taken. Raises CarrierError, Nothing, NoLab."""
    asked = probe(registry.carrier(account.carrier))
    answer = await kit.carriers.ask(account, asked.operation, asked.question, now=now)
    if isinstance(answer, Mapping):  # of tracking: an outcome for each parcel
        _judge(answer)
    return asked.operation


def _judge(outcomes: Mapping[str, object]) -> None:
    """Raises what is about the account, and what is no answer; that a parcel is not known is one."""
    for outcome in outcomes.values():
        unknown = isinstance(outcome, Refused) and outcome.kind not in pausing.OF_THE_ACCOUNT
        if isinstance(outcome, CarrierError) and not unknown:
            raise outcome


def settle(tx: sa.Connection, account_id: str, refusal: Refused | None, wall: dt.datetime) -> CarrierAccount:
    """What the answer means for the account: refused credentials pause it, good ones end the pause. The account as it is then."""
    if refusal is None:
        return pausing.resume(tx, ACCOUNTS.held(tx, account_id), wall)
    if refusal.kind in pausing.OF_THE_ACCOUNT:
        pausing.pause(tx, account_id, refusal, wall)
    return ACCOUNTS.one(tx, account_id)
