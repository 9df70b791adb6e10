"""The ledger as a process opens it at its start: what a person can put right is told in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from gateway.processes.folder import data_folder
from gateway.processes.problems import CannotRun
from gateway.settings import Settings
from gateway.store.database import Database, OldSchema


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The database, closed at the end. Raises CannotRun for one that is not there, of another version, or without its driver."""
    data_folder(settings)
    try:
        with contextlib.closing(Database(settings.database, settings.database_pool)) as database:
            _reach(database)
            yield database
    except OldSchema as error:
        raise CannotRun(str(error)) from error
    except ModuleNotFoundError as error:
        raise CannotRun(f"the driver of DATABASE_URL is not installed: pip install {error.name}") from error
    except (sa.exc.OperationalError, sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
        raise CannotRun(f"the database cannot be used, see DATABASE_URL: {_first_line(error)}") from error


def _reach(database: Database) -> None:
    """Raises OperationalError also for a file that is no database."""
    try:
        with database.read():
            pass
    except sa.exc.DatabaseError as error:
        raise sa.exc.OperationalError(None, None, error.orig or error) from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
