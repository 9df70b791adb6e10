"""The drill of a lost machine: all processes killed amid the work, an old queue, the database on a new server.

A quarter of the way the queue is saved as it is then and the live database is dumped. Midway everything but the carriers dies; the
database, of which nothing is lost, is restored into another cluster, whose transactions are numbered from the beginning; the queue
comes back with what it held at the quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests import servers
from tests.fleet import backup
from tests.fleet.crew import ROLES, Crew
from tests.fleet.drill import Drill
from tests.fleet.reader import Reader


class Restoring(Drill):
    """`server`: where the database is restored to. `queue` is stopped and started again."""

    def __init__(self, folder: Path, database: str, queue: servers.Queue, server: str, pickups: int, *, say: Callable[[str], None]):
        super().__init__(folder, database, queue.url, pickups, hurry=True, say=say)
        self._queue_server = queue
        self._new = server
        self._reader = Reader()

    def _acts(self) -> Mapping[int, Callable[[Crew, str], None]]:
        return {25: self._keep, 50: self._lose_and_restore}

    def _keep(self, fleet: Crew, key: str) -> None:
        """The queue as it is now, and a dump of the database while it is written to."""
        waiting = self._waiting()
        self._queue_server.back_up()
        live = self._moved(fleet, "live")
        self._reader.read(fleet.urls[0], key)
        for command in (("audit", "verify"), ("scores", "rebuild", "--check")):
            process = fleet.command(*command, database=live)
            said, _ = process.communicate(timeout=60)
            assert process.returncode == 0, said
        self._tell(f"kept the queue with {waiting} wake-ups in it; a dump of the live database is whole")

    def _lose_and_restore(self, fleet: Crew, key: str) -> None:
        for name in _OURS:
            fleet.kill(name)
        self._queue_server.stop()
        moved = self._moved(fleet, "restored")
        self._database.close()
        self._database = self._opened(moved)
        fleet.move(moved)
        self._queue_server.put_back()
        self._queue_server.start()
        self._tell(f"killed {', '.join(_OURS)}; the queue is back with {self._waiting()} wake-ups; runs on {self._server()} now")
        for name in _OURS:
            fleet.start(name)

    def _moved(self, fleet: Crew, name: str) -> str:
        """The URL of a copy on the new server, made as the document says."""
        copy = backup.create(self._new, f"gateway_{name}")
        backup.run("pg_dump", fleet.settings.database_url, self._folder)
        backup.run("pg_restore", copy, self._folder)
        return copy

    def _more_broken(self, fleet: Crew, key: str) -> list[str]:
        self._reader.read(fleet.urls[0], key)
        return [*self._reader.left_out(self._database), *self._reader.doubled(self._database)]


_OURS = [name for name in ROLES if name != "lab"]
