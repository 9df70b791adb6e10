"""A gateway as a person starts it: real processes on a data folder of its own and a free port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 40.0  # two cores, shared

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script: who is started here would be deaf to Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Run:
    """One `gateway ARGUMENTS` in a session of its own; of the program in the folder `code`, if that is named."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        code: Path | None = None,
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"{data.name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", *arguments],
                env=surroundings(data, self.port, environment),
                cwd=code,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until_said(self, words: str) -> None:
        eventually(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said, self.said

    def part(self, name: str) -> int:
        """The pid of the child that runs it now."""
        found = [pid for pid in family(self.process.pid) if name in command(pid)]
        return found[0] if found else 0

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(data: Path, environment: Mapping[str, str] | None = None) -> Iterator[Run]:
    """`gateway serve`, ready; killed at the end, if it still runs."""
    run = Run(data, "serve", environment=environment)
    try:
        run.until_said("ready in ")
        yield run
    finally:
        run.process.kill()
        run.process.wait()


def surroundings(data: Path, port: int, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a gateway: nothing of the one the tests were started in but what Python needs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "REDIS_", "DATABASE_"))}
    return {**kept, "GATEWAY_DATA_DIR": str(data), "GATEWAY_PORT": str(port), **(more or {})}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `look` sees once it is true; the last it saw when patience is over."""
    until = time.monotonic() + patience
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return seen


def family(parent: int) -> list[int]:
    """The pids of all descendants."""
    children = [pid for pid in _pids() if _parent(pid) == parent]
    return [*children, *(pid for child in children for pid in family(child))]


def alive(pid: int) -> bool:
    """Whether it runs: neither gone nor a zombie."""
    try:
        return _stat(pid)[0] != "Z"
    except FileNotFoundError:
        return False


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _stat(pid: int) -> list[str]:
    """proc(5) stat from its third field on: state, parent..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
