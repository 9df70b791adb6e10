"""The trouble: faults at every wire step of every carrier, and the kills."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from gateway.demo.api import Lab
from tests.chaos.ledger import Ledger
from tests.chaos.parts import House

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
# By consignment.
WORLD: Mapping[str, int] = {"silent": 20, "lost": 4, "scans_twice": 50, "scans_out_of_order": 50}
# After these the carrier has done its work and we do not know.
_DONE_IN_SILENCE = frozenset({"server_error_booked", "timeout_booked", "drop_after_commit", "truncated"})

_VICTIMS = ("work-1", "work-2", "api", "relay", "valkey", "flush")
_WEIGHTS = (32, 32, 12, 10, 8, 6)
_AIM = 1.5  # seconds a worker's kill waits for a call to be out


def unleash(lab: Lab) -> None:
    for carrier in CARRIERS:
        for kind, (thousandths, more) in FAULTS.items():
            lab.tell("/faults", carrier=carrier, kind=kind, probability=thousandths / 1000, **more)
        for kind, thousandths in WORLD.items():
            lab.tell("/faults", carrier=carrier, kind=kind, probability=thousandths / 1000)


def committed_without_reply(url: str) -> int:
    """How many calls did their work and lost their answer."""
    rules: list[dict[str, Any]] = msgspec.json.decode(httpx.get(f"{url}/_lab/faults", timeout=10).content)["faults"]
    return sum(one["fired"] for one in rules if one["kind"] in _DONE_IN_SILENCE)


class Killer:
    """Draws its victims by the seed; `while_sending` counts workers killed while a booking of theirs was on the wire."""

    def __init__(self, house: House, ledger: Ledger, seed: int) -> None:
        self._house = house
        self._ledger = ledger
        self._dice = random.Random(seed)
        self.kills = 0
        self.while_sending = 0

    def strike(self) -> None:
        (victim,) = self._dice.choices(_VICTIMS, _WEIGHTS)
        self.kills += 1
        if victim == "flush":
            self._house.flush()
            return
        if victim.startswith("work") and self._aimed():
            self.while_sending += 1
        self._house.kill(victim)

    def _aimed(self) -> bool:
        until = time.monotonic() + _AIM
        while time.monotonic() < until:
            if self._ledger.on_the_wire():
                return True
            time.sleep(0.002)
        return False
