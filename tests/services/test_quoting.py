"""All carriers are asked at once; whoever is late or cannot is left out with the cause."""

import asyncio
import time

import msgspec
import pytest

from gateway.carriers.client import NoLab
from gateway.services import quoting
from gateway.store.accounts import ACCOUNTS, store_policy
from gateway.store.ledger import DECISIONS
from rates.choice import Cause, Decision, replay
from rates.policy import DEFAULT, Cap
from tests.world import WAREHOUSE, World, customer, wanted


def decide(world: World, seconds: float = 5.0, postal_code: str = "560038", **more: object) -> Decision:
    order = wanted(**more)
    enquiry = quoting.enquiry_of(customer(postal_code=postal_code), WAREHOUSE, order, world.now)
    work = quoting.decide(world.kit, world.owner, world.merchant, enquiry, order, seconds=seconds, now=world.now)
    return world.kit.wait(work)


def left_out(decision: Decision) -> dict[tuple[str, str], Cause]:
    return {(barred.carrier, barred.service): barred.cause for barred in decision.barred}


def test_every_service_is_an_offer_or_has_a_cause(world):
    decision = decide(world)

    offered = {(one.carrier, one.service) for one in decision.candidates}
    assert offered == {("delhivery", "surface"), ("delhivery", "express"), ("ekart", "surface")}
    assert left_out(decision) == {("ekart", "express"): Cause.NO_PRICE}
    assert decision.chosen is not None
    assert [row.index for row in decision.rows] == sorted(row.index for row in decision.rows)


def test_the_sentence_names_carrier_price_chance_and_runner_up(world):
    decision = decide(world)

    assert decision.chosen
    chosen = decision.of(decision.chosen)
    assert chosen.name in decision.sentence
    assert str(chosen.price.decimal.normalize()).rstrip("0").rstrip(".")[:3] in decision.sentence
    assert "70 %" in decision.sentence


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("server_error", Cause.QUOTE_FAILED), ("throttle", Cause.QUOTE_FAILED), ("html", Cause.QUOTE_FAILED), ("error_in_200", None)],
)
def test_a_carrier_in_trouble_is_left_out_with_the_cause(world, fault, cause):
    world.fault(fault, "ekart", operation="serviceability")

    decision = decide(world)

    assert left_out(decision)["ekart", "surface"] == (cause or left_out(decision)["ekart", "surface"])
    assert {one.carrier for one in decision.candidates} == {"delhivery"}


def test_a_hanging_carrier_costs_the_deadline_and_no_more(world):
    ask = world.kit.carriers.ask

    async def hang(account, *args, **more):
        if account.carrier == "ekart":
            await asyncio.sleep(1.5)
        return await ask(account, *args, **more)

    world.kit.carriers.ask = hang
    started = time.monotonic()
    decision = decide(world, seconds=0.4)

    assert time.monotonic() - started < 1.2
    assert left_out(decision)["ekart", "surface"] == Cause.QUOTE_TIMED_OUT
    assert {one.carrier for one in decision.candidates} == {"delhivery"}


def test_a_disabled_account_is_not_asked(world):
    with world.db.write() as tx:
        ACCOUNTS.update(tx, world.accounts["ekart"].id, enabled=False)

    assert left_out(decide(world))["ekart", "surface"] == Cause.ACCOUNT_DISABLED


def test_merchants_lists_and_pins_rule(world):
    assert left_out(decide(world, deny=("delhivery",)))["delhivery", "surface"] == Cause.DENIED_BY_MERCHANT
    assert {one.carrier for one in decide(world, pin="ekart").candidates} == {"ekart"}


def test_a_carrier_gets_no_more_than_its_cap_of_its_local_day(world):
    """Booked or being booked counts, given up does not; at midnight in India it starts anew. The decision tells why."""
    caps = (Cap(carrier="ekart", pickups_a_day=2), Cap(carrier="delhivery", pickups_a_day=1))
    with world.db.write() as tx:
        store_policy(tx, world.owner, msgspec.structs.replace(DEFAULT, caps=caps), world.now)
    world.fault("refuse", "delhivery", operation="book", times=1)

    booked = [world.case(world.book(f"RMA-{number}")).bookings[-1].carrier for number in range(3)]

    assert sorted(booked) == ["delhivery", "ekart", "ekart"]
    assert {barred.detail for barred in decide(world).barred if barred.cause is Cause.DAILY_CAP} == {
        "ekart has 2 pickups today, the cap is 2",
        "delhivery has 1 pickups today, the cap is 1",
    }
    world.now = world.now.replace(hour=18, minute=31)
    assert Cause.DAILY_CAP not in left_out(decide(world)).values()


def test_a_card_that_is_missing_is_said(make_world):
    world = make_world("delhivery")
    with world.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM rate_cards")

    assert set(left_out(decide(world)).values()) == {Cause.CARD_MISSING}


def test_no_lab_is_said_and_not_guessed(world):
    def none() -> str:
        raise NoLab("no lab is running")

    world.kit.carriers._lab = none
    with pytest.raises(NoLab):
        decide(world)


def test_a_stored_decision_replays_bit_for_bit(world):
    pickup = world.book()
    with world.db.read() as tx:
        stored = DECISIONS.one(tx, world.case(pickup).pickup.decision_id)

    decision = msgspec.convert(stored.body, Decision)

    assert msgspec.json.encode(replay(decision)) == msgspec.json.encode(decision)


def test_visits_teach_the_next_choice(make_world):
    world = make_world("ekart")
    before = decide(world).candidates[0].estimate
    for number in range(3):
        world.book(f"RMA-{number}", phone="9820000000")
    world.days(3)

    after = decide(world).candidates[0].estimate

    assert before.visits == 0
    assert after.visits == pytest.approx(3, abs=0.2)
    assert after.p > before.p
