"""The load: returns booked through the API by clients that do not give up, each with its idempotency key.

Now and then a client loses an answer on its way and asks again: it must be given the same pickup.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.demo.api import Api, Gone, Problem
from gateway.demo.returns import RETURNS, request

CLIENTS = 6
_PAUSE = 0.3
_TAKEN_BACK = frozenset({409, 429, 500, 502, 503, 504})  # what a client asks again after, with the same key
_MOST_CONFLICTS = 20  # the first request with this key is done by then, so it is something else
_LOST_ANSWERS = 0.15


class Load:
    """So many returns; `accepted` has the pickups that were answered by reference, in the order of their answers."""

    def __init__(self, api: Callable[[], Api], locations: Mapping[str, str], number: int, seed: int) -> None:
        self._api = api
        self._locations = locations
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for one in range(len(RETURNS), len(RETURNS) + number):  # the first of them have magic phones
            self._waiting.put(one)
        self.accepted: dict[str, list[str]] = {}
        self.refused: dict[str, str] = {}
        self._dice = random.Random(seed)
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _client(self) -> None:
        api = self._api()
        while True:
            try:
                number = self._waiting.get_nowait()
            except queue.Empty:
                return
            body = request(number, self._locations)
            self._book(api, body)
            if self._dice.random() < _LOST_ANSWERS:
                self._book(api, body)

    def _book(self, api: Api, body: Mapping[str, Any]) -> None:
        reference, conflicts = body["reference"], 0
        while True:
            try:
                answer = api.post("/pickups", body, dict[str, Any], {"idempotency-key": f"chaos-{reference}"})
            except Gone:
                time.sleep(_PAUSE)
            except Problem as problem:
                conflicts += problem.status == 409
                if problem.status not in _TAKEN_BACK or conflicts > _MOST_CONFLICTS:
                    self.refused[reference] = str(problem)
                    return
                time.sleep(_PAUSE)
            else:
                self.accepted.setdefault(reference, []).append(answer["id"])
                return
