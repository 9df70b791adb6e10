"""Raw exchanges with carriers, scrubbed, for the operator who wants to see what was really said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

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
    exchange: Exchange,
    wall: dt.datetime,
) -> None:
    fields = msgspec.structs.asdict(exchange)
    tx.execute(
        tables.exchanges.insert().values(
            merchant_id=owner.merchant_id,
            mode=owner.mode,
            account_id=account_id,
            pickup_id=pickup_id,
            booking_id=booking_id,
            at=wall,
            **fields,
        )
    )
