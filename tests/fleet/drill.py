"""The drill: start the fleet, book through it, kill one of each kind midway, and look whether all promises were kept."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import redis
import sqlalchemy as sa

from gateway.life.pickup import PickupState
from gateway.processes.port import ready
from gateway.settings import Settings
from gateway.store import tables
from gateway.store.database import Database
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PICKUPS
from tests.fleet import shop
from tests.fleet.comparing import SETTLED, Facts, broken
from tests.fleet.crew import ROLES, Crew, crew
from tests.fleet.load import Load
from tests.processes.running import eventually

_KILLED = ("api 1", "relay 1", "worker 1")
_DOWN_SECONDS = 2.0
# Longer than a lease (180 s), and time for the carrier to be asked what became of it.
_PATIENCE = 300.0
_QUIET_SECONDS = 5.0


class Drill:
    """`hurry`: what the killed worker had in hand is not waited for until its lease ends by itself."""

    def __init__(self, folder: Path, database: str, queue: str, pickups: int, *, hurry: bool, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._urls = (database, queue)
        self._pickups = pickups
        self._hurry = hurry
        self._say = say
        self._database = self._opened(database)
        self._queue = redis.Redis.from_url(queue)
        self._began = time.monotonic()

    def run(self) -> int:
        """The exit code: 0 where every promise was kept."""
        self._queue.flushdb()
        try:
            with crew(self._folder, *self._urls) as fleet:
                key = self._started(fleet)
                load = self._booked(fleet, key)
                self._wait_until_settled()
                wrong = [*broken(self._facts(fleet, load)), *self._more_broken(fleet, key), *self._ended(fleet)]
                for sentence in wrong:
                    self._tell(f"BROKEN: {sentence}")
                self._tell("every promise was kept" if not wrong else fleet.said()[-4000:])
        finally:
            self._database.close()
        return 1 if wrong else 0

    # --- the acts ------------------------------------------------------------------------------------

    def _started(self, fleet: Crew) -> str:
        """The merchant's key; the fleet runs."""
        upgrades = [fleet.command("db", "upgrade") for _ in range(2)]
        said = [process.communicate(timeout=60)[0].strip() for process in upgrades]
        self._tell(f"two `gateway db upgrade` at once: {' / '.join(said)}")
        for name in ROLES:
            fleet.start(name)
        for port in fleet.ports.values():
            assert eventually(functools.partial(ready, Settings(data_dir=self._folder, port=port))), fleet.said()
        assert eventually(lambda: self._queue.scard("rq:workers") == 2), fleet.said()
        key = shop.set_up(fleet)
        self._tell(f"runs on {self._server()}: {', '.join(ROLES)}")
        return key

    def _booked(self, fleet: Crew, key: str) -> Load:
        load = Load(fleet.urls, key, self._pickups)
        with ThreadPoolExecutor(1) as stage:
            acts = [(self._pickups * percent // 100, act) for percent, act in self._acts().items()]
            running: list[Future[None]] = []

            def accepted(number: int) -> None:
                for act in (act for due, act in acts if due == number):
                    wait(running)  # the callers too, for the act before
                    running.append(stage.submit(act, fleet, key))

            asyncio.run(load.run(accepted))
            for one in running:
                one.result()
        took = time.monotonic() - self._began
        self._tell(f"accepted {len(load.accepted)} of {self._pickups} (asked again {load.asked_again} times), {took:.0f} s")
        return load

    def _acts(self) -> Mapping[int, Callable[[Crew, str], None]]:
        """What is done while pickups are booked, by how many percent of them are accepted: with the fleet and a merchant's key."""
        return {50: self._strike}

    def _strike(self, fleet: Crew, _: str) -> None:
        """Kill one of each, empty the queue, start them again."""
        self._tell(f"{self._connections()} connections to the database are open")
        for name in _KILLED:
            fleet.kill(name)
        waiting = self._waiting()
        self._queue.flushdb()
        self._tell(f"killed {', '.join(_KILLED)} with signal 9, and flushed the queue with {waiting} wake-ups in it")
        time.sleep(_DOWN_SECONDS)
        for name in _KILLED:
            fleet.start(name)
        self._tell("started them again")

    def _wait_until_settled(self) -> None:
        until = time.monotonic() + _PATIENCE + self._pickups / 5
        last, since = -1, time.monotonic()
        while (left := self._unsettled()) and time.monotonic() < until:
            if left != last:
                last, since = left, time.monotonic()
            if self._hurry and time.monotonic() - since > _QUIET_SECONDS:
                self._let_leases_run_out()
            time.sleep(0.5)
        self._tell(f"settled all but {left}" if left else "settled all")

    def _let_leases_run_out(self) -> None:
        """Of drivers that are dead: the living would have renewed them, or let go."""
        table = tables.pickups
        now = dt.datetime.now(dt.UTC)
        with self._database.write() as tx:
            held = tx.execute(table.update().where(table.c.lease_until > now).values(lease_until=now)).rowcount
        if held:
            self._tell(f"let {held} lease(s) of the killed worker run out early")

    def _ended(self, fleet: Crew) -> list[str]:
        """What went wrong at the end: who had died by itself, an audit log that is not as it was written, how they ended."""
        dead = fleet.dead()
        audit = fleet.command("audit", "verify")
        said = audit.communicate(timeout=60)[0].strip()
        self._tell(f"`gateway audit verify`: {said.splitlines()[-1] if said else 'nothing to verify'}")
        codes = Counter(fleet.end())
        wrong = [f"died by itself: {', '.join(dead)}"] if dead else []
        wrong += [f"the audit log: {said}"] if audit.returncode else []
        wrong += [f"exit codes {dict(codes)}"] if set(codes) - {0} else []
        return wrong + (["a traceback in the logs"] if "Traceback" in fleet.said() else [])

    def _more_broken(self, fleet: Crew, key: str) -> list[str]:
        """Of what only this drill looks at."""
        return []

    def _opened(self, database: str) -> Database:
        return Database(Settings(data_dir=self._folder, database_url=database).database)

    # --- what is seen --------------------------------------------------------------------------------

    def _facts(self, fleet: Crew, load: Load) -> Facts:
        with self._database.read() as tx:
            facts = Facts(
                accepted=load.accepted,
                pickups=PICKUPS.all(tx),
                bookings=BOOKINGS.all(tx),
                exceptions=EXCEPTIONS.all(tx),
                books=shop.books(fleet),
            )
        states = Counter(str(pickup.state) for pickup in facts.pickups)
        carriers = Counter(line["carrier"] for line in facts.books)
        self._tell(f"the ledger: {_counted(states)}; the carriers' books: {_counted(carriers)}")
        if load.refused:
            self._tell(f"refused {len(load.refused)}, as {next(iter(load.refused.values()))[:300]}")
        return facts

    def _unsettled(self) -> int:
        """Being driven, on the way, or in doubt while a carrier's push is waited for before a person is told."""
        table, exceptions = tables.pickups.c, tables.exceptions.c
        told = sa.exists().where(exceptions.pickup_id == table.id, exceptions.state != "resolved")
        waits = (table.state == PickupState.BOOKING_UNKNOWN) & ~told
        at_work = table.lease_until.is_not(None) | table.state.not_in(SETTLED) | waits
        with self._database.read() as tx:
            return tx.scalar(sa.select(sa.func.count()).select_from(tables.pickups).where(at_work)) or 0

    def _waiting(self) -> int:
        """Wake-ups in the queue."""
        return sum(self._queue.llen(f"rq:queue:{name}") for name in ("pickups", "polls"))

    def _connections(self) -> int:
        """But our own."""
        ours = sa.text("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()")
        with self._database.read() as tx:
            return tx.scalar(ours) or 0

    def _server(self) -> str:
        with self._database.read() as tx:
            version = tx.scalar(sa.text("SHOW server_version"))
        told = self._queue.info("server")
        return f"PostgreSQL {version} and {told.get('server_name', 'redis')} {told.get('valkey_version') or told['redis_version']}"

    def _tell(self, text: str) -> None:
        self._say(f"[{time.monotonic() - self._began:5.1f} s] {text}")


def _counted(numbers: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(numbers.items()))
