"""Merchants' endpoints for tests: servers on loopback of which every answer is said by the test, and the receiver's own check."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec


class Received(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


# What to do with a request: the bytes to answer with; None hangs up.
Say = Callable[[Received], Awaitable[bytes | None]]


def answer(status: int = 200, body: bytes = b"", headers: str = "") -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n" % (status, len(body), headers.encode()) + body


def always(status: int = 200, body: bytes = b"", headers: str = "") -> Say:
    async def say(received: Received) -> bytes | None:
        return answer(status, body, headers)

    return say


class Receiver:
    """`received` in the order of arrival; `connections` counts those that were opened."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.received: list[Received] = []
        self.connections = 0
        self.port = 0
        self.names: list[str | None] = []

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError), contextlib.closing(writer):
            while True:
                received = await _heard(reader)
                self.received.append(received)
                said = await self.say(received)
                if said is None:
                    return
                writer.write(said)
                await writer.drain()


async def _heard(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(path=line.split(" ")[1], headers=headers, body=body)


@contextlib.asynccontextmanager
async def listening(say: Say, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    receiver = Receiver(say)
    if tls:
        tls.sni_callback = lambda _, name, __: receiver.names.append(name)
    server = await asyncio.start_server(receiver.meet, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def verified(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """As a receiver checks: by the letter of Standard Webhooks, apart from our own signing."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(signature, expected) for version, signature in given)
