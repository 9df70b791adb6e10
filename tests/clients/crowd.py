"""The crowd: clients with a connection of their own each, who all ask the same at the same moment."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from types import TracebackType

import httpx
import msgspec

_PATIENCE = 300.0  # a machine with other work
_MOST_WAITS = 120


class Told(msgspec.Struct, frozen=True):
    """What one client was told in the end. `waits`: how often before it was told to wait for the first answer."""

    status: int
    body: bytes
    waits: int = 0


class Crowd:
    """So many clients of the API at `url`, all of one merchant."""

    def __init__(self, url: str, key: str, clients: int) -> None:
        context = ssl.create_default_context()  # one for all: nothing here is encrypted
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._clients = [
            httpx.AsyncClient(base_url=url, headers=headers, timeout=_PATIENCE, verify=context) for _ in range(clients)
        ]
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Crowd:
        for client in self._clients:
            await self._open.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def book(self, name: str, body: bytes) -> Sequence[Told]:
        """What each of them is told who asks for this pickup under the idempotency key `name`."""
        return await asyncio.gather(*(_ask(client, name, body) for client in self._clients))


async def _ask(client: httpx.AsyncClient, name: str, body: bytes) -> Told:
    """Asked again for as long as the first request is at work."""
    for waits in range(_MOST_WAITS):
        answer = await client.post("/v1/pickups", content=body, headers={"idempotency-key": name})
        if not _in_flight(answer):
            return Told(answer.status_code, answer.content, waits)
        await asyncio.sleep(float(answer.headers["retry-after"]))
    raise AssertionError(f"the first request with the key {name} is never answered")


def _in_flight(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json()["code"] == "in_flight"
