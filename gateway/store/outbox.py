"""The outbox: a job is wanted in the same transaction as the business rows it is about; the relay hands it to the queue.

Only wake-ups stand here. If the queue loses one, the sweep finds the pickup by its `wake_at` / `wake_wall`. Rows of kinds that are
not KNOWN are a newer version's: they are left for its relay.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from gateway.store import tables
from gateway.store.rows import due

ADVANCE = "advance"
AUDIT = "audit"
KNOWN = (ADVANCE, AUDIT)

# Put together once: that costs more than running them.
_WANT = tables.outbox.insert()
_WAKE = tables.pickups.update().where(tables.pickups.c.id == sa.bindparam("pickup_id")).values(wake_wall=sa.bindparam("wall"))
_WAITING = tables.outbox.c.queued_at.is_(None) & tables.outbox.c.job.in_(KNOWN)
_ANY = sa.select(tables.outbox.c.id).where(_WAITING).limit(1)


def wake(tx: sa.Connection, pickup_id: str, wall: dt.datetime) -> None:
    """Have the pickup's driver look at it now."""
    want(tx, ADVANCE, pickup_id, wall)
    tx.execute(_WAKE, {"pickup_id": pickup_id, "wall": wall})


def any_waiting(tx: sa.Connection) -> bool:
    """Whether there is something for the queue: a cheap look before the write."""
    return tx.scalar(_ANY) is not None


def want(tx: sa.Connection, job: str, subject: str, wall: dt.datetime) -> None:
    """Have a job done about something."""
    tx.execute(_WANT, {"job": job, "subject": subject, "created_at": wall})


def waiting(tx: sa.Connection, limit: int = 500) -> list[tuple[int, str, str]]:
    """(id, job, subject) not yet handed to the queue, oldest first."""
    table = tables.outbox
    statement = sa.select(table.c.id, table.c.job, table.c.subject).where(_WAITING).order_by(table.c.id)
    rows = tx.execute(statement.limit(limit).with_for_update(skip_locked=True))
    return [(row.id, row.job, row.subject) for row in rows]


def queued(tx: sa.Connection, row_ids: list[int]) -> None:
    """They are with the queue: gone from here."""
    tx.execute(tables.outbox.delete().where(tables.outbox.c.id.in_(row_ids)))


def overdue(tx: sa.Connection, wall: dt.datetime, patience: dt.timedelta, limit: int = 500) -> list[str]:
    """Pickups whose driver should have looked by now: by the wall, or by their merchant's business time."""
    return [
        *_free(tx, due(tables.pickups.c.wake_wall, wall - patience), wall, limit),
        *(
            pickup
            for condition, now in business_times(tx, tables.pickups, wall)
            for pickup in _free(tx, condition & due(tables.pickups.c.wake_at, now), wall, limit)
        ),
    ]


def business_times(tx: sa.Connection, table: sa.Table, wall: dt.datetime) -> list[tuple[sa.ColumnElement[bool], dt.datetime]]:
    """The rows of `table` by the business time they live in: the wall's, then that of each merchant with a moved test clock."""
    merchants = tables.merchants.c
    moved = tx.execute(sa.select(merchants.id, merchants.clock_offset).where(merchants.clock_offset != 0)).all()
    shifted = [(table.c.mode == "test") & (table.c.merchant_id == row.id) for row in moved]
    plain = sa.not_(sa.or_(*shifted)) if shifted else sa.true()
    return [
        (plain, wall),
        *((condition, wall + dt.timedelta(seconds=row.clock_offset)) for condition, row in zip(shifted, moved, strict=True)),
    ]


def _free(tx: sa.Connection, condition: sa.ColumnElement[bool], wall: dt.datetime, limit: int) -> list[str]:
    pickups = tables.pickups.c
    unheld = pickups.lease_until.is_(None) | (pickups.lease_until < wall)
    return list(tx.scalars(sa.select(pickups.id).where(condition, unheld).limit(limit)))
