"""Mutants by the thousand, read as the gateway reads replies: through its transport, then the shared rules, then the adapter."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any

import httpx
import msgspec

from adapters.contract.errors import CarrierError
from adapters.contract.reading import read
from gateway.carriers import registry
from gateway.carriers.transport import send
from tests.contract.examples import NOW
from tests.contract.stage import Exchange, on_stage, operations, played
from tests.mutations.judging import objection, verdict
from tests.mutations.mutating import Mutant, mutant

_CHUNK = 16 * 1024  # what a socket gives at a time


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A mutant that was taken for what it is not, or broke the reader. `number` finds it again by the same seed."""

    carrier: str
    operation: str
    number: int
    how: str
    what: str
    body: bytes


class Report(msgspec.Struct, kw_only=True):
    """Outcomes by carrier, operation and kind; and what failed."""

    counts: collections.Counter[tuple[str, str, str]] = msgspec.field(default_factory=collections.Counter)
    failures: list[Failure] = []


def run(carrier: str, number: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> Report:
    """So many mutants of this carrier's replies."""
    goods = corpus(carrier)
    return asyncio.run(_run(carrier, goods, [*goods, *strangers(carrier)], number, seed, progress))


async def _run(
    carrier: str, goods: list[Exchange], others: list[Exchange], number: int, seed: int, progress: Callable[[int], None]
) -> Report:
    report = Report()
    for index in range(number):
        exchange = goods[index % len(goods)]
        made = mutant(exchange, others, Random(f"{seed}/{carrier}/{index}"))
        _note(report, exchange, index, made, *await _take(exchange, made))
        progress(index + 1)
    return report


def corpus(carrier: str) -> list[Exchange]:
    """The carrier's good replies: every operation and every step of it."""
    return list(played(carrier).values())


def strangers(carrier: str) -> list[Exchange]:
    """What others answer: other carriers, and the same carrier about another booking."""
    elsewhere = [one for code in registry.codes() if code != carrier for one in played(code).values()]
    return [*elsewhere, *another_booking(carrier)]


def another_booking(carrier: str) -> list[Exchange]:
    """Booked and cancelled, it is not the one anybody is asking about."""
    stage, wire = on_stage(registry.carrier(carrier))
    stage.book()
    booking = stage.book()
    for name in ("label", "cancel"):
        if name in operations(registry.carrier(carrier)):
            stage.ask(name, booking)
    stage.lab.close()
    return [one for one in wire.exchanges if one.name != "sign_in"]


async def _take(exchange: Exchange, made: Mutant) -> tuple[httpx.Response | None, Any]:
    """The reply as it reached the reader, and what came of it: any exception that is no CarrierError is itself the outcome."""
    response: httpx.Response | None = None
    operation = registry.carrier(exchange.carrier).operation(exchange.name)
    assert operation
    try:
        response = await send(_Line(made), httpx.Request("GET", "http://lab/"), operation.timeout)
        return response, read(operation, exchange.step, response, exchange.question, exchange.so_far, NOW)
    except CarrierError as error:
        return response, error
    except Exception as bug:  # the point of it all: there must be none
        return response, bug


def _note(report: Report, exchange: Exchange, index: int, made: Mutant, response: httpx.Response | None, outcome: Any) -> None:
    bug = isinstance(outcome, Exception) and not isinstance(outcome, CarrierError)
    what = f"{type(outcome).__name__}: {outcome}" if bug else objection(exchange, response, outcome)
    kind = "failed" if what else verdict(outcome)
    report.counts[exchange.carrier, exchange.name, kind] += 1
    if what:
        step = f"{exchange.name}/{exchange.step.name}".strip("/")
        report.failures.append(
            Failure(carrier=exchange.carrier, operation=step, number=index, how=made.how, what=what, body=made.body[:400])
        )


class _Line(httpx.AsyncBaseTransport):
    """Gives one reply, in pieces as a socket would."""

    def __init__(self, made: Mutant) -> None:
        self._made = made

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in self._made.headers.items() if value}
        return httpx.Response(self._made.status, headers=headers, stream=_Pieces(self._made.body), request=request)


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in _cut(self._body):
            yield piece


def _cut(body: bytes) -> Iterator[bytes]:
    return (body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))
