"""What is measured, and its floors, in one process: `python -m tests.bench.webhooks_sender DATA_FOLDER PORT`.

A line `courier NUMBER` carries what is due in the ledger until that many messages were taken. `httpx NUMBER` and `streams NUMBER`
post as many ready-made messages of the same size to the same endpoints, as many at once: over httpx's transport as it comes, and
over plain asyncio streams. The answer is the milliseconds that took.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import sqlalchemy as sa
import uvloop

from gateway.carriers.client import Carriers
from gateway.services.kit import Kit
from gateway.services.webhooks_courier import Courier
from gateway.settings import Settings
from gateway.store import tables
from gateway.store.database import Database
from gateway.store.vault import Vault
from gateway.webhooks import signing
from gateway.webhooks.sender import AT_ONCE, Sender

ENDPOINTS = 190
_BODY = b'{"type":"pickup.booked","timestamp":"2026-11-23T10:00:00Z","sequence":3,"data":' + b'"%s"}' % (b"x" * 200)
_SECRET = signing.new_secret()
_TIMEOUT = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 15.0)}


class Bench:
    def __init__(self, folder: Path, port: int) -> None:
        self._port = port
        self._db = Database(Settings(data_dir=folder).database)
        kit = Kit(self._db, Vault(bytes(32)), Carriers(lambda: ""), asyncio.get_running_loop())
        courier = Courier(kit, Sender(frozenset({f"127.0.0.1:{port}"})))
        self._working = asyncio.ensure_future(courier.work(threading.Event()))
        self._taken = 0

    async def courier(self, number: int) -> None:
        self._taken += number
        await asyncio.to_thread(self._until_taken)

    def _until_taken(self) -> None:
        table = tables.webhook_deliveries
        delivered = sa.select(sa.func.count()).where(table.c.state == "delivered")
        taken = 0
        while taken < self._taken:
            time.sleep(0.1)
            with self._db.read() as tx:
                taken = tx.scalar(delivered) or 0

    async def httpx(self, number: int) -> None:
        await self._all(number, self._over_httpx)

    async def streams(self, number: int) -> None:
        await self._all(number, self._over_streams)

    async def _all(self, number: int, post: Callable[[int, int], Awaitable[None]]) -> None:
        each = number // ENDPOINTS // AT_ONCE
        await asyncio.gather(*(post(endpoint, each) for endpoint in range(ENDPOINTS) for _ in range(AT_ONCE)))

    async def _over_httpx(self, endpoint: int, number: int) -> None:
        async with httpx.AsyncHTTPTransport(trust_env=False, verify=False) as transport:
            for _ in range(number):
                request = httpx.Request("POST", f"http://127.0.0.1:{self._port}/{endpoint}", content=_BODY, headers=_headers())
                request.extensions = _TIMEOUT
                response = await transport.handle_async_request(request)
                await response.aread()

    async def _over_streams(self, endpoint: int, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for _ in range(number):
            fields = "".join(f"{name}: {value}\r\n" for name, value in _headers().items())
            head = f"POST /{endpoint} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(_BODY)}\r\n{fields}\r\n"
            writer.write(head.encode() + _BODY)
            await reader.readuntil(b"\r\n\r\n")
        writer.close()


def _headers() -> dict[str, str]:
    return {**signing.headers("evt_1", int(time.time()), _BODY, [_SECRET]), "content-type": "application/json"}


async def _serve(folder: str, port: str) -> None:
    bench = Bench(Path(folder), int(port))
    kinds = {"courier": bench.courier, "httpx": bench.httpx, "streams": bench.streams}
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        kind, number = line.split()
        started = time.perf_counter()
        await kinds[kind](int(number))
        print((time.perf_counter() - started) * 1000, flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1], sys.argv[2]))
