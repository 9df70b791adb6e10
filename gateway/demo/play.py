"""The play: returns are booked, days pass, riders come or do not, people answer, until all have ended or the time is up."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
from rich.console import Console

from gateway.demo import summary
from gateway.demo.api import Event, Offer, Pickup, Trouble
from gateway.demo.people import People
from gateway.demo.returns import request, sample, worth
from gateway.demo.screen import ZONE, Screen, screen
from gateway.demo.stage import Stage
from gateway.demo.summary import Costs
from gateway.demo.telling import tell, undecided

_LOOK = 0.1
_QUIET = 0.6  # seconds without news after which nothing more is expected: longer than the relay's pause
_PATIENCE = 5.0
_LEFT_OVER_SECONDS = 150.0  # a lost answer of a carrier that cannot be asked comes before a person only after a while
_AFTERNOON, _NIGHT = dt.time(15, 30), dt.time(21)
_A_MOMENT = dt.timedelta(minutes=1)  # the clock is set to the second
_UNSETTLED = frozenset({"requested", "booking", "booking_unknown", "cancelling"})
_AT_THE_DOOR = frozenset({"booked", "out_for_pickup", "visit_failed"})


class Clock(msgspec.Struct, frozen=True):
    now: dt.datetime


class Play:
    """One run. `seconds` is how long the new returns may take."""

    def __init__(self, stage: Stage, console: Console, seconds: float) -> None:
        self._stage = stage
        self._api = stage.api
        self._console = console
        self._seconds = seconds
        self._until = 0.0
        self._screen: Screen = screen(console)
        self._people = People(stage.api, stage.lab, self._screen.line)
        self._followed: list[str] = []
        self._told: dict[str, int] = {}
        self._present: list[Pickup] = []
        self._expected: dict[str, Offer] = {}

    def run(self, number: int) -> bool:
        """Finish what an earlier run left, then book so many and see them to their ends; whether all have ended."""
        before = self._api.all("/pickups", Pickup, expand="visits,events")
        with self._screen:
            self._finish([one for one in before if not one.ended])
            self._book(number, _next_number(before))
            return self._pass_days(self._seconds)

    def sum_up(self) -> None:
        pickups = self._pickups()
        costs = Costs(
            failed_visit=Decimal(self._stage.failed_visit_cost.amount),
            move=Decimal(self._stage.failover_cost.amount),
            day=Decimal(self._stage.cost_per_day.amount),
        )
        self._console.print()
        self._console.print(summary.carrier_table(summary.by_carrier(pickups, self._expected, costs)))
        troubles = self._troubles(pickups)
        if troubles:
            self._console.print(summary.trouble_table(troubles, frozenset(self._people.helped)))
        self._console.print(summary.ends(pickups), highlight=False)

    # --- booking ---

    def _finish(self, left: Sequence[Pickup]) -> None:
        if not left:
            return
        self._console.print(f"An earlier run left {len(left)} returns under way: they go on first.", highlight=False)
        self._follow(left)
        self._told.update({one.id: max((event.sequence for event in one.events), default=0) for one in left})
        self._pass_days(_LEFT_OVER_SECONDS)

    def _book(self, number: int, start: int) -> None:
        bodies = [request(place, self._stage.locations) for place in range(start, start + number)]
        for place, body in enumerate(bodies, start):  # one by one, so that the lab's dice fall the same way every time
            self._introduce(place, self._request(body))

    def _request(self, body: Mapping[str, object]) -> Pickup:
        headers = {"idempotency-key": f"demo-{body['reference']}", "prefer": "wait=10"}
        return self._api.post("/pickups", body, Pickup, headers)

    def _introduce(self, place: int, pickup: Pickup) -> None:
        """Who sends what back, and why this carrier was chosen, in one sentence."""
        one, first = sample(place)
        asked = f" [simulated: {one.asked}]" if one.asked and first else ""
        text = f"{pickup.reference}  {one.what} of {worth(one)}, {one.city} {one.pin} to {one.warehouse}{asked}"
        sentence = pickup.decision.sentence if pickup.decision else f"not decided yet, {pickup.state}"
        self._console.print(f"{text}\n          {sentence}", markup=False, highlight=False, soft_wrap=True)
        self._follow([pickup])

    def _follow(self, pickups: Sequence[Pickup]) -> None:
        """From here on, with what their choice expected them to cost."""
        self._followed += [one.id for one in pickups]
        self._expected |= {one.id: one.decision.chosen for one in pickups if one.decision and one.decision.chosen}

    # --- days ---

    def _pass_days(self, seconds: float) -> bool:
        """Whether all that is followed has ended."""
        self._until = time.monotonic() + seconds
        now = self._advance(seconds=1)
        self._see(now)
        while self._under_way() and time.monotonic() < self._until:
            now = self._advance(to=next_stop(now, self._under_way()).isoformat())
            self._see(now)
        return not self._under_way()

    def _advance(self, **by: int | str) -> dt.datetime:
        return self._api.post("/test/clock/advance", by, Clock).now

    def _see(self, now: dt.datetime) -> None:
        """Until nothing is new any more and no carrier is being asked: news are told, people answer."""
        self._screen.at(now)
        quiet_since = started = time.monotonic()
        while time.monotonic() - started < _PATIENCE and (time.monotonic() - quiet_since < _QUIET or self._unsettled()):
            if self._tell_news() or self._people.look({one.id: one for one in self._present}):
                quiet_since = time.monotonic()
            time.sleep(_LOOK)

    def _unsettled(self) -> bool:
        return any(one.state in _UNSETTLED for one in self._present)

    def _tell_news(self) -> int:
        """How many events were new."""
        self._present = self._pickups()
        news = [(event, one) for one in self._present for event in one.events if event.sequence > self._told.get(one.id, 0)]
        troubles = {one.id: one for one in self._troubles(self._present)} if news else {}
        held_back: set[str] = set()
        for event, pickup in sorted(news, key=lambda pair: (pair[0].at, pair[1].reference, pair[0].sequence)):
            if pickup.id in held_back or undecided(event, troubles):
                held_back.add(pickup.id)
            else:
                self._tell(event, pickup, troubles)
        self._screen.show(self._present)
        return len(news)

    def _tell(self, event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> None:
        self._told[pickup.id] = event.sequence
        words = tell(event, pickup, troubles)
        if words:
            self._screen.line(pickup.reference, words)

    def _under_way(self) -> list[Pickup]:
        return [one for one in self._present if not one.ended]

    def _pickups(self) -> list[Pickup]:
        """Those that are followed, in their order."""
        found = {one.id: one for one in self._api.all("/pickups", Pickup, expand="visits,events")}
        return sorted((found[one] for one in self._followed if one in found), key=lambda one: one.reference)

    def _troubles(self, pickups: Sequence[Pickup]) -> list[Trouble]:
        ours = {one.id for one in pickups}
        return [one for one in self._api.all("/exceptions", Trouble) if one.pickup in ours]


def _next_number(before: Sequence[Pickup]) -> int:
    """How many sample returns there were: their references are counted on."""
    numbers = [int(found[1]) - 1000 for one in before if (found := re.fullmatch(r"RMA-(\d+)", one.reference))]
    return max(numbers, default=0)


def next_stop(now: dt.datetime, under_way: Sequence[Pickup]) -> dt.datetime:
    """The next time worth looking at: afternoon and night while riders are expected, nights only when parcels just travel."""
    here = now.astimezone(ZONE)
    visits = any(one.state in _AT_THE_DOOR for one in under_way)
    stops = [dt.datetime.combine(here.date() + dt.timedelta(days=more), at, ZONE) for more in (0, 1) for at in (_AFTERNOON, _NIGHT)]
    ahead = (stop for stop in stops if stop > here + _A_MOMENT)
    return next(stop for stop in ahead if visits or stop.time() == _NIGHT)
