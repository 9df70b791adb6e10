"""Events in the order in which they became visible, so that whoever reads on from where he stopped misses none.

Transactions end in another order than they began, so nothing that is written together with an event tells when others may see it.
Therefore an event gets its place afterwards: all that are visible and have none yet are given the next number together, by one
transaction at a time. Whoever reads the feed sees to it first, couriers do before they tell, and nobody waits for who is at it.

A number is the millisecond it is given in, or one more than the last. So what is told after the restore of an older backup has
higher places than all that was told before the loss, and what a version without places told lies below all of them.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from gateway.store import tables
from gateway.store.database import Database

_EVENTS, _HEAD = tables.events.c, tables.feed_head.c
_MILLISECOND = dt.timedelta(milliseconds=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNPLACED = _EVENTS.place.is_(None)

# How events are told: by their place in the feed, those of one place by their sequence.
ORDER = (_EVENTS.place, _EVENTS.sequence, _EVENTS.id)

# The events that nothing can come before any more.
PLACED = _EVENTS.place.is_not(None)


def bring_up_to_date(db: Database, wall: dt.datetime) -> None:
    """Have everything in the feed that is visible now; it is written only where something is new."""
    with db.read() as tx:
        new = tx.scalar(sa.select(_EVENTS.id).where(_UNPLACED).limit(1))
    if new is not None:
        with db.write() as tx:
            give_places(tx, wall)


def give_places(tx: sa.Connection, wall: dt.datetime) -> None:
    """Give the events that have none the next place; left to the other one where somebody is at it."""
    last = tx.scalar(sa.select(_HEAD.last).with_for_update(skip_locked=True))
    if last is None:
        return
    place = max(last + 1, (wall - _EPOCH) // _MILLISECOND)
    if tx.execute(tables.events.update().where(_UNPLACED).values(place=place)).rowcount:
        tx.execute(tables.feed_head.update().values(last=place))
