"""One carrier answers nothing at all: what that costs merchants at other carriers, and how soon its own are not kept waiting.

`python -m tests.bench.outage` runs it alone. One merchant asks for quotes from five accounts, all well; beside it, four times a
second, another asks from two accounts that answer in one half of the rounds and hang in the other. No account is in both. In the
API's one process they share all there is: loop, threads, database, core.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

from tests.bench import shop
from tests.bench.measuring import Broken, percentile
from tests.bench.rig import Rig, rig

LATENCY = 50  # milliseconds
ROUNDS = 4  # of each kind
QUOTES = 120  # in a round
ALLOWED = 1.2

_WELL, _ILL = 5, 2
_EVERY = 0.25  # seconds between the other merchant's quotes
_DEADLINE = 1


class Load:
    """The other merchant's quotes, from a thread of its own, until told to stop."""

    def __init__(self, bench: Rig) -> None:
        self._gateway = bench.gateway.beside()
        self._lanes = shop.lanes(seed=7)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.walls: list[float] = []

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(_EVERY):
            self.walls.append(self._gateway.quote("ill", next(self._lanes), _DEADLINE)[0])


class Round(NamedTuple):
    """Wall milliseconds of the merchant that is well, and of the other."""

    well: list[float]
    ill: list[float]


def main() -> None:
    with rig({"well": _WELL, "ill": _ILL}, LATENCY) as bench:
        _round(bench)  # opens connections, fetches tokens, warms the code
        rounds: dict[bool, list[Round]] = {False: [], True: []}
        for number in range(2 * ROUNDS):
            hangs = number % 4 in (1, 2)  # well, ill, ill, well
            _let(bench, hangs)
            rounds[hangs].append(_round(bench))
    _tell(rounds)


def _let(bench: Rig, hangs: bool) -> None:
    bench.stub.heal()
    for number in range(_ILL) if hangs else ():
        bench.stub.hang(shop.carrier_of(number), shop.lab_account("ill", number))


def _round(bench: Rig) -> Round:
    bench.gateway.connect()
    with Load(bench) as load:
        answers = [bench.gateway.quote("well", next(bench.lanes)) for _ in range(QUOTES)]
    if any(len(answer.offers) != shop.offers_of(_WELL) for _, answer in answers):
        raise Broken("not all offers of the merchant that is well came")
    return Round([wall for wall, _ in answers], load.walls)


def _tell(rounds: dict[bool, list[Round]]) -> None:
    well, hung = ([wall for one in rounds[hangs] for wall in one.well] for hangs in (False, True))
    print(f"an outage: quotes from {_WELL} accounts that are well, {len(well)} of each kind, milliseconds")
    for name, walls in (("no outage", well), ("two accounts of another merchant hang", hung)):
        print(f"  {name:40} p50 {percentile(walls, 0.5):6.0f}  p99 {percentile(walls, 0.99):6.0f}")
    ratio = percentile(hung, 0.99) / percentile(well, 0.99)
    print(f"  {'kept' if ratio <= ALLOWED else 'MISSED'}: p99 {ratio:.2f} times that without an outage, at most {ALLOWED}")
    waits = [wall for one in rounds[True] for wall in one.ill]
    quick = [wall for wall in waits if wall < _DEADLINE * 900] or [float("nan")]
    print(
        f"  the merchant whose accounts hang: {len(waits)} quotes, of which {len(waits) - len(quick)} waited for the deadline; the"
    )
    print(f"  others were answered at once, its accounts' places being taken or circuits open: p50 {percentile(quick, 0.5):.0f} ms")


if __name__ == "__main__":
    main()
