"""The data folder: private, and there."""

from __future__ import annotations

from pathlib import Path

from gateway.processes.problems import CannotRun
from gateway.settings import Settings


def data_folder(settings: Settings) -> Path:
    """Raises CannotRun where it cannot be made or written to."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / ".written").touch()
        (folder / ".written").unlink(missing_ok=True)  # several processes may be looking at once
    except OSError as error:
        raise CannotRun(f"the data folder {folder} cannot be used ({error.strerror}): set GATEWAY_DATA_DIR to another") from error
    return folder
