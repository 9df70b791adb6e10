"""Raw exchanges with carriers, scrubbed, for the operator who wants to see what was really said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa

from gateway.store import tables
from gateway.store.rows import Owner
from gateway.values import Exchange

Witness = Callable[[Exchange], None]


def keep(
    tx: sa.Connection,
    owner: Owner,
    account_id: str,
    pickup_id: str | None,
    booking_id: str | None,
    seen: Sequence[Exchange],
    wall: dt.datetime,
) -> None:
    about = {
        "account_id": account_id,
        "pickup_id": pickup_id,
        "booking_id": booking_id,
        "at": wall,
        **msgspec.structs.asdict(owner),
    }
    if seen:
        tx.execute(_INSERT, [{**about, **msgspec.structs.asdict(exchange)} for exchange in seen])


_INSERT = tables.exchanges.insert()
