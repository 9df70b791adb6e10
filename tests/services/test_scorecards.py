"""Scorecards from kept sums: the same as from the facts, for any span of days; chances as the choice has them."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway.services import chances, following, scorecards, scoring
from gateway.services.chances import Learnt, Spot
from gateway.store import scores_reading
from gateway.store.scores_reading import Wanted, spans
from rates.estimates import BRAKE_HALF_LIFE, POSTCODES_FROM, Cell, observe
from tests.world import MONDAY, World

DAY = dt.timedelta(days=1)
TODAY = MONDAY.date()
SPOT = Spot("IN-560", "IN-560038")
PAIR = ("ekart", "surface")


@given(first=st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)), days=st.integers(1, 400))
def test_spans_cover_every_day_once(first: dt.date, days: int):
    covered = [start + number * DAY for _, start, end in spans(first, first + days * DAY) for number in range((end - start).days)]
    assert sorted(covered) == [first + number * DAY for number in range(days)]


@given(first=st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)), days=st.integers(1, 400))
def test_a_week_is_read_as_one_only_from_monday_to_sunday(first: dt.date, days: int):
    weeks = [(start.weekday(), end.weekday()) for grain, start, end in spans(first, first + days * DAY) if grain == "week"]
    assert weeks in ([], [(0, 0)])


def lived(make_world: Any) -> World:
    """A dozen returns of eleven days from two zones, some of which failed."""
    world: World = make_world("ekart")
    dice = random.Random(3)
    for number in range(12):
        world.now = MONDAY + dt.timedelta(days=number, hours=number)
        pickup = world.book(f"RMA-{number}", postal_code=dice.choice(["560038", "110001"]))
        failed = dice.random() < 0.3
        scan = Scan(
            code="X",
            at=world.now + dt.timedelta(hours=dice.randrange(4, 60)),
            milestone=Milestone.PICKUP_FAILED if failed else Milestone.PICKED_UP,
            reason=Reason.NOT_ATTEMPTED if failed else None,
        )
        booking = world.case(pickup).bookings[0]
        with world.db.write() as tx:
            following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=(scan,)), "push", world.now)
    return world


def test_kept_sums_say_what_the_facts_say(make_world):
    world = lived(make_world)
    with world.db.read() as tx:
        for since, until in ((-1, 12), (0, 7), (3, 9), (2, 3)):
            kept = Wanted(since=TODAY + since * DAY, until=TODAY + until * DAY)
            counted = msgspec.structs.replace(kept, least_g=0)
            assert counted.needs_facts and not kept.needs_facts
            for read in (scores_reading.sums, scores_reading.lanes, scores_reading.forecasts):
                assert read(tx, world.owner, kept) == read(tx, world.owner, counted)
            waits = [scores_reading.waits(tx, world.owner, one, world.now) for one in (kept, counted)]
            assert waits[0] == waits[1]


def test_lines_add_up_to_the_whole_and_a_zone_to_its_part(make_world):
    world = lived(make_world)
    span = Wanted(since=TODAY, until=TODAY + 12 * DAY)
    with world.db.read() as tx:
        whole = scorecards.sheet(tx, world.owner, span, world.now)
        zones = [
            scorecards.sheet(tx, world.owner, msgspec.structs.replace(span, zones=(zone,)), world.now)
            for zone in ("IN-560", "IN-110")
        ]
    assert whole.together.sums.first_known == 12 == sum(line.card.sums.first_known for line in whole.lines)
    assert zones[0].together.sums + zones[1].together.sums == whole.together.sums
    (line,) = whole.lines
    assert line.adjusted and line.funnel and line.adjusted.low < line.adjusted.value < line.adjusted.high


# --- chances ---------------------------------------------------------------------------------------


def learnt(**cells: Cell) -> Learnt:
    """Nothing seen but what is given, keyed by the last part: all, service, zone, code, recent."""
    keys = dict.fromkeys(scoring.keys_of(PAIR, SPOT.place, SPOT.code), Cell())
    names = {
        "all": "all",
        "service": scoring.service_key(*PAIR),
        "zone": scoring.zone_key(*PAIR, SPOT.place),
        "code": scoring.code_key(*PAIR, SPOT.code),
        "recent": scoring.recent_key(*PAIR),
    }
    return Learnt(keys | {names[name]: cell for name, cell in cells.items()})


def seen(collected: int, of: int, half_life: dt.timedelta | None = None) -> Cell:
    cell = Cell()
    for number in range(of):
        cell = observe(cell, number < collected, 1.0, MONDAY, *([half_life] if half_life else []))
    return cell


def many(cell: Cell, times: int) -> Cell:
    return Cell(cell.successes * times, cell.exposure * times)


def test_postal_codes_are_told_apart_only_by_the_busy():
    code, quiet = seen(0, 50), seen(7, 10)
    busy = many(quiet, POSTCODES_FROM // 10)
    calm = learnt(all=quiet, code=code).first_visit(PAIR, SPOT, MONDAY).p
    known = learnt(all=busy, code=code).first_visit(PAIR, SPOT, MONDAY).p
    assert round(calm, 2) == 0.7 and known < 0.5


def test_a_bad_run_brakes_and_a_good_one_does_not():
    bad, good = seen(0, 20, BRAKE_HALF_LIFE), seen(20, 20, BRAKE_HALF_LIFE)
    brakes = [learnt(recent=cell).brake(PAIR, SPOT.place, MONDAY) for cell in (bad, good)]
    assert round(brakes[0], 3) == round(6 / 26, 3) and brakes[1] == 1.0


def test_the_pool_is_the_start_where_nothing_was_seen_and_says_so():
    pool = {"all": many(seen(4, 10), 100), scoring.service_key(*PAIR): many(seen(9, 10), 100)}
    found = Learnt(learnt().cells, pool).first_visit(PAIR, SPOT, MONDAY)
    assert (round(found.p, 2), found.prior) == (0.88, chances.POOLED)


def test_own_visits_outweigh_the_pool():
    pool = {"all": many(seen(9, 10), 100), scoring.service_key(*PAIR): many(seen(9, 10), 100)}
    own = learnt(all=many(seen(3, 10), 300), service=many(seen(3, 10), 300), zone=many(seen(3, 10), 300))
    assert 0.3 < Learnt(own.cells, pool).first_visit(PAIR, SPOT, MONDAY).p < 0.35
