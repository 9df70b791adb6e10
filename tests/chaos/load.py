"""The load: returns booked through the API by clients that do not give up, each with its idempotency key."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.demo.api import Api, Gone, Problem
from gateway.demo.returns import RETURNS, request

CLIENTS = 6
_PAUSE = 0.3
_TAKEN_BACK = frozenset({409, 429, 500, 502, 503, 504})  # what a client asks again after, with the same key


class Load:
    """So many returns; `accepted` are the references answered 2xx so far."""

    def __init__(self, api: Callable[[], Api], locations: Mapping[str, str], number: int) -> None:
        self._api = api
        self._locations = locations
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for one in range(len(RETURNS), len(RETURNS) + number):  # the first of them have magic phones
            self._waiting.put(one)
        self.accepted: set[str] = set()
        self.refused: dict[str, str] = {}
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
            self._book(api, request(number, self._locations))

    def _book(self, api: Api, body: Mapping[str, Any]) -> None:
        reference = body["reference"]
        while True:
            try:
                api.post("/pickups", body, dict[str, Any], {"idempotency-key": f"chaos-{reference}"})
            except Gone:
                time.sleep(_PAUSE)
            except Problem as problem:
                if problem.status not in _TAKEN_BACK:
                    self.refused[reference] = str(problem)
                    return
                time.sleep(_PAUSE)
            else:
                self.accepted.add(reference)
                return
