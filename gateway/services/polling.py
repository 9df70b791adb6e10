"""Polling: the safety net under the pushes. All due bookings of an account are asked about together, as its carrier allows."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
import structlog

from adapters.contract.carrier import AwbList, TrackAnswer
from adapters.contract.errors import CarrierError
from adapters.contract.scans import Tracked
from gateway.carriers import registry
from gateway.services.following import plan_poll, record
from gateway.services.kit import Kit
from gateway.store import accounts, cases, outbox, tables
from gateway.store.accounts import ACCOUNTS
from gateway.store.ledger import BOOKINGS, Booking
from gateway.store.rows import due
from gateway.values import Account

_log = structlog.get_logger()
_AT_ONCE = 8
_CLAIM = dt.timedelta(minutes=10)


def due_accounts(kit: Kit, wall: dt.datetime) -> list[str]:
    """Accounts that have bookings to be polled now."""
    with kit.db.read() as tx:
        table = tables.bookings
        found: set[str] = set()
        for condition, now in outbox.business_times(tx, table, wall):
            found |= set(tx.scalars(sa.select(table.c.account_id).where(condition, due(table.c.poll_at, now)).distinct()))
    return sorted(found)


def poll(kit: Kit, account_id: str, wall: dt.datetime) -> int:
    """Ask the carrier about every booking of the account that is due, in as few calls as it allows; how many it spoke of."""
    with kit.db.write() as tx:
        row = ACCOUNTS.one(tx, account_id)
        batch = _claim_due(tx, account_id, wall)
    if not batch:
        return 0
    account = accounts.opened(kit.vault, row)
    with kit.db.read() as tx:
        now = cases.load(tx, batch[0].pickup_id).now(wall)
    answers = ask(kit, account, [booking.awb for booking in batch if booking.awb], now)
    return sum(_take_answer(kit, booking, answers.get(booking.awb or ""), wall) for booking in batch)


def _claim_due(tx: sa.Connection, account_id: str, wall: dt.datetime) -> list[Booking]:
    """The due bookings, pushed back a little so that no other worker asks at the same time."""
    table = tables.bookings
    found: list[Booking] = []
    for condition, now in outbox.business_times(tx, table, wall):
        wanted = (condition, table.c.account_id == account_id, table.c.awb.is_not(None), due(table.c.poll_at, now))
        mine = BOOKINGS.free(tx, *wanted, limit=500)
        for booking in mine:
            BOOKINGS.update(tx, booking.id, poll_at=now + _CLAIM)
        found += mine
    return found


def ask(kit: Kit, account: Account, awbs: Sequence[str], now: dt.datetime) -> TrackAnswer:
    """What the carrier says to each of them; those of a call that failed are left out."""
    size = registry.carrier(account.carrier).limits.track_batch
    groups = [tuple(awbs[start : start + size]) for start in range(0, len(awbs), size)]
    return kit.wait(_ask_all(kit, account, groups, now), seconds=300)


async def _ask_all(kit: Kit, account: Account, groups: list[tuple[str, ...]], now: dt.datetime) -> TrackAnswer:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(group: tuple[str, ...]) -> TrackAnswer:
        async with gate:
            try:
                answers: TrackAnswer = await kit.carriers.ask(account, "track", AwbList(awbs=group), now=now)
            except CarrierError as error:
                _log.warning("track.failed", carrier=account.carrier, account=account.id, error=str(error))
                return {}
        return {awb: answers[awb] for awb in group if awb in answers}

    parts = await asyncio.gather(*(ask(group) for group in groups))
    return {awb: answer for part in parts for awb, answer in part.items()}


def _take_answer(kit: Kit, booking: Booking, answer: Tracked | CarrierError | None, wall: dt.datetime) -> bool:
    """Whether the carrier spoke of it; what it would not or could not say is asked again at the next poll."""
    with kit.db.write() as tx:
        if isinstance(answer, Tracked):
            record(tx, booking.id, answer, "poll", wall)
        else:
            plan_poll(tx, cases.load(tx, booking.pickup_id), booking.id, quiet=True, wall=wall)
    return isinstance(answer, Tracked)
