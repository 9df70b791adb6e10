"""The database: one engine for reading, one for writing, the same code on SQLite and PostgreSQL 15 or newer.

SQLite writers BEGIN IMMEDIATE with `synchronous=FULL`, so all of them take turns; reads go over a second engine with a plain
BEGIN, else a read waits behind a writer. PostgreSQL reads in REPEATABLE READ, READ ONLY: one snapshot that never fails. It writes
in READ COMMITTED, where writers of different pickups do not wait for each other; those of one pickup take turns on its row
(`cases.load`), those of what a merchant's pickups share on the merchant's row, always in this order.
"""

from __future__ import annotations

import fcntl
import functools
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.store import snapshot

# Alembic is imported where the schema is looked at: the processes that never do are spared 12 MB and a tenth of a second.
if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

POOL = 10  # connections to PostgreSQL a process may open; they are opened when needed

# What a database that cannot be used now says: locked, gone, starting, or its connection ended by the server.
AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError)

_MIGRATIONS = Path(__file__).parent / "migrations"
_WRITES = "gateway_writes"
_USED = "used_at"
_IDLE = 1.0  # seconds after which a connection to PostgreSQL is looked at before it is used
_UPGRADING = 0x6761_7465  # the key of the advisory lock that upgrades take turns by
# libpq's: a server that is gone is noticed in seconds, not by TCP's two hours.
_CONNECT = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
# A process that hangs within a transaction holds its rows for a minute at most; nobody waits longer than half of that for a row.
_SESSION = "-c timezone=UTC -c idle_in_transaction_session_timeout=60s -c lock_timeout=30s"


class OldSchema(RuntimeError):
    """The database is not at a version this code can work with."""


class Database:
    """`with db.write() as tx:` is one transaction, committed at the end; `with db.read() as tx:` sees one snapshot."""

    def __init__(self, url: str, pool: int = POOL, patience: float = 10) -> None:
        """`patience`: seconds a thread waits for one of the process's `pool` connections to PostgreSQL."""
        self.url = url
        self._writer, self._reader = _sqlite_engines(url) if _sqlite(url) else _postgresql_engines(url, pool, patience)
        snapshot.watch(self._writer)
        self._turn = _Turn(url) if _sqlite(url) else None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self._turn or nullcontext(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self._reader.begin() as connection:
            yield connection

    def upgrade(self) -> None:
        """Bring the schema to this code's version; of two that upgrade at once one waits. Raises OldSchema for a newer database."""
        from alembic import command

        config = _alembic()
        # Of two that first open an SQLite file at once one would be told that it is locked: nobody waits for its change to WAL.
        with self._turn or nullcontext(), self._writer.begin() as connection:
            _take_turns(connection)
            _refuse_newer(_script(), _present(connection))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check(self) -> None:
        """Raises OldSchema with the cure when the schema lacks what this code needs.

        A newer one is taken: migrations only add, so that processes of the version before work on while new ones start.
        """
        script = _script()
        with self._reader.connect() as connection:
            present = _present(connection)
        head = script.get_current_head()
        if present is None or (present != head and present in _known(script)):
            raise OldSchema(f"the database is at version {present or 'none'}, this program needs {head}: run `gateway db upgrade`")

    def forget(self) -> None:
        """Have SQLite's log written into its file, where what was erased is overwritten; put off while somebody reads for long.

        PostgreSQL does the same by itself, with its next vacuum.
        """
        if _sqlite(self.url):
            with closing(self._reader.raw_connection()) as connection:
                for pragma in ("busy_timeout=1000", "wal_checkpoint(TRUNCATE)", "busy_timeout=30000"):
                    connection.cursor().execute(f"PRAGMA {pragma}").fetchall()

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()
        if self._turn:
            self._turn.close()


class _Turn:
    """SQLite's writers wait by polling, and some starve: here they queue, the threads of a process and its like in others.

    The kernel wakes who waits for the file (flock(2)), and lets go of it for who dies.
    """

    def __init__(self, url: str) -> None:
        self._thread = threading.Lock()
        self._file = Path(f"{sa.make_url(url).database}.turn")
        self._handle = -1

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX)
        except BaseException:
            self._thread.release()
            raise

    def _opened(self) -> int:
        if self._handle < 0:
            self._handle = os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._handle

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        self._thread.release()

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def writes(tx: sa.Connection) -> bool:
    """Whether this transaction may lock and change rows."""
    return bool(tx.get_execution_options().get(_WRITES))


# --- engines ---------------------------------------------------------------------------------------
# Parameters are hidden from errors, and so from logs: they hold names, phones and addresses.


def _sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _sqlite_engines(url: str) -> tuple[sa.Engine, sa.Engine]:
    """The writer, the reader."""
    return _sqlite_engine(url, "BEGIN IMMEDIATE").execution_options(**{_WRITES: True}), _sqlite_engine(url, "BEGIN")


def _sqlite_engine(url: str, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        url, pool_size=32, max_overflow=8, connect_args={"check_same_thread": False, "timeout": 30}, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engines(url: str, pool: int, patience: float) -> tuple[sa.Engine, sa.Engine]:
    """The writer and the reader, on one pool."""
    parsed = sa.make_url(url)
    options = {name: value for name, value in _CONNECT.items() if name not in parsed.query}
    engine = sa.create_engine(
        parsed,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={**options, "options": f"{_SESSION} {parsed.query.get('options', '')}".strip()},
    )
    sa.event.listen(engine, "checkin", _note_use)
    sa.event.listen(engine, "checkout", _check_idle(engine.dialect))
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(**{_WRITES: True}), reader


def _note_use(connection: Any, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _check_idle(dialect: sa.Dialect) -> Callable[[Any, Any, Any], None]:
    """Ask a connection that has been idle, or that the server has spoken on unasked, whether it still stands.

    `pool_pre_ping` would ask one in use every moment, too: a round trip for each transaction.
    """

    def check(connection: Any, record: Any, _: Any) -> None:
        idle = time.monotonic() - record.info.get(_USED, time.monotonic())
        if (idle > _IDLE or _spoken_to(connection)) and not _stands(dialect, connection):
            raise sa.exc.InvalidatePoolError  # all that are as old go, and another is opened

    return check


def _spoken_to(connection: Any) -> bool:
    """Whether something is there to be read: the server's last word, or its hanging up."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _stands(dialect: sa.Dialect, connection: Any) -> bool:
    try:
        return bool(dialect.do_ping(connection))
    except dialect.loaded_dbapi.Error:
        return False


# --- the schema's version ----------------------------------------------------------------------------


def _alembic() -> Config:
    """The database itself is handed over as a connection: see migrations/env.py."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


@functools.cache
def _script() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic())


def _present(connection: sa.Connection) -> str | None:
    """The version the database says it is at."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _known(script: ScriptDirectory) -> frozenset[str]:
    return frozenset(one.revision for one in script.walk_revisions())


def _refuse_newer(script: ScriptDirectory, present: str | None) -> None:
    if present is not None and present not in _known(script):
        raise OldSchema(f"the database is at version {present}, which this program does not know: use the newer program")


def _take_turns(connection: sa.Connection) -> None:
    """Wait for another upgrade's end; SQLite's BEGIN IMMEDIATE has done so already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADING)))
