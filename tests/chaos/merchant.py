"""The merchant's end of the webhooks: a server on loopback that is well, slow, ill, forgetful or away, and keeps what it took."""

from __future__ import annotations

import asyncio
import collections
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import msgspec

from tests.webhooks.receiver import Received, answer, listening, verified

_SLOW = 0.4  # seconds
# How it fares for a while. What a forgetful one has taken it does not confirm, so that it comes again.
WELL, SLOW, ILL, FORGETFUL, AWAY = "well", "slow", "ill", "forgetful", "away"
_MOODS, _WEIGHTS = (WELL, SLOW, ILL, FORGETFUL, AWAY), (5, 1, 1, 1, 1)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One that was taken. `pickup` "": it is about something else."""

    id: str
    pickup: str
    sequence: int
    type: str


class Merchant:
    """`taken` in the order of arrival, repeats included; `turned_away` counts by mood what was not confirmed."""

    def __init__(self, seed: int) -> None:
        self.taken: list[Message] = []
        self.turned_away: collections.Counter[str] = collections.Counter()
        self.secret = ""
        self.place = ""  # host:port
        self._dice = random.Random(seed)
        self._mood = WELL

    @property
    def url(self) -> str:
        return f"http://{self.place}/events"

    def change_mood(self) -> None:
        (self._mood,) = self._dice.choices(_MOODS, _WEIGHTS)

    def cheer_up(self) -> None:
        self._mood = WELL

    async def say(self, received: Received) -> bytes | None:
        mood = self._mood
        if mood in (WELL, SLOW, FORGETFUL):
            self._take(received)
        if mood == SLOW:
            await asyncio.sleep(_SLOW)
        if mood in (WELL, SLOW):
            return answer(204)
        self.turned_away[mood] += 1
        return answer(500) if mood == ILL else None

    def _take(self, received: Received) -> None:
        if not verified(received.headers, received.body, self.secret):
            return
        told: dict[str, Any] = received.json
        pickup = told["data"].get("pickup", {}).get("id", "")
        self.taken.append(Message(id=received.headers["webhook-id"], pickup=pickup, sequence=told["sequence"], type=told["type"]))


@contextmanager
def at_home(seed: int) -> Iterator[Merchant]:
    """One that listens, on a thread of its own."""
    merchant, loop = Merchant(seed), asyncio.new_event_loop()
    ready: Future[str] = Future()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_listen(merchant, ready, stop),), name="merchant", daemon=True)
    thread.start()
    merchant.place = ready.result(10)
    try:
        yield merchant
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _listen(merchant: Merchant, ready: Future[str], stop: asyncio.Event) -> None:
    async with listening(merchant.say) as receiver:
        ready.set_result(f"127.0.0.1:{receiver.port}")
        await stop.wait()
