"""Finding pickups by what people have at hand: a reference, an AWB or an order number, or how it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.store import tables
from gateway.store.ledger import BOOKINGS, PICKUPS
from gateway.store.rows import Owner

_LAST = "\U0010ffff"


def begins(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Case counts. For columns that are compared byte by byte: so an index serves."""
    return (column >= text) & (column < text + _LAST)


def found_by(owner: Owner, text: str) -> sa.CompoundSelect[Any]:
    """The ids of the owner's pickups whose reference, AWB or order number begins so."""
    pickups, bookings = tables.pickups.c, tables.bookings.c
    return sa.union(
        sa.select(pickups.id).where(PICKUPS.owned(owner), begins(pickups.reference, text)),
        sa.select(pickups.id).where(PICKUPS.owned(owner), begins(pickups.order_number, text)),
        sa.select(bookings.pickup_id).where(BOOKINGS.owned(owner), begins(bookings.awb, text)),
    )


def asked(pickup_id: sa.ColumnElement[Any], **chosen: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """That one booking of the pickup has all of these: `asked(id, carrier=["ekart"], service=[...])`; empty ones do not count."""
    bookings = tables.bookings.c
    wanted = [bookings[name].in_(values) for name, values in chosen.items() if values]
    return [sa.exists().where(bookings.pickup_id == pickup_id, *wanted)] if wanted else []


def collected_at(lane: sa.ColumnElement[Any], postal_codes: Sequence[str]) -> sa.ColumnElement[bool]:
    """Lanes that begin at one of these postal codes."""
    return sa.or_(*(sa.func.substr(lane, 1, len(code) + 1) == f"{code}-" for code in postal_codes))


def silent_since(pickup_id: sa.ColumnElement[Any], at: Any) -> sa.ColumnElement[bool]:
    """That nothing has happened to the pickup since then (business time)."""
    events = tables.events.c
    return ~sa.exists().where(events.pickup_id == pickup_id, events.at > at)
