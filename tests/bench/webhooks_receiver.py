"""Merchants' endpoints for the benchmark, in a process of their own: `python -m tests.bench.webhooks_receiver`.

It prints its port; paths that begin with /hang are never answered, all others with 204 at once. A line in brings the seconds since
1970 at which each answered message came, by its `webhook-id` and path, and forgets them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop


class Endpoints(asyncio.Protocol):
    """One connection. Requests come whole or in pieces; none is sent before the one before is answered."""

    came: dict[str, float] = {}

    def __init__(self) -> None:
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end or len(body) < _after(head.lower(), b"content-length: "):
            return
        self._heard = b""
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/hang"):
            return
        message = head.lower().partition(b"webhook-id: ")[2].partition(b"\r\n")[0].decode()
        self.came[f"{message} {path}"] = time.time()
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def _after(head: bytes, name: bytes) -> int:
    return int(head.partition(name)[2].partition(b"\r\n")[0] or 0)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Endpoints, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(Endpoints.came), flush=True)
        Endpoints.came.clear()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
