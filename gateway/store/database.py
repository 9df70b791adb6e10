"""The database: one engine for reading, one for writing, the same code on SQLite and PostgreSQL.

SQLite writers BEGIN IMMEDIATE with `synchronous=FULL`; reads go over a second engine with a plain BEGIN, else a read
waits behind a writer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

# Alembic is imported where the schema is looked at: the processes that never do are spared 12 MB and a tenth of a second.
if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


class OldSchema(RuntimeError):
    """The database is not at the version this code needs."""


class Database:
    """`with db.write() as tx:` is one transaction, committed at the end; `with db.read() as tx:` sees one snapshot."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._writer = _engine(url, "BEGIN IMMEDIATE")
        self._reader = _engine(url, "BEGIN") if _sqlite(url) else self._writer
        # SQLite's writers wait by polling, and some starve: within a process they queue here (measured: p99 of 65 ms, not 600).
        self._turn = threading.Lock() if _sqlite(url) else nullcontext()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self._turn, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self._reader.begin() as connection:
            yield connection

    def upgrade(self) -> None:
        """Bring the schema to this code's version."""
        from alembic import command

        config = _alembic(self.url)
        with self._writer.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check(self) -> None:
        """Raises OldSchema with the cure when the schema is another version's."""
        from alembic.migration import MigrationContext
        from alembic.script import ScriptDirectory

        head = ScriptDirectory.from_config(_alembic(self.url)).get_current_head()
        with self._reader.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
        if present != head:
            raise OldSchema(f"the database is at version {present or 'none'}, this program needs {head}: run `gateway db upgrade`")

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def _sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _engine(url: str, begin: str) -> sa.Engine:
    """Parameters are hidden from errors, and so from logs: they hold names, phones and addresses."""
    if not _sqlite(url):
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = sa.create_engine(
        url, pool_size=32, max_overflow=8, connect_args={"check_same_thread": False, "timeout": 30}, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _alembic(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
