"""How many pickups a carrier was booked for lately: what a policy's daily caps are held against."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway import ids
from gateway.life.booking import OPEN, BookingState
from gateway.store import tables
from gateway.store.rows import Owner, whose

_A_DAY = dt.timedelta(hours=26)  # the longest one there is, and a bit: ids are made by the wall's time
_T = tables.bookings.c
_BY = (_T.account_id, _T.service, _T.moved_by)
_COUNTS = sorted(OPEN | {BookingState.DONE})
_SINCE = (
    sa.select(*_BY, sa.func.count())
    .where(
        _T.id >= sa.bindparam("first"),
        whose(tables.bookings),
        _T.carrier == sa.bindparam("code"),
        _T.state.in_(_COUNTS),
        _T.booked_at.is_(None) | (_T.booked_at >= sa.bindparam("since")),
    )
    .group_by(*_BY)
)


def booked_since(tx: sa.Connection, owner: Owner, carrier: str, since: dt.datetime) -> list[tuple[str, str, str, int]]:
    """(account, service, mover, pickups) booked since this business time, at most a day ago, or being booked; none given up."""
    values: dict[str, Any] = {"first": ids.oldest("bkg", _A_DAY), "code": carrier, "since": since}
    return [tuple(row) for row in tx.execute(_SINCE, msgspec.structs.asdict(owner) | values)]
