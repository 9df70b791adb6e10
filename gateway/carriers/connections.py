"""The connections of one carrier account, each in an httpx transport of its own.

httpcore's pool gives the same idle connection to all who ask in one turn of the loop, sends all but one of them round again,
and polls every idle connection each time: its CPU grows with the square of the calls at once (measured on 3 at once: 610 us
a call against 490 here), and a call cancelled in it costs a place for ever. A transport that holds one connection has neither.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, cast

import httpx

Clock = Callable[[], float]
_Return = Callable[[httpx.AsyncBaseTransport], Awaitable[None]]


class _Idle(NamedTuple):
    connection: httpx.AsyncBaseTransport
    since: float


class Connections(httpx.AsyncBaseTransport):
    """At most `most` calls at once; the connection used last is used next, one idle for `expiry` seconds is closed.

    A call that gets no connection within its `pool` time-out raises httpx.PoolTimeout. One whose call failed or was cancelled
    is closed: what is left on its wire is nobody's answer.
    """

    def __init__(
        self, open_connection: Callable[[], httpx.AsyncBaseTransport], most: int, expiry: float, clock: Clock = time.monotonic
    ) -> None:
        self._open = open_connection
        self._places = asyncio.Semaphore(most)
        self._idle: deque[_Idle] = deque()
        self._expiry = expiry
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._place(request.extensions.get("timeout", {}).get("pool"))
        connection = self._idle.pop().connection if self._idle else self._open()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await self._give_up(connection)
            raise
        response.stream = _Lent(cast(httpx.AsyncByteStream, response.stream), connection, self._take_back, self._give_up)
        return response

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().connection.aclose()

    async def _place(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("as many calls as are allowed at once") from error

    async def _take_back(self, connection: httpx.AsyncBaseTransport) -> None:
        now = self._clock()
        self._idle.append(_Idle(connection, now))
        self._places.release()
        while self._idle and self._idle[0].since < now - self._expiry:
            await self._idle.popleft().connection.aclose()

    async def _give_up(self, connection: httpx.AsyncBaseTransport) -> None:
        self._places.release()
        await connection.aclose()


class _Lent(httpx.AsyncByteStream):
    """A reply's body; closing it gives the connection back, once, or gives it up where that fails."""

    def __init__(
        self, body: httpx.AsyncByteStream, connection: httpx.AsyncBaseTransport, give_back: _Return, give_up: _Return
    ) -> None:
        self._body = body
        self._connection = connection
        self._give_back = give_back
        self._give_up = give_up
        self._lent = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        if not self._lent:
            return
        self._lent = False
        try:
            await self._body.aclose()
        except BaseException:
            await self._give_up(self._connection)
            raise
        await self._give_back(self._connection)
