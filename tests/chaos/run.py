"""One run: returns are booked among faults and kills, days pass until all have ended, the auditor reads the books."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import msgspec

from gateway.demo import stage
from gateway.demo.api import Api
from tests.chaos import trouble
from tests.chaos.auditor import Findings, Line, audit
from tests.chaos.days import Days
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.parts import House
from tests.chaos.trouble import CARRIERS, Killer

_TAME_SENDING = 0.3
_MOST_STOPS = 150
_STEP_SECONDS = 60.0
_LEASE_SECONDS = 200.0  # what a killed driver held is free again after three minutes
_STILL = 3.0
_TOLD_EVERY = 10.0
_STILL_OURS = ("planned", "sending")  # bookings that no carrier has answered yet


class Books(msgspec.Struct):
    consignments: list[Line]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What the run went through."""

    kills: int
    while_sending: int
    unknown: int
    committed_without_reply: int
    refused: dict[str, str]

    @property
    def tame(self) -> list[str]:
        """What it did not go through."""
        few = self.kills and self.while_sending < _TAME_SENDING * self.kills
        return [
            *([f"kills while sending {self.while_sending} of {self.kills}, at least 30 % are wanted"] if few else []),
            *(["no booking was ever in doubt"] if not self.unknown else []),
            *(["no answer was lost after the carrier had done its work"] if not self.committed_without_reply else []),
        ]


class Run:
    """`say` is told how it goes."""

    def __init__(self, house: House, ledger: Ledger, number: int, kills: int, seed: int, say: Callable[[str], None]) -> None:
        self._house = house
        self._ledger = ledger
        self._number = number
        self._kills = kills
        self._say = say
        self._stage = stage.set_up(house.settings, seed)
        self._killer = Killer(house, ledger, seed)
        self._load = Load(lambda: Api(f"{house.settings.api_url}/v1", self._stage.key), self._stage.locations, number)

    def through(self) -> tuple[Findings, Tally]:
        trouble.unleash(self._stage.lab)
        self._load.start()
        self._kill_along()
        self._say(f"all booked; {self._killer.while_sending} of {self._killer.kills} kills while sending")
        self._see_through(Days(self._stage.api, self._stage.lab, self._ledger, self._house.revive))
        return self._audited(self._house.settings.lab_address.read_text())

    def _kill_along(self) -> None:
        """Evenly over the returns as carriers answer."""
        told = moved = time.monotonic()
        before = 0
        while not (self._load.done and self._killer.kills >= self._kills):
            self._house.revive()
            answered = sum(one.state not in _STILL_OURS for one in self._ledger.bookings())
            if answered != before:
                before, moved = answered, time.monotonic()
            if self._killer.kills < self._kills and self._due(answered, moved):
                self._killer.strike()
            time.sleep(0.05)
            if time.monotonic() > told + _TOLD_EVERY:
                told = time.monotonic()
                self._say(f"accepted {len(self._load.accepted)}, answered by a carrier {answered}, kills {self._killer.kills}")

    def _due(self, answered: int, moved: float) -> bool:
        """The next kill: by its share of the returns, or because nothing moves any more and kills are left."""
        left_over = self._load.done and time.monotonic() > moved + _STILL
        return left_over or answered * self._kills >= (self._killer.kills + 1) * self._number * 0.9

    def _see_through(self, days: Days) -> None:
        """Days, until all have ended."""
        days.settle(_LEASE_SECONDS)
        for stop in range(_MOST_STOPS):
            under_way = sum(not one.ended for one in self._ledger.pickups())
            if not under_way:
                return
            now = days.pass_one()
            days.settle(_STEP_SECONDS)
            if stop % 6 == 0:
                self._say(f"{now:%a %d %b %H:%M}: {under_way} under way")

    def _audited(self, lab: str) -> tuple[Findings, Tally]:
        books = [line for carrier in CARRIERS for line in _books(lab, carrier)]
        findings = audit(self._load.accepted, self._ledger.pickups(), self._ledger.bookings(), books)
        return findings, Tally(
            kills=self._killer.kills,
            while_sending=self._killer.while_sending,
            unknown=self._ledger.doubts(),
            committed_without_reply=trouble.committed_without_reply(lab),
            refused=self._load.refused,
        )


def _books(lab: str, carrier: str) -> list[Line]:
    answer = httpx.get(f"{lab}/_lab/books", params={"carrier": carrier}, timeout=60)
    return msgspec.json.decode(answer.content, type=Books).consignments
