"""Scorecards over a year's bookings, and what one more visit costs: `python -m tests.bench.scorecards [BOOKINGS]`, a million of
them where no number is given, a visit each.

An invented merchant: six services, 300 zones of uneven volume, a year, three days of it still waiting. Facts and visits are written
as rows; cells and blocks are made of them by the product itself, as by `gateway scores rebuild` (which also derives each fact anew,
pickup by pickup). Then some thousands of facts change and are loose again, as after a day's work. One update is
everything that a visit that ends does to cells and fact within its transaction; the commit, shared with the visit itself, is not
counted. The floor of an answer is the plain GROUP BY over the facts.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import resource
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
from gateway.store import cases, scores_blocks, scores_facts, tables
from gateway.store.ledger import VISITS
from gateway.store.rows import Owner
from gateway.store.scores_reading import By, Wanted
from tests.world import MONDAY, World

BOOKINGS, CHANGED = 1_000_000, 4_000
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
            print(f"{'memory at its highest, MiB':58} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:9.1f}")
        finally:
            world.close()


# --- an invented year ------------------------------------------------------------------------------


def _fill(world: World, path: Path, bookings: int) -> None:
    names = [column.name for column in tables.facts.columns]
    holes = ", ".join("?" * len(names))
    with sqlite3.connect(path) as raw:  # without foreign keys: the bookings behind the facts are not needed here
        raw.executemany(f"INSERT INTO facts ({', '.join(names)}) VALUES ({holes})", _rows(world, names, bookings))
        raw.executemany(_VISIT, _visits(raw))
    raw.close()


_VISITED = """
SELECT 'vis_' || substr(booking_id, 5), merchant_id, mode, pickup_id, booking_id, visited_day,
    moved_by, service, zone, postal_code, booked_hour, collected
FROM facts WHERE visited_day IS NOT NULL
"""
_VISIT = """
INSERT INTO visits (id, merchant_id, mode, pickup_id, booking_id, day, number, outcome, scored)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)
"""


def _visits(raw: sqlite3.Connection) -> Iterator[list[Any]]:
    """A visit for each booking that had one, with what it gave the estimates."""
    for *row, moved_by, service, place, code, hour, collected in raw.execute(_VISITED):
        pair, won = (moved_by, service), bool(collected)
        everywhere = ("all", scoring.service_key(*pair), scoring.zone_key(*pair, place), scoring.code_key(*pair, code))
        scored = scoring.Scored(
            at=dt.datetime.fromtimestamp(hour * 3600, dt.UTC),
            collected=won,
            cells=dict.fromkeys(everywhere, 1.0),
            slip_cell=scoring.slip_key(*pair, collected=won),
            recent=dict.fromkeys((scoring.recent_key(*pair), scoring.recent_key(*pair, place)), 0.7),
        )
        yield [*row, "collected" if won else "failed", msgspec.json.encode(scored).decode()]


def _rows(world: World, names: list[str], bookings: int) -> Iterator[list[Any]]:
    dice = random.Random(7)
    weights = [1 / rank for rank in range(1, len(_ZONES) + 1)]
    zones = dice.choices(_ZONES, weights, k=bookings)
    for number in range(bookings):
        day = _TODAY - dt.timedelta(days=364 - number * 365 // bookings)
        row = _row(dice, world, number, zones[number], day)
        yield [row.get(name, 0) for name in names]


_WAREHOUSES = ("394101", "122001")
_WAYS = ("rule",) * 9 + ("pinned",)
_WINDOWS = ("", "10:00-14:00", "14:00-18:00")
_REASONS = ("size_or_fit", "changed_mind", "damaged", "wrong_item")


def _row(dice: random.Random, world: World, number: int, zone: str, day: dt.date) -> dict[str, Any]:
    carrier, service = dice.choice(_SERVICES)
    booked = dt.datetime.combine(day, dt.time(dice.randrange(6, 20)), dt.UTC)
    first, cost = dice.random() < 0.72, 80_00 + dice.randrange(40_00)
    waiting = (_TODAY - day).days < 3 and not first
    came = None if waiting else (day + dt.timedelta(days=1)).isoformat()
    return {
        "booking_id": f"bkg_{number:020d}", "merchant_id": world.owner.merchant_id, "mode": "test", "pickup_id": f"pck_{number}",
        "day": day.isoformat(), "week": (day - dt.timedelta(days=day.weekday())).isoformat(), "weekday": day.isoweekday(),
        "account_id": f"cac_{carrier}", "carrier": carrier, "moved_by": carrier, "service": service, "zone": zone,
        "postal_code": f"{zone[3:]}{dice.randrange(25):03d}", "destination": dice.choice(_WAREHOUSES),
        "weight_g": dice.randrange(100, 5000), "quality_check": dice.random() < 0.2, "return_reason": dice.choice(_REASONS),
        "chosen_by": dice.choice(_WAYS), "given": "{}",
        "requested_day": day.isoformat(), "visited_day": came, "collected_day": came if first else None, "delivered_day": None,
        "window": dice.choice(_WINDOWS),
        "booked_at": booked.replace(tzinfo=None).isoformat(" "), "booked_hour": scores_facts.hour_of(booked), "waiting": waiting,
        "hours": 0 if waiting else min(int(dice.expovariate(1 / 30)) + 4, 721), "chance": dice.randrange(550_000, 850_000),
        "bookings": 1, "first_known": int(not waiting), "first_collected": int(first), "visits": 1, "collected": int(first),
        "three_known": int(not waiting), "three_collected": int(first), "by_customer": int(not first), "on_time": int(first),
        "over": int(not first and not waiting), "cost": cost, "cost_squared": cost * cost, "cost_of_collected": cost * first,
        "all_in": cost + 800, "all_in_squared": (cost + 800) ** 2, "all_in_of_collected": (cost + 800) * first,
        "forecast": cost + dice.randrange(2000), "forecast_known": 1,
    }  # fmt: skip


# --- what is measured ------------------------------------------------------------------------------


def _tell_rebuild(world: World) -> None:
    with world.db.write() as tx:
        cells = _once(lambda: scoring.rebuild(tx, world.owner))
        blocks = _once(lambda: scores_blocks.rebuild(tx, world.owner))
        _tell(f"rebuilt: {cells:,.0f} the cells, {blocks:,.0f} the blocks", cells + blocks, REBUILD)
        _change(tx, world.owner)


def _change(tx: sa.Connection, owner: Owner) -> None:
    """Some thousands of the newest facts, each a hole in its block from now on."""
    table = tables.facts.c
    newest = sa.select(table.booking_id).where(table.waiting.is_(False)).order_by(table.day.desc()).limit(CHANGED)
    scores_facts.loosen(tx, owner, tx.scalars(newest))


def _tell_answers(world: World) -> None:
    with world.db.read() as tx:
        floor = _once(lambda: _group_by(tx))
        print(f"{'floor: one GROUP BY over the facts of the year':58} {floor:9.1f}")
        for name, wanted in _QUESTIONS.items():
            spent = [_once(functools.partial(scorecards.sheet, tx, world.owner, wanted, world.now)) for _ in range(5)]
            _tell(name, statistics.median(spent), ANSWER)


_YEAR = Wanted(since=_TODAY - dt.timedelta(days=364), until=_TODAY + dt.timedelta(days=1))
_but = functools.partial(msgspec.structs.replace, _YEAR)
_QUESTIONS = {
    "the year": _YEAR,
    "90 days": _but(since=_TODAY - dt.timedelta(days=89)),
    "7 days": _but(since=_TODAY - dt.timedelta(days=6)),
    "the year, by the day requested": _but(by=By.REQUESTED),
    "the year, by the day of the first visit": _but(by=By.VISITED),
    "the year, by the day collected": _but(by=By.COLLECTED),
    "the year, by the day delivered": _but(by=By.DELIVERED),
    "the year, one carrier": _but(carriers=("carrier0",)),
    "the year, one service": _but(services=("express",)),
    "the year, one account": _but(accounts=("cac_carrier0",)),
    "the year, one warehouse": _but(destinations=("394101",)),
    "the year, one lane": _but(zones=("IN-300",), destinations=("394101",)),
    "the year, one postal code": _but(postal_codes=("300012",)),
    "the year, postal codes from 4 on": _but(postal_codes=("4",)),
    "the year, a weight band": _but(least_g=500, most_g=3000),
    "the year, Mondays and Tuesdays": _but(weekdays=(1, 2)),
    "the year, one window": _but(windows=("10:00-14:00",)),
    "the year, without questions at the door": _but(quality_check=False),
    "the year, two return reasons": _but(return_reasons=("size_or_fit", "damaged")),
    "the year, chosen by the rule": _but(chosen_by=("rule",)),
    "the year, rule, weekdays, 4 kg at most, no questions": _but(
        chosen_by=("rule",), weekdays=(1, 2, 3, 4, 5), most_g=4000, quality_check=False
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
    _tell("one visit: cells and fact, all statements", statistics.median(spent), UPDATE)


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
