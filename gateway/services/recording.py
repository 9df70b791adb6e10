"""Recording who changed what, in the transaction of the change.

What stood before and after is told by columns named here: states, switches and versions as they are, whole bodies by their
digest. People's data is in none of them; of a request's body only the names of its outer fields are kept.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import audit, tables
from gateway.store.audit import Chain, Said, canonical


class Told(msgspec.Struct, frozen=True):
    """What of a kind of thing is told: `plain` columns as they are, `digests` of the others."""

    table: sa.Table
    plain: tuple[str, ...]
    digests: tuple[str, ...] = ()


# By the prefix of the id. A column that may hold a person's words has no place here.
_TOLD: Mapping[str, Told] = {
    "pck": Told(tables.pickups, ("state", "intent", "handed_over", "version", "erased_at")),
    "exc": Told(tables.exceptions, ("reason", "fault", "state", "resolution", "version")),
    "cac": Told(tables.carrier_accounts, ("carrier", "enabled", "services", "base_url"), ("settings", "secrets")),
    "rcd": Told(tables.rate_cards, ("carrier", "service"), ("body",)),
    "loc": Told(tables.locations, ("updated_at",)),
    "pol": Told(tables.policies, ("version",), ("body",)),
    "key": Told(tables.api_keys, ("mode", "scopes", "expires_at", "revoked_at")),
    "mer": Told(tables.merchants, ("currency", "country", "retention_days", "clock_offset")),
    "whe": Told(tables.webhook_endpoints, ("state", "event_types", "previous_until"), ("url", "secrets")),
    "adm": Told(tables.admin_keys, ("expires_at", "revoked_at")),
}


# Made once: every change runs one of them twice.
_SELECTS = {
    told.table.name: sa.select(*(told.table.c[name] for name in (*told.plain, *told.digests))).where(
        told.table.c.id == sa.bindparam("object_id")
    )
    for told in _TOLD.values()
}


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts in which chain, by which action; `fields` are the names of the outer fields of what was asked."""

    chain: Chain
    actor: str
    action: str
    request_id: str = ""
    fields: tuple[str, ...] = ()


class Change:
    """One change under way: its object may become known only when it is done, and `more` may be told of it."""

    def __init__(self, tx: sa.Connection, author: Author, object_id: str, wall: dt.datetime) -> None:
        self._tx, self._author, self._wall = tx, author, wall
        self.object_id = object_id
        self.more: Mapping[str, Any] = {}
        self._before = facts(tx, object_id)

    def record(self) -> None:
        after = facts(self._tx, self.object_id)
        told = {name: value for name, value in after.items() if self._before.get(name) != value}
        was = {name: self._before[name] for name in told if name in self._before}
        gone = {"gone": True} if self._before and not after else {}
        change = {
            "after": told,
            "before": was or (self._before if gone else {}),
            "fields": self._author.fields,
            **gone,
            **self.more,
        }
        said = Said(
            actor=self._author.actor,
            action=self._author.action,
            object_id=self.object_id,
            request_id=self._author.request_id,
            change={name: value for name, value in change.items() if value},
        )
        audit.append(self._tx, self._author.chain, said, self._wall)


@contextmanager
def recorded(tx: sa.Connection, author: Author, object_id: str, wall: dt.datetime) -> Iterator[Change]:
    """Around a change, innermost in its transaction; what fails is not recorded, for it has not been."""
    change = Change(tx, author, object_id, wall)
    yield change
    change.record()


def facts(tx: sa.Connection, object_id: str) -> dict[str, Any]:
    """What may be told of a thing as it stands; nothing where it is not there, or of a kind not listed."""
    told = _TOLD.get(object_id.partition("_")[0])
    if told is None:
        return {}
    row = tx.execute(_SELECTS[told.table.name], {"object_id": object_id}).first()
    if row is None:
        return {}
    values = dict(zip((*told.plain, *told.digests), row, strict=True))
    return {name: _digest(value) if name in told.digests else _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return audit.stamp(value)
    return str(value) if isinstance(value, enum.Enum) else value


def _digest(value: Any) -> str:
    text = value if isinstance(value, bytes) else canonical(value).encode()
    return "sha256:" + hashlib.sha256(text).hexdigest()[:16]
