"""Scorecards over a million bookings, and what one more visit costs: `python -m tests.bench.scorecards [BOOKINGS]`.

An invented merchant: six services, 300 zones of uneven volume, a year. The facts are written as rows, their sums by the
product's own `recount`. One update is everything that a visit that ends does to cells, fact and sums within its transaction; the
commit, shared with the visit itself, is not counted. The floor of an answer is the plain GROUP BY over the facts.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway.services import facts, following, scorecards, scoring
from gateway.store import cases, scores, scores_facts, tables
from gateway.store.ledger import VISITS
from gateway.store.scores_reading import Wanted
from rates.estimates import Cell, observe
from tests.world import MONDAY, World

BOOKINGS = 1_000_000
ANSWER, UPDATE, REBUILD = 300.0, 1.0, 20_000.0  # milliseconds
_SERVICES = [(f"carrier{number}", service) for number in range(3) for service in ("surface", "express")]
_ZONES = [f"IN-{number}" for number in range(300, 600)]
_TODAY = MONDAY.date()


def main(bookings: int = BOOKINGS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), ("ekart",))
        try:
            _fill(world, Path(folder) / "gateway.db", bookings)
            print(f"scorecards over {bookings:,} bookings of a year, CPU milliseconds")
            _tell_rebuild(world)
            _tell_answers(world)
            _tell_update(world)
        finally:
            world.close()


# --- an invented year ------------------------------------------------------------------------------


def _fill(world: World, path: Path, bookings: int) -> None:
    names = [column.name for column in tables.facts.columns]
    holes = ", ".join("?" * len(names))
    with sqlite3.connect(path) as raw:  # without foreign keys: the bookings behind the facts are not needed here
        raw.executemany(f"INSERT INTO facts ({', '.join(names)}) VALUES ({holes})", _rows(world, names, bookings))
    raw.close()
    with world.db.write() as tx:
        scores.write(tx, world.owner, _cells())


def _rows(world: World, names: list[str], bookings: int) -> Iterator[list[Any]]:
    dice = random.Random(7)
    weights = [1 / rank for rank in range(1, len(_ZONES) + 1)]
    zones = dice.choices(_ZONES, weights, k=bookings)
    for number in range(bookings):
        row = _row(dice, world, number, zones[number])
        yield [row.get(name, 0) for name in names]


def _row(dice: random.Random, world: World, number: int, zone: str) -> dict[str, Any]:
    carrier, service = dice.choice(_SERVICES)
    day = _TODAY - dt.timedelta(days=dice.randrange(365))
    booked = dt.datetime.combine(day, dt.time(dice.randrange(6, 20)), dt.UTC)
    first, cost = dice.random() < 0.72, 80_00 + dice.randrange(40_00)
    waiting = (_TODAY - day).days < 3 and not first
    return {
        "booking_id": f"bkg_{number:020d}", "merchant_id": world.owner.merchant_id, "mode": "test", "pickup_id": f"pck_{number}",
        "day": day.isoformat(), "week": (day - dt.timedelta(days=day.weekday())).isoformat(), "weekday": day.isoweekday(),
        "account_id": f"cac_{carrier}", "carrier": carrier, "moved_by": carrier, "service": service, "zone": zone,
        "postal_code": f"{zone[3:]}{dice.randrange(25):03d}", "destination": "394101", "weight_g": dice.randrange(100, 5000),
        "quality_check": dice.random() < 0.2, "return_reason": "size_or_fit", "chosen_by": "rule", "given": "{}",
        "booked_at": booked.replace(tzinfo=None).isoformat(" "), "booked_hour": scores_facts.hour_of(booked), "waiting": waiting,
        "hours": 0 if waiting else min(int(dice.expovariate(1 / 30)) + 4, 721), "chance": dice.randrange(550_000, 850_000),
        "bookings": 1, "first_known": int(not waiting), "first_collected": int(first), "visits": 1, "collected": int(first),
        "over": int(not first and not waiting), "cost": cost, "cost_squared": cost * cost, "cost_of_collected": cost * first,
    }  # fmt: skip


def _cells() -> dict[str, Cell]:
    found = {"all": _seen(5000)}
    for carrier, service in _SERVICES:
        found[scoring.service_key(carrier, service)] = _seen(800)
        found |= {scoring.zone_key(carrier, service, zone): _seen(20) for zone in _ZONES}
    return found


def _seen(visits: int) -> Cell:
    cell = Cell()
    for number in range(visits):
        cell = observe(cell, number % 4 != 0, 1.0, MONDAY)
    return cell


# --- what is measured ------------------------------------------------------------------------------


def _tell_rebuild(world: World) -> None:
    with world.db.write() as tx:
        _tell("sums added up anew from the facts", _once(lambda: scores_facts.recount(tx, world.owner)), REBUILD)


def _tell_answers(world: World) -> None:
    with world.db.read() as tx:
        floor = _once(lambda: _group_by(tx))
        print(f"{'floor: one GROUP BY over the facts of the year':58} {floor:9.1f}")
        for name, wanted in _QUESTIONS.items():
            spent = [_once(functools.partial(scorecards.sheet, tx, world.owner, wanted, world.now)) for _ in range(5)]
            _tell(name, statistics.median(spent), ANSWER)


_YEAR = Wanted(since=_TODAY - dt.timedelta(days=364), until=_TODAY + dt.timedelta(days=1))
_QUARTER = msgspec.structs.replace(_YEAR, since=_TODAY - dt.timedelta(days=89))
_QUESTIONS = {
    "answer, the year": _YEAR,
    "answer, 90 days": _QUARTER,
    "answer, 7 days": msgspec.structs.replace(_YEAR, since=_TODAY - dt.timedelta(days=6)),
    "answer, the year, one zone": msgspec.structs.replace(_YEAR, zones=("IN-300",)),
    "answer, 30 days, Mondays of 1 kg at most (from the facts)": msgspec.structs.replace(
        _YEAR, since=_TODAY - dt.timedelta(days=29), weekdays=(1,), most_g=1000
    ),
}


def _group_by(tx: sa.Connection) -> None:
    table = tables.facts.c
    tx.execute(sa.select(table.moved_by, table.service, sa.func.sum(table.collected)).group_by(table.moved_by, table.service)).all()


def _tell_update(world: World) -> None:
    """A visit that fails, then turns out to have failed for another reason, then to have collected; and so on."""
    pickup = world.book()
    booking = world.case(pickup).bookings[0]
    scan = Scan(code="PP", at=MONDAY + dt.timedelta(hours=30), milestone=Milestone.PICKUP_FAILED, reason=Reason.NOT_ATTEMPTED)
    with world.db.write() as tx:
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=(scan,)), "push", world.now)
    spent = []
    with world.db.write() as tx:
        for number in range(400):
            VISITS.update(tx, cases.load(tx, pickup).visits[0].id, outcome=("failed", "collected")[number % 2])
            case = cases.load(tx, pickup)
            spent.append(_once(functools.partial(_update, tx, case, world)))
    _tell("one visit: cells, fact and sums, all statements", statistics.median(spent), UPDATE)


def _update(tx: sa.Connection, case: cases.Case, world: World) -> None:
    scoring.score(tx, case, case.bookings[0], case.visits[0], world.now)
    facts.keep(tx, case)


def _once(work: Callable[[], Any]) -> float:
    """CPU time: what other work on the machine does not change."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _tell(name: str, spent: float, limit: float) -> None:
    print(f"{name:58} {spent:9.1f}   limit {limit:8.0f}   {'' if spent <= limit else 'MISSED'}".rstrip())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BOOKINGS)
