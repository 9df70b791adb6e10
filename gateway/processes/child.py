"""A child process that dies with its parent, however that ends (Linux: PR_SET_PDEATHSIG, prctl(2))."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str], environment: Mapping[str, str], keep_open: Sequence[int] = (), output: int | None = None
) -> subprocess.Popen[bytes]:
    """Start it in a process group of its own, so that Ctrl-C reaches the parent only. The caller must have one thread.

    `output` takes what it prints; None: where ours goes.
    """
    return subprocess.Popen(  # noqa: S603 - our own command lines
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=tuple(keep_open),
        process_group=0,
        preexec_fn=_tied_to(os.getpid()),
    )


def _tied_to(parent: int) -> Callable[[], None]:
    """For the child, between fork and exec: unblock signals, and be killed when the parent is gone."""
    libc = ctypes.CDLL(None)

    def tie() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before the line above
            os._exit(1)

    return tie
