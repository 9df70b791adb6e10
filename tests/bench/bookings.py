"""Bookings: POST /v1/pickups at a fixed rate, and what one booking costs from there to its label.

`python -m tests.bench.bookings` runs it alone. Milliseconds count from when a request was due, not from when it could be sent.
Relay and worker book meanwhile, and go on until all is booked; CPU is that of API, relay and worker together, from the first
request to the last label. *without a ledger* is the same path with one transaction at its end, see `tests.bench.plain`.
"""

from __future__ import annotations

import statistics
from typing import NamedTuple

from tests.bench.line import ACCOUNTS, LATENCY, Line, line
from tests.bench.measuring import percentile, spread

RATE, SECONDS = 100, 10
ROUNDS, BOOKINGS = 3, 100
P50, P99 = 15.0, 100.0  # milliseconds until 202
PER_CPU_SECOND = 150
TAX = 0.35  # of a booking's CPU, for the ledger

_DATABASES = {"SQLite": "sqlite", "PostgreSQL": "postgres"}
_WITH, _WITHOUT = "with the ledger", "without a ledger"
_WARM_UP = 50


class Cost(NamedTuple):
    """CPU milliseconds a booking, by part."""

    parts: dict[str, float]

    @property
    def sum(self) -> float:
        return sum(self.parts.values())


def main() -> None:
    print(f"bookings: {ACCOUNTS} carrier accounts that answer after {LATENCY} ms, one worker")
    for name, database in _DATABASES.items():
        _accept(name, database)
    _tax()


def _accept(name: str, database: str) -> None:
    with line(database) as bench:
        _book(bench, _WARM_UP)
        beside, cost = _book(bench, RATE * SECONDS)
        with bench.held():
            alone = bench.ask(RATE * SECONDS, RATE)
    print(f"  {name}: {RATE} requests a second for {SECONDS} s")
    p50, p99, rate = percentile(alone, 0.5), percentile(alone, 0.99), 1000 / cost.sum
    _tell(f"202 after p50 {p50:.1f} ms (budget {P50:.0f})", p50 <= P50)
    _tell(f"202 after p99 {p99:.1f} ms (budget {P99:.0f})", p99 <= P99)
    print(f"  with relay and worker on the same core: p50 {percentile(beside, 0.5):.1f} ms, p99 {percentile(beside, 0.99):.1f} ms")
    _tell(f"{rate:.0f} bookings a CPU-second, at least {PER_CPU_SECOND}: {_in_words(cost)}", rate >= PER_CPU_SECOND)


def _book(bench: Line, number: int) -> tuple[list[float], Cost]:
    """Milliseconds until each was accepted, and what all of it cost."""
    before = {name: part.cpu for name, part in bench.parts.items()}
    walls = bench.ask(number, RATE)
    bench.until_booked()
    return walls, Cost({name: (part.cpu - before[name]) * 1000 / number for name, part in bench.parts.items()})


def _tax() -> None:
    """Both in turn, on SQLite."""
    costs: dict[str, list[Cost]] = {_WITH: [], _WITHOUT: []}
    with line("sqlite") as ledger, line("sqlite", plain=True) as plain:
        benches = [(_WITH, ledger), (_WITHOUT, plain)]
        for _, bench in benches:
            _book(bench, _WARM_UP)
        for number in range(ROUNDS):
            for kind, bench in benches if number % 2 == 0 else reversed(benches):
                costs[kind].append(_book(bench, BOOKINGS)[1])
    for kind, found in costs.items():
        print(f"  {kind}: {_mean(found):.1f} ms CPU ({spread([cost.sum for cost in found]):.0%} apart): {_in_words(found[-1])}")
    tax = 1 - _mean(costs[_WITHOUT]) / _mean(costs[_WITH])
    _tell(f"the ledger's share of a booking's CPU {tax:.0%} (at most {TAX:.0%})", tax <= TAX)


def _mean(costs: list[Cost]) -> float:
    return statistics.fmean(cost.sum for cost in costs)


def _in_words(cost: Cost) -> str:
    return ", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in cost.parts.items())


def _tell(words: str, met: bool) -> None:
    print(f"  {'kept' if met else 'MISSED'}: {words}")


if __name__ == "__main__":
    main()
