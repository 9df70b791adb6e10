"""The lab on a socket: asyncio and h11, because faults need the connection itself.

`serve` runs until it is cancelled; `running` does it in a thread, for tests. Calls are answered on the loop's thread, as
the books have one writer anyway; a call's delay is a timer, so that slow answers hold nothing up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import cast

import h11
import httpx

from adapters.lab import pushing
from adapters.lab.engine import Lab
from adapters.lab.exchange import Handler, Outcome, Request
from adapters.lab.faults import Ending
from adapters.lab.side import Reply

_LARGEST_BODY = 8 * 2**20
_TIME_TICK = 1.0
_PUSH_TICK = 0.2

log = logging.getLogger(__name__)


async def serve(lab: Lab, *, host: str = "127.0.0.1", port: int = 8090, started: Callable[[str], None] | None = None) -> None:
    """Answer calls, let time pass and deliver pushes until cancelled. Port 0 takes a free one; `started` is told the base URL."""
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report)
    server = await loop.create_server(lambda: Connection(lab, loop, connections), host, port, backlog=1024)
    async with server:
        with _closed_at_the_end(server, connections):
            async with pushing.client() as http, asyncio.TaskGroup() as tasks:
                tasks.create_task(_tick(lab))
                tasks.create_task(_push(lab, http))
                if started:
                    started(_base_url(server.sockets[0]))


@contextlib.contextmanager
def _closed_at_the_end(server: asyncio.Server, connections: set[Connection]) -> Iterator[None]:
    """A server waits for its connections before it is gone (from Python 3.12 on), and a call that hangs would keep it waiting."""
    try:
        yield
    finally:
        server.close()
        for connection in tuple(connections):
            connection.abort()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """A bug ends its connection. Where it is gets logged, not its message: that may quote an order."""
    error = context.get("exception")
    frames = traceback.extract_tb(error.__traceback__) if isinstance(error, BaseException) else []
    where = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    log.error("%s %s at %s", context["message"], type(error).__name__, where)


async def _tick(lab: Lab) -> None:
    while True:
        lab.let_time_pass()
        await asyncio.sleep(_TIME_TICK)


async def _push(lab: Lab, http: httpx.AsyncClient) -> None:
    while True:
        if not await pushing.deliver_due(lab, http):
            await asyncio.sleep(_PUSH_TICK)


@contextlib.contextmanager
def running(lab: Lab) -> Iterator[str]:
    """The lab on a free loopback port, in a thread of its own; gives the base URL."""
    loop = asyncio.new_event_loop()
    url: Future[str] = Future()
    task = loop.create_task(serve(lab, port=0, started=url.set_result))
    task.add_done_callback(lambda _: url.cancel())  # it ended before it started: `result` below must not wait for ever
    thread = threading.Thread(target=_run, args=(loop, task), name="lab", daemon=True)
    thread.start()
    try:
        yield url.result()
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with contextlib.closing(loop), contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)


def _base_url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Connection(asyncio.Protocol):
    """One client's connection: h11 reads, the lab answers, the outcome says how the socket ends. Keep-alive and pipelining."""

    def __init__(self, lab: Handler, loop: asyncio.AbstractEventLoop, open_ones: set[Connection]) -> None:
        self._lab = lab
        self._loop = loop
        self._open_ones = open_ones
        self._http = h11.Connection(h11.SERVER)
        self._request = _NO_REQUEST
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None  # while an answer is held back, nothing more is read

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._open_ones.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    def abort(self) -> None:
        self._transport.abort()

    def _read(self) -> None:
        """Take what h11 has, until it needs more or an answer is held back."""
        try:
            while self._timer is None and self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError:
            self.abort()

    def _take(self, event: object) -> bool:
        """Is there more to take?"""
        match event:
            case h11.Request():
                self._request = event
                self._body.clear()
                self._go_ahead()
            case h11.Data():
                return self._gather(event.data)
            case h11.EndOfMessage():
                self._answer(self._lab.handle(_request(self._request, bytes(self._body))))
            case _:
                return False
        return True

    def _go_ahead(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            self._transport.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")

    def _gather(self, data: bytes) -> bool:
        self._body += data
        if len(self._body) > _LARGEST_BODY:
            self.abort()
            return False
        return True

    def _answer(self, outcome: Outcome) -> None:
        if outcome.delay:
            self._timer = self._loop.call_later(outcome.delay, self._answer_late, outcome)
        else:
            self._end(outcome)

    def _answer_late(self, outcome: Outcome) -> None:
        self._timer = None
        self._end(outcome)
        self._read()

    def _end(self, outcome: Outcome) -> None:
        match outcome.ending:
            case Ending.REPLY:
                self._send(outcome.reply)
            case Ending.CUT:
                self._send_half(outcome.reply)
            case Ending.DROP | Ending.SILENCE:
                self._transport.close()

    def _send(self, reply: Reply) -> None:
        body = b"" if self._request.method == b"HEAD" else reply.body
        self._write(_head(reply, len(body)), h11.Data(data=body), h11.EndOfMessage())
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self._transport.close()

    def _send_half(self, reply: Reply) -> None:
        """The head promises the whole body, even of an empty one."""
        half = reply.body[: len(reply.body) // 2]
        self._write(_head(reply, max(1, len(reply.body))), h11.Data(data=half))
        self._transport.close()

    def _write(self, *events: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))


_NO_REQUEST = h11.Request(method="GET", target="/", headers=[("host", "lab")])


def _request(read: h11.Request, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in read.headers}
    return Request(method=read.method.decode("ascii"), target=read.target.decode("ascii"), headers=headers, body=body)


def _head(reply: Reply, length: int) -> h11.Response:
    headers = [("content-type", reply.content_type), ("content-length", str(length)), *reply.headers.items()]
    return h11.Response(status_code=reply.status, headers=headers)
