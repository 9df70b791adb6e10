"""A carrier's own list of some days, page by page: all of it, or as far as it was told."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterable

import msgspec
import structlog

from adapters.contract.carrier import DayPage, Listed, Listing
from adapters.contract.errors import CarrierError
from gateway.carriers.isolation import Held
from gateway.services.kit import Kit
from gateway.values import Account

_SECONDS = 240.0
_SHORT_WAIT = dt.timedelta(seconds=2)

_log = structlog.get_logger()


class DayLists(msgspec.Struct, frozen=True, kw_only=True):
    """`lines`: each AWB once. `complete`: that is all the carrier has."""

    lines: tuple[Listed, ...]
    complete: bool


def read(kit: Kit, account: Account, days: Iterable[dt.date], now: dt.datetime) -> DayLists:
    """In at most four minutes."""
    return kit.wait(_read(kit, account, days, now), seconds=_SECONDS + 10)


async def _read(kit: Kit, account: Account, days: Iterable[dt.date], now: dt.datetime) -> DayLists:
    lines: dict[str, Listed] = {}
    complete = False
    try:
        async with asyncio.timeout(_SECONDS):
            async for listing in _pages(kit, account, days, now):
                lines |= {line.awb: line for line in listing.lines}
        complete = True
    except (CarrierError, TimeoutError) as error:
        _log.warning("list.failed", carrier=account.carrier, account=account.id, error=str(error) or "it takes too long")
    return DayLists(lines=tuple(lines.values()), complete=complete)


async def _pages(kit: Kit, account: Account, days: Iterable[dt.date], now: dt.datetime) -> AsyncIterator[Listing]:
    for day in days:
        page: DayPage | None = DayPage(day=day)
        while page:
            listing = await _page(kit, account, page, now)
            yield listing
            page = DayPage(day=day, after=listing.more) if listing.more else None


async def _page(kit: Kit, account: Account, page: DayPage, now: dt.datetime) -> Listing:
    """Not faster than the account may ask. Raises CarrierError."""
    while True:
        try:
            listing: Listing = await kit.carriers.ask(account, "list_of_day", page, now=now)
            return listing
        except Held as held:
            if held.retry_after > _SHORT_WAIT:
                raise
            await asyncio.sleep(held.retry_after.total_seconds())
