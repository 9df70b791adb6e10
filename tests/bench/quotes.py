"""Quotes from 5 and 20 accounts at carriers that take 100 ms, from 5 of which one hangs, and from memory.

`python -m tests.bench.quotes` runs them alone.

What the figures mean stands in the package's docstring. Raises Broken where an answer is not the one that was to be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.bench import shop
from tests.bench.measuring import Broken, Series, spread
from tests.bench.rig import Answer, Rig, rig

LATENCY = 100  # milliseconds
ROUNDS = 6
REQUESTS = 10  # of each variant in a round
DEADLINE = 1  # seconds, the shortest that can be asked for
LATE = 20  # milliseconds an answer may come after it
HANGS = 6
REMEMBERED = 60  # requests in a round that need no carrier
KINDS = ("gateway", "httpx", "streams")

_NOISY = 0.15
_AMONG = 5  # accounts of which one hangs
_PAIR = 2  # accounts of a merchant with one at each carrier


class Budget(NamedTuple):
    p50: float
    cpu: float


class Variant(NamedTuple):
    accounts: int
    kind: str

    @property
    def merchant(self) -> str:
        return f"of{self.accounts}"


MEMORY_P99, MEMORY_RATE = 10, 400
BUDGETS = {5: Budget(p50=115, cpu=15), 20: Budget(p50=150, cpu=50)}
VARIANTS = [Variant(count, kind) for count in BUDGETS for kind in KINDS]


def main() -> None:
    sizes = {Variant(count, "").merchant: count for count in BUDGETS}
    with rig(sizes | {"hanging": _AMONG, "pair": _PAIR}, LATENCY) as bench:
        series = _in_rounds(bench)
        remembered = _from_memory(bench)
        late = _beside_one_that_hangs(bench)
    _tell_table(series)
    _tell_budgets(series)
    _tell(f"1 of {_AMONG} hangs: all other offers, slowest of {HANGS}", max(late), DEADLINE * 1000 + LATE)
    _tell_memory(remembered)
    _tell_noise(series)


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
    bench.gateway.connect()
    before = child.cpu
    walls = [_once(bench, variant) for _ in range(requests)]
    return walls, (child.cpu - before) * 1000


def _once(bench: Rig, variant: Variant) -> float:
    lane = next(bench.lanes)
    if variant.kind != "gateway":
        return float(bench.floor.ask(f"{variant.kind} {variant.merchant} {variant.accounts} {lane.origin} {lane.destination}"))
    wall, answer = bench.gateway.quote(variant.merchant, lane)
    if len(answer.offers) != shop.offers_of(variant.accounts):
        raise Broken(f"{len(answer.offers)} offers, not {shop.offers_of(variant.accounts)}; left out: {answer.left_out}")
    return wall


def _check_calls(counted: int, variant: Variant) -> None:
    expected = shop.calls_of(variant.accounts) * REQUESTS
    if counted != expected:
        raise Broken(f"{variant.kind} with {variant.accounts} accounts: the stub counted {counted} calls, not {expected}")


def _from_memory(bench: Rig) -> Series:
    """One lane again and again: after the first time no carrier is asked."""
    lane, series = next(bench.lanes), Series()
    bench.gateway.connect()
    for number in range(ROUNDS + 1):
        before = bench.gateway.child.cpu
        walls = [bench.gateway.quote("pair", lane)[0] for _ in range(REMEMBERED)]
        if number:  # the first round asks, and warms up
            series.add(walls, (bench.gateway.child.cpu - before) * 1000)
        if (bench.stub.calls() > 0) != (number == 0):
            raise Broken("what was to come from memory did not")
    return series


def _beside_one_that_hangs(bench: Rig) -> list[float]:
    """Wall milliseconds of quotes of which one account never answers."""
    last = _AMONG - 1
    bench.gateway.connect()
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
    print(f"quotes over HTTP, every carrier answers after {LATENCY} ms; {ROUNDS} rounds of {REQUESTS} requests one after the other")
    print("accounts  calls            p50 ms (rounds)          p99 ms   CPU ms (rounds)       x streams: wall   CPU")
    for variant, one in series.items():
        floor = series[Variant(variant.accounts, "streams")]
        print(
            f"{variant.accounts:8} {shop.calls_of(variant.accounts):6}  {variant.kind:8} {one.p(0.5):7.1f} {_range(one.medians):16}"
            f" {one.p(0.99):7.1f}  {one.cpu:7.1f} {_range(one.cpus):14}"
            f" {one.p(0.5) / floor.p(0.5):15.2f} {one.cpu / floor.cpu:5.1f}"
        )


def _range(values: Sequence[float]) -> str:
    return f"({min(values):.1f}-{max(values):.1f})"


def _tell_budgets(series: dict[Variant, Series]) -> None:
    for accounts, budget in BUDGETS.items():
        ours = series[Variant(accounts, "gateway")]
        _tell(f"{accounts} accounts, p50", ours.p(0.5), budget.p50)
        _tell(f"{accounts} accounts, CPU a request", ours.cpu, budget.cpu)


def _tell_memory(remembered: Series) -> None:
    """The rate is what one process's CPU allows, whoever drives it."""
    rate = 1000 / remembered.cpu
    _tell(f"{_PAIR} accounts, all from memory and rate cards, p99 (p50 {remembered.p(0.5):.1f} ms)", remembered.p(0.99), MEMORY_P99)
    print(f"  CPU {remembered.cpu:.2f} ms a request: {rate:.0f} a second, budget {MEMORY_RATE}: {_word(rate >= MEMORY_RATE)}")


def _tell_noise(series: dict[Variant, Series]) -> None:
    for variant, one in series.items():
        if variant.kind != "gateway" and spread(one.cpus) > _NOISY:
            print(f"noisy: CPU of {variant.kind} over {variant.accounts} accounts varies by {spread(one.cpus):.0%} between rounds")


def _tell(what: str, figure: float, budget: float) -> None:
    print(f"{what}: {figure:.1f} ms, budget {budget:.0f} ms: {_word(figure <= budget)}")


def _word(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    main()
