"""The days after booking: the clock moves, riders come or do not, people answer what automation leaves to them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

import msgspec

from gateway.demo.api import Api, Gone, Lab, Pickup, Problem, Trouble
from gateway.demo.people import People
from tests.chaos.ledger import Ledger

_ZONE = ZoneInfo("Asia/Kolkata")
_STOPS = (dt.time(9), dt.time(15, 30), dt.time(21))
_WAITING = "waiting_customer,needs_decision"
_PAUSE = 0.2
_FORGET = 15  # stops


class Clock(msgspec.Struct, frozen=True):
    now: dt.datetime


class Days:
    """`alive` is called in between: it starts again what has ended."""

    def __init__(self, api: Api, lab: Lab, ledger: Ledger, alive: Callable[[], object]) -> None:
        self._api = api
        self._ledger = ledger
        self._alive = alive
        self._lab = lab
        self._stops = 0
        self._people = self._fresh_people()

    def settle(self, seconds: float) -> None:
        """Until nothing is due any more and nobody waits for a person, no longer than so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._alive()
            if not (self._answer() or self._ledger.busy()):
                return
            time.sleep(_PAUSE)

    def pass_one(self) -> dt.datetime:
        """On to the next stop: morning, afternoon, night; the time then."""
        self._stops += 1
        if self._stops % _FORGET == 0:  # what was not taken is tried again
            self._people = self._fresh_people()
        here = self._advance(seconds=1).astimezone(_ZONE)
        stops = [dt.datetime.combine(here.date() + dt.timedelta(days=more), at, _ZONE) for more in (0, 1) for at in _STOPS]
        return self._advance(to=min(stop for stop in stops if stop > here + dt.timedelta(minutes=1)).isoformat())

    def _fresh_people(self) -> People:
        return People(self._api, self._lab, lambda reference, words: None)

    def _advance(self, **by: int | str) -> dt.datetime:
        while True:
            try:
                return self._api.post("/test/clock/advance", by, Clock).now
            except (Gone, Problem) as error:
                if isinstance(error, Problem) and error.status < 500:
                    raise
                self._alive()
                time.sleep(_PAUSE)

    def _answer(self) -> int:
        """How many exceptions were answered."""
        try:
            waiting = self._api.all("/exceptions", Trouble, state=_WAITING)
            return self._people.look({one.pickup: self._api.get(f"/pickups/{one.pickup}", Pickup) for one in waiting})
        except Gone:
            return 1
        except Problem as problem:
            if problem.status < 500 and problem.status != 404:
                raise
            return 1
