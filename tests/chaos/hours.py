"""The hours of a run: how far the wall of all its processes runs ahead of the real one, in eight bytes that they share.

Leases and pauses of hours pass in a moment so. It is moved on only while nothing is under way, else a lease would end early whose
holder is alive.
"""

from __future__ import annotations

import datetime as dt
import mmap
import struct
from pathlib import Path

_FORMAT = struct.Struct("<d")


class Hours:
    """Kept in `folder`; made there if need be."""

    def __init__(self, folder: Path) -> None:
        path = folder / "hours"
        if not path.exists():
            path.write_bytes(_FORMAT.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _FORMAT.size)

    def wall(self) -> dt.datetime:
        """In the place of `gateway.clock.wall`."""
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self._ahead)

    def let_pass(self, span: dt.timedelta) -> None:
        self._shared[:] = _FORMAT.pack(self._ahead + max(span.total_seconds(), 0.0))

    @property
    def _ahead(self) -> float:
        return float(_FORMAT.unpack_from(self._shared)[0])
