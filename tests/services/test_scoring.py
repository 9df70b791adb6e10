"""What visits teach the estimates: each once, taken back exactly, and the same when added up anew."""

import datetime as dt
import random
from typing import Any

import msgspec

from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from gateway.services import erasing, facts, following, judging, ripening, scoring
from gateway.store import merchants, scores, scores_blocks, scores_facts
from gateway.store.rows import Owner
from gateway.values import Mode
from rates.estimates import Cell, factor, left, observe
from rates.estimates import read as weigh
from tests.world import MONDAY, World

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
COLLECTED = Scan(code="PU", at=MONDAY + 27 * HOUR, milestone=Milestone.PICKED_UP)


def failed(reason: Reason, hours: float = 30) -> Scan:
    return Scan(code="PP", at=MONDAY + hours * HOUR, milestone=Milestone.PICKUP_FAILED, reason=reason)


def hear(world: World, pickup: str, *scans: Scan) -> None:
    booking = world.case(pickup).bookings[0]
    with world.db.write() as tx:
        following.record(tx, booking.id, Tracked(awb=booking.awb or "", scans=scans), "push", world.now)


def report(world: World, pickup: str, *scans: Scan) -> None:
    """Of days that are over, so that they count."""
    hear(world, pickup, *scans)
    with world.db.write() as tx:
        ripening.ripen_all(tx, world.case(pickup), world.now)


def cells(world: World) -> dict[str, Cell]:
    """What is not empty."""
    with world.db.read() as tx:
        return {key: cell for key, cell in scores.every(tx, world.owner).items() if cell != Cell()}


def seen(world: World, key: str = "all") -> tuple[float, float]:
    successes, exposure = weigh(cells(world).get(key, Cell()), world.now)
    return round(successes, 1), round(exposure, 1)


def differing(world: World) -> list[str]:
    with world.db.read() as tx:
        return scoring.differing(tx, world.owner) + scores_blocks.differing(tx, world.owner)


def judge(world: World, pickup: str, verdict: Any) -> None:
    """Days later."""
    world.now += 4 * DAY
    case = world.case(pickup)
    with world.db.write() as tx:
        verdict(tx, case, case.visits[-1], world.now)


def test_a_visit_is_counted_in_each_cell_that_speaks_of_it(make_world):
    world = make_world("ekart")
    report(world, world.book(), COLLECTED)

    keys = {"all", "service/ekart/surface", "zone/ekart/surface/IN-560", "code/ekart/surface/IN-560038"}
    recent = {"recent/ekart/surface/", "recent/ekart/surface/IN-560"}
    assert cells(world).keys() == keys | recent | {"slip/ekart/surface/collected"}
    assert {cells(world)[key] for key in keys} == {observe(Cell(), True, 1.0, COLLECTED.at)}


def test_the_brake_expects_what_the_estimate_said(make_world):
    world = make_world("ekart")
    report(world, world.book(), COLLECTED)

    at = COLLECTED.at
    successes, expected = weigh(cells(world)["recent/ekart/surface/"], at, dt.timedelta(days=2))
    assert (round(successes, 3), round(expected, 3)) == (1.0, 0.7)


def test_failures_in_a_strike_weigh_less_than_those_before_it(make_world):
    world = make_world("ekart")
    for number in range(12):
        report(world, world.book(f"RMA-{number}"), failed(Reason.NOT_ATTEMPTED, 26))

    failures = weigh(cells(world)["all"], MONDAY + 26 * HOUR)[1]
    assert 6 < failures < 10 and differing(world) == []


def test_cells_added_up_from_the_ledger_are_the_same_bit_for_bit(make_world):
    world = make_world()
    for number in range(12):
        pickup = world.book(f"RMA-{number}", postal_code=random.Random(number).choice(["560038", "110001", "400001"]))
        told = [failed(Reason.CUSTOMER_UNAVAILABLE, 26), failed(Reason.NOT_ATTEMPTED, 50), failed(Reason.FORCE_MAJEURE, 74)]
        for scan in random.Random(number).sample(told, number % 3 + 1):
            report(world, pickup, scan)
        if number % 2:
            report(world, pickup, msgspec.structs.replace(COLLECTED, at=MONDAY + 98 * HOUR))
    kept = cells(world)

    assert differing(world) == []
    with world.db.write() as tx:
        scoring.rebuild(tx, world.owner)
        scores_blocks.rebuild(tx, world.owner)
    assert (cells(world), differing(world)) == (kept, [])


def test_a_cell_that_went_astray_is_named(make_world):
    world = make_world("ekart")
    report(world, world.book(), COLLECTED)
    with world.db.write() as tx:
        scores.write(tx, world.owner, {"all": Cell(1, 1)})

    assert differing(world) == ["all"]


def test_a_later_visit_is_expected_to_collect_what_the_failures_before_leave(make_world):
    world = make_world("ekart")
    pickup = world.book()
    report(world, pickup, failed(Reason.CUSTOMER_UNAVAILABLE))
    chances = scoring.failed(world.case(pickup))
    assert chances == (0.7,)

    report(world, pickup, msgspec.structs.replace(COLLECTED, at=MONDAY + 51 * HOUR))
    case = world.case(pickup)
    second = case.visits[-1].scored or {}
    expected = second["chance"] * left(chances)
    assert second["cells"]["later/2/same"] == expected < 0.8 * second["chance"]
    assert second["cells"]["all"] == factor(chances, True, {}, COLLECTED.at)


def test_a_failure_confirmed_by_the_customer_is_dropped(make_world):
    world = make_world("ekart")
    pickup = world.book()
    report(world, pickup, failed(Reason.CUSTOMER_UNAVAILABLE))
    assert seen(world) == (0.0, 1.0)

    judge(world, pickup, judging.confirm)

    assert (seen(world), cells(world)) == ((0.0, 0.0), {})


def test_a_failure_the_customer_denies_counts_whatever_it_was_called(make_world):
    world = make_world("ekart")
    pickup = world.book()
    report(world, pickup, failed(Reason.FORCE_MAJEURE))
    assert seen(world) == (0.0, 0.0)

    judge(world, pickup, judging.dispute)

    assert (seen(world), world.case(pickup).visits[0].fault) == ((0.0, 1.0), "carrier")


def test_a_carrier_that_owns_up_cannot_be_let_off(make_world):
    world = make_world("ekart")
    pickup = world.book()
    report(world, pickup, failed(Reason.NOT_ATTEMPTED))

    judge(world, pickup, judging.confirm)

    assert (seen(world), world.case(pickup).visits[0].confirmed) == ((0.0, 1.0), False)


def quiet(world: World, pickup: str, days: float) -> None:
    """Days pass, the carrier is asked, and says nothing."""
    world.now += dt.timedelta(days=days)
    booking = world.case(pickup).bookings[0]
    with world.db.write() as tx:
        following.plan_poll(tx, world.case(pickup), booking.id, quiet=True, wall=world.now)


def test_silence_counts_the_day_after_the_promised_one_and_is_taken_back(make_world):
    world = make_world("ekart")
    pickup = world.book()
    quiet(world, pickup, 1)  # Tuesday, the promised day
    assert seen(world) == (0.0, 0.0)

    quiet(world, pickup, 1)
    quiet(world, pickup, 0)
    assert (seen(world), differing(world)) == ((0.0, 1.0), [])

    report(world, pickup, msgspec.structs.replace(COLLECTED, at=world.now))
    assert (seen(world), differing(world)) == ((1.0, 1.0), [])


def test_a_visit_counts_no_sooner_than_the_silence_of_others_on_its_day_would(make_world):
    """Promised for Tuesday and heard of before: the brake knows, the estimates wait for Wednesday at the door."""
    world = make_world("ekart")
    pickup = world.book()
    while not any(visit.outcome == "collected" for visit in world.case(pickup).visits):
        world.days(1 / 24)
    wednesday = dt.datetime(2026, 3, 10, 18, 30, tzinfo=dt.UTC)
    world.days((wednesday - world.now) / DAY - 3 / 24)
    assert ({key.split("/")[0] for key in cells(world)}, differing(world)) == ({"recent"}, [])

    world.days(4 / 24)
    assert (seen(world), differing(world)) == ((1.0, 1.0), [])


def test_a_visit_of_a_parcel_that_has_arrived_meanwhile_is_still_counted(make_world):
    world = make_world("ekart")
    pickup = world.book()
    hear(world, pickup, COLLECTED, msgspec.structs.replace(COLLECTED, code="DL", milestone=Milestone.DELIVERED))
    assert (world.case(pickup).pickup.state, seen(world)) == ("delivered", (0.0, 0.0))

    world.days(3)
    assert (seen(world), differing(world)) == ((1.0, 1.0), [])


def test_a_visit_is_counted_before_it_is_forgotten_where_it_was(make_world):
    world = make_world("ekart")
    pickup = world.book()
    hear(world, pickup, COLLECTED, msgspec.structs.replace(COLLECTED, code="DL", milestone=Milestone.DELIVERED))
    with world.db.write() as tx:
        erasing.erase(tx, world.kit.vault, pickup, world.now)

    assert "code/ekart/surface/IN-560038" in cells(world)


def test_a_carrier_left_for_its_silence_is_counted_at_once(world):
    first = world.case(world.book("RMA-0")).bookings[0]
    pickup = world.book(phone=world.phone(10, only_at=first.carrier))
    world.days(62 / 24)  # Wednesday night: two days past Tuesday it is not yet

    assert world.case(pickup).bookings[0].state == "cancelled"
    with world.db.read() as tx:
        fact = scores_facts.of_pickup(tx, pickup)[world.case(pickup).bookings[0].id]
    assert (fact.sums.first_known, fact.sums.first_collected, fact.sums.not_attempted, fact.sums.over) == (1, 0, 1, 1)


def test_no_fact_is_stale_after_pickups_of_many_kinds(make_world):
    world = make_world("ekart")
    pickups = [world.book(f"RMA-{ending}", phone=world.phone(ending)) for ending in (0, 1, 2, 3, 5, 6, 10)]
    world.days(3)

    with world.db.read() as tx:
        assert {pickup: facts.differing(tx, pickup) for pickup in pickups} == {pickup: [] for pickup in pickups}
    assert differing(world) == []


# --- the pool --------------------------------------------------------------------------------------


def member(world: World, name: str, collected: int, of: int) -> Owner:
    """Another merchant that pools, with visits of its own."""
    with world.db.write() as tx:
        owner = Owner(merchants.create(tx, name, "INR", "IN", world.now).id, Mode.TEST)
        cell = Cell()
        for number in range(of):
            cell = observe(cell, number < collected, 1.0, world.now)
        scores.write(tx, owner, {"all": cell, "service/ekart/surface": cell})
        scores.join_pool(tx, owner, member=True)
    return owner


def pooled(world: World, owner: Owner) -> tuple[float, float]:
    with world.db.read() as tx:
        successes, exposure = weigh(scores.pooled(tx, owner, ["all"]).get("all", Cell()), world.now)
    return round(successes), round(exposure)


def test_a_pool_is_the_sum_of_the_others_and_closed_to_who_gives_nothing(world):
    ours = member(world, "Ours", 1, 1)
    for number in range(3):
        member(world, f"Other {number}", 30, 50)

    assert (pooled(world, ours), pooled(world, world.owner)) == ((90, 150), (0, 0))


def test_a_pool_of_too_few_says_nothing(world):
    ours = member(world, "Ours", 1, 1)
    for number in range(2):
        member(world, f"Other {number}", 30, 50)

    assert pooled(world, ours) == (0, 0)
