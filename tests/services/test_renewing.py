"""An offer that holds no more is not booked: the choice is made anew, linked to the one before it, and not for ever."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from adapters.contract.carrier import Booked
from adapters.contract.units import Money
from gateway.services import driving
from gateway.services.booking import order_of
from gateway.store import tables
from gateway.store.ledger import DECISIONS
from rates.policy import Cap
from tests.services.carriers import POLICY, WideWorld
from tests.world import MONDAY, Window, World, customer


def delayed(world: World, hours: float, **more: Any) -> str:
    """A pickup whose carrier is throttled while its offer runs out; its id."""
    world.fault("throttle", operation="book", times=1)
    pickup = world.book(**more)
    assert world.case(pickup).bookings[0].state == "planned"
    world.now += dt.timedelta(hours=hours)
    driving.advance(world.kit, pickup, lambda: world.now)
    return pickup


def test_an_expired_offer_is_chosen_anew_and_the_decisions_are_linked(make_world):
    world = make_world("ekart")
    pickup = delayed(world, 1.1)

    case = world.case(pickup)
    assert [(one.state, one.refusal and one.refusal.kind) for one in case.bookings] == [
        ("cancelled", "quote_expired"),
        ("live", None),
    ]
    with world.db.read() as tx:
        decisions = DECISIONS.all(tx, tables.decisions.c.pickup_id == pickup)
    assert [one.body["situation"]["follows"] for one in decisions] == ["", decisions[0].id]


def test_an_offer_that_still_holds_is_booked(make_world):
    world = make_world("ekart")
    assert [one.state for one in world.case(delayed(world, 0.5)).bookings] == ["live"]


# --- a price that rose --------------------------------------------------------------------------------

GROUND = "easypost/usps/GroundAdvantage"


def american(make_wide: Any, **settings: Any) -> WideWorld:
    """A world with one offer, of a carrier that tells its price again before anything is bought."""
    world: WideWorld = make_wide("easypost", policy=replace(POLICY, allow=(GROUND,), **settings))
    return world


def dearer(world: WideWorld, factor: float, *, times: int = 9, back: bool = False) -> None:
    """At so many bookings, one by one, the carrier multiplies its prices, and perhaps takes that back afterwards."""
    step, price = world.kit.carriers.step, 1.0

    async def raised(account: Any, name: str, index: int, *asked: Any, **more: Any) -> Any:
        nonlocal times, price
        if (name, index) != ("book", 0) or not times:
            return await step(account, name, index, *asked, **more)
        times, price = times - 1, price * factor
        multiply_prices(world, price)
        found = await step(account, name, index, *asked, **more)
        if back:
            price = 1.0
            multiply_prices(world, price)
        return found

    world.kit.carriers.step = raised  # type: ignore[method-assign]


def multiply_prices(world: WideWorld, factor: float) -> None:
    body = json.dumps({"carrier": "easypost", "price": factor}).encode()
    assert world.lab.answer("POST", "/_lab/world", {}, body)[0] < 300


def ends(world: WideWorld, pickup: str) -> list[tuple[str, str]]:
    """Each booking's state, and why it was given up."""
    return [(str(one.state), one.refusal.kind if one.refusal else "") for one in world.case(pickup).bookings]


def told(world: WideWorld, pickup: str) -> list[Any]:
    """What was told of changed prices."""
    table = tables.events.c
    with world.db.read() as tx:
        return list(tx.scalars(sa.select(table.data).where(table.pickup_id == pickup, table.type == "pickup.price_changed")))


def test_a_price_that_rose_before_anything_was_bought_is_chosen_about_anew(make_wide):
    world = american(make_wide)
    dearer(world, 1.5, times=1)
    pickup = world.book(at="US")

    assert ends(world, pickup) == [("cancelled", "quote_price_rose"), ("live", "")]
    first, second = world.case(pickup).bookings
    assert first.quoted_price and second.quoted_price and second.quoted_price.minor > first.quoted_price.minor * 1.3
    assert (second.price, told(world, pickup)) == (second.quoted_price, [])
    with world.db.read() as tx:
        decisions = DECISIONS.all(tx, tables.decisions.c.pickup_id == pickup)
    assert [one.body["situation"]["follows"] for one in decisions] == ["", decisions[0].id]
    assert [one.awb for one in world.holdings("easypost")] == [second.awb]


def test_a_price_a_little_higher_is_taken(make_wide):
    world = american(make_wide)
    dearer(world, 1.04, times=1)
    pickup = world.book(at="US")
    assert (ends(world, pickup), told(world, pickup)) == ([("live", "")], [])


def test_a_price_that_rises_each_time_is_taken_the_third_time_and_told(make_wide):
    world = american(make_wide)
    dearer(world, 1.2)
    pickup = world.book(at="US")

    assert ends(world, pickup) == [("cancelled", "quote_price_rose")] * 2 + [("live", "")]
    booking = world.case(pickup).bookings[-1]
    assert booking.quoted_price and booking.price and booking.price.minor > booking.quoted_price.minor * 1.05
    (event,) = told(world, pickup)
    assert event | {"pickup": None} == {
        "pickup": None,
        "booking": booking.id,
        "quoted_price": {"amount": f"{booking.quoted_price.decimal:f}", "currency": "USD"},
        "price": {"amount": f"{booking.price.decimal:f}", "currency": "USD"},
        "reason": "price_rose",
    }


def test_a_price_above_the_cap_is_never_taken(make_wide):
    """It is quoted below the cap each time, so that only the booking shows it: after two new choices the service is left out."""
    world = american(make_wide, caps=(Cap(carrier="usps", price=Money(1_600_00, "INR")),))
    dearer(world, 5.0, back=True)
    pickup = world.book(at="US")

    assert ends(world, pickup) == [("cancelled", "quote_over_cap")] * 2 + [("refused", "quote_over_cap")]
    assert (world.state(pickup), world.holdings("easypost")) == ("exhausted", [])


def test_a_price_that_is_told_only_with_the_booking_is_kept_beside_the_quoted_one_and_told(make_world):
    world = make_world("ekart")
    step = world.kit.carriers.step

    async def dear(*asked: Any, **more: Any) -> Any:
        found = await step(*asked, **more)
        return replace(found, price=Money(500_00, "INR")) if isinstance(found, Booked) else found

    world.kit.carriers.step = dear
    pickup = world.book()

    booking = world.case(pickup).bookings[0]
    assert (str(booking.state), booking.price) == ("live", Money(500_00, "INR"))
    assert [one["reason"] for one in told(world, pickup)] == ["price_rose"]


# --- windows ---------------------------------------------------------------------------------------------

# It is half past eight in India.
UNTIL_NINE = Window(date=MONDAY.date(), start=dt.time(8), end=dt.time(9), timezone="Asia/Kolkata")


def test_a_window_that_is_over_before_it_could_be_sent_is_not_asked_for(make_world):
    world = make_world("ekart")
    case = world.case(delayed(world, 0.8, window=UNTIL_NINE))

    assert [(one.state, one.refusal and one.refusal.kind, one.window) for one in case.bookings] == [
        ("cancelled", "window_unavailable", UNTIL_NINE),
        ("live", None, None),
    ]


def test_a_window_that_is_over_when_a_carrier_is_chosen_is_neither_asked_for_nor_waited_for(make_world):
    world = make_world("ekart")
    pickup = world.accept("RMA-1", customer(), window=UNTIL_NINE)
    world.now += dt.timedelta(hours=1)
    world.drive()

    case = world.case(pickup)
    (booking,) = case.bookings
    assert (booking.state, booking.window, order_of(case, booking).window) == ("live", None, None)
    assert booking.promised_at and booking.promised_at.date() == dt.date(2026, 3, 11)  # tomorrow's evening, and patience


def test_a_window_that_is_still_to_come_is_sent(make_world):
    world = make_world("ekart")
    case = world.case(delayed(world, 0.3, window=UNTIL_NINE))
    assert [(one.state, one.window) for one in case.bookings] == [("live", UNTIL_NINE)]
