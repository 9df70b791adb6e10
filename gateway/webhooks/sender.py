"""The one place an endpoint is called: the name is resolved, every address checked, and the very address that was checked called.

The URL is called by number, with the name in Host and SNI and the certificate verified for the name, so that a name server
that changes its answer in between changes nothing. No redirect is followed, no proxy used, no answer unpacked; 10 s and 64 KiB
are all an endpoint gets.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, cast

import httpx
import msgspec

from gateway import clock
from gateway.carriers.connections import Connections
from gateway.webhooks import signing
from gateway.webhooks.guard import Forbidden, Place, admit, place_of
from gateway.webhooks.schedule import Attempt

DEADLINE = 10.0
AT_ONCE = 4  # calls at once of one round
LARGEST_ANSWER = 64 * 1024

_CONNECT = 3.0
_MOST_ADDRESSES = 3
_KEPT = 500  # characters of an answer
_EXPIRY = 30.0
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_EXPIRY)
_TIMEOUT = {"connect": _CONNECT, "read": DEADLINE, "write": DEADLINE, "pool": DEADLINE}
_NAMES_AT_ONCE = 64

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
OpenConnection = Callable[[], httpx.AsyncBaseTransport]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`secrets` are all that are valid now: the receiver may check with any of them."""

    id: str
    body: bytes
    secrets: tuple[str, ...]


class _Answer(NamedTuple):
    status: int
    beginning: bytes


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=True, trust_env=True)


@functools.cache
def _resolvers() -> ThreadPoolExecutor:
    """Of their own: names that take long to resolve hold nobody up who needs a thread for something else."""
    return ThreadPoolExecutor(_NAMES_AT_ONCE, thread_name_prefix="names")


async def resolve(host: str, port: int) -> Sequence[str]:
    """The numeric addresses of a name. Raises OSError."""
    work = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers(), work)
    return [str(address[0]) for _, _, _, _, address in found]


def connection(tls: ssl.SSLContext | None = None) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=tls or _tls(), limits=_ONE, trust_env=False)


class Sender:
    """`egress_allow`: loopback places (host:port) that endpoints in test mode may name."""

    def __init__(
        self,
        egress_allow: frozenset[str] = frozenset(),
        resolve: Resolve = resolve,
        open_connection: OpenConnection = connection,
        deadline: float = DEADLINE,
        wall: Callable[[], dt.datetime] = clock.wall,
    ) -> None:
        self.deadline = deadline
        self.wall = wall
        self.egress_allow = egress_allow
        self.resolve = resolve
        self.open_connection = open_connection

    def line(self, url: str, *, test: bool) -> Line:
        """For one round of messages to one endpoint; to be closed."""
        return Line(self, url, self.egress_allow if test else frozenset())


class Line:
    """The way to one endpoint: looked up once, at the first message."""

    def __init__(self, sender: Sender, url: str, egress_allow: frozenset[str]) -> None:
        self._sender = sender
        self._url = url
        self._allow = egress_allow
        self._looking = asyncio.Lock()
        self._way: tuple[Place, tuple[str, ...]] | None = None
        self._open: dict[str, httpx.AsyncBaseTransport] = {}

    async def send(self, message: Message) -> Attempt:
        """One try: whatever happens is an Attempt."""
        at, started = self._sender.wall(), time.monotonic()
        status, answer, error = None, "", ""
        try:
            async with asyncio.timeout(self._sender.deadline):
                found = await self._call(message, int(at.timestamp()))
            status, answer = found.status, _readable(found.beginning)
        except TimeoutError:
            error = f"no answer within {self._sender.deadline:g} s"
        except socket.gaierror as failure:
            error = f"the name cannot be resolved: {failure.strerror}"
        except (Forbidden, httpx.TransportError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"[:_KEPT]
        took = round((time.monotonic() - started) * 1000)
        return Attempt(at=at, milliseconds=took, status=status, answer=answer, error=error)

    async def close(self) -> None:
        for connections in self._open.values():
            await connections.aclose()

    async def _call(self, message: Message, timestamp: int) -> _Answer:
        """Over the first address that can be connected to."""
        place, addresses = await self._find_way()
        *earlier, last = addresses[:_MOST_ADDRESSES]
        for address in earlier:
            try:
                return await self._exchange(place, address, message, timestamp)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._exchange(place, last, message, timestamp)

    async def _find_way(self) -> tuple[Place, tuple[str, ...]]:
        async with self._looking:
            if self._way is None:
                place = place_of(self._url, self._allow)
                self._way = place, admit(place, await self._sender.resolve(place.host, place.port))
            return self._way

    async def _exchange(self, place: Place, address: str, message: Message, timestamp: int) -> _Answer:
        response = await self._connections(address).handle_async_request(_request(place, address, message, timestamp))
        try:
            return _Answer(response.status_code, await _beginning(response))
        finally:
            await response.aclose()

    def _connections(self, address: str) -> httpx.AsyncBaseTransport:
        if address not in self._open:
            self._open[address] = Connections(self._sender.open_connection, AT_ONCE, _EXPIRY)
        return self._open[address]


def _request(place: Place, address: str, message: Message, timestamp: int) -> httpx.Request:
    """By number; the name stands in Host, in SNI, and is what the certificate is verified for."""
    return httpx.Request(
        "POST",
        httpx.URL(scheme=place.scheme, host=address, port=place.port, raw_path=place.path.encode()),
        content=message.body,
        headers={
            "host": place.authority,
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "pickup-gateway-webhooks",
            **signing.headers(message.id, timestamp, message.body, message.secrets),
        },
        extensions={"timeout": _TIMEOUT, "sni_hostname": place.host},
    )


async def _beginning(response: httpx.Response) -> bytes:
    """As it came, not unpacked; what is beyond the cap is left on the wire, which is then closed."""
    found = bytearray()
    async for chunk in cast(httpx.AsyncByteStream, response.stream):
        found += chunk
        if len(found) > LARGEST_ANSWER:
            break
    return bytes(found)


def _readable(beginning: bytes) -> str:
    text = beginning[: 4 * _KEPT].decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_KEPT]
