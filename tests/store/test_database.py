"""The database: transactions, snapshots, the schema and its migration; on SQLite, or on PostgreSQL (`tests/ledgers.py`)."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.store import merchants, tables
from gateway.store.database import Database, OldSchema, writes
from gateway.store.tables import Instant, Json
from tests import ledgers
from tests.processes.running import eventually
from tests.threads import together

NOON = dt.datetime(2026, 3, 9, 12, 0, 0, 250_000, tzinfo=dt.UTC)


on_sqlite_only = pytest.mark.skipif(ledgers.on_postgresql(), reason="about SQLite")


@pytest.fixture
def db(ledger: str) -> Iterator[Database]:
    database = Database(ledger, ledgers.POOL)
    yield database
    database.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    url = ledgers.bare(tmp_path)
    database = Database(url, ledgers.POOL)
    yield database
    database.close()
    ledgers.drop(url)


def names(db: Database) -> list[str]:
    with db.read() as tx:
        return list(tx.scalars(sa.select(tables.merchants.c.name).order_by(tables.merchants.c.id)))


def add(tx: sa.Connection, name: str) -> None:
    merchants.create(tx, name, "INR", "IN", NOON)


# --- the schema -----------------------------------------------------------------------------------------


def differences(db: Database, metadata: sa.MetaData) -> list[Any]:
    """Between what the migrations made and these tables: columns, types, defaults, keys, indexes."""
    options = {"compare_type": True, "compare_server_default": another_default, "include_name": still_ours}
    with db.read() as tx:
        found: list[Any] = compare_metadata(MigrationContext.configure(tx, opts=options), metadata)
    return found


def still_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Two tables are left for processes of before version 0010, which write them."""
    return kind != "table" or name not in ("score_days", "score_bins")


def another_default(context: Any, column: Any, ours: Any, there: str | None, default: Any, rendered: str | None) -> bool:
    """SQLite tells ('') and '0' for what we write as nothing and 0, PostgreSQL ''::text, and nextval(...) where it counts."""
    said, ours = (re.sub(r"::\w+( varying)?|[()']", "", text or "") for text in (there, rendered))
    return said != ours and not said.startswith("nextval")


def test_the_migrations_end_where_the_tables_are(db):
    assert differences(db, tables.metadata) == []


def test_a_table_that_went_ahead_of_its_migration_would_be_seen(db):
    ahead = sa.MetaData(naming_convention=tables.metadata.naming_convention)
    for table in tables.metadata.tables.values():
        table.to_metadata(ahead)
    ahead.tables["pickups"].append_column(sa.Column("mood", sa.Text, nullable=False, server_default="good"))
    ahead.tables["bookings"].c.awb.type = sa.String(61)
    kinds = [change[0] if isinstance(change, tuple) else change[0][0] for change in differences(db, ahead)]
    assert sorted(kinds) == ["add_column", "modify_type"]


def test_the_migrations_make_the_promise_of_one_open_booking(db):
    """Partial indexes are not compared: what they say is looked up."""
    ask = "indexdef FROM pg_indexes WHERE indexname" if ledgers.on_postgresql() else "sql FROM sqlite_master WHERE name"
    with db.read() as tx:
        said = tx.exec_driver_sql(f"SELECT {ask} = 'uq_bookings_one_open'").scalar_one()
    assert said.startswith("CREATE UNIQUE INDEX uq_bookings_one_open ON ")
    assert "(pickup_id) WHERE" in said
    assert all(f"'{state}'" in said for state in ("planned", "sending", "live", "cancel_unknown"))
    assert not any(f"'{state}'" in said for state in ("refused", "cancelled", "done"))


def test_an_upgraded_database_is_at_this_codes_version(db):
    db.check()
    db.upgrade()
    db.check()


def test_an_empty_database_becomes_a_ledger(empty):
    empty.upgrade()
    empty.check()
    assert differences(empty, tables.metadata) == []


def test_of_two_that_upgrade_at_once_one_does_it_and_the_other_finds_it_done(empty):
    other = Database(empty.url, ledgers.POOL)
    assert together(empty.upgrade, other.upgrade) == [None, None]
    other.close()
    empty.check()


def test_a_database_of_an_older_version_is_refused_with_the_cure(empty):
    with pytest.raises(OldSchema, match=r"version none, this program needs \w+: run `gateway db upgrade`"):
        empty.check()


def test_a_newer_database_is_worked_with_but_not_upgraded(db):
    """The processes of the version before work on while the new ones start."""
    with db.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = 'later'")
    db.check()
    with pytest.raises(OldSchema, match="version later, which this program does not know: use the newer program"):
        db.upgrade()


@on_sqlite_only
def test_an_address_with_a_percent_sign_is_one(tmp_path):
    database = Database(f"sqlite:///{tmp_path / '100%25.db'}")
    database.upgrade()
    database.check()
    database.close()


def test_every_row_belongs_to_a_merchant_in_a_mode_or_to_a_row_that_does():
    every = tables.metadata.tables
    owned = {name for name, table in every.items() if {"merchant_id", "mode"} <= set(table.c.keys())}
    held = {name for name, table in every.items() if any(key.column.table.name in owned for key in table.foreign_keys)}
    assert set(every) - owned - held == {"merchants", "outbox", "admin_keys", "feed_head"}


# --- transactions ---------------------------------------------------------------------------------------


def test_a_transaction_is_there_at_its_end(db):
    with db.write() as tx:
        add(tx, "Kestrel")
    assert names(db) == ["Kestrel"]


def test_a_transaction_that_fails_has_never_been(db):
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        add(tx, "Kestrel")
        raise ZeroDivisionError
    assert names(db) == []


def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(db):
    with db.write() as writing:
        add(writing, "Kestrel")
        assert names(db) == []
    with db.read() as tx:
        before = tx.scalar(sa.select(sa.func.count()).select_from(tables.merchants))
        with db.write() as writing:
            add(writing, "Merlin")
        assert tx.scalar(sa.select(sa.func.count()).select_from(tables.merchants)) == before == 1
    assert names(db) == ["Kestrel", "Merlin"]


def test_writers_take_turns_and_none_is_lost(db):
    """A row that is read to be changed is held."""
    with db.write() as tx:
        merchant = merchants.create(tx, "Kestrel", "INR", "IN", NOON)

    def count_up() -> None:
        for _ in range(10):
            with db.write() as tx:
                merchants.advance_clock(tx, merchants.MERCHANTS.held(tx, merchant.id), 1)

    together(*[count_up] * 4)
    with db.read() as tx:
        assert tx.scalar(sa.select(tables.merchants.c.clock_offset)) == 40


_WRITES_UNTIL_TOLD = """
import sys
from gateway.store.database import Database
with Database(sys.argv[1]).write():
    print("writing", flush=True)
    sys.stdin.read()
"""


@on_sqlite_only
def test_writers_of_several_processes_take_turns_in_a_queue_and_none_starves_polling(tmp_path):
    """SQLite's own waiting is polling: where one process wrote all the time, another waited for seconds."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    db = Database(url)
    db.upgrade()
    first = _writing(url)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(_one_write, db)
        assert eventually(lambda: _waits_for_a_file_lock(os.getpid()))
        first.communicate()
        assert second.result(10) == 1


@on_sqlite_only
def test_a_process_that_dies_amid_a_write_holds_up_nobody(tmp_path):
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    db = Database(url)
    db.upgrade()
    dying = _writing(url)
    dying.kill()
    assert _one_write(db) == 1
    dying.communicate()


def _writing(url: str) -> subprocess.Popen[str]:
    """A process amid a transaction that writes; it ends it when its input ends."""
    process = subprocess.Popen([sys.executable, "-c", _WRITES_UNTIL_TOLD, url], stdin=-1, stdout=-1, text=True)
    assert process.stdout and process.stdout.readline() == "writing\n"
    return process


def _one_write(db: Database) -> Any:
    with db.write() as tx:
        return tx.scalar(sa.text("SELECT 1"))


def _waits_for_a_file_lock(process: int) -> bool:
    """As the kernel lists who is blocked (proc(5), /proc/locks)."""
    blocked = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(words[2] == "FLOCK" and words[5] == str(process) for words in blocked)


def test_a_transaction_knows_whether_it_writes(db):
    with db.write() as tx:
        assert writes(tx)
    with db.read() as tx:
        assert not writes(tx)


@on_sqlite_only
def test_what_is_committed_is_on_disk_and_the_log_is_written_ahead(db):
    with db.write() as tx:
        told = [tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert told == ["wal", 2, 1]


def test_a_row_of_nobody_is_refused_and_no_value_stands_in_the_error(db):
    row = {"id": "key_1", "merchant_id": "mer_none", "mode": "test", "name": "Asha Rao", "digest": b"d", "hint": "h", "scopes": []}
    with pytest.raises(sa.exc.IntegrityError) as raised, db.write() as tx:
        tx.execute(tables.api_keys.insert().values(created_at=NOON, **row))
    assert "Asha Rao" not in str(raised.value)


# --- types ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [NOON, NOON.astimezone(dt.timezone(dt.timedelta(hours=5.5))), NOON.astimezone(dt.timezone(-dt.timedelta(hours=8)))],
)
def test_an_instant_reads_back_as_the_same_instant_in_utc(at):
    table = sa.Table("t", sa.MetaData(), sa.Column("at", Instant))
    with sa.create_engine("sqlite://").connect() as tx:
        table.create(tx)
        tx.execute(table.insert().values(at=at))
        back = tx.execute(sa.select(table.c.at)).scalar_one()
    assert back == NOON
    assert back.tzinfo is dt.UTC


def test_a_value_is_stored_as_json_and_nothing_as_nothing():
    table = sa.Table("t", sa.MetaData(), sa.Column("body", Json))
    bodies: list[Any] = [{"a": [1, None]}, None, [], "x"]
    with sa.create_engine("sqlite://").connect() as tx:
        table.create(tx)
        for body in bodies:
            tx.execute(table.insert().values(body=body))
        assert list(tx.scalars(sa.select(table.c.body))) == bodies
        assert tx.exec_driver_sql("SELECT count(*) FROM t WHERE body IS NULL").scalar_one() == 1
