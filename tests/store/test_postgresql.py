"""What is PostgreSQL's own: isolation, session settings, the pool. The rest of the store is tested on both databases alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gateway.store import merchants, tables
from gateway.store.database import AWAY, Database
from tests import ledgers

pytestmark = pytest.mark.skipif(not ledgers.on_postgresql(), reason="about PostgreSQL: make test-postgres")

NOON = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)


@pytest.fixture
def db(ledger: str) -> Iterator[Database]:
    database = Database(ledger, pool=2)
    yield database
    database.close()


def with_options(url: str, **query: str) -> str:
    return sa.make_url(url).update_query_dict(query).render_as_string(hide_password=False)


def shown(tx: sa.Connection, *names: str) -> list[str]:
    return [str(tx.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names]


def test_a_writer_reads_what_is_committed_and_a_reader_one_snapshot_it_cannot_change(db):
    with db.write() as tx:
        assert shown(tx, "transaction_isolation", "transaction_read_only") == ["read committed", "off"]
    with db.read() as tx:
        assert shown(tx, "transaction_isolation", "transaction_read_only") == ["repeatable read", "on"]
    with pytest.raises(sa.exc.InternalError), db.read() as tx:
        merchants.create(tx, "Kestrel", "INR", "IN", NOON)


def test_who_hangs_within_a_transaction_is_thrown_out_and_nobody_waits_for_ever(db):
    with db.write() as tx:
        told = shown(tx, "idle_in_transaction_session_timeout", "lock_timeout", "TimeZone")
    assert told == ["1min", "30s", "UTC"]


def test_options_in_the_address_win(ledger):
    database = Database(with_options(ledger, options="-c lock_timeout=5s -c TimeZone=Asia/Kolkata"))
    with database.write() as tx:
        assert shown(tx, "lock_timeout", "TimeZone") == ["5s", "Asia/Kolkata"]
    database.close()


def test_an_instant_is_utc_whatever_zone_the_session_has(ledger):
    database = Database(with_options(ledger, options="-c TimeZone=Asia/Kolkata"))
    with database.write() as tx:
        merchants.create(tx, "Kestrel", "INR", "IN", NOON)
    with database.read() as tx:
        at = tx.execute(sa.select(tables.merchants.c.created_at)).scalar_one()
    assert (at, at.tzinfo) == (NOON, dt.UTC)
    database.close()


def test_a_process_opens_no_more_connections_than_it_may(ledger):
    database = Database(ledger, pool=2, patience=0.05)
    with database.read(), database.write(), pytest.raises(sa.exc.TimeoutError), database.read():
        pass
    database.close()


def test_a_connection_the_server_has_ended_is_told_once_and_then_replaced(db):
    with pytest.raises(AWAY), db.write() as tx:
        tx.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    with db.read() as tx:
        assert tx.scalar(sa.select(1)) == 1
