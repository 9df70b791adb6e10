"""Where is this parcel? Any AWB, also of a parcel not booked here, asked with the merchant's own accounts of its carrier.

Nothing is written, and nobody else's accounts are asked. An AWB that this gateway booked for somebody else is not asked about at
all: two merchants may share one contract with a carrier. Answers are remembered for a minute.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import AwbList
from adapters.contract.errors import CarrierError, Refused, Unreachable
from adapters.contract.scans import Tracked
from gateway.carriers.memory import key_of
from gateway.services.commanding import WrongState
from gateway.services.kit import Kit
from gateway.services.pausing import OF_THE_ACCOUNT
from gateway.store import accounts, tables
from gateway.store.accounts import CarrierAccount
from gateway.store.ledger import BOOKINGS, Booking
from gateway.store.rows import Owner
from gateway.values import Account

PATIENCE = 10.0  # seconds for all accounts together
_FRESH, _UNKNOWN = 60.0, 20.0  # seconds an answer is remembered


class NoAccount(LookupError):
    """The merchant has no such account; the text says which."""


class Unknown(LookupError):
    """None of the accounts knows the parcel; `refusal` is the carrier's own word, if it was asked."""

    def __init__(self, text: str, refusal: Refused | None = None) -> None:
        super().__init__(text)
        self.refusal = refusal


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about; `account` "" for all of that carrier."""

    carrier: str
    awb: str
    account: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the carrier said to one account, when; `pickup_id` where the parcel was booked here."""

    account_id: str
    tracked: Tracked
    asked_at: dt.datetime
    pickup_id: str | None = None


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts to be asked, the likeliest first."""

    opened: list[Account]
    pickup_id: str | None


async def trace(
    kit: Kit, owner: Owner, sought: Sought, *, now: dt.datetime, wall: dt.datetime, patience: float = PATIENCE
) -> Found:
    """Raises NoAccount, Unknown, WrongState; CarrierError where the carrier refuses or does not answer; NoLab."""
    means = await asyncio.to_thread(_means, kit, owner, sought)
    offset = round((now - wall).total_seconds())
    tasks = [asyncio.ensure_future(_ask(kit, one, sought.awb, now, wall, offset)) for one in means.opened]
    await asyncio.wait(tasks, timeout=patience)
    outcomes = [task.result() if task.done() else Unreachable("no answer in time") for task in tasks]
    found = next((one for one in outcomes if isinstance(one, Found)), None)
    if found is None:
        raise _why(sought, outcomes)
    return msgspec.structs.replace(found, pickup_id=means.pickup_id)


def _why(sought: Sought, outcomes: list[Any]) -> Exception:
    """Silence may hide the parcel, so it counts for more than a no; a no to the account for more than one to the parcel."""
    errors: list[CarrierError] = [one for one in outcomes if isinstance(one, CarrierError)]
    silent = [one for one in errors if not isinstance(one, Refused)]
    if silent or errors:
        return (silent or errors)[0]
    first: Unknown = outcomes[0]
    return first


# --- whom to ask -------------------------------------------------------------------------------------


def _means(kit: Kit, owner: Owner, sought: Sought) -> Means:
    """Raises NoAccount, WrongState, and Unknown for what is somebody else's."""
    with kit.db.read() as tx:
        rows = [row for row in accounts.of_owner(tx, owner) if row.carrier == sought.carrier]
        chosen = [row for row in rows if sought.account in ("", row.id)]
        if not chosen:
            raise NoAccount(f"you have no account {sought.account} with {sought.carrier}".replace("  ", " "))
        mine = _booking(tx, owner, sought)
        if mine is None and _is_somebody_elses(tx, sought):
            raise Unknown(f"none of your accounts with {sought.carrier} knows {sought.awb}")
    enabled = [row for row in chosen if row.enabled]
    if not enabled:
        raise WrongState(f"{chosen[0].id} is switched off: {chosen[0].disabled_reason or 'by you'}")
    likely = sorted(enabled, key=lambda row: mine is None or row.id != mine.account_id)
    return Means(opened=_opened(kit, likely), pickup_id=mine.pickup_id if mine else None)


def _opened(kit: Kit, rows: list[CarrierAccount]) -> list[Account]:
    return [accounts.opened(kit.vault, row) for row in rows]


def _booking(tx: sa.Connection, owner: Owner, sought: Sought) -> Booking | None:
    return BOOKINGS.first(tx, BOOKINGS.owned(owner), *_this(sought))


def _is_somebody_elses(tx: sa.Connection, sought: Sought) -> bool:
    return BOOKINGS.first(tx, *_this(sought)) is not None


def _this(sought: Sought) -> tuple[sa.ColumnElement[bool], ...]:
    table = tables.bookings.c
    return table.carrier == sought.carrier, table.awb == sought.awb


# --- asking ------------------------------------------------------------------------------------------


async def _ask(
    kit: Kit, account: Account, awb: str, now: dt.datetime, wall: dt.datetime, offset: int
) -> Found | Unknown | CarrierError:
    """One account's word, from memory where it is fresh; `offset` keeps answers of another test time apart."""
    key = key_of(account.id, "trace", (awb, offset))
    known: Found | Unknown | None = kit.memory.get(key)
    if known is not None:
        return known
    try:
        outcome = (await kit.carriers.ask(account, "track", AwbList(awbs=(awb,)), now=now)).get(awb)
    except CarrierError as error:
        return error
    return _remembered(kit, key, _heard(account, awb, outcome, wall))


def _heard(account: Account, awb: str, outcome: Any, wall: dt.datetime) -> Found | Unknown | CarrierError:
    if isinstance(outcome, Tracked):
        return Found(account_id=account.id, tracked=outcome, asked_at=wall)
    if isinstance(outcome, CarrierError) and (not isinstance(outcome, Refused) or outcome.kind in OF_THE_ACCOUNT):
        return outcome
    refusal = outcome if isinstance(outcome, Refused) else None
    return Unknown(f"{account.carrier} does not know {awb} in your account", refusal)


def _remembered(kit: Kit, key: bytes, heard: Found | Unknown | CarrierError) -> Found | Unknown | CarrierError:
    if not isinstance(heard, CarrierError):
        kit.memory.put(key, heard, _FRESH if isinstance(heard, Found) else _UNKNOWN)
    return heard
