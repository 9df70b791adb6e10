"""The callers: many at once, through both APIs; who gets no answer asks again under the same key, at the other API if need be."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

import httpx

from tests.fleet import shop

_CALLERS = 12
_PATIENCE = 90.0
_PAUSE = 0.3


class Load:
    """`accepted`: the id by our number. `asked_again`: how often an answer did not come or was none."""

    def __init__(self, urls: list[str], key: str, pickups: int) -> None:
        self.accepted: dict[int, str] = {}
        self.asked_again = 0
        self.refused: dict[int, str] = {}
        self._urls = urls
        self._headers = {"authorization": f"Bearer {key}"}
        self._numbers = iter(range(pickups))

    async def run(self, accepted: Callable[[int], None]) -> None:
        """Until every pickup is accepted or refused; `accepted` is told how many there are."""
        limits = httpx.Limits(max_connections=2 * _CALLERS)
        async with httpx.AsyncClient(headers=self._headers, timeout=20, limits=limits) as http:
            await asyncio.gather(*(self._caller(http, accepted) for _ in range(_CALLERS)))

    async def _caller(self, http: httpx.AsyncClient, accepted: Callable[[int], None]) -> None:
        for number in self._numbers:
            answer = await self._ask(http, number)
            if answer.status_code == 202:
                self.accepted[number] = answer.json()["id"]
                accepted(len(self.accepted))
            else:
                self.refused[number] = answer.text

    async def _ask(self, http: httpx.AsyncClient, number: int) -> httpx.Response:
        """The same request until it is answered; a caller's own turn of servers."""
        until = time.monotonic() + _PATIENCE
        for url in itertools.cycle(self._urls[number % 2 :] + self._urls[: number % 2]):
            answer = await self._once(http, url, number)
            if answer and answer.status_code not in (409, 429, 503):
                return answer
            assert time.monotonic() < until, f"pickup {number} was not answered for {_PATIENCE:.0f} s"
            self.asked_again += 1
            await asyncio.sleep(_PAUSE)
        raise AssertionError("there is no API")

    async def _once(self, http: httpx.AsyncClient, url: str, number: int) -> httpx.Response | None:
        try:
            return await http.post(f"{url}/v1/pickups", json=shop.pickup(number), headers={"idempotency-key": f"fleet-{number}"})
        except httpx.TransportError:
            return None
