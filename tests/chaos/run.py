"""One run: returns are booked among faults and kills, days pass until all have ended, the auditor reads the books."""

from __future__ import annotations

import datetime as dt
import functools
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from gateway.demo import stage
from gateway.demo.api import Api
from gateway.life.booking import BookingState
from tests.chaos import trouble
from tests.chaos.auditor import Evidence, Findings, Line, audit
from tests.chaos.days import Days
from tests.chaos.ledger import ON_THE_WIRE, Booking, Ledger
from tests.chaos.load import Load
from tests.chaos.merchant import Merchant
from tests.chaos.parts import House
from tests.chaos.trouble import CARRIERS, FLUSH, Killer, More

_TAME_SENDING = 0.3
_MOST_STOPS, _STUCK = 100, 20  # mornings and evenings: so many in all, and without any event
_OF_THE_DAYS = 0.2  # of the kills: while riders come, carriers are cancelled and others booked
_STOPS_OF_KILLS = 10  # over so many stops
_LAST_TRIES = (dt.timedelta(minutes=10), *(dt.timedelta(hours=11),) * 8)  # of the webhooks
_STILL = 10.0  # seconds without an answer of a carrier: what is left is not under way
_TOLD_EVERY = 10.0
_MOODS_EVERY = 1.0
_MOODY = 60.0  # seconds of a wait
_LAB_ACCOUNT = "lab_demo"


class Books(msgspec.Struct):
    consignments: list[Line]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What the run went through. `kills` by part; `turned_away` counts messages the merchant did not confirm, by his mood."""

    kills: Mapping[str, int]
    while_sending: int
    unknown: int
    committed_without_reply: int
    taken: int
    repeats: int
    turned_away: Mapping[str, int]
    refused: Mapping[str, str]

    @property
    def tame(self) -> list[str]:
        """What it did not go through."""
        kills = sum(self.kills.values())
        few = kills and self.while_sending < _TAME_SENDING * kills
        spared = {"work", "api", "relay", "valkey", FLUSH} - self.kills.keys() if kills >= len(trouble.DECK) else set()
        return [
            *([f"kills while sending {self.while_sending} of {kills}, at least 30 % are wanted"] if few else []),
            *(f"never killed: {part}" for part in sorted(spared)),
            *(["no booking was ever in doubt"] if not self.unknown else []),
            *(["no answer was lost after the carrier had done its work"] if not self.committed_without_reply else []),
            *(["the merchant turned no message away"] if not self.turned_away else []),
        ]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How many returns and kills, the dice's seed, which faults come more often, the states of bookings that kills of workers are
    aimed at; whether to stop at the first finding.
    """

    number: int
    kills: int
    seed: int
    more: Sequence[More] = ()
    aim: Sequence[BookingState] = ON_THE_WIRE
    impatient: bool = False


class _Broken(Exception):
    """Something was found that nothing can mend."""

    def __init__(self, findings: Findings) -> None:
        super().__init__("the books do not agree")
        self.findings = findings


class Run:
    """`say` is told how it goes."""

    def __init__(self, house: House, ledger: Ledger, merchant: Merchant, plan: Plan, say: Callable[[str], None]) -> None:
        self._house = house
        self._ledger = ledger
        self._merchant = merchant
        self._plan = plan
        self._first_kills = round(plan.kills * (1 - _OF_THE_DAYS))
        self._say = say
        self._stage = stage.set_up(house.settings, plan.seed)
        self._killer = Killer(house, ledger, plan.seed, plan.aim)
        self._dice = random.Random(plan.seed)
        self._moody = _MOODY
        client = functools.partial(Api, f"{house.settings.api_url}/v1", self._stage.key)
        self._load = Load(client, self._stage.locations, plan.number, plan.seed)
        endpoint = self._stage.api.post("/webhook-endpoints", {"url": merchant.url}, dict[str, Any])
        merchant.secret = str(endpoint["secret"])

    def through(self) -> tuple[Findings, Tally]:
        """To its end; an impatient run only to the first finding that nothing can mend."""
        trouble.unleash(self._stage.lab, self._plan.more)
        try:
            self._book()
            self._pass_days()
        except _Broken as broken:
            return broken.findings, self._tally()
        tally = self._tally()
        trouble.calm(self._lab)
        return self._audited(over=True), tally

    def _book(self) -> None:
        self._load.start()
        self._kill_along()
        self._killer.look()
        self._house.rest()
        self._say(f"all booked; {self._killer.while_sending} of {self._killer.kills.total()} kills while sending")

    def _pass_days(self) -> None:
        days = Days(self._stage.api, self._stage.lab, self._ledger, self._house, self._fare)
        self._see_through(days)
        self._moody = 0.0
        self._merchant.cheer_up()
        for span in _LAST_TRIES:
            if any(self._ledger.unsent().values()) and not days.over:
                days.let_pass(span)

    def _kill_along(self) -> None:
        """Evenly over the returns as carriers answer."""
        told = moved = moody = time.monotonic()
        before, rested = 0, False
        while not (self._load.done and self._killer.kills.total() >= self._first_kills):
            self._house.revive()
            answered = self._ledger.answered()
            if answered != before:
                before, moved, rested = answered, time.monotonic(), False
            still = self._load.done and time.monotonic() > moved + _STILL
            if self._killer.kills.total() < self._first_kills and ((still and rested) or self._due(answered)):
                self._killer.strike()
            elif still:  # what is left is held by the dead, or is tried again later
                self._killer.look()
                self._house.rest()
                rested, moved = True, time.monotonic()
            time.sleep(0.1)
            if time.monotonic() > moody + _MOODS_EVERY:
                moody = time.monotonic()
                self._merchant.change_mood()
            if time.monotonic() > told + _TOLD_EVERY:
                self._check()
                told = time.monotonic()
                self._say(
                    f"accepted {len(self._load.accepted)}, answered by a carrier {answered}, kills {self._killer.kills.total()}"
                )

    def _due(self, answered: int) -> bool:
        """The next kill, by its share of the returns."""
        return answered * self._first_kills >= (self._killer.kills.total() + 1) * self._plan.number * 0.9

    def _see_through(self, days: Days) -> None:
        """Days, until all have ended; the kills that are left fall on the first of them."""
        days.settle()
        told, moved = "", 0
        for stop in range(_MOST_STOPS):
            self._check()
            under_way, before, told = self._ledger.under_way(), told, self._ledger.told()
            moved = stop if told > before else moved
            if not under_way or stop > moved + _STUCK or days.over:
                return
            if stop > moved + 1:  # what a circuit breaker holds back: it, too, goes by another clock, and ends with its process
                self._house.rest()
            self._merchant.change_mood()
            now = days.pass_one(self._strike_now_and_then)
            if stop % 4 == 0:
                self._say(f"{now:%a %d %b %H:%M}: {under_way} under way")

    def _fare(self, waited: float) -> None:
        """The merchant is well in the end: who waits for him alone would wait for hours."""
        if waited < self._moody:
            self._merchant.change_mood()
        else:
            self._merchant.cheer_up()

    def _strike_now_and_then(self) -> None:
        for _ in range(min(self._kills_left(), math.ceil((self._plan.kills - self._first_kills) / _STOPS_OF_KILLS))):
            self._house.revive()
            time.sleep(self._dice.random() * 0.5)
            self._killer.strike()
            self._killer.look()

    def _kills_left(self) -> int:
        """As planned; and up to as many again where too few have hit a call, which shows nothing."""
        killed, tame = self._killer.kills.total(), self._killer.while_sending < _TAME_SENDING * self._killer.kills.total()
        return max(self._plan.kills * (2 if tame else 1) - killed, 0)

    def _check(self) -> None:
        """Raises _Broken where there is something already that nothing can mend."""
        findings = self._audited(over=False) if self._plan.impatient else None
        if findings and not findings.clean:
            raise _Broken(findings)

    def _audited(self, *, over: bool) -> Findings:
        accepted = {reference: list(answers) for reference, answers in list(self._load.accepted.items())}
        told, messages = self._ledger.delivered(), list(self._merchant.taken)
        books = [line for carrier in CARRIERS for line in _books(self._lab, carrier)]
        pickups, bookings = self._ledger.pickups(), self._ledger.bookings()
        seen = Evidence(
            accepted=accepted,
            refused=dict(self._load.refused),
            told=told,
            messages=messages,
            books=books,
            pickups=pickups,
            bookings=bookings,
            labels=frozenset(_paid_labels(self._lab, bookings)) if over else frozenset(),
            events=self._ledger.events(),
            unsent=self._ledger.unsent(),
            calls=self._ledger.calls(),
            unguarded=self._ledger.takes_twice(),
            over=over,
        )
        return audit(seen)

    def _tally(self) -> Tally:
        return Tally(
            kills=self._killer.kills,
            while_sending=self._killer.while_sending,
            unknown=self._ledger.doubts(),
            committed_without_reply=trouble.committed_without_reply(self._lab),
            taken=len(self._merchant.taken),
            repeats=len(self._merchant.taken) - len({one.id for one in self._merchant.taken}),
            turned_away=self._merchant.turned_away,
            refused=self._load.refused,
        )

    @property
    def _lab(self) -> str:
        return self._house.settings.lab_address.read_text()


def _books(lab: str, carrier: str) -> list[Line]:
    answer = httpx.get(f"{lab}/_lab/books", params={"carrier": carrier}, timeout=60)
    return msgspec.json.decode(answer.content, type=Books).consignments


def _paid_labels(lab: str, bookings: Sequence[Booking]) -> Iterator[str]:
    """Shipments whose label was bought and not given back, as EasyPost tells its customer."""
    with httpx.Client(base_url=f"{lab}/easypost", auth=(_LAB_ACCOUNT, ""), timeout=10) as http:
        for shipment in {one.handles["shipment"] for one in bookings if one.over and "shipment" in one.handles}:
            told = http.get(f"/shipments/{shipment}").raise_for_status().json()
            if told["postage_label"] and not told["refund_status"]:
                yield shipment
