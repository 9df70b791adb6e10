"""The test clock: a merchant's business time in test mode, and that of its simulated carriers, moved on together.

The lab goes first: where it cannot, nothing has moved; where the process dies in between, asking again for the same time mends it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec
import sqlalchemy as sa

from gateway.carriers.client import NoLab
from gateway.services.kit import Kit
from gateway.store import accounts, merchants
from gateway.store.merchants import MERCHANTS, Merchant
from gateway.store.rows import Owner
from gateway.values import Account

LAB_CREDENTIAL = "lab_"


async def move_lab(kit: Kit, opened: list[Account], offset_seconds: int) -> None:
    """The lab's clocks of these accounts. Raises NoLab."""
    for account in opened:
        keys = [value for value in account.secrets.values() if value.startswith(LAB_CREDENTIAL)]
        for key in dict.fromkeys(keys):
            await _move(kit, account.carrier, key, offset_seconds)


async def _move(kit: Kit, carrier: str, key: str, offset_seconds: int) -> None:
    body = msgspec.json.encode({"carrier": carrier, "account": key, "offset_seconds": offset_seconds})
    answer = await kit.carriers.steer_lab("/_lab/clock", body)
    if answer.status_code >= 500:  # 409: it is further already; 400: the lab has no such carrier
        raise NoLab(f"the lab could not move its clock: HTTP {answer.status_code}")


def in_lab(kit: Kit, owner: Owner) -> list[Account]:
    """The merchant's test accounts that are simulated by the lab."""
    with kit.db.read() as tx:
        return [accounts.opened(kit.vault, row) for row in accounts.of_owner(tx, owner) if not row.base_url]


def advance(
    kit: Kit,
    merchant: Merchant,
    offset_seconds: int,
    around: Callable[[sa.Connection], AbstractContextManager[object]] = nullcontext,
) -> Merchant:
    """The merchant's own clock; it never goes back. `around` is entered within the transaction."""
    with kit.db.write() as tx, around(tx):
        now = MERCHANTS.held(tx, merchant.id)
        return merchants.advance_clock(tx, now, max(offset_seconds - now.clock_offset, 0))


def offset_to(merchant: Merchant, to: dt.datetime, wall: dt.datetime) -> int:
    """How far the clock must run ahead for it to be `to` now."""
    return round((to - wall).total_seconds())
