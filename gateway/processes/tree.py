"""The process tree: parts are started, kept running, and ended in order.

One thread and no handlers: signals are blocked and waited for, so that nothing happens at an unforeseen line.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from gateway.processes.child import spawn

_ENDS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_WATCHED = _ENDS | {signal.SIGCHLD}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
_HEALTHY_AFTER = 60.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One child. `rank` is when it ends (all of a rank at once, the lowest first), `patience` how many seconds that may take."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    rank: int
    patience: float = 5.0
    keep_open: tuple[int, ...] = ()


class Hopeless(RuntimeError):
    """A part ended saying that starting it again would not help; it has told why itself."""


class Tree:
    """Children, from `start` to `end`. `hopeless` is the exit code of a part that is not to be started again."""

    def __init__(self, say: Callable[[str], None], hopeless: int) -> None:
        self._say = say
        self._hopeless = hopeless
        self._kept: list[_Kept] = []
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)

    def start(self, part: Part) -> None:
        self._kept.append(_Kept(part))

    def run(self, part: Part) -> int | None:
        """Have it run once, to its end; its exit code, or None when it is time to end instead."""
        process = spawn(part.command, part.environment, part.keep_open)
        while process.poll() is None:
            if not self.attend(1):
                process.kill()
                process.wait()
                return None
        return process.returncode

    def attend(self, seconds: float) -> bool:
        """Wait for a child's death or a signal, no longer than `seconds`; start again what died. False: it is time to end."""
        due = min((kept.due for kept in self._kept if kept.due), default=float("inf"))
        pause = max(0.0, min(seconds, due - time.monotonic()))
        told = signal.sigtimedwait(_WATCHED, pause)
        if told and told.si_signo in _ENDS:
            return False
        for kept in self._kept:
            self._keep(kept)
        return True

    def _keep(self, kept: _Kept) -> None:
        if kept.due and time.monotonic() >= kept.due:
            kept.start()
        elif not kept.due and kept.process.poll() is not None:
            if kept.process.returncode == self._hopeless:
                raise Hopeless(kept.part.name)
            pause = kept.died()
            self._say(f"{kept.part.name} died ({_cause(kept.process.returncode)}), starting it again in {pause:.1f} s")

    def end(self) -> None:
        """All parts, rank by rank; what does not end in time, or is not waited for (a second Ctrl-C), is killed."""
        for rank in sorted({kept.part.rank for kept in self._kept}):
            group = [kept for kept in self._kept if kept.part.rank == rank and kept.process.poll() is None]
            for kept in group:
                kept.process.terminate()
            self._see_ended(group)

    def _see_ended(self, group: Sequence[_Kept]) -> None:
        until = time.monotonic() + max((kept.part.patience for kept in group), default=0.0)
        while any(kept.process.poll() is None for kept in group):
            told = signal.sigtimedwait(_WATCHED, max(0.0, until - time.monotonic()))
            if told is None or told.si_signo in _ENDS:
                _kill(group)


def _kill(group: Sequence[_Kept]) -> None:
    for kept in group:
        kept.process.kill()
        kept.process.wait()


def _cause(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


class _Kept:
    """A part and its process. `due` is when it is to be started again; None while it runs."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes]
        self.due: float | None = None
        self._deaths = 0
        self.start()

    def start(self) -> None:
        self.process = spawn(self.part.command, self.part.environment, self.part.keep_open)
        self.due = None
        self._since = time.monotonic()

    def died(self) -> float:
        """Plan the next start; the pause until then doubles with every death, until it has lived for a while."""
        lived = time.monotonic() - self._since
        self._deaths = 1 if lived > _HEALTHY_AFTER else self._deaths + 1
        pause: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._deaths - 1))
        self.due = time.monotonic() + pause
        return pause
