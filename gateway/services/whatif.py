"""Another policy on the merchant's own stored decisions of a period. No carrier is asked.

Of very many decisions every so-manieth is judged, in the order they were made; totals are then of that part, and that is said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import tables
from gateway.store.rows import Owner
from rates.decisions import Decision
from rates.policy import Policy
from rates.whatif import Came, Past, WhatIf, what_if

MOST = 5_000  # a second or so


def run(
    tx: sa.Connection,
    owner: Owner,
    policy: Policy,
    since: dt.datetime,
    until: dt.datetime,
    most: int = MOST,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> WhatIf:
    """What the policy would have made of the decisions from `since` to before `until`. Raises CurrencyMismatch."""
    chosen = _ids(tx, owner, since, until)
    every = -(-len(chosen) // most) or 1
    judged = chosen[::every]
    found = what_if(_past(tx, judged, told), policy)
    if every == 1:
        return found
    sampled = f"of {len(chosen)} decisions every {every}th was judged: {len(judged)}; the totals are of these."
    return msgspec.structs.replace(found, cannot_know=(sampled, *found.cannot_know))


def _ids(tx: sa.Connection, owner: Owner, since: dt.datetime, until: dt.datetime) -> list[str]:
    """Decisions that led to a booking a carrier took, oldest first."""
    facts, bookings = tables.facts.c, tables.bookings.c
    mine = (facts.merchant_id == owner.merchant_id) & (facts.mode == owner.mode)
    chosen = sa.select(bookings.decision_id).join(tables.facts, facts.booking_id == bookings.id)
    chosen = chosen.where(mine, facts.booked_at >= since, facts.booked_at < until, bookings.decision_id.is_not(None))
    return [row.decision_id for row in tx.execute(chosen.order_by(facts.booked_at, facts.booking_id))]


def _past(tx: sa.Connection, ids: list[str], told: Callable[[int, int], None]) -> Iterator[Past]:
    for start in range(0, len(ids), 200):
        yield from (_one(row) for row in tx.execute(_OF, {"ids": ids[start : start + 200]}))
        told(min(start + 200, len(ids)), len(ids))


_OF = (
    sa.select(
        tables.decisions.c.id,
        tables.decisions.c.body,
        tables.facts.c.waiting,
        tables.facts.c.collected,
        tables.facts.c.cost,
    )
    .join(tables.bookings, tables.bookings.c.decision_id == tables.decisions.c.id)
    .join(tables.facts, tables.facts.c.booking_id == tables.bookings.c.id)
    .where(tables.decisions.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tables.decisions.c.id)
)


def _one(row: Any) -> Past:
    came = None if row.waiting else Came(collected=row.collected > 0, paid=row.cost)
    return Past(id=row.id, decision=msgspec.convert(row.body, Decision), came=came)
