"""`make bench-choice`: plays the worlds on all cores and prints regret, coverage and the time of a decision beside their limits."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.pool import Pool

import msgspec

from tests.bench import choice as clock
from tests.bench_choice import coverage
from tests.bench_choice.play import Bill, Oracle, Other, Ours, Player, Told
from tests.bench_choice.rules import OTHERS, THRESHOLD, WEIGHTS
from tests.bench_choice.world import EASE, Terms, World

OURS = "ours: expected cost"
TOLD = "ours, told chances"
BOUNDS = ("oracle", TOLD)
WORLDS: Mapping[str, Mapping[str, float]] = {
    "normal": {},
    "drift x2": {"drift": 2.0, "strikes_a_year": 0.5, "local_strikes_a_year": 0.7},
    "dear failures": {"failed_visit_cost": 60},
    "rough": {
        "sd_drift_carrier": 0.25,
        "sd_drift_in_zone": 0.35,
        "days_of_drift": 60.0,
        "strikes_a_year": 0.7,
        "local_strikes_a_year": 0.7,
    },
}
LIMITS = {("normal", 20): 3.5, ("normal", 200): 2.5}  # per cent, mean regret


class Part(msgspec.Struct, frozen=True):
    """One line of figures: a kind of world at a volume, for so many days."""

    world: str
    volume: int
    days: int


class Play(msgspec.Struct, frozen=True):
    """One seed of it, what every way of choosing came to, and how far luck alone may have set each apart from ours (`luck`)."""

    part: Part
    seed: int
    bills: Mapping[str, Bill]
    lucks: Mapping[str, float]

    def regret(self, name: str) -> float:
        """Per cent of the oracle's cost; every pickup of a world is paid for, so costs can be compared as they are."""
        return 100 * (self.bills[name].cost / self.bills["oracle"].cost - 1)

    def lost(self, name: str, errors: float = 0.0) -> bool:
        """Whether that rule was not dearer than ours, by so many standard errors of the comparison."""
        return self.bills[OURS].cost - self.bills[name].cost >= errors * self.lucks[name]

    def beaten(self, name: str) -> bool:
        """Whether any rule but the bounds was not dearer than `name`."""
        return any(self.bills[other].cost <= self.bills[name].cost for other in OTHERS)


def main() -> int:
    arguments = _arguments()
    parts = _parts(arguments)
    seeds = range(1, arguments.seeds + 1)
    _print_terms(parts, seeds)
    started = time.monotonic()
    with multiprocessing.Pool(arguments.processes) as pool:
        for part in parts:
            _print_part(part, _play_all(pool, [(part, seed) for seed in seeds]))
    _print_coverage(arguments.quick)
    print()
    clock.main()
    print(f"\n{len(parts) * len(seeds)} worlds in {time.monotonic() - started:.0f} s")
    return 0


# --- what to play ---------------------------------------------------------------------------------

# Days of a world by its volume, for some forty minutes of CPU time; `--days 365` plays years everywhere.
_DAYS = {"normal": {20: 365, 200: 365, 1500: 60}, "drift x2": {20: 365, 200: 90}, "dear failures": {20: 365, 200: 90}}
_QUICK = {"normal": {20: 60, 200: 10}}
_DAYS_ELSEWHERE = 30


def _parts(arguments: argparse.Namespace) -> list[Part]:
    """As asked for; what was left open as in the tables above."""
    table = _QUICK if arguments.quick else _DAYS
    return [
        Part(name, volume, arguments.days or table.get(name, {}).get(volume, _DAYS_ELSEWHERE))
        for name in arguments.worlds or table
        for volume in arguments.volumes or table.get(name, _DAYS["normal"])
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-choice", description=__doc__)
    parser.add_argument("--seeds", type=int, default=0, help="how many seeds, from 1 on (12; 2 if quick)")
    parser.add_argument("--days", type=int, default=0, help="days of every world (else a year where there are limits)")
    parser.add_argument("--volumes", type=_numbers, default=[], help="pickups a day, as 20,200,1500")
    parser.add_argument("--worlds", type=_worlds, default=[], help=f"some of: {', '.join(WORLDS)}")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at once (all cores)")
    parser.add_argument("--quick", action="store_true", help="a look in seconds; too short for the limits")
    found = parser.parse_args()
    found.seeds = found.seeds or (2 if found.quick else 12)
    return found


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _worlds(text: str) -> list[str]:
    names = [word.strip() for word in text.split(",")]
    unknown = set(names) - set(WORLDS)
    if unknown:
        raise argparse.ArgumentTypeError(f"no world called {', '.join(sorted(unknown))}; there are {', '.join(WORLDS)}")
    return names


# --- playing --------------------------------------------------------------------------------------


def _play_all(pool: Pool, wanted: Sequence[tuple[Part, int]]) -> list[Play]:
    plays = []
    for done, play in enumerate(pool.imap_unordered(_play, wanted), 1):
        plays.append(play)
        print(f"\r{play.part.world}, {play.part.volume} a day: {done} of {len(wanted)}", end=" ", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return plays


def _play(wanted: tuple[Part, int]) -> Play:
    part, seed = wanted
    world = World(_terms(part), seed)
    players = dict(_players(world, seed))
    bills = {name: player.play() for name, player in players.items()}
    return Play(part, seed, bills, {name: luck(players[OURS].paid, player.paid) for name, player in players.items()})


def luck(ours: Sequence[int], others: Sequence[int]) -> float:
    """The standard error of the difference between two bills, from what each pickup cost under the one and under the other.

    Who opens the door is drawn; two rules that send different carriers differ by that too. What they learnt on the way also hung
    on it, which is not in this figure.
    """
    apart = [one - other for one, other in zip(ours, others, strict=True)]
    return statistics.pstdev(apart) * math.sqrt(len(apart))


def _terms(part: Part) -> Terms:
    return msgspec.structs.replace(Terms(days=part.days, pickups_a_day=part.volume), **WORLDS[part.world])


def _players(world: World, seed: int) -> Iterator[tuple[str, Player]]:
    yield "oracle", Oracle(world)
    yield TOLD, Told(world)
    yield OURS, Ours(world)
    for name, rule in OTHERS.items():
        yield name, Other(world, rule, seed)


# --- printing -------------------------------------------------------------------------------------


def _print_terms(parts: Sequence[Part], seeds: Sequence[int]) -> None:
    print("The choice, played against other rules and an oracle. The world (log-odds for sd_...; rupees):")
    for name, value in msgspec.structs.asdict(Terms()).items():
        if name not in ("days", "pickups_a_day"):
            print(f"  {name} = {value}")
    print(f"  customers (share, ease) = {EASE}; threshold = {THRESHOLD}; weights = {WEIGHTS}; policy = the default one")
    for name in dict.fromkeys(part.world for part in parts):
        print(f"  {name}: {dict(WORLDS[name]) or 'as above'}")
    print(f"  seeds = {seeds[0]}..{seeds[-1]}", flush=True)


def _print_part(part: Part, plays: Sequence[Play]) -> None:
    bills: dict[str, list[Bill]] = defaultdict(list)
    for play in plays:
        for name, bill in play.bills.items():
            bills[name].append(bill)
    print(f"\n{part.world}, {part.volume} pickups a day, {part.days} days, {len(plays)} seeds")
    print(f"  {'':22} {'regret %':>8} {'best':>7} {'worst':>7} {'cost':>8} {'collected':>10} {'visits':>7}  seeds lost by ours")
    for name, own in bills.items():
        regrets = [play.regret(name) for play in plays]
        pickups = sum(bill.pickups for bill in own)
        cost, collected = sum(bill.cost for bill in own) / pickups / 100, sum(bill.collected for bill in own) / pickups
        lost = "" if name in (OURS, *BOUNDS) else f"  {_lost(plays, name)}"
        print(
            f"  {name:22} {statistics.fmean(regrets):8.2f} {min(regrets):7.2f} {max(regrets):7.2f} {cost:8.2f} "
            f"{collected:10.1%} {sum(bill.visits for bill in own) / pickups:7.2f}{lost}"
        )
    _print_limits(part, plays)


def _lost(plays: Sequence[Play], name: str) -> str:
    clearly = sum(play.lost(name, 2.0) for play in plays)
    return f"{sum(play.lost(name) for play in plays):3} of {len(plays)}{f', {clearly} clearly' if clearly else ''}"


def _print_limits(part: Part, plays: Sequence[Play]) -> None:
    limit = LIMITS.get((part.world, part.volume))
    if limit is None:
        return
    mean = statistics.fmean(play.regret(OURS) for play in plays)
    lost, hopeless = (sorted(play.seed for play in plays if play.beaten(name)) for name in (OURS, TOLD))
    print(f"  limit: mean regret at most {limit} %: {'met' if mean <= limit else 'MISSED'} ({mean:.2f})")
    print(f"  limit: below every other rule on every seed: {f'MISSED on seeds {lost}' if lost else 'met'}")
    print(f"  beaten though it was told the true chances: {f'on seeds {hopeless}' if hopeless else 'on no seed'}")


def _print_coverage(quick: bool) -> None:
    print("\n95 % ranges that hold the truth, by visits to each zone (seed 1)")
    print(f"  {'visits':>6} {'Wilson':>8} {'posterior':>10} {'posterior, the far tenth of zones':>34}")
    for visits in (10, 30, 100):
        found = coverage.measure(1, visits, 20 if quick else 60)
        print(f"  {visits:6} {found.wilson:8.1%} {found.posterior:10.1%} {found.posterior_of_outliers:34.1%}")


if __name__ == "__main__":
    sys.exit(main())
