"""Quotes from 5 and from 20 accounts at carriers that take 100 ms, and from 5 of which one hangs: `python -m tests.bench.quotes`.

What the figures mean stands in the package's docstring. Raises Broken where an answer is not the one that was to be measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench import shop
from tests.bench.measuring import Broken, Series, percentile, spread
from tests.bench.rig import Answer, Rig, rig

LATENCY = 100  # milliseconds
ROUNDS = 6
REQUESTS = 12  # of each variant in a round
DEADLINE = 1  # seconds, the shortest that can be asked for
LATE = 20  # milliseconds an answer may come after it
HANGS = 6
KINDS = ("gateway", "httpx", "streams")

_NOISY = 0.15
_AMONG = 5  # accounts beside the one that hangs, itself included


class Budget(NamedTuple):
    p50: float
    cpu: float


class Variant(NamedTuple):
    count: int
    kind: str

    @property
    def merchant(self) -> str:
        return f"of{self.count}"


BUDGETS = {5: Budget(p50=115, cpu=15), 20: Budget(p50=150, cpu=50)}
VARIANTS = [Variant(count, kind) for count in BUDGETS for kind in KINDS]


def main() -> None:
    sizes = {Variant(count, "").merchant: count for count in BUDGETS}
    with rig(sizes | {"hanging": _AMONG}, LATENCY) as bench:
        series = _in_rounds(bench)
        late = _beside_one_that_hangs(bench)
    _tell_table(series)
    _tell_budgets(series, late)


# --- measuring ------------------------------------------------------------------------------------


def _in_rounds(bench: Rig) -> dict[Variant, Series]:
    """All variants in turn, forwards and backwards."""
    series = {variant: Series() for variant in VARIANTS}
    for variant in VARIANTS:
        _measure(bench, variant, 3)  # opens connections, fetches tokens, warms the code
    for number in range(ROUNDS):
        for variant in VARIANTS if number % 2 == 0 else reversed(VARIANTS):
            bench.stub.calls()
            series[variant].add(*_measure(bench, variant, REQUESTS))
            _check_calls(bench.stub.calls(), variant)
    return series


def _measure(bench: Rig, variant: Variant, requests: int) -> tuple[list[float], float]:
    """Wall milliseconds of each request, CPU milliseconds of them all."""
    child = bench.gateway.child if variant.kind == "gateway" else bench.floor
    before = child.cpu
    walls = [_once(bench, variant) for _ in range(requests)]
    return walls, (child.cpu - before) * 1000


def _once(bench: Rig, variant: Variant) -> float:
    lane = next(bench.lanes)
    if variant.kind != "gateway":
        return float(bench.floor.ask(f"{variant.kind} {variant.merchant} {variant.count} {lane.origin} {lane.destination}"))
    wall, answer = bench.gateway.quote(variant.merchant, lane)
    if len(answer.offers) != shop.offers_of(variant.count):
        raise Broken(f"{len(answer.offers)} offers, not {shop.offers_of(variant.count)}; left out: {answer.left_out}")
    return wall


def _check_calls(counted: int, variant: Variant) -> None:
    expected = shop.calls_of(variant.count) * REQUESTS
    if counted != expected:
        raise Broken(f"{variant.kind} with {variant.count} accounts: the stub counted {counted} calls, not {expected}")


def _beside_one_that_hangs(bench: Rig) -> list[float]:
    """Wall milliseconds of quotes of which one account never answers."""
    last = _AMONG - 1
    bench.gateway.quote("hanging", next(bench.lanes))
    bench.stub.hang(shop.carrier_of(last), shop.lab_account("hanging", last))
    answers = [bench.gateway.quote("hanging", next(bench.lanes), DEADLINE) for _ in range(HANGS)]
    for _, answer in answers:
        _check_others(answer, shop.offers_of(last))
    return [wall for wall, _ in answers]


def _check_others(answer: Answer, expected: int) -> None:
    """The others' offers are all there, and one account was left out because it gave no answer."""
    silent = {one.account for one in answer.left_out if one.cause == "quote_timed_out"}
    if len(answer.offers) != expected or len(silent) != 1:
        raise Broken(f"one hangs: {len(answer.offers)} offers, not {expected}; left out: {answer.left_out}")


# --- telling --------------------------------------------------------------------------------------


def _tell_table(series: dict[Variant, Series]) -> None:
    print(
        f"quotes over HTTP; every carrier answers after {LATENCY} ms; {ROUNDS} rounds of {REQUESTS} requests, one after the other"
    )
    print("accounts  calls            p50 ms (rounds)          p99 ms   CPU ms (rounds)       x streams: wall   CPU")
    for variant, one in series.items():
        floor = series[Variant(variant.count, "streams")]
        print(
            f"{variant.count:8} {shop.calls_of(variant.count):6}  {variant.kind:8} {one.p(0.5):7.1f} {_range(one.medians):16}"
            f" {one.p(0.99):7.1f}  {one.cpu:7.1f} {_range(one.cpus):14}"
            f" {one.p(0.5) / floor.p(0.5):15.2f} {one.cpu / floor.cpu:5.1f}"
        )


def _range(values: Sequence[float]) -> str:
    return f"({min(values):.1f}-{max(values):.1f})"


def _tell_budgets(series: dict[Variant, Series], late: Sequence[float]) -> None:
    for count, budget in BUDGETS.items():
        ours = series[Variant(count, "gateway")]
        _tell(f"{count} accounts, p50", ours.p(0.5), budget.p50)
        _tell(f"{count} accounts, CPU a request", ours.cpu, budget.cpu)
    _tell(
        f"1 of {_AMONG} hangs, the others' offers by the deadline of {DEADLINE} s, slowest of {HANGS}",
        max(late),
        DEADLINE * 1000 + LATE,
    )
    for variant, one in series.items():
        if variant.kind != "gateway" and spread(one.cpus) > _NOISY:
            print(
                f"noisy: the floor's CPU ({variant.kind}, {variant.count} accounts) varies by {spread(one.cpus):.0%} between rounds"
            )


def _tell(what: str, figure: float, budget: float) -> None:
    print(f"{what}: {figure:.1f} ms, budget {budget:.0f} ms: {'met' if figure <= budget else 'MISSED'}")


if __name__ == "__main__":
    main()
