"""Webhook endpoints and their deliveries.

A delivery's row is made in the transaction that marks its event as told, so an event is made into deliveries exactly once, whatever
dies. An endpoint is leased for a round of tries: one courier at a time has it, and what a dead one held is taken up by the next.
An endpoint's row is locked before its `due_at` is worked out: a delivery added meanwhile is either seen or sets it afterwards.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import feed, tables
from gateway.store.ledger import EVENTS, Event
from gateway.store.rows import Owner, Rows, due
from gateway.store.vault import Vault
from gateway.values import Mode

LEASE = dt.timedelta(seconds=90)  # longer than a round of tries

_E, _D = tables.webhook_endpoints, tables.webhook_deliveries


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`secrets` is sealed; `event_types` empty: all. `due_at` is the earliest next try, the other times rule when it is asked."""

    id: str
    merchant_id: str
    mode: Mode
    url: str
    event_types: tuple[str, ...]
    secrets: bytes
    state: str
    created_at: dt.datetime
    updated_at: dt.datetime
    description: str = ""
    previous_until: dt.datetime | None = None
    reason: str = ""
    failing_since: dt.datetime | None = None
    streak: int = 0
    slow: bool = False
    hold_until: dt.datetime | None = None
    due_at: dt.datetime | None = None
    lease_until: dt.datetime | None = None
    lease_owner: str | None = None

    @property
    def owner(self) -> Owner:
        return Owner(self.merchant_id, self.mode)


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One try as the log keeps it."""

    at: dt.datetime
    milliseconds: int
    status: int | None = None
    answer: str = ""
    error: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint. `state`: pending, delivered, failed; `event_id` None: a ping."""

    id: str
    merchant_id: str
    mode: Mode
    endpoint_id: str
    type: str
    state: str
    created_at: dt.datetime
    event_id: str | None = None
    tries: int = 0
    next_try_at: dt.datetime | None = None
    attempts: tuple[Try, ...] = ()
    replay_of: str | None = None
    ended_at: dt.datetime | None = None


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """In the clear."""

    current: str
    previous: str = ""


ENDPOINTS = Rows(_E, Endpoint)
DELIVERIES = Rows(_D, Delivery)

_NOBODY = {"lease_until": None, "lease_owner": None}


def seal(vault: Vault, secrets: Secrets, merchant_id: str, endpoint_id: str) -> bytes:
    return vault.seal(msgspec.structs.asdict(secrets), merchant_id, endpoint_id)


def unseal(vault: Vault, endpoint: Endpoint) -> Secrets:
    return Secrets(**vault.open(endpoint.secrets, endpoint.merchant_id, endpoint.id))


# --- from events to deliveries ---------------------------------------------------------------------


def any_untold(tx: sa.Connection) -> bool:
    return tx.scalar(sa.select(tables.events.c.id).where(tables.events.c.told.is_(False)).limit(1)) is not None


def untold(tx: sa.Connection, limit: int) -> list[Event]:
    """Events of the feed that have not been made into deliveries, oldest first; nobody else gets them meanwhile."""
    return EVENTS.free(tx, tables.events.c.told.is_(False), feed.PLACED, limit=limit)


def note_told(tx: sa.Connection, events: Iterable[Event]) -> None:
    tx.execute(tables.events.update().where(tables.events.c.id.in_([event.id for event in events])).values(told=True))


def listening(tx: sa.Connection, owners: Iterable[Owner]) -> Mapping[Owner, list[Endpoint]]:
    """Endpoints that take events, or will again, by owner."""
    found = defaultdict(list)
    merchants = {owner.merchant_id for owner in owners}
    for endpoint in ENDPOINTS.all(tx, _E.c.merchant_id.in_(merchants), _E.c.state != "stopped"):
        found[endpoint.owner].append(endpoint)
    return found


def add(tx: sa.Connection, deliveries: Sequence[Delivery], wall: dt.datetime) -> None:
    """Deliveries to be made now; their endpoints become due."""
    if deliveries:
        tx.execute(_D.insert(), [msgspec.structs.asdict(delivery) for delivery in deliveries])
        wake(tx, {delivery.endpoint_id for delivery in deliveries}, wall)


def wake(tx: sa.Connection, endpoint_ids: Iterable[str], wall: dt.datetime) -> None:
    later = _E.c.due_at.is_(None) | (_E.c.due_at > wall)
    tx.execute(_E.update().where(_E.c.id.in_(sorted(endpoint_ids)), later).values(due_at=wall))


# --- rounds ----------------------------------------------------------------------------------------


def any_due(tx: sa.Connection, wall: dt.datetime) -> bool:
    return tx.scalar(sa.select(_E.c.id).where(_ready(wall)).limit(1)) is not None


def claim(tx: sa.Connection, wall: dt.datetime, courier: str, *, struggling: bool, limit: int) -> list[Endpoint]:
    """Lease endpoints that are due, the longest due first: those that do well, or those that fail or take long."""
    if limit <= 0:
        return []
    kind = (_E.c.streak > 0) | _E.c.slow.is_(True)
    statement = ENDPOINTS.select.where(_ready(wall), kind if struggling else sa.not_(kind)).order_by(_E.c.due_at).limit(limit)
    found = ENDPOINTS.found(tx, statement.with_for_update(skip_locked=True))
    lease: dict[str, Any] = {"lease_until": wall + LEASE, "lease_owner": courier}
    if found:
        tx.execute(_E.update().where(_E.c.id.in_([endpoint.id for endpoint in found])).values(**lease))
    return found


def _ready(wall: dt.datetime) -> sa.ColumnElement[bool]:
    over = [column.is_(None) | (column <= wall) for column in (_E.c.hold_until, _E.c.lease_until)]
    return sa.and_(_E.c.state == "enabled", due(_E.c.due_at, wall), *over)


def batch(tx: sa.Connection, endpoint_id: str, wall: dt.datetime, limit: int) -> list[Delivery]:
    """What is to be tried at this endpoint now, the longest due first."""
    wanted = (_D.c.endpoint_id == endpoint_id, _D.c.state == "pending", due(_D.c.next_try_at, wall))
    return DELIVERIES.found(tx, DELIVERIES.select.where(*wanted).order_by(_D.c.next_try_at, _D.c.id).limit(limit))


def events_of(tx: sa.Connection, deliveries: Iterable[Delivery]) -> dict[str, Event]:
    """By id."""
    wanted = {delivery.event_id for delivery in deliveries if delivery.event_id}
    return {event.id: event for event in EVENTS.all(tx, tables.events.c.id.in_(wanted))} if wanted else {}


def held(tx: sa.Connection, endpoint_ids: Iterable[str]) -> dict[str, Endpoint]:
    """Those that are still there, by id; nobody else changes them before this transaction ends."""
    statement = ENDPOINTS.select.where(_E.c.id.in_(sorted(endpoint_ids))).order_by(_E.c.id)
    return {endpoint.id: endpoint for endpoint in ENDPOINTS.found(tx, statement.with_for_update())}


def store_tries(tx: sa.Connection, tried: Sequence[Delivery]) -> None:
    """Deliveries after one more try each; one that somebody else has tried meanwhile stays as that left it."""
    if not tried:
        return
    names = ("state", "tries", "next_try_at", "attempts", "ended_at")
    statement = (
        _D.update()
        .where(_D.c.id == sa.bindparam("row_id"), _D.c.state == "pending", _D.c.tries == sa.bindparam("tries_before"))
        .values({name: sa.bindparam(f"new_{name}", type_=_D.c[name].type) for name in names})
    )
    tx.execute(statement, [_changes(delivery, names) for delivery in tried])


def _changes(delivery: Delivery, names: Sequence[str]) -> dict[str, Any]:
    return {
        "row_id": delivery.id,
        "tries_before": delivery.tries - 1,
        **{f"new_{name}": getattr(delivery, name) for name in names},
    }


def release(tx: sa.Connection, endpoint: Endpoint, **changes: Any) -> None:
    """Give the endpoint back, with what its round has changed."""
    ENDPOINTS.update(tx, endpoint.id, **changes, **_NOBODY)


def next_due(tx: sa.Connection, endpoint_ids: Iterable[str]) -> dict[str, dt.datetime]:
    """The earliest next try of each endpoint that has any: one look into the index each, however much is pending there."""
    first = sa.select(sa.func.min(_D.c.next_try_at)).where(_D.c.endpoint_id == _E.c.id, _D.c.state == "pending").scalar_subquery()
    rows = tx.execute(sa.select(_E.c.id, first).where(_E.c.id.in_(sorted(endpoint_ids)), first.is_not(None)))
    return {row[0]: row[1] for row in rows}


def give_up(tx: sa.Connection, endpoint_id: str, wall: dt.datetime) -> None:
    """Nothing more is sent there: what was pending has failed."""
    pending = (_D.c.endpoint_id == endpoint_id, _D.c.state == "pending")
    tx.execute(_D.update().where(*pending).values(state="failed", next_try_at=None, ended_at=wall))


# --- the log ---------------------------------------------------------------------------------------


def delete(tx: sa.Connection, endpoint_id: str) -> None:
    tx.execute(_D.delete().where(_D.c.endpoint_id == endpoint_id))
    tx.execute(_E.delete().where(_E.c.id == endpoint_id))


def forget(tx: sa.Connection, before: dt.datetime) -> int:
    """Strike out deliveries that ended before then, and those an endpoint has been paused for so long; how many."""
    paused = sa.select(_E.c.id).where(_E.c.state == "paused")
    stale = (_D.c.state == "pending") & (_D.c.created_at < before) & _D.c.endpoint_id.in_(paused)
    return tx.execute(_D.delete().where((_D.c.ended_at < before) | stale)).rowcount


def events_between(tx: sa.Connection, owner: Owner, since: dt.datetime, until: dt.datetime, limit: int) -> list[Event]:
    """The owner's events made in that time, oldest first."""
    made = tables.events.c.created_at
    return EVENTS.all(tx, EVENTS.owned(owner), made >= since, made < until, limit=limit)
