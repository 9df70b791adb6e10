"""Who gets which connection, before stand-ins for the connections; test_wire.py has the same over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.carriers.connections import Connections
from tests.carriers.asking import run

EXPIRY = 30.0


class Connection(httpx.AsyncBaseTransport):
    """Answers, and closes, when it is told to; counts its calls."""

    def __init__(self, ready: asyncio.Event, shut: asyncio.Event) -> None:
        self._ready = ready
        self._shut = shut
        self.calls = 0
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        await self._ready.wait()
        if request.url.path == "/fails":
            raise httpx.ReadError("gone")
        return httpx.Response(200, stream=_Body(request.url.path))

    async def aclose(self) -> None:
        await self._shut.wait()
        self.closed = True


class _Body(httpx.AsyncByteStream):
    def __init__(self, path: str) -> None:
        self._path = path

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"yes"

    async def aclose(self) -> None:
        if self._path == "/does-not-close":
            raise httpx.CloseError("gone")


class Account:
    """The connections of one account, all that were opened, and a clock."""

    def __init__(self, most: int = 4) -> None:
        self.opened: list[Connection] = []
        self.ready = asyncio.Event()
        self.ready.set()
        self.shut = asyncio.Event()
        self.shut.set()
        self.now = 0.0
        self.connections = Connections(self._open, most, EXPIRY, clock=lambda: self.now)

    def _open(self) -> Connection:
        self.opened.append(Connection(self.ready, self.shut))
        return self.opened[-1]

    async def ask(self, path: str = "/", patience: float | None = None) -> bytes:
        request = httpx.Request("GET", f"https://carrier.test{path}", extensions={"timeout": {"pool": patience}})
        response = await self.connections.handle_async_request(request)
        body = b"".join([chunk async for chunk in response.aiter_raw()])
        await response.aclose()
        return body

    async def at_once(self, calls: int) -> list[asyncio.Task[bytes]]:
        """So many calls, all on the wire."""
        self.ready.clear()
        tasks = [asyncio.ensure_future(self.ask()) for _ in range(calls)]
        await asyncio.sleep(0)
        return tasks

    async def answer(self, *calls: asyncio.Task[bytes]) -> list[bytes]:
        self.ready.set()
        return await asyncio.gather(*calls)

    @property
    def calls(self) -> list[int]:
        return [connection.calls for connection in self.opened]

    @property
    def closed(self) -> list[bool]:
        return [connection.closed for connection in self.opened]


def test_one_call_after_the_other_takes_one_connection():
    async def work() -> tuple[list[bytes], list[int]]:
        account = Account()
        return [await account.ask(), await account.ask()], account.calls

    assert run(work()) == ([b"yes", b"yes"], [2])


def test_calls_at_once_take_a_connection_each_and_leave_them_for_the_next():
    async def work() -> list[int]:
        account = Account()
        await account.answer(*await account.at_once(3))
        await account.answer(*await account.at_once(3))
        return account.calls

    assert run(work()) == [2, 2, 2]


def test_a_call_too_many_waits_for_a_place():
    async def work() -> tuple[list[bytes], list[int]]:
        account = Account(most=2)
        return await account.answer(*await account.at_once(5)), account.calls

    answers, calls = run(work())
    assert (answers, len(calls), sum(calls)) == ([b"yes"] * 5, 2, 5)


def test_a_call_too_many_waits_no_longer_than_its_time():
    async def work() -> list[bytes]:
        account = Account(most=1)
        calls = await account.at_once(1)
        with pytest.raises(httpx.PoolTimeout):
            await account.ask(patience=0.001)
        return await account.answer(*calls)

    assert run(work()) == [b"yes"]


def test_a_connection_whose_call_failed_is_closed_and_its_place_is_free():
    async def work() -> tuple[bytes, list[int], list[bool]]:
        account = Account(most=1)
        with pytest.raises(httpx.ReadError):
            await account.ask("/fails")
        return await account.ask(patience=0.001), account.calls, account.closed

    assert run(work()) == (b"yes", [1, 1], [True, False])


def test_a_connection_whose_call_was_cancelled_is_closed_and_its_place_is_free():
    async def work() -> tuple[bytes, list[int], list[bool]]:
        account = Account(most=1)
        (call,) = await account.at_once(1)
        call.cancel()
        await asyncio.wait([call])
        account.ready.set()
        return await account.ask(patience=0.001), account.calls, account.closed

    assert run(work()) == (b"yes", [1, 1], [True, False])


def test_a_connection_whose_reply_does_not_close_is_closed_and_its_place_is_free():
    async def work() -> tuple[bytes, list[int], list[bool]]:
        account = Account(most=1)
        with pytest.raises(httpx.CloseError):
            await account.ask("/does-not-close")
        return await account.ask(patience=0.001), account.calls, account.closed

    assert run(work()) == (b"yes", [1, 1], [True, False])


def test_the_last_idle_one_is_taken_while_an_old_one_is_being_closed():
    async def work() -> list[bytes]:
        account = Account()
        await account.answer(*await account.at_once(2))
        account.now = EXPIRY + 1
        account.shut.clear()
        first = asyncio.ensure_future(account.ask())
        await asyncio.sleep(0)  # its answer is there, an old connection is being closed
        (second,) = await account.at_once(1)
        account.shut.set()
        return await account.answer(first, second)

    assert run(work()) == [b"yes", b"yes"]


def test_what_is_idle_for_long_is_closed_and_what_is_in_use_stays():
    async def work() -> list[bool]:
        account = Account()
        await account.answer(*await account.at_once(3))
        account.now = EXPIRY + 1
        await account.ask()
        return account.closed

    assert sorted(run(work())) == [False, True, True]


def test_closing_closes_all_that_are_idle():
    async def work() -> list[bool]:
        account = Account()
        await account.answer(*await account.at_once(2))
        await account.connections.aclose()
        return account.closed

    assert run(work()) == [True, True]


def test_a_reply_closed_twice_gives_its_connection_back_once():
    async def work() -> list[int]:
        account = Account()
        response = await account.connections.handle_async_request(httpx.Request("GET", "https://carrier.test/"))
        await response.aclose()
        await response.aclose()
        await account.answer(*await account.at_once(2))
        return account.calls

    assert run(work()) == [2, 1]
