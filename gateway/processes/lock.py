"""One owner per data folder: an flock on a file that names its pid.

Children inherit the open file, so the folder is free only when the last of them is gone, however the first one ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from gateway.processes.problems import CannotRun

_DYING_SECONDS = 3.0


def hold(path: Path, what: str) -> int:
    """The locked file's descriptor, to be kept open. Raises CannotRun naming the pid of the owner."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + _DYING_SECONDS
    while not _locked(handle):
        owner = _owner(path)
        if _alive(owner) or time.monotonic() > until:
            os.close(handle)
            raise CannotRun(
                f"{what} runs on {path.parent} already (pid {owner}): stop it, or give this one its own GATEWAY_DATA_DIR"
            )
        time.sleep(0.05)  # its owner was killed, and its children are about to go
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def held_by(path: Path) -> int:
    """The pid of the owner that is alive; 0 where it is free."""
    if not path.exists():
        return 0
    handle = os.open(path, os.O_RDWR)
    try:
        owner = _owner(path)
        return owner if not _locked(handle) and _alive(owner) else 0
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(path: Path) -> int:
    text = path.read_text()
    return int(text) if text.isdecimal() else 0


def _alive(pid: int) -> bool:
    return pid > 0 and Path(f"/proc/{pid}").exists()
