"""The audit log's chains: they grow one by one, never fork, and tell what was done to them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import audit, tables
from gateway.store.audit import INSTALLATION, Broken, Chain, Head, Said
from gateway.store.database import Database

NOON = dt.datetime(2026, 3, 9, 12, 0, 0, 250_000, tzinfo=dt.UTC)
KESTREL = Chain("mer_kestrel", "test")
LOG = tables.audit_log.c


@pytest.fixture
def db(ledger: str) -> Iterator[Database]:
    database = Database(ledger)
    yield database
    database.close()


def write(db: Database, number: int = 1, chain: Chain = KESTREL) -> None:
    for _ in range(number):
        with db.write() as tx:
            audit.append(tx, chain, said(), NOON)


def said(**more: Any) -> Said:
    return Said(
        **({"actor": "key_1", "action": "cancelPickup", "object_id": "pck_1", "change": {"after": {"b": 1, "a": "ü"}}} | more)
    )


def entries(db: Database, chain: Chain = KESTREL) -> list[audit.Entry]:
    with db.read() as tx:
        return audit.ENTRIES.all(tx, audit.entries_of(chain), order=LOG.number)


def test_each_entry_holds_the_hash_of_the_one_before(db):
    write(db, 3)
    first, second, third = entries(db)
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert (first.previous, second.previous, third.previous) == ("0" * 64, first.hash, second.hash)
    assert audit.verify(db, KESTREL) == audit.Verdict(head=Head(merchant_id="mer_kestrel", mode="test", entries=3, hash=third.hash))


def test_the_hash_is_that_of_the_canonical_json_of_all_the_rest(db):
    """Whoever reads the log over the API can check it by himself: this is how."""
    write(db)
    row = {name: getattr(entries(db)[0], name) for name in audit.Entry.__struct_fields__}
    text = json.dumps(
        {name: value for name, value in row.items() if name != "hash"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert row["change"] == '{"after":{"a":"ü","b":1}}'
    assert row["at"] == "2026-03-09T12:00:00.250000Z"
    assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_chains_of_merchants_modes_and_the_installation_are_apart(db):
    chains = (KESTREL, Chain("mer_kestrel", "live"), Chain("mer_merlin", "test"), INSTALLATION)
    for chain in chains:
        write(db, 2, chain)
    assert [[entry.number for entry in entries(db, chain)] for chain in chains] == [[1, 2]] * 4
    with db.read() as tx:
        assert [str(head.chain) for head in audit.heads(tx)] == sorted(str(chain) for chain in chains)


def test_what_fails_is_not_in_the_log(db):
    write(db)
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        audit.append(tx, KESTREL, said(), NOON)
        raise ZeroDivisionError
    write(db)
    assert [entry.number for entry in entries(db)] == [1, 2]
    assert audit.verify(db, KESTREL).broken is None


def test_writers_at_once_do_not_fork_the_chain(db):
    """Four writers with databases of their own, as processes have them."""
    others = [Database(db.url, pool=1) for _ in range(4)]
    threads = [threading.Thread(target=write, args=(other, 10)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert [entry.number for entry in entries(db)] == list(range(1, 41))
    assert audit.verify(db, KESTREL).broken is None


def test_two_entries_with_one_number_cannot_be(db):
    write(db)
    twin = entries(db)[0]
    with pytest.raises(sa.exc.IntegrityError), db.write() as tx:
        tx.execute(
            tables.audit_log.insert().values(
                **{name: getattr(twin, name) for name in audit.Entry.__struct_fields__} | {"id": "aud_twin"}
            )
        )


# --- tampering -----------------------------------------------------------------------------------------


def change(**values: Any) -> Callable[[sa.Connection], None]:
    def tamper(tx: sa.Connection) -> None:
        tx.execute(tables.audit_log.update().where(LOG.number == 3).values(**values))

    return tamper


def rehash(tx: sa.Connection) -> None:
    """Changed by somebody who knows how entries are hashed."""
    entry = audit.ENTRIES.first(tx, LOG.number == 3)
    assert entry
    forged = msgspec.structs.replace(entry, actor="key_2")
    tx.execute(tables.audit_log.update().where(LOG.number == 3).values(actor="key_2", hash=audit.digest(forged)))


def swap(tx: sa.Connection) -> None:
    for number, other in ((3, 99), (4, 3), (99, 4)):
        tx.execute(tables.audit_log.update().where(LOG.number == number).values(number=other))


def cut(*numbers: int) -> Callable[[sa.Connection], None]:
    def tamper(tx: sa.Connection) -> None:
        tx.execute(tables.audit_log.delete().where(LOG.number.in_(numbers)))

    return tamper


def behead(tx: sa.Connection) -> None:
    tx.execute(tables.audit_heads.delete())


def shorten(tx: sa.Connection) -> None:
    """The tail cut off and the head's count with it, but not its hash."""
    cut(5)(tx)
    tx.execute(tables.audit_heads.update().values(entries=4))


TAMPERED = {
    "the actor was changed": (change(actor="key_2"), 3, "its content is not what was written"),
    "the change was changed": (change(change="{}"), 3, "its content is not what was written"),
    "the change is no json any more": (change(change="{"), 3, "its content is not what was written"),
    "the time is no time any more": (change(at="yesterday"), 3, "its content is not what was written"),
    "the hash was changed": (change(hash="0" * 64), 3, "its content is not what was written"),
    "an entry was changed and hashed anew": (rehash, 4, "it does not follow the entry before"),
    "an entry was taken out": (cut(3), 3, "entry 3 is missing"),
    "the first was taken out": (cut(1), 1, "entry 1 is missing"),
    "two were swapped": (swap, 3, "its content is not what was written"),
    "the tail was cut off": (cut(4, 5), 4, "entries 4 to 5 are missing"),
    "everything was taken out": (cut(1, 2, 3, 4, 5), 1, "entries 1 to 5 are missing"),
    "the tail was cut off with the count": (shorten, 4, "the head does not hold the last entry's hash"),
    "the head was taken out": (behead, 1, "the head knows of 0 entries only"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_told_with_the_first_bad_entry(db, how):
    tamper, number, what = TAMPERED[how]
    write(db, 5)
    with db.write() as tx:
        tamper(tx)
    broken = audit.verify(db, KESTREL).broken
    assert broken is not None
    assert (broken.number, what in broken.what) == (number, True), broken


def test_a_log_written_anew_as_a_whole_is_told_by_a_head_noted_before(db):
    write(db, 3)
    noted = audit.verify(db, KESTREL).head
    with db.write() as tx:
        tx.execute(tables.audit_log.delete())
        tx.execute(tables.audit_heads.delete())
    write(db, 4)
    assert audit.verify(db, KESTREL).broken is None
    broken = audit.verify(db, KESTREL, noted).broken
    assert broken == Broken(number=3, id=entries(db)[2].id, what="it is another one than was noted")


def test_a_log_that_has_grown_since_it_was_noted_is_sound_and_a_shorter_one_is_not(db):
    write(db, 3)
    noted = audit.verify(db, KESTREL).head
    write(db, 2)
    assert audit.verify(db, KESTREL, noted).broken is None
    later = audit.verify(db, KESTREL).head
    with db.write() as tx:
        tx.execute(tables.audit_log.delete().where(LOG.number > 3))
        tx.execute(tables.audit_heads.update().values(entries=3, hash=noted.hash))
    assert audit.verify(db, KESTREL).broken is None
    assert audit.verify(db, KESTREL, later).broken == Broken(number=4, what="5 entries were noted, 3 are left")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 6), column=st.sampled_from(sorted(set(audit.Entry.__struct_fields__) - {"number"})))
def test_whatever_column_of_whatever_entry_is_changed_it_is_told(db, number, column):
    """Law: the first bad entry is the changed one, or the one after where the change was to `previous` and `hash` alike."""
    with db.write() as tx:
        tx.execute(tables.audit_log.delete())
        tx.execute(tables.audit_heads.delete())
    write(db, 6)
    moved = column in ("merchant_id", "mode")
    with db.write() as tx:
        tx.execute(tables.audit_log.update().where(LOG.number == number).values(**{column: "x"}))
    broken = audit.verify(db, KESTREL).broken
    assert broken is not None
    assert broken.number == number
    assert broken.what.startswith("entr" if moved else "its content")
