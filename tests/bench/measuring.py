"""Child processes on a core of their own, their CPU time, and what many measurements come to."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

_CORES = sorted(os.sched_getaffinity(0))
LOAD_CORE, MEASURED_CORE = _CORES[0], _CORES[-1]


class Broken(Exception):
    """A run that measured something else than it says."""


class Child:
    """A Python process on one core; a line in brings a line out."""

    def __init__(self, core: int, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._name = arguments[0]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        self._clock = ctypes.c_int()
        if ctypes.CDLL(None).clock_getcpuclockid(self._process.pid, ctypes.byref(self._clock)):
            raise Broken("no CPU clock for a child")

    @property
    def cpu(self) -> float:
        """Seconds of CPU all its threads have used so far (clock_getcpuclockid(3))."""
        return time.clock_gettime(self._clock.value)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def hear(self) -> str:
        """Its next line. Raises Broken where it ended instead."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise Broken(f"{self._name} ended")
        return line.strip()

    def ask(self, line: str) -> str:
        if self._process.stdin:
            self._process.stdin.write(line + "\n")
        return self.hear()

    def hold(self) -> None:
        """It stands still until it is let go."""
        self._process.send_signal(signal.SIGSTOP)

    def let_go(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Series(msgspec.Struct):
    """One variant's requests, by round: wall milliseconds of each, CPU milliseconds a request of each round."""

    walls: list[list[float]] = []
    cpus: list[float] = []

    def add(self, walls: list[float], cpu: float) -> None:
        self.walls.append(walls)
        self.cpus.append(cpu / len(walls))

    def p(self, share: float) -> float:
        """Nearest rank: the smallest wall time that so large a share of all requests does not exceed."""
        return percentile([wall for walls in self.walls for wall in walls], share)

    @property
    def cpu(self) -> float:
        return statistics.fmean(self.cpus)

    @property
    def medians(self) -> list[float]:
        return [percentile(walls, 0.5) for walls in self.walls]


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def spread(values: Sequence[float]) -> float:
    """How far apart they lie, as a share of their median."""
    return (max(values) - min(values)) / statistics.median(values)
