"""The floor: a quote's calls, ready-made, all at once, from a bare process: `python -m tests.bench.floor STUB_URL`.

Reads lines `KIND MERCHANT ACCOUNTS ORIGIN DESTINATION`, answers each with the milliseconds its fan-out took. KIND is `httpx`: its
transport as it comes, one per account; or `streams`: bytes over plain asyncio streams, one kept open per call in flight.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping

import httpx
import msgspec
import uvloop

from adapters.contract.carrier import Access, Carrier, Enquiry, Stop, Token
from adapters.contract.orders import Direction, Parcel
from adapters.contract.places import Lane
from adapters.contract.units import Length, Money, Weight
from gateway import clock
from gateway.carriers import registry
from tests.bench import shop
from tests.bench.measuring import Broken
from tests.world import SETTINGS

_BOX = Parcel(dead_weight=Weight(480), length=Length(300), width=Length(200), height=Length(60))
_TIMEOUT = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 15.0)}

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Floor:
    """Connections are kept from one fan-out to the next, as the gateway keeps them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tls = httpx.create_ssl_context()
        self._pools: dict[str, httpx.AsyncBaseTransport] = {}
        self._idle: dict[str, list[Connection]] = {}
        self._accesses: dict[str, Access] = {}

    async def run(self, kind: str, merchant: str, count: int, lane: Lane) -> float:
        """Milliseconds that the calls of one quote over `count` accounts take."""
        call = {"httpx": self._over_httpx, "streams": self._over_streams}[kind]
        calls = [call(shop.lab_account(merchant, n), one) for n in range(count) for one in self._requests(merchant, n, lane)]
        started = time.perf_counter()
        statuses = await asyncio.gather(*calls)
        if set(statuses) != {200}:
            raise Broken(f"the stub answered {sorted(set(statuses))}")
        return (time.perf_counter() - started) * 1000

    def _requests(self, merchant: str, number: int, lane: Lane) -> list[httpx.Request]:
        """As the carrier's own builders put the questions."""
        carrier = registry.carrier(shop.carrier_of(number))
        account = shop.lab_account(merchant, number)
        if account not in self._accesses:
            self._accesses[account] = _signed_in(carrier, self._url, shop.secrets_of(merchant, number))
        return [_built(carrier, name, question, self._accesses[account]) for name, question in _questions(carrier, lane)]

    async def _over_httpx(self, account: str, request: httpx.Request) -> int:
        if account not in self._pools:
            self._pools[account] = httpx.AsyncHTTPTransport(verify=self._tls)
        pool = self._pools[account]
        response = await pool.handle_async_request(request)
        await response.aread()
        await response.aclose()
        return response.status_code

    async def _over_streams(self, account: str, request: httpx.Request) -> int:
        idle = self._idle.setdefault(account, [])
        reader, writer = idle.pop() if idle else await asyncio.open_connection(request.url.host, request.url.port)
        writer.write(_bytes(request))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        idle.append((reader, writer))
        return int(head.split(b" ", 2)[1])


def _questions(carrier: Carrier, lane: Lane) -> list[tuple[str, object]]:
    """What a quote asks of this carrier."""
    enquiry = Enquiry(
        lane=lane, direction=Direction.REVERSE, parcels=(_BOX,), declared_value=Money(149900, "INR"), ready_at=clock.wall()
    )
    ends = [
        Stop(postal_code=pin, country="IN", direction=Direction.REVERSE, collect=collect)
        for pin, collect in ((lane.origin, True), (lane.destination, False))
    ]
    rest = [(name, enquiry) for name in carrier.offers_from if name != "serviceability"]
    return [*(("serviceability", end) for end in ends), *rest]


def _built(carrier: Carrier, name: str, question: object, access: Access) -> httpx.Request:
    operation = carrier.operation(name)
    if operation is None:
        raise Broken(f"{carrier.code} has no {name}")
    request = operation.steps[-1].build(question, access, {})
    request.extensions = _TIMEOUT
    return request


def _signed_in(carrier: Carrier, url: str, secrets: Mapping[str, str]) -> Access:
    code = carrier.code
    access = Access(base_url=f"{url}/{code}", secrets=secrets, settings=SETTINGS[code], now=clock.wall())
    if carrier.sign_in is None:
        return access
    step = carrier.sign_in.steps[0]
    with httpx.Client(trust_env=False) as client:
        token = step.parse(client.send(step.build(None, access, {})), None, {})
    if not isinstance(token, Token):
        raise Broken(f"{code} does not let the floor in")
    return msgspec.structs.replace(access, token=token.value)


def _bytes(request: httpx.Request) -> bytes:
    head = b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
    return head + b"".join(b"%s: %s\r\n" % field for field in request.headers.raw) + b"\r\n" + request.content


async def _serve(url: str) -> None:
    floor = Floor(url)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        kind, merchant, count, origin, destination = line.split()
        print(await floor.run(kind, merchant, int(count), Lane(origin=origin, destination=destination)), flush=True)


def main(url: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(url))


if __name__ == "__main__":
    main(sys.argv[1])
