"""The days after booking: hours pass, riders come or do not, people answer what automation leaves to them."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from gateway import clock
from gateway.carriers.limits import LONGEST_CLOSED
from gateway.demo.api import Api, Gone, Lab, Pickup, Problem, Trouble
from gateway.demo.people import People
from tests.chaos.ledger import Ledger
from tests.chaos.parts import House
from tests.chaos.trouble import CARRIERS

_ZONE = ZoneInfo("Asia/Kolkata")
_STOPS = (dt.time(10), dt.time(20))
_ACCOUNT = "lab_demo"
_PAUSE = 0.1
_STILL = 0.2  # seconds without anything due: pushes of the lab are on their way no longer
_ORPHANED = 4.0  # seconds after which a lease that is still out while nothing moves is a dead driver's
_WAKING, _STANDSTILL = 3.0, 15.0  # seconds: what is due is begun by then; what has not moved for so long does not move by itself
_IN_VAIN = 6  # waits without end, two stops
_LONGEST = 3600.0  # seconds: so many returns have news at the same hour
_FORGET = 10  # stops
# What is tried again soon is looked at in between, not half a day later.
_SOON = (dt.timedelta(seconds=30), dt.timedelta(minutes=15))
_EVERY = 1.0  # seconds


class Days:
    """Between looks the house starts again what has ended. `meanwhile` is told about every second how many were waited."""

    def __init__(self, api: Api, lab: Lab, ledger: Ledger, house: House, meanwhile: Callable[[float], object]) -> None:
        self._api = api
        self._ledger = ledger
        self._house = house
        self._lab = lab
        self._meanwhile = meanwhile
        self._stops = self._stood_still = 0
        self._meet_people()
        self._held: frozenset[str] = frozenset()
        self._seen, self._moved_at = self._look(), time.monotonic()

    def pass_one(self, meanwhile: Callable[[], object] = lambda: None) -> dt.datetime:
        """On to the next stop, a morning or an evening; the time then. `meanwhile` is called when it has just begun."""
        self._stops += 1
        if self._stops % _FORGET == 0:  # what was not taken is tried again
            self._meet_people()
            self.phone()
        here = clock.wall().astimezone(_ZONE)
        stops = [dt.datetime.combine(here.date() + dt.timedelta(days=more), at, _ZONE) for more in (0, 1) for at in _STOPS]
        self.let_pass(min(stop for stop in stops if stop > here + dt.timedelta(minutes=1)) - here, meanwhile)
        for span in _SOON:
            if self._ledger.waits(span):
                self.let_pass(span)
        return clock.wall().astimezone(_ZONE)

    def let_pass(self, span: dt.timedelta, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._house.hours.let_pass(span)
        if span >= LONGEST_CLOSED:
            self._house.fill_quotas()
        for carrier in CARRIERS:  # asked, its lab does what has become due
            self._lab.tell("/clock", carrier=carrier, account=_ACCOUNT, offset_seconds=0)
        meanwhile()
        self.settle()

    def phone(self) -> None:
        """An operator calls off by phone what a carrier will not cancel for us; that it is off is told by its scans."""
        for exception_id in self._ledger.unconfirmed():
            self._call_off(*self._open(exception_id))

    def _call_off(self, trouble: Trouble, pickup: Pickup) -> None:
        booking = pickup.booking(trouble.booking)
        if booking and booking.awb:
            with contextlib.suppress(Problem):  # it is off already, or the rider was faster
                self._lab.tell("/phone", carrier=booking.carrier, account=_ACCOUNT, awb=booking.awb)

    def settle(self) -> None:
        """Until nothing is due any more and nobody waits for a person, or nothing moves."""
        began, called, still = time.monotonic(), 0.0, 0.0
        while still < _STILL:
            self._house.revive()
            quiet = not (self._answer() or self._ledger.busy())
            still = still + _PAUSE if quiet else 0.0
            took, unmoved = time.monotonic() - began, self._unmoved()
            if self._held and unmoved > _ORPHANED:
                self._house.rest()
            if took > _LONGEST or (took > _WAKING and unmoved > _STANDSTILL):
                self._stood_still += 1
                return
            if took > called + _EVERY:
                called = took
                self._meanwhile(took)
            time.sleep(_PAUSE)
        self._stood_still = 0

    @property
    def over(self) -> bool:
        """Whether time does not help any more: something is due, again and again, and nobody takes it."""
        return self._stood_still >= _IN_VAIN

    def _unmoved(self) -> float:
        """For how many seconds there was no event, nobody has taken a pickup or let one go, and no messages were on their way."""
        seen = self._look()
        if seen != self._seen:
            self._seen, self._moved_at = seen, time.monotonic()
        return time.monotonic() - self._moved_at

    def _look(self) -> tuple[object, ...]:
        self._held = self._ledger.held()
        return self._ledger.told(), self._ledger.carried_at(), self._held

    def _meet_people(self) -> None:
        """People who remember nothing."""
        self._people = People(self._api, self._lab, lambda reference, words: None)
        self._heard: set[tuple[str, int]] = set()

    def _answer(self) -> int:
        """How many exceptions were answered, or could not be because a part is away."""
        try:
            return sum(self._hear(one) for one in self._ledger.waiting() - self._heard)
        except Gone:
            return 1
        except Problem as problem:
            if problem.status < 500 and problem.status != 404:
                raise
            return 1

    def _hear(self, exception: tuple[str, int]) -> bool:
        answered = self._people.answer(*self._open(exception[0]))
        self._heard.add(exception)
        return answered

    def _open(self, exception_id: str) -> tuple[Trouble, Pickup]:
        trouble = self._api.get(f"/exceptions/{exception_id}", Trouble)
        return trouble, self._api.get(f"/pickups/{trouble.pickup}", Pickup)
