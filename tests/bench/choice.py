"""How long a decision among six carriers takes: `python -m tests.bench.choice`.

CPU time, the smallest mean of several repeats (the machine's noise only adds). The floor is what no rule can do without:
finding the smallest of six prices. Limit: 20 us a decision.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable

import msgspec

from adapters.contract.units import Money
from rates.choice import Candidate, Decision, Situation, order, rank, replay
from rates.estimates import Cell, Estimate, Prior, estimate, observe
from rates.policy import DEFAULT

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
LIMIT = 20.0
CARRIERS = 6
SITUATION = Situation(zone="IN-560")


def main() -> None:
    cells = [_cell(number) for number in range(CARRIERS)]
    candidates = [_candidate(number, estimate(cell, cell, Prior(), NOW)) for number, cell in enumerate(cells)]
    decision = rank(candidates, (), DEFAULT, SITUATION, NOW)
    floor = microseconds(lambda: min(candidates, key=lambda offer: offer.price_minor))
    print(f"choice among {CARRIERS} carriers, CPU microseconds; the floor, the cheapest of their prices: {floor:.2f}")
    print(f"{'part':58} {'us':>7} {'x floor':>8}")
    decided = microseconds(lambda: rank(candidates, (), DEFAULT, SITUATION, NOW))
    for name, spent in (
        ("index and order", microseconds(lambda: order(candidates, DEFAULT, SITUATION))),
        ("decision with its sentence", decided),
        ("six estimates with ranges", microseconds(lambda: [estimate(cell, cell, Prior(), NOW) for cell in cells])),
        ("one visit observed", microseconds(lambda: observe(cells[0], True, 1.0, NOW))),
        ("stored as JSON", microseconds(lambda: msgspec.json.encode(decision))),
        ("read back and replayed", microseconds(lambda: replay(msgspec.json.decode(msgspec.json.encode(decision), type=Decision)))),
    ):
        print(f"{name:58} {spent:7.2f} {spent / floor:8.1f}")
    print(f"limit: a decision in at most {LIMIT:.0f} us: {'met' if decided <= LIMIT else 'MISSED'} ({decided:.1f})")


def microseconds(run: Callable[[], object], calls: int = 2000, repeats: int = 9) -> float:
    """CPU time of one call: the smallest mean over the repeats."""
    means = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            run()
        means.append((time.process_time() - start) / calls)
    return min(means) * 1e6


def _cell(number: int) -> Cell:
    dice, cell = random.Random(number), Cell()
    for visit in range(300):
        cell = observe(cell, dice.random() < 0.5 + number / 15, 1.0, NOW - dt.timedelta(hours=5 * visit))
    return cell


def _candidate(number: int, chance: Estimate) -> Candidate:
    price = 82_00 + 7_00 * number
    return Candidate(
        account=f"cac_{number}",
        carrier=f"carrier{number}",
        service="surface",
        name=f"Carrier {number}",
        price=Money(price, "INR"),
        price_minor=price,
        due_if_not_collected=Money(0, "INR"),
        due_minor=0,
        estimate=chance,
        days_to_success=1.0 + number / 10,
        days_to_failure=2.0,
    )


if __name__ == "__main__":
    main()
