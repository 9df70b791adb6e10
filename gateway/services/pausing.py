"""Carrier accounts that are not asked for now: their credentials were refused, until they are corrected or taken after all.

The notice is the account's `disabled_reason`, with an event; nothing more is sent with it, so that bookings go to other carriers
at once and do not fail one by one. Of many refusals at once one pauses it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
import structlog

from adapters.contract.errors import RefusalKind, Refused
from gateway import ids
from gateway.store import tables
from gateway.store.accounts import ACCOUNTS, CarrierAccount
from gateway.store.ledger import EVENTS, Event
from gateway.store.merchants import MERCHANTS

# What says that the account itself cannot be used.
OF_THE_ACCOUNT = frozenset({RefusalKind.UNAUTHORIZED, RefusalKind.ACCOUNT})

_log = structlog.get_logger()


def switch_off(tx: sa.Connection, account_id: str, kind: str, raw_code: str, raw_message: str, wall: dt.datetime) -> str:
    """Pause it; the reason, or "" where it was off already."""
    reason = f"{kind}: {raw_code} {raw_message}".strip()[:300]
    on = tables.carrier_accounts.c.enabled.is_(True)
    if not ACCOUNTS.update(tx, account_id, on, enabled=False, disabled_reason=reason, updated_at=wall):
        return ""
    _log.warning("carrier_account.disabled", account=account_id, kind=str(kind), code=raw_code)
    return reason


def pause(tx: sa.Connection, account_id: str, refusal: Refused, wall: dt.datetime) -> None:
    """Pause it and tell."""
    reason = switch_off(tx, account_id, refusal.kind, refusal.raw_code, refusal.raw_message, wall)
    if reason:
        tell(tx, ACCOUNTS.one(tx, account_id), "carrier_account.disabled", {"reason": reason}, wall)


def resume(tx: sa.Connection, row: CarrierAccount, wall: dt.datetime) -> CarrierAccount:
    """Take a paused account back into use and tell; one that the merchant switched off stays off."""
    paused = tables.carrier_accounts.c.disabled_reason != ""
    if not ACCOUNTS.update(tx, row.id, paused, enabled=True, disabled_reason="", updated_at=wall):
        return row
    back = ACCOUNTS.one(tx, row.id)
    tell(tx, back, "carrier_account.enabled", {"reason": row.disabled_reason}, wall)
    return back


def tell(tx: sa.Connection, row: CarrierAccount, kind: str, data: dict[str, Any], wall: dt.datetime) -> None:
    """An event about an account, of no pickup."""
    event = Event(
        id=ids.new("evt"),
        merchant_id=row.merchant_id,
        mode=row.mode,
        pickup_id=None,
        sequence=0,
        type=kind,
        data={"carrier_account": row.id, "carrier": row.carrier, **data},
        at=MERCHANTS.one(tx, row.merchant_id).now(row.mode, wall),
        created_at=wall,
    )
    EVENTS.insert(tx, event)
