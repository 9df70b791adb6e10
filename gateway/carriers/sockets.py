"""The sockets under httpx: asyncio's own, where httpcore would take anyio's; that costs a quarter less CPU a call (tests/bench).

httpcore says what a stream does and by which exceptions it fails. TLS begins on a plain connection. The addresses of a host are
tried one after the other.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar, cast

import httpcore

T = TypeVar("T")
Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

_ENOUGH = 256 * 1024  # bytes that may lie here unread
_INFO = {"client_addr": "sockname", "server_addr": "peername", "socket": "socket", "ssl_object": "ssl_object"}


class Sockets(httpcore.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Option] | None = None,
    ) -> Stream:
        loop, own = asyncio.get_running_loop(), (local_address, 0) if local_address else None
        connecting = loop.create_connection(Stream, host, port, local_addr=own)
        _, stream = await _within(timeout, connecting, httpcore.ConnectTimeout, httpcore.ConnectError)
        for option in socket_options or ():
            stream.get_extra_info("socket").setsockopt(*option)
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Stream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection: what has arrived, and who waits for news of it or for room to write."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._over = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    # --- as httpcore's stream ---

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What there is, at least one byte; b"" at the end."""
        if not self._arrived and not self._over:
            self._news = asyncio.get_running_loop().create_future()
            await _within(timeout, self._news, httpcore.ReadTimeout, httpcore.ReadError)
        if self._error and not self._arrived:
            raise httpcore.ReadError(str(self._error)) from self._error
        taken = bytes(self._arrived[:max_bytes])
        del self._arrived[:max_bytes]
        if not self._over:
            self._transport.resume_reading()
        return taken

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed")
        self._transport.write(buffer)
        if self._room:
            await _within(timeout, self._room, httpcore.WriteTimeout, httpcore.WriteError)

    async def aclose(self) -> None:
        """At once: what is not sent by now is of no use, and would keep the socket open."""
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        loop = asyncio.get_running_loop()
        upgrade = loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        transport = await _within(timeout, upgrade, httpcore.ConnectTimeout, httpcore.ConnectError)
        if transport is None:
            raise httpcore.ConnectError("the connection closed during the TLS handshake")
        self._transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` of an idle connection means that it is of no more use: the peer spoke out of turn or hung up."""
        if info == "is_readable":
            return self._over or bool(self._arrived)
        return self._transport.get_extra_info(_INFO[info]) if info in _INFO else None

    # --- as asyncio's protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        if len(self._arrived) > _ENOUGH:
            self._transport.pause_reading()
        _wake(self._news)

    def eof_received(self) -> None:
        self._over = True
        _wake(self._news)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over, self._error = True, exc
        _wake(self._news)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._room)
        self._room = None


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting and not waiting.done():
        waiting.set_result(None)


async def _within(timeout: float | None, work: Awaitable[T], late: type[Exception], broken: type[Exception]) -> T:
    """`work`, failing in httpcore's words."""
    try:
        async with asyncio.timeout(timeout):
            return await work
    except TimeoutError as error:
        raise late(f"after {timeout} s") from error
    except OSError as error:
        raise broken(str(error)) from error
