"""The trouble: faults at every wire step of every carrier, and the kills."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import random
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import httpx
import msgspec

from gateway.demo.api import Lab, Problem
from gateway.life.booking import BookingState
from tests.chaos.ledger import ON_THE_WIRE, Ledger, Sent
from tests.chaos.parts import WORKERS, House

CARRIERS = ("aramex", "delhivery", "easypost", "ekart")
# By call: a chance in a thousand of each. Those that answer nothing hang up after a while instead of keeping a worker for minutes.
FAULTS: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "refuse": (8, {}),
    "error_in_200": (8, {}),
    "throttle": (8, {"retry_after": 1}),
    "server_error": (10, {}),
    "server_error_booked": (20, {}),
    "timeout_unbooked": (10, {"delay_ms": 400}),
    "timeout_booked": (20, {"delay_ms": 400}),
    "drop_before_commit": (15, {}),
    "drop_after_commit": (30, {}),
    "truncated": (15, {}),
    "html": (8, {}),
    "slow": (20, {"delay_ms": 300}),
}
# A cancel that is lost before the carrier has seen it is the one that must not be taken for confirmed.
_OF_CANCELS: Mapping[str, int] = {"drop_before_commit": 150, "timeout_unbooked": 150}
# Longer than a short lease, shorter than any time-out: the first bookings but a few, so many at each carrier.
_LONG: Mapping[str, int] = {"after": 4, "times": 2, "delay_ms": 12_000}
# By consignment.
WORLD: Mapping[str, int] = {"silent": 60, "lost": 4, "scans_twice": 50, "scans_out_of_order": 50, "pushes_lost": 600}
# No carrier tells of what its wire format has no word for: a parcel lost at Aramex is in transit for ever.
_UNTOLD = frozenset({("aramex", "lost")})
# Real carriers are no faster, and a call that is out can be hit. Each in milliseconds.
_LATENCIES: Mapping[str, int] = {"book": 500, "cancel": 500}
# The carrier that takes the same booking twice and cannot be asked: half of the returns in India go to it.
_BOOKS_TWICE = ("ekart",)
_CHEAPER_IN, _PRICE = ("400", "560", "411", "380"), 0.6
# After these the carrier has done its work and we do not know.
_DONE_IN_SILENCE = frozenset({"server_error_booked", "timeout_booked", "drop_after_commit", "truncated"})

# Every ten kills, in an order of the dice.
FLUSH = "flush"
DECK = ("work-1",) * 3 + ("work-2",) * 3 + ("api", "relay", "valkey", FLUSH)
_AIM = 4.0  # seconds a worker's kill waits for a call to be out, half of them for one that could be doubled
_UNDER_WAY = (dt.timedelta(seconds=0.15), dt.timedelta(seconds=0.45))  # the carrier has read it and not answered yet
_SETTLED = 1.0  # seconds after which a booking still on the wire is nobody's any more


class More(msgspec.Struct, frozen=True, kw_only=True):
    """More of one fault: `thousandths` of the calls, or of those of one operation."""

    kind: str
    thousandths: int
    operation: str = ""

    @classmethod
    def read(cls, text: str) -> More:
        """KIND=THOUSANDTHS or KIND=THOUSANDTHS@OPERATION. Raises ValueError."""
        kind, _, rest = text.partition("=")
        thousandths, _, operation = rest.partition("@")
        return cls(kind=kind, thousandths=int(thousandths), operation=operation)


def unleash(lab: Lab, more: Iterable[More]) -> None:
    for carrier in _BOOKS_TWICE:
        for zone in _CHEAPER_IN:
            lab.tell("/world", carrier=carrier, zone=zone, price=_PRICE)
    for carrier in CARRIERS:
        for operation, ms in _LATENCIES.items():
            lab.tell("/latency", carrier=carrier, operation=operation, ms=ms)
        lab.tell("/faults", carrier=carrier, kind="slow", operation="book", **_LONG)
        for kind, thousandths in _OF_CANCELS.items():
            lab.tell("/faults", carrier=carrier, operation="cancel", kind=kind, probability=thousandths / 1000, **FAULTS[kind][1])
        for one in more:
            rule: dict[str, Any] = {"kind": one.kind, "probability": one.thousandths / 1000, **FAULTS.get(one.kind, (0, {}))[1]}
            with contextlib.suppress(Problem):  # not every carrier has each operation
                lab.tell("/faults", carrier=carrier, operation=one.operation, **rule)
        for kind, (thousandths, details) in FAULTS.items():
            lab.tell("/faults", carrier=carrier, kind=kind, probability=thousandths / 1000, **details)
        for kind, thousandths in WORLD.items():
            if (carrier, kind) not in _UNTOLD:
                lab.tell("/faults", carrier=carrier, kind=kind, probability=thousandths / 1000)


def committed_without_reply(url: str) -> int:
    """How many calls did their work and lost their answer."""
    rules: list[dict[str, Any]] = msgspec.json.decode(httpx.get(f"{url}/_lab/faults", timeout=10).content)["faults"]
    return sum(one["fired"] for one in rules if one["kind"] in _DONE_IN_SILENCE)


def calm(url: str) -> None:
    """No faults any more: the auditor asks, too."""
    httpx.delete(f"{url}/_lab/faults", timeout=10).raise_for_status()


class Killer:
    """Deals its victims by the seed, workers by the bookings in those states that they have in hand; `kills` counts them by part.
    What died on the wire is known a second after the kill.
    """

    def __init__(self, house: House, ledger: Ledger, seed: int, aim: Collection[BookingState] = ON_THE_WIRE) -> None:
        self._house = house
        self._ledger = ledger
        self._dice = random.Random(seed)
        self._aimed_at = aim
        self._deck: list[str] = []
        self._hit: Sent | None = None
        self._hit_at = 0.0
        self.kills: collections.Counter[str] = collections.Counter()
        self.while_sending = 0

    def strike(self) -> None:
        self.look()
        victim = self._next()
        self.kills[victim.partition("-")[0]] += 1
        if victim == FLUSH:
            self._house.flush()
        elif victim in WORKERS:
            self._shoot(victim)
        else:
            self._house.kill(victim)

    def look(self) -> None:
        """Whether nobody got the answer to the call that the last worker's kill was aimed at: then the worker was sending."""
        if self._hit:
            time.sleep(max(0.0, self._hit_at + _SETTLED - time.monotonic()))
            self.while_sending += self._ledger.unanswered(self._hit)
        self._hit = None

    def _next(self) -> str:
        if not self._deck:
            self._deck = self._dice.sample(DECK, len(DECK))
        return self._deck.pop()

    def _shoot(self, worker: str) -> None:
        """Whoever has a call out; where nobody has, even when what the dead held is free again, this worker."""
        driver = self._aim()
        if driver is None:
            self._house.rest()
            driver = self._aim()
        self._house.kill(driver or worker)

    def _aim(self) -> str | None:
        """Who has had a call out for a moment, so that the carrier has read it."""
        began = time.monotonic()
        while (aimed := time.monotonic() - began) < _AIM:
            carriers = _BOOKS_TWICE if aimed < _AIM / 2 else CARRIERS
            for sent in self._ledger.been(self._aimed_at, carriers, *_UNDER_WAY):
                if driver := self._house.driver_of(sent.pickup):
                    self._hit, self._hit_at = sent, time.monotonic()
                    return driver
            time.sleep(0.02)
        return None
