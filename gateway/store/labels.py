"""Labels: every version kept, each content once per booking; and carriers' labels in other formats."""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store import tables
from gateway.store.ledger import LABELS, StoredLabel
from gateway.store.rows import Owner
from gateway.values import Mode


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A label made anew by `recipe`: the content, or `why` there is none."""

    label_id: str
    recipe: str
    merchant_id: str
    mode: Mode
    digest: bytes | None
    content: bytes | None
    why: str | None
    created_at: dt.datetime


def keep(tx: sa.Connection, label: StoredLabel) -> StoredLabel:
    """The version as it is stored: the earlier one where the booking has this very content already, else this as a new one."""
    same = (tables.labels.c.booking_id == label.booking_id) & (tables.labels.c.digest == label.digest)
    _insert(tx, tables.labels, label)
    return LABELS.all(tx, same)[0]


def of_pickup(tx: sa.Connection, owner: Owner, pickup_id: str) -> list[StoredLabel]:
    """All versions, the newest first."""
    table = tables.labels.c
    return LABELS.all(tx, LABELS.owned(owner), table.pickup_id == pickup_id, order=table.id.desc())


def copy(tx: sa.Connection, label_id: str, recipe: str) -> Copy | None:
    table = tables.label_copies.c
    columns = [table[name] for name in Copy.__struct_fields__]
    row = tx.execute(sa.select(*columns).where(table.label_id == label_id, table.recipe == recipe)).first()
    return msgspec.convert(dict(zip(Copy.__struct_fields__, row, strict=True)), Copy) if row else None


def keep_copy(tx: sa.Connection, made: Copy) -> None:
    """The first one stays. Nothing where the label is gone meanwhile."""
    if tx.scalar(sa.select(tables.labels.c.id).where(tables.labels.c.id == made.label_id)):
        _insert(tx, tables.label_copies, made)


def _insert(tx: sa.Connection, table: sa.Table, row: msgspec.Struct) -> None:
    """Unless it is there."""
    make = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(make(table).values(**msgspec.structs.asdict(row)).on_conflict_do_nothing())
