"""The parts of a gateway, each a process of its own, started again as soon as it is gone."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import StartedJobRegistry

from gateway.demo import stage
from gateway.jobs.queue import KINDS, SERIALIZER, wake_of
from gateway.processes import valkey
from gateway.processes.folder import data_folder
from gateway.processes.port import ready
from gateway.settings import Settings
from gateway.store.outbox import ADVANCE
from tests.chaos.hours import Hours

_PATIENCE = 120.0
_LEASE = dt.timedelta(seconds=200)  # what a killed driver held is free again after three minutes
WORKERS = ("work-1", "work-2")
PARTS = ("lab", "api", "relay", *WORKERS)
_HERE = Path(__file__).parents[2]


class DidNotStart(RuntimeError):
    """A part is not there after a while."""


class House:
    """A gateway on a data folder of its own; the lab is the world and is never killed."""

    def __init__(self, settings: Settings, hours: Hours) -> None:
        self.settings = settings
        self.hours = hours
        self._data = data_folder(settings)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "REDIS_", "DATABASE_"))},
            "GATEWAY_DATA_DIR": str(settings.data_dir),
            "GATEWAY_PORT": str(settings.port),
            "GATEWAY_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "GATEWAY_EGRESS_ALLOW": " ".join(sorted(settings.egress_allow)),
            **({"DATABASE_URL": settings.database_url} if settings.database_url else {}),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._pids: dict[str | None, int | None] = {}  # of workers by their names in the queue, which may forget them

    def __enter__(self) -> House:
        with contextlib.ExitStack() as stack:
            stack.push(self)  # where one part does not start the others end
            self._begin()
            stack.pop_all()
        return self

    def _begin(self) -> None:
        valkey.make_room(self.settings)
        stage.example_rates(self.settings)
        self._start("valkey")
        self._once("db", "upgrade")
        for name in PARTS:
            self._start(name)
        self.wait_until_up()

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()

    def kill(self, name: str) -> None:
        """-9, and start it again at once."""
        self._running[name].send_signal(signal.SIGKILL)
        self._running[name].wait()
        if name == "valkey":
            self.settings.redis_socket.unlink(missing_ok=True)
        self._start(name)

    def driver_of(self, pickup_id: str) -> str | None:
        """The worker that has this pickup in hand, as far as the queue knows."""
        with contextlib.suppress(redis.RedisError, NoSuchJobError), self._queue() as connection:
            self._learn_names(connection)
            under_way = StartedJobRegistry(KINDS[ADVANCE].queue, connection, serializer=SERIALIZER).get_job_ids(cleanup=False)
            jobs = (job for job in Job.fetch_many(under_way, connection, serializer=SERIALIZER) if job)
            holders = {self._pids.get(job.worker_name) for job in jobs if wake_of(job) == (ADVANCE, pickup_id)}
            return next((name for name in WORKERS if self._running[name].pid in holders), None)
        return None

    def rest(self) -> None:
        """The workers finish what they have in hand and go home, time passes, they come again: what the dead held is free then."""
        for name in WORKERS:
            self._running[name].terminate()
        for name in WORKERS:
            self._running[name].wait(_PATIENCE)
        self.hours.let_pass(_LEASE)
        self.revive()

    def flush(self) -> None:
        """FLUSHALL: the queue forgets everything."""
        with self._queue() as connection:
            self._learn_names(connection)
            connection.flushall()

    def fill_quotas(self) -> None:
        """Quotas, and how long a carrier shuts us out, go by a clock that the hours do not move: by theirs it is over."""
        with contextlib.suppress(redis.RedisError), self._queue() as connection:
            for key in connection.scan_iter("quota:*"):
                connection.delete(key)

    def _learn_names(self, connection: redis.Redis) -> None:
        self._pids |= {worker.name: worker.pid for worker in Worker.all(connection)}

    def _queue(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.settings.redis_socket), socket_timeout=5)

    def revive(self) -> list[str]:
        """Start again what ended by itself (a worker whose Redis was killed); which."""
        gone = [name for name, process in self._running.items() if process.poll() is not None]
        for name in gone:
            self._start(name)
        return gone

    def wait_until_up(self) -> None:
        until = time.monotonic() + _PATIENCE
        while not (ready(self.settings) and self.settings.lab_address.exists() and _answers(self.settings.lab_address)):
            self.revive()
            if time.monotonic() > until:
                raise DidNotStart(f"the gateway is not up after {_PATIENCE:.0f} s: see {self._data}/*.log")
            time.sleep(0.05)

    def _start(self, name: str) -> None:
        command = valkey.command(self.settings) if name == "valkey" else _part(name)
        with (self._data / f"{name}.log").open("ab") as log:
            self._running[name] = _spawn(command, self._environment, log.fileno())

    def _once(self, *arguments: str) -> None:
        command = (sys.executable, "-m", "gateway.cli", *arguments)
        subprocess.run(command, env=self._environment, check=True, stdout=subprocess.DEVNULL)


def _part(name: str) -> Sequence[str]:
    return sys.executable, "-m", "tests.chaos.part", name.partition("-")[0]


def _spawn(command: Sequence[str], environment: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=_HERE, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _answers(address: Path) -> bool:
    try:
        with urllib.request.urlopen(f"{address.read_text()}/_lab/health", timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False
