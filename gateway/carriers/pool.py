"""HTTP/1.1 to one account's carrier: h11 on asyncio's connections, where httpcore's own pool takes twice the CPU (tests/bench).

httpx's transport stands on top, so requests, replies and failures are in httpcore's words. A call that fails, is late or is
cancelled closes its connection, and its slot is free at once. The addresses of a host are tried one after the other.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable
from typing import NamedTuple, TypeVar, cast

import h11
import httpcore

T = TypeVar("T")

_MOST_AT_ONCE = 32
_MOST_IDLE = 16
_LONGEST_HEAD = 100 * 1024
_PIECE = 64 * 1024


class Origin(NamedTuple):
    scheme: bytes
    host: bytes
    port: int


class Pool:
    """What httpx's transport asks of a pool. No reply is read much further than `largest` bytes."""

    def __init__(self, tls: ssl.SSLContext, largest: int, idle_seconds: float = 30.0) -> None:
        self._tls = tls
        self._largest = largest
        self._idle_seconds = idle_seconds
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._idle: dict[Origin, list[Connection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """One exchange, the whole reply read. Raises httpcore's errors."""
        origin, limits = _origin(request), request.extensions.get("timeout", {})
        await _within(limits.get("pool"), self._slots.acquire(), httpcore.PoolTimeout, httpcore.PoolTimeout)
        try:
            return await self._exchange(origin, request, limits.get("connect"), limits.get("read"))
        finally:
            self._slots.release()

    async def aclose(self) -> None:
        """Hang up where nothing is said. A call in flight goes on and hangs up at its end."""
        self._closed = True
        for connection in (connection for idle in self._idle.values() for connection in idle):
            connection.hang_up()

    async def _exchange(
        self, origin: Origin, request: httpcore.Request, to_connect: float | None, to_answer: float | None
    ) -> httpcore.Response:
        connection = self._take(origin) or await self._connect(origin, to_connect)
        try:
            return await _within(to_answer, connection.ask(request), httpcore.ReadTimeout, httpcore.ReadError)
        finally:
            self._put_back(origin, connection)

    def _take(self, origin: Origin) -> Connection | None:
        """The connection used last; those that are of no more use are closed."""
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if connection.fit and time.monotonic() - connection.idle_since < self._idle_seconds:
                return connection
            connection.hang_up()
        return None

    def _put_back(self, origin: Origin, connection: Connection) -> None:
        idle = self._idle.setdefault(origin, [])
        if connection.fit and len(idle) < _MOST_IDLE and not self._closed:
            idle.append(connection)
        else:
            connection.hang_up()

    async def _connect(self, origin: Origin, seconds: float | None) -> Connection:
        loop, tls = asyncio.get_running_loop(), self._tls if origin.scheme == b"https" else None
        connecting = loop.create_connection(lambda: Connection(self._largest), origin.host.decode(), origin.port, ssl=tls)
        _, connection = await _within(seconds, connecting, httpcore.ConnectTimeout, httpcore.ConnectError)
        return connection


class Connection(asyncio.Protocol):
    """One call at a time. `fit`: it may be asked again."""

    _transport: asyncio.Transport

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._answer: asyncio.Future[httpcore.Response] | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()
        self.idle_since = 0.0

    @property
    def fit(self) -> bool:
        return self._http.our_state is h11.IDLE and not self._transport.is_closing()

    async def ask(self, request: httpcore.Request) -> httpcore.Response:
        content = b"".join([part async for part in cast(AsyncIterator[bytes], request.stream)])
        self._answer, self._head, self._body = asyncio.get_running_loop().create_future(), None, bytearray()
        self._transport.write(self._written(request, content))
        return await self._answer

    def hang_up(self) -> None:
        """At once: what is not sent by now is of no use, and would keep the socket open."""
        self._transport.abort()

    # --- as asyncio's protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:  # nobody asked
            return self.hang_up()
        self._http.receive_data(data)
        return self._read()

    def eof_received(self) -> None:
        if self._head is not None:
            self._http.receive_data(b"")
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self._head is None:
            self._fail(httpcore.RemoteProtocolError("the server disconnected without sending a response"))
        self._fail(httpcore.ReadError(str(exc)))

    # --- what goes out and comes in ---

    @property
    def _waiting(self) -> asyncio.Future[httpcore.Response] | None:
        return self._answer if self._answer and not self._answer.done() else None

    def _written(self, request: httpcore.Request, content: bytes) -> bytes:
        try:
            head = h11.Request(method=request.method, target=request.url.target, headers=request.headers)
            return b"".join(self._http.send(event) or b"" for event in (head, h11.Data(data=content), h11.EndOfMessage()))
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error

    def _read(self) -> None:
        """Take what h11 has, until it needs more or the reply is whole."""
        try:
            while self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as error:
            self._fail(httpcore.RemoteProtocolError(str(error)))

    def _take(self, event: object) -> bool:
        """Is there more to take?"""
        match event:
            case h11.Response():
                self._head = event
            case h11.InformationalResponse():
                pass
            case h11.Data():
                self._body += event.data
                return len(self._body) <= self._largest or self._end()
            case h11.EndOfMessage():
                return self._end()
            case _:
                return False
        return True

    def _end(self) -> bool:
        """Hand the reply over. Another call may follow where both sides are done and the server has said no more."""
        http, head = self._http, self._head
        if http.our_state is http.their_state is h11.DONE and not http.trailing_data[0]:
            http.start_next_cycle()
            self.idle_since = time.monotonic()
        if self._waiting and head:
            reply = httpcore.Response(head.status_code, headers=head.headers.raw_items(), content=_Pieces(bytes(self._body)))
            self._waiting.set_result(reply)
        return False

    def _fail(self, error: Exception) -> None:
        if self._waiting:
            self._waiting.set_exception(error)


class _Pieces:
    """A body in pieces: what unpacks it sees how much each of them makes."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _PIECE):
            yield self._body[start : start + _PIECE]


def _origin(request: httpcore.Request) -> Origin:
    if request.url.scheme not in (b"http", b"https"):
        raise httpcore.UnsupportedProtocol(f"{request.url.scheme.decode()}: neither http nor https")
    origin = request.url.origin
    return Origin(origin.scheme, origin.host, origin.port)


async def _within(seconds: float | None, work: Awaitable[T], late: type[Exception], broken: type[Exception]) -> T:
    """`work`, failing in httpcore's words."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise late(f"after {seconds} s") from error
    except OSError as error:
        raise broken(str(error)) from error
