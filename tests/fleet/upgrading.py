"""The drill of an upgrade amid the work: the version before and this one on one database and one queue.

The old one is that of before the last migration, out of the project's history. At first only it runs, without a worker, so that its
jobs pile up. Then, a quarter of the way each: the schema is brought up and a new worker takes the old jobs; a new API and relay
run, and an old worker takes theirs; all of both run side by side. In the end the old ones go.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.processes.port import ready
from gateway.settings import Settings
from gateway.store.database import OldSchema
from tests.fleet import shop
from tests.fleet.crew import Crew
from tests.fleet.drill import Drill
from tests.fleet.reader import Reader
from tests.processes.running import eventually


class Upgrading(Drill):
    """`old`: the folder of the version before. Those that are numbered 1 are of that version, the others of this one."""

    def __init__(self, folder: Path, database: str, queue: str, old: Path, pickups: int, *, say: Callable[[str], None]) -> None:
        super().__init__(folder, database, queue, pickups, hurry=True, say=say)
        self._old = old
        self._reader = Reader()

    def _started(self, fleet: Crew) -> str:
        fleet.code = self._old
        self._say_of(fleet, "db", "upgrade")
        self._start(fleet, "lab", "api 1", "relay 1")
        assert self._too_old(), "this version finds nothing to upgrade"
        self._tell("the version before runs, without a worker")
        return shop.set_up(fleet)

    def _acts(self) -> Mapping[int, Callable[[Crew, str], None]]:
        return {25: self._new_worker, 50: self._new_api, 75: self._all}

    def _new_worker(self, fleet: Crew, key: str) -> None:
        self._reader.read(fleet.urls[0], key)
        waiting = self._waiting()
        assert waiting, "the version before has queued nothing"
        fleet.code = None
        self._say_of(fleet, "db", "upgrade")
        self._start(fleet, "worker 2")
        self._wait_until_settled()
        self._tell(f"a new worker took the {waiting} jobs of the old relay, and those that came meanwhile")

    def _new_api(self, fleet: Crew, key: str) -> None:
        self._reader.read(fleet.urls[0], key)
        assert [fleet.end_one(name) for name in ("worker 2", "api 1", "relay 1")] == [0, 0, 0]
        self._start(fleet, "api 2", "relay 2")
        fleet.code = self._old
        self._start(fleet, "worker 1")
        self._wait_until_settled()
        self._tell("an old worker took the jobs of a new relay")

    def _all(self, fleet: Crew, key: str) -> None:
        self._start(fleet, "api 1", "relay 1")
        self._reader.read(fleet.urls[0], key)
        fleet.code = None
        self._start(fleet, "worker 2")
        self._tell("all of both versions run side by side")

    def _more_broken(self, fleet: Crew, key: str) -> list[str]:
        """What old APIs told as the newest may be told again by a new one; nothing may be left out."""
        self._reader.read(fleet.urls[0], key)
        codes = [fleet.end_one(name) for name in ("api 1", "relay 1", "worker 1")]
        self._reader.read(fleet.urls[1], key)
        repeated = len(self._reader.seen) - len(set(self._reader.seen))
        self._tell(f"the old ones ended; the feed told {len(set(self._reader.seen))} events, {repeated} of them again")
        return [*self._reader.left_out(self._database), *([f"exit codes {codes} of the old ones"] if any(codes) else [])]

    # --- steps ---------------------------------------------------------------------------------------

    def _start(self, fleet: Crew, *names: str) -> None:
        """APIs and workers are waited for."""
        workers = self._queue.scard("rq:workers") + sum(name.startswith("worker") for name in names)
        for name in names:
            fleet.start(name)
        for port in (fleet.ports[name] for name in names if name in fleet.ports):
            assert eventually(functools.partial(ready, Settings(data_dir=self._folder, port=port))), fleet.said()
        assert eventually(lambda: self._queue.scard("rq:workers") >= workers), fleet.said()

    def _too_old(self) -> bool:
        try:
            self._database.check()
        except OldSchema:
            return True
        return False

    def _say_of(self, fleet: Crew, *arguments: str) -> None:
        process = fleet.command(*arguments)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        self._tell(f"`gateway {' '.join(arguments)}`: {said.strip()}")
