"""First answers by idempotency key: claimed before any work, kept for 72 hours, given again to whoever asks the same.

Work within one transaction claims and keeps in it, so that nothing half-done stays; work beyond a transaction (carriers are
asked) is in flight between the two, and its claim lapses after a minute in case its process died. Answers are sealed: they may
hold what is shown only once.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from gateway.store import tables
from gateway.store.rows import Owner
from gateway.store.vault import Vault

KEPT = dt.timedelta(hours=72)
IN_FLIGHT = dt.timedelta(seconds=60)


class InFlight(RuntimeError):
    """The first request with this key has not been answered yet."""


class OtherRequest(RuntimeError):
    """The key was used for another request."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request under a key; `digest` tells whether it is the same request."""

    owner: Owner
    route: str
    key: str
    digest: bytes


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: str


def earlier(tx: sa.Connection, vault: Vault, attempt: Attempt, wall: dt.datetime) -> Kept | None:
    """The first answer, or None: never asked before. Raises InFlight, OtherRequest."""
    row = tx.execute(_EARLIER, {**_of(attempt), "wall": wall}).first()
    if row is None:
        return None
    if row.body_digest != attempt.digest:
        raise OtherRequest(attempt.key)
    if row.status is None:
        raise InFlight(attempt.key)
    body = vault.open(row.answer, attempt.owner.merchant_id, bound(attempt.route, attempt.key))["body"]
    return Kept(status=row.status, headers=row.headers, body=body)


def claim(tx: sa.Connection, attempt: Attempt, wall: dt.datetime) -> None:
    """Take the key. Raises IntegrityError where it is taken: just now by somebody else, or by a claim that has lapsed."""
    row = {"body_digest": attempt.digest, "created_at": wall, "expires_at": wall + IN_FLIGHT}
    tx.execute(_CLAIM, {**_key(attempt), **row})


def strike_lapsed(tx: sa.Connection, attempt: Attempt, wall: dt.datetime) -> None:
    """A claim whose time is over stands in nobody's way."""
    tx.execute(_LAPSED, {**_of(attempt), "wall": wall})


def keep(tx: sa.Connection, vault: Vault, attempt: Attempt, answer: Kept, wall: dt.datetime) -> None:
    """The answer to all who ask again."""
    sealed = vault.seal({"body": answer.body}, attempt.owner.merchant_id, bound(attempt.route, attempt.key))
    kept = {"status": answer.status, "headers": answer.headers, "answer": sealed, "expires_at": wall + KEPT}
    tx.execute(_CHANGE, {**_of(attempt), **kept})


def forget(tx: sa.Connection, attempt: Attempt) -> None:
    """The work failed: the key is free again."""
    tx.execute(_FORGET, _of(attempt))


def answers(tx: sa.Connection, vault: Vault, owner: Owner, since: dt.datetime, until: dt.datetime) -> list[tuple[Attempt, Kept]]:
    """The owner's answers to requests of that time, opened."""
    table = tables.idempotency
    mine = (table.c.merchant_id == owner.merchant_id) & (table.c.mode == owner.mode)
    rows = tx.execute(sa.select(table).where(mine, table.c.created_at.between(since, until), table.c.answer.is_not(None))).all()
    found = [(Attempt(owner=owner, route=row.route, key=row.key, digest=row.body_digest), row) for row in rows]
    return [
        (
            one,
            Kept(
                status=row.status,
                headers=row.headers,
                body=vault.open(row.answer, owner.merchant_id, bound(one.route, one.key))["body"],
            ),
        )
        for one, row in found
    ]


def replace(tx: sa.Connection, vault: Vault, attempt: Attempt, answer: Kept) -> None:
    """Another answer from now on, as long as the first would have been kept."""
    sealed = vault.seal({"body": answer.body}, attempt.owner.merchant_id, bound(attempt.route, attempt.key))
    tx.execute(_CHANGE, {**_of(attempt), "answer": sealed})


def purge(tx: sa.Connection, wall: dt.datetime) -> int:
    """Strike out what has lapsed; how many rows that were."""
    return tx.execute(tables.idempotency.delete().where(tables.idempotency.c.expires_at <= wall)).rowcount


def _key(attempt: Attempt) -> dict[str, str]:
    owner = attempt.owner
    return {"merchant_id": owner.merchant_id, "mode": owner.mode, "route": attempt.route, "key": attempt.key}


def _of(attempt: Attempt) -> dict[str, str]:
    """As _THIS takes it: an update's own values go by the columns' names."""
    return {f"of_{name}": value for name, value in _key(attempt).items()}


# Put together once: that costs more than running them, and every request that changes something needs them.
_THIS = sa.and_(*(tables.idempotency.c[name] == sa.bindparam(f"of_{name}") for name in ("merchant_id", "mode", "route", "key")))
_EARLIER = sa.select(tables.idempotency).where(_THIS, tables.idempotency.c.expires_at > sa.bindparam("wall"))
_LAPSED = tables.idempotency.delete().where(_THIS, tables.idempotency.c.expires_at <= sa.bindparam("wall"))
_CLAIM = tables.idempotency.insert()
_CHANGE = tables.idempotency.update().where(_THIS)
_FORGET = tables.idempotency.delete().where(_THIS)


def bound(route: str, key: str) -> str:
    """What a sealed answer is bound to, beside its merchant."""
    return f"idempotency/{route}/{key}"
