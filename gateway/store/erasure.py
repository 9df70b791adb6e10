"""Where people's data stands, column by column, and what takes its place.

One table for the erasing itself and for the test that no column was forgotten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.life.booking import OPEN
from gateway.store import idempotency, tables
from gateway.store.ledger import EVENTS, Pickup
from gateway.store.rows import Owner
from gateway.store.vault import Vault

# What of an event's data may stay: our own words and ids, by the name of the field that holds them.
_TELLABLE = frozenset(
    (
        *("pickup", "booking", "exception", "label", "previous", "decision", "window", "price", "quoted_price", "carrier_account"),
        *("id", "reference", "state", "reason", "fault", "resolution", "source", "carrier", "service", "awb"),
        *("date", "from", "to", "timezone", "amount", "currency", "sentence"),
    )
)
# What of a stored answer is nobody's business any more.
_UNTELLABLE: Mapping[str, Any] = {
    "metadata": {}, "tracking_url": "", "pickup_token": "", "text": "", "place": "", "detail": "", "note": "", "raw_message": "",
}  # fmt: skip

Values = Mapping[str, Any]


class Blank(msgspec.Struct, frozen=True):
    """The columns of a table that are blanked; `by` names whose rows: a pickup's or those of its bookings."""

    table: sa.Table
    values: Values
    by: str = "pickup_id"


class Rewritten(msgspec.Struct, frozen=True):
    """A column whose value is put together anew, row by row."""

    table: sa.Table
    column: str


BLANKS = (
    Blank(tables.exchanges, {"request": "", "response": ""}),
    Blank(tables.instructions, {"note": "", "answer": "", "so_far": {}}),
    Blank(tables.exceptions, {"detail": "", "note": "", "raw_code": ""}),
    Blank(tables.bookings, {"so_far": {}, "handles": {}, "pickup_token": "", "tracking_url": ""}),
    Blank(tables.scans, {"text": "", "place": ""}, by="booking_id"),
)
REWRITTEN = (
    Rewritten(tables.bookings, "refusal"),
    Rewritten(tables.events, "data"),
    Rewritten(tables.webhook_deliveries, "attempts"),
    Rewritten(tables.idempotency, "answer"),
    Rewritten(tables.people, "shipper"),
    Rewritten(tables.people, "consignee"),
    Rewritten(tables.pickups, "body"),
    Rewritten(tables.pickups, "lane"),
    Rewritten(tables.pickups, "order_number"),
    Rewritten(tables.pickups, "next_action"),
)


def blank(tx: sa.Connection, pickup_id: str, booking_ids: Iterable[str]) -> dict[str, int]:
    """The columns of BLANKS; rows touched by table."""
    keys: Mapping[str, list[str]] = {"pickup_id": [pickup_id], "booking_id": list(booking_ids)}
    return {
        one.table.name: tx.execute(one.table.update().where(one.table.c[one.by].in_(keys[one.by])).values(**one.values)).rowcount
        for one in BLANKS
    }


def drop_labels(tx: sa.Connection, pickup_id: str) -> int:
    """Each with its copies in other formats."""
    mine = sa.select(tables.labels.c.id).where(tables.labels.c.pickup_id == pickup_id)
    tx.execute(tables.label_copies.delete().where(tables.label_copies.c.label_id.in_(mine)))
    return tx.execute(tables.labels.delete().where(tables.labels.c.pickup_id == pickup_id)).rowcount


def retell(tx: sa.Connection, pickup_id: str) -> int:
    """Events with our own words only, and the logs of their deliveries without what endpoints answered."""
    events = EVENTS.all(tx, tables.events.c.pickup_id == pickup_id)
    for event in events:
        EVENTS.update(tx, event.id, data=_tellable(event.data))
    log = tables.webhook_deliveries
    for row in tx.execute(sa.select(log.c.id, log.c.attempts).where(log.c.event_id.in_([event.id for event in events]))).all():
        tx.execute(log.update().where(log.c.id == row.id).values(attempts=[{**one, "answer": ""} for one in row.attempts]))
    return len(events)


def _tellable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tellable(inner) for name, inner in value.items() if name in _TELLABLE}
    return [_tellable(inner) for inner in value] if isinstance(value, list) else value


def reseal_answers(tx: sa.Connection, vault: Vault, pickup: Pickup) -> int:
    """Kept answers that tell of this pickup, without what it held of people: they were given while it was changed."""
    owner = Owner(pickup.merchant_id, pickup.mode)
    found = idempotency.answers(tx, vault, owner, pickup.created_at, pickup.updated_at + dt.timedelta(minutes=1))
    mine = [(attempt, kept) for attempt, kept in found if pickup.id in kept.body]
    for attempt, kept in mine:
        body = msgspec.json.encode(_untold(msgspec.json.decode(kept.body), pickup.id)).decode()
        idempotency.replace(tx, vault, attempt, msgspec.structs.replace(kept, body=body))
    return len(mine)


def _untold(value: Any, pickup_id: str, within: bool = False) -> Any:
    """The answer with what it says of this pickup blanked, wherever in a batch it stands."""
    if isinstance(value, list):
        return [_untold(inner, pickup_id, within) for inner in value]
    if not isinstance(value, dict):
        return value
    mine = within or value.get("id") == pickup_id
    return {
        name: _UNTELLABLE[name] if mine and name in _UNTELLABLE else _untold(inner, pickup_id, mine)
        for name, inner in value.items()
    }


# --- by the calendar ---------------------------------------------------------------------------------


def kept_too_long(tx: sa.Connection, days: int, wall: dt.datetime, limit: int) -> list[str]:
    """Pickups whose time of keeping is over: so many days after their last change, or as many as their merchant says; 0: never."""
    merchants = tables.merchants.c
    found: list[str] = []
    for own in tx.scalars(sa.select(merchants.retention_days).distinct()).all():
        lasting = days if own is None else own
        whose = merchants.retention_days.is_(None) if own is None else merchants.retention_days == own
        if lasting and len(found) < limit:
            found += _ended_before(tx, wall - dt.timedelta(days=lasting), whose, limit - len(found))
    return found


def _ended_before(tx: sa.Connection, at: dt.datetime, whose: sa.ColumnElement[bool], limit: int) -> list[str]:
    table = tables.pickups.c
    ended = table.ended.is_(True) & table.erased_at.is_(None) & (table.updated_at < at)
    asked = tables.bookings.c
    over = ~sa.exists().where(asked.pickup_id == table.id, asked.state.in_(sorted(OPEN)))
    mine = table.merchant_id.in_(sa.select(tables.merchants.c.id).where(whose))
    return list(tx.scalars(sa.select(table.id).where(ended, over, mine).order_by(table.updated_at).limit(limit)))
