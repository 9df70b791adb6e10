"""The program as it was before the schema last changed, taken from the project's own history."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_MIGRATIONS = "gateway/store/migrations/versions"


def before_the_last_migration() -> str:
    """The commit; "" where there is no history to be had: no git, no repository, or one cut off."""
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", _MIGRATIONS)
    return _git("rev-parse", "--verify", "--quiet", f"{added.decode().strip()}^").decode().strip() if added else ""


def checked_out(commit: str, folder: Path) -> Path:
    """The folder with that version's packages; `python -m gateway.cli` started in it runs it."""
    archive = _git("archive", commit, "gateway", "adapters", "rates")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    """What it says; nothing where it fails."""
    try:
        return subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
