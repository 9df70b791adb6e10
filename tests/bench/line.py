"""The line: the gateway's processes, on a ledger of their own, as `gateway serve` runs them; and the plain ones, without a ledger.

Carriers (the lab, every answer held back by the same latency), queue, database server and load share one core; API, relay and
worker have the other.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import redis
import sqlalchemy as sa

from gateway.jobs.queue import queues
from gateway.settings import Settings
from gateway.store import tables
from gateway.store.database import Database
from tests import servers
from tests.bench import shop
from tests.bench.measuring import LOAD_CORE, MEASURED_CORE, Broken, Child
from tests.bench.rig import await_ready, child, free_port
from tests.fleet.shop import pickup

LATENCY = 50  # milliseconds
ACCOUNTS = 3
MERCHANT = "line"

_PATIENCE = 300.0
_LOOK = 0.1
_LABELS = sa.select(sa.func.count()).select_from(tables.labels)


class Line:
    """Pickups are numbered through, so that no two are the same. `parts` by name: api, relay, work."""

    def __init__(self, settings: Settings, key: str, parts: dict[str, Child]) -> None:
        self.parts = parts
        self._url = f"http://{settings.host}:{settings.port}/v1/pickups"
        self._headers = {"authorization": f"Bearer {key}"}
        self._db = Database(settings.database)
        self._queues = queues(redis.Redis.from_url(settings.redis)).values()
        self._asked = 0

    def ask(self, number: int, rate: float) -> list[float]:
        """So many pickups, one every 1 / `rate` seconds whatever the answers do; milliseconds from when each was due to its answer.

        Raises Broken for an answer that is not 202.
        """
        return asyncio.run(self._ask_all(number, rate))

    async def _ask_all(self, number: int, rate: float) -> list[float]:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        async with httpx.AsyncClient(headers=self._headers, timeout=60, limits=limits) as http:
            start = time.perf_counter() + 0.2
            return await asyncio.gather(*(self._one(http, start + place / rate) for place in range(number)))

    async def _one(self, http: httpx.AsyncClient, due: float) -> float:
        self._asked += 1
        body, key = pickup(self._asked), {"idempotency-key": f"line-{self._asked}"}
        await asyncio.sleep(due - time.perf_counter())
        answer = await http.post(self._url, json=body, headers=key)
        if answer.status_code != 202:
            raise Broken(f"the gateway answered {answer.status_code}: {answer.text[:300]}")
        return (time.perf_counter() - due) * 1000

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Relay and worker stand still, as if they had cores of their own and nothing to do."""
        others = [part for name, part in self.parts.items() if name != "api"]
        for part in others:
            part.hold()
        try:
            yield
        finally:
            for part in others:
                part.let_go()

    def until_booked(self) -> None:
        """Until all that was asked for has its label, and the queue is empty. Raises Broken where that takes too long."""
        until = time.monotonic() + _PATIENCE
        while self._labelled() < self._asked or any(queue.count for queue in self._queues):
            if time.monotonic() > until:
                raise Broken(f"{self._labelled()} of {self._asked} pickups are booked after {_PATIENCE:.0f} s")
            time.sleep(_LOOK)

    def _labelled(self) -> int:
        with self._db.read() as tx:
            return tx.scalar(_LABELS) or 0


@contextlib.contextmanager
def line(database: str, *, plain: bool = False) -> Iterator[Line]:
    """On `sqlite` or `postgres`; `plain`: the path without a ledger instead."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        settings = Settings(
            data_dir=folder,
            port=free_port(),
            redis_url=stack.enter_context(servers.queue()).url,
            database_url=stack.enter_context(servers.postgresql()) if database == "postgres" else "",
            master_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        )
        keys = shop.open_shop(settings, {MERCHANT: ACCOUNTS})
        settings.lab_address.write_text(child(stack, LOAD_CORE, "tests.bench.stub", str(LATENCY)).hear())
        module, names = ("tests.bench.plain", ("api", "work")) if plain else ("gateway.processes", ("api", "relay", "work"))
        made = Line(settings, keys[MERCHANT], {name: _part(stack, settings, module, name) for name in names})
        await_ready(settings, made.parts["api"])
        yield made


def _part(stack: contextlib.ExitStack, settings: Settings, module: str, name: str) -> Child:
    environment = {
        "GATEWAY_DATA_DIR": str(settings.data_dir),
        "GATEWAY_PORT": str(settings.port),
        "GATEWAY_MASTER_KEY": settings.master_key,
        "REDIS_URL": settings.redis_url,
        "DATABASE_URL": settings.database_url,
    }
    return child(stack, MEASURED_CORE, module, name, environment=environment)
