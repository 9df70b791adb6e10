"""The crew: each process of the gateway started by its own command, as a supervisor would start it."""

from __future__ import annotations

import base64
import contextlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gateway.settings import Settings
from tests.processes.running import Run, eventually, free_port, surroundings

# Name to command: two of each but the lab, which stands for the carriers.
ROLES: Mapping[str, str] = {
    "lab": "lab",
    "api 1": "api",
    "api 2": "api",
    "relay 1": "relay",
    "relay 2": "relay",
    "worker 1": "work",
    "worker 2": "work",
}


class Crew:
    """`folder` is the data folder they share: of production's there is only the lab's address in it.

    `code` is the folder of the program's version of whoever is started next; None: this one.
    """

    code: Path | None = None

    def __init__(self, folder: Path, database: str, queue: str) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name, role in ROLES.items() if role == "api"}
        self.settings = Settings(data_dir=folder, database_url=database, redis_url=queue)
        self._environment = {
            "DATABASE_URL": database,
            "REDIS_URL": queue,
            "GATEWAY_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "GATEWAY_PUBLIC_URL": self.urls[0],
        }
        self._runs: dict[str, Run] = {}
        self._logs: list[Path] = []

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    def command(self, *arguments: str, database: str = "") -> subprocess.Popen[str]:
        """A command of the same gateway, started; on another database if that is named."""
        elsewhere = {"DATABASE_URL": database} if database else {}
        environment = surroundings(self.folder, 0, {**self._environment, **elsewhere})
        return subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", *arguments],
            cwd=self.code,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def move(self, database: str) -> None:
        """From now on whoever is started works on another database."""
        self.settings = msgspec.structs.replace(self.settings, database_url=database)
        self._environment["DATABASE_URL"] = database

    def start(self, name: str) -> None:
        run = Run(self.folder, ROLES[name], port=self.ports.get(name, 0), environment=self._environment, code=self.code)
        self._runs[name] = run
        self._logs.append(run.log)

    def end_one(self, name: str) -> int:
        """Ask it to end; its exit code."""
        return self._runs.pop(name).end()

    def kill(self, name: str) -> None:
        """As the kernel does when memory is short: nothing is said, nothing tidied up."""
        self._runs[name].end(signal.SIGKILL)

    def dead(self) -> list[str]:
        return [name for name, run in self._runs.items() if run.process.poll() is not None]

    def lab_url(self) -> str:
        address = self.settings.lab_address
        eventually(address.exists)
        return address.read_text()

    def said(self) -> str:
        """All their logs."""
        return "".join(log.read_text() for log in self._logs)

    def end(self) -> list[int]:
        """Ask all to end; their exit codes."""
        return [run.end() for run in self._runs.values() if run.process.poll() is None]

    def end_by_force(self) -> None:
        for run in self._runs.values():
            if run.process.poll() is None:
                run.end(signal.SIGKILL)


@contextlib.contextmanager
def crew(folder: Path, database: str, queue: str) -> Iterator[Crew]:
    """Nobody started; whoever still runs at the end is killed."""
    folder.mkdir(mode=0o700)
    made = Crew(folder, database, queue)
    try:
        yield made
    finally:
        made.end_by_force()
