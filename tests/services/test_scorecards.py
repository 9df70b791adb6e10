"""Scorecards from blocks: the same as fact by fact, whatever is asked; chances as the choice has them."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway.services import chances, facts, following, scorecards, scoring
from gateway.services.chances import Learnt, Spot
from gateway.store import scores_blocks, scores_facts, scores_reading, tables
from gateway.store.scores_facts import Fact
from gateway.store.scores_reading import By, Tally, Wanted
from rates.estimates import BRAKE_HALF_LIFE, POSTCODES_FROM, Cell, observe
from rates.scorecards import Sums
from rates.statistics import Ended, Forecast, Wait
from tests.threads import together
from tests.world import MONDAY, World

DAY = dt.timedelta(days=1)
TODAY = MONDAY.date()
SPOT = Spot("IN-560", "IN-560038")
PAIR = ("ekart", "surface")


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


def facts_of(world: World) -> list[Fact]:
    with world.db.read() as tx:
        pickups = facts.pickups_of(tx, world.owner)
        return [fact for pickup in pickups for fact in scores_facts.of_pickup(tx, pickup).values()]


def is_wanted(fact: Fact, wanted: Wanted) -> bool:
    days = (fact.requested_day, fact.day, fact.visited_day, fact.collected_day, fact.delivered_day)
    day = dict(zip(By, days, strict=True))[wanted.by]
    return (
        day is not None
        and wanted.since <= day < wanted.until
        and (not wanted.zones or fact.zone in wanted.zones)
        and (not wanted.postal_codes or fact.postal_code.startswith(wanted.postal_codes))
        and (not wanted.destinations or fact.destination in wanted.destinations)
        and (not wanted.weekdays or fact.day.isoweekday() in wanted.weekdays)
        and (not wanted.windows or fact.window in wanted.windows)
        and (wanted.least_g or 0) <= fact.weight_g <= (10**6 if wanted.most_g is None else wanted.most_g)
        and wanted.quality_check in (None, fact.quality_check)
    )


def told(world: World, wanted: Wanted) -> Any:
    """All that is read for a scorecard of one service."""
    with world.db.read() as tx:
        found = scores_reading.read(tx, world.owner, wanted, world.now)
    return [(group.sums, sorted(group.waits, key=str), group.forecasts, group.lanes) for group in found.values()]


def counted(world: World, wanted: Wanted) -> Any:
    """The same, fact by fact."""
    chosen = [fact for fact in facts_of(world) if is_wanted(fact, wanted)]
    waits, forecasts, lanes = Counter[Any](), dict[int, list[Fact]](), dict[str, Tally]()
    for fact in chosen:
        open_hours = scores_facts.hour_of(world.now) - scores_facts.hour_of(fact.booked_at)
        ended = Ended.COLLECTED if fact.sums.collected else Ended.OTHERWISE if fact.sums.over else Ended.OPEN
        waits[ended, open_hours if ended is Ended.OPEN else fact.hours] += 1
        tally = lanes.setdefault(fact.zone, Tally())
        tally.bookings, tally.known = tally.bookings + 1, tally.known + fact.sums.first_known
        tally.collected += fact.sums.first_collected
        if fact.chance and fact.sums.first_known:
            forecasts.setdefault(fact.chance // 10_000, []).append(fact)
    told = [(sum(one.chance for one in some) / len(some) / 10**6, some) for _, some in sorted(forecasts.items())]
    return [
        (
            sum((fact.sums for fact in chosen), Sums()),
            sorted((Wait(hours, ended, n) for (ended, hours), n in waits.items()), key=str),
            [Forecast(p, sum(one.sums.first_collected for one in some), len(some)) for p, some in told],
            lanes,
        )
    ] * bool(chosen)


SPAN = Wanted(since=TODAY, until=TODAY + 12 * DAY)
QUESTIONS = [
    SPAN,
    msgspec.structs.replace(SPAN, since=TODAY + 3 * DAY, until=TODAY + 9 * DAY),
    *(msgspec.structs.replace(SPAN, by=by, until=TODAY + 6 * DAY) for by in By),
    msgspec.structs.replace(SPAN, zones=("IN-110",)),
    msgspec.structs.replace(SPAN, postal_codes=("5600", "11")),
    msgspec.structs.replace(SPAN, postal_codes=("5601",)),
    msgspec.structs.replace(SPAN, destinations=("394101",), windows=("",)),
    msgspec.structs.replace(SPAN, weekdays=(1, 3), least_g=480, quality_check=False),
    msgspec.structs.replace(SPAN, most_g=100),
]


def test_loose_facts_packed_ones_and_such_as_changed_since_say_what_the_rows_say(make_world):
    """In no block, in one of all that are settled, and with a hole in it for every third; then packed anew."""
    world = lived(make_world)
    expected = [counted(world, wanted) for wanted in QUESTIONS]
    assert [told(world, wanted) for wanted in QUESTIONS] == expected and expected[0] and not expected[-1]

    with world.db.write() as tx:
        assert scores_blocks.pack(tx, least=2) and not scores_blocks.pack(tx, least=2)
    assert [told(world, wanted) for wanted in QUESTIONS] == expected

    changed = [msgspec.structs.replace(fact, sums=fact.sums + Sums(lost=1)) for fact in facts_of(world)[::3]]
    with world.db.write() as tx:
        for fact in changed:
            scores_facts.put(tx, fact)
    assert [told(world, wanted) for wanted in QUESTIONS] == [counted(world, wanted) for wanted in QUESTIONS] != expected

    with world.db.write() as tx:
        assert scores_blocks.pack(tx, least=2)
        assert [*tx.scalars(sa.select(tables.fact_blocks.c.n))] == [sum(not fact.waiting for fact in facts_of(world))]
        assert scores_blocks.differing(tx, world.owner) == []
    assert [told(world, wanted) for wanted in QUESTIONS] == [counted(world, wanted) for wanted in QUESTIONS]


def test_a_booking_visited_without_end_counts_as_far_as_a_block_can_hold_and_spoils_no_other_count(make_world):
    world = lived(make_world)
    fact = facts_of(world)[0]
    endless = msgspec.structs.replace(fact.sums, visits=scores_facts.MOST_COUNTED + 89)
    with world.db.write() as tx:
        scores_facts.put(tx, msgspec.structs.replace(fact, sums=endless))
        scores_blocks.pack(tx, least=2)
        assert scores_blocks.differing(tx, world.owner) == []
    (kept,) = (one for one in facts_of(world) if one.booking_id == fact.booking_id)
    assert kept.sums == msgspec.structs.replace(endless, visits=scores_facts.MOST_COUNTED)
    assert [told(world, wanted) for wanted in QUESTIONS] == [counted(world, wanted) for wanted in QUESTIONS]


def test_a_fact_that_changes_while_blocks_are_made_counts_as_its_row_says(make_world):
    world = lived(make_world)

    def change(some: list[Fact]) -> None:
        for lost in range(40):
            with world.db.write() as tx:
                for fact in some:
                    open_again = msgspec.structs.replace(fact, waiting=True, hours=0, sums=Sums(bookings=1, lost=lost))
                    scores_facts.put(tx, fact if lost % 3 else open_again)

    def make() -> None:
        for turn in range(30):
            with world.db.write() as tx:
                scores_blocks.rebuild(tx, world.owner) if turn % 2 else scores_blocks.pack(tx, least=1)

    known = facts_of(world)
    together(lambda: change(known[:4]), lambda: change(known[4:]), make, make)
    with world.db.read() as tx:
        assert scores_blocks.differing(tx, world.owner) == []
    assert [told(world, wanted) for wanted in QUESTIONS] == [counted(world, wanted) for wanted in QUESTIONS]


def test_a_block_that_went_astray_is_named(make_world):
    world = lived(make_world)
    with world.db.write() as tx:
        scores_blocks.pack(tx, least=2)
        tx.execute(tables.facts.update().values(collected=7))
        (block,) = tx.scalars(sa.select(tables.fact_blocks.c.id))
        assert scores_blocks.differing(tx, world.owner) == [block]


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
