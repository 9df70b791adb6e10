"""The audit log: who changed what, each entry holding the hash of the one before (canonical JSON, SHA-256).

One chain for each merchant and mode, one for the installation. A writer holds its chain's head until it commits, so a chain cannot
fork; the head's count tells when the end was cut off. A log that was rewritten as a whole, head included, is told by a head
noted elsewhere (`gateway audit verify --against`). Nothing personal and no secret is ever given to `append`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway import ids
from gateway.store import tables
from gateway.store.database import Database
from gateway.store.keyset import Order
from gateway.store.rows import Owner, Rows

_START = "0" * 64
_BATCH = 1000


class Chain(msgspec.Struct, frozen=True):
    """Whose entries: a merchant's in a mode, or the installation's (both empty)."""

    merchant_id: str = ""
    mode: str = ""

    def __str__(self) -> str:
        return f"{self.merchant_id}/{self.mode}" if self.merchant_id else "installation"


INSTALLATION = Chain()


def chain_of(owner: Owner) -> Chain:
    return Chain(owner.merchant_id, str(owner.mode))


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One change as it is told: `actor` is a key's id or the command line, `change` what became of what, no person's words."""

    actor: str
    action: str
    object_id: str = ""
    request_id: str = ""
    change: Mapping[str, Any] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The row. `at` and `change` (JSON) are the texts that were hashed."""

    id: str
    merchant_id: str
    mode: str
    number: int
    at: str
    actor: str
    action: str
    object_id: str
    request_id: str
    change: str
    previous: str
    hash: str = ""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chain ends: how many entries it has, and the hash of the last."""

    merchant_id: str
    mode: str
    entries: int
    hash: str

    @property
    def chain(self) -> Chain:
        return Chain(self.merchant_id, self.mode)


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry that is not as it was written: its number, its id where there is a row, and what is wrong."""

    number: int
    what: str
    id: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What verifying a chain found: its head, and what is broken, if anything is."""

    head: Head
    broken: Broken | None = None


ENTRIES = Rows(tables.audit_log, Entry)
_LOG, _HEADS = tables.audit_log.c, tables.audit_heads.c
_HERE = (_HEADS.merchant_id == sa.bindparam("of_merchant")) & (_HEADS.mode == sa.bindparam("of_mode"))

# Made once: every change runs them.
_LOCK = sa.select(tables.audit_heads).where(_HERE).with_for_update()
_ADD = tables.audit_log.insert()
_MOVE = tables.audit_heads.update().where(_HERE).values(entries=sa.bindparam("number"), hash=sa.bindparam("last"))


def append(tx: sa.Connection, chain: Chain, said: Said, wall: dt.datetime) -> Entry:
    """The last thing in a transaction: whoever else writes to this chain waits until it ends."""
    before = _take_head(tx, chain)
    entry = Entry(
        id=ids.new("aud"),
        merchant_id=chain.merchant_id,
        mode=chain.mode,
        number=before.entries + 1,
        at=stamp(wall),
        actor=said.actor,
        action=said.action,
        object_id=said.object_id,
        request_id=said.request_id,
        change=canonical(said.change),
        previous=before.hash,
    )
    entry = msgspec.structs.replace(entry, hash=digest(entry))
    tx.execute(_ADD, msgspec.structs.asdict(entry))
    tx.execute(_MOVE, {**_at(chain), "number": entry.number, "last": entry.hash})
    return entry


def _take_head(tx: sa.Connection, chain: Chain) -> Head:
    """The head, locked until the transaction ends; made where the chain begins."""
    found = _locked_head(tx, chain)
    if found:
        return found
    try:
        with tx.begin_nested():
            tx.execute(tables.audit_heads.insert().values(**msgspec.structs.asdict(chain), entries=0, hash=_START))
    except sa.exc.IntegrityError:
        pass  # somebody else has begun it
    return _locked_head(tx, chain) or Head(**msgspec.structs.asdict(chain), entries=0, hash=_START)


def _locked_head(tx: sa.Connection, chain: Chain) -> Head | None:
    return _head(tx.execute(_LOCK, _at(chain)).first())


def _at(chain: Chain) -> dict[str, str]:
    return {"of_merchant": chain.merchant_id, "of_mode": chain.mode}


def _head(row: sa.Row[Any] | None) -> Head | None:
    return Head(merchant_id=row.merchant_id, mode=row.mode, entries=row.entries, hash=row.hash) if row else None


def stamp(at: dt.datetime) -> str:
    """An instant as the log writes it: always as long, so that texts sort as times do."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(value: Any) -> str:
    """One text for one value: keys sorted, no blanks. Only texts, whole numbers, truth values, lists and objects stand in it."""
    return json.dumps(msgspec.to_builtins(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(entry: Entry) -> str:
    """The entry's hash: over all of it but itself, the hash before included."""
    fields = {name: value for name, value in msgspec.structs.asdict(entry).items() if name != "hash"}
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


# --- reading ---------------------------------------------------------------------------------------


BY_NUMBER = Order(columns=(_LOG.number,), falling=True)


def entries_of(chain: Chain) -> sa.ColumnElement[bool]:
    """The condition for the rows of one chain."""
    return (_LOG.merchant_id == chain.merchant_id) & (_LOG.mode == chain.mode)


def heads(tx: sa.Connection) -> list[Head]:
    """Of every chain there is, also of one whose head is gone."""
    known = {head.chain: head for row in tx.execute(sa.select(tables.audit_heads)) if (head := _head(row))}
    for merchant_id, mode in tx.execute(sa.select(_LOG.merchant_id, _LOG.mode).distinct()):
        known.setdefault(Chain(merchant_id, mode), Head(merchant_id=merchant_id, mode=mode, entries=0, hash=_START))
    return [known[chain] for chain in sorted(known, key=str)]


# --- verifying -------------------------------------------------------------------------------------


def verify(db: Database, chain: Chain, noted: Head | None = None) -> Verdict:
    """Every entry held against the one before and the head against the last; writers are held up only for the newest entries.

    `noted` is a head of this chain as it was told before: the chain must still pass through it.
    """
    walk = _Walk(chain, noted)
    with db.read() as tx:
        walk.go(tx, _count(tx, chain))
    with db.write() as tx:
        head = _locked_head(tx, chain) or Head(merchant_id=chain.merchant_id, mode=chain.mode, entries=0, hash=_START)
        walk.go(tx, head.entries)
        return Verdict(head=head, broken=walk.broken or walk.end(tx, head))


def _count(tx: sa.Connection, chain: Chain) -> int:
    return tx.scalar(sa.select(_HEADS.entries).where(_HERE), _at(chain)) or 0


class _Walk:
    """Along a chain from its beginning, up to the first entry that is broken."""

    def __init__(self, chain: Chain, noted: Head | None) -> None:
        self._chain = chain
        self._noted = noted
        self._number, self._hash = 0, _START
        self.broken: Broken | None = None

    def go(self, tx: sa.Connection, until: int) -> None:
        while self.broken is None and self._number < until:
            batch = ENTRIES.all(tx, entries_of(self._chain), _LOG.number > self._number, order=_LOG.number, limit=_BATCH)
            if not batch:
                self.broken = Broken(number=self._number + 1, what=f"entries {self._number + 1} to {until} are missing")
            for entry in batch:
                self.broken = self.broken or self._step(entry)

    def _step(self, entry: Entry) -> Broken | None:
        due = self._number + 1
        if entry.number != due:
            return Broken(number=due, what=f"entry {due} is missing: {entry.id} has number {entry.number}")
        if digest(entry) != entry.hash:
            return Broken(number=due, id=entry.id, what="its content is not what was written")
        if entry.previous != self._hash:
            return Broken(number=due, id=entry.id, what="it does not follow the entry before")
        if self._noted and due == self._noted.entries and entry.hash != self._noted.hash:
            return Broken(number=due, id=entry.id, what="it is another one than was noted")
        self._number, self._hash = due, entry.hash
        return None

    def end(self, tx: sa.Connection, head: Head) -> Broken | None:
        """Whether head, last entry and what was noted agree."""
        beyond = ENTRIES.first(tx, entries_of(self._chain), _LOG.number > head.entries)
        if beyond:
            return Broken(number=beyond.number, id=beyond.id, what=f"the head knows of {head.entries} entries only")
        if head.hash != self._hash:
            return Broken(number=head.entries, what="the head does not hold the last entry's hash")
        if self._noted and self._noted.entries > head.entries:
            return Broken(number=head.entries + 1, what=f"{self._noted.entries} entries were noted, {head.entries} are left")
        return None
