"""Booking exactly once, whatever happens to the answer."""

import datetime as dt

import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Next
from adapters.contract.scans import Tracked
from gateway.life.booking import BookingState
from gateway.services import following
from rates.policy import UncertainBooking
from tests.services.carriers import POLICY
from tests.world import World

SECOND = dt.timedelta(seconds=1)
NOT_BOOKED_YET = ["timeout_unbooked", "drop_before_commit", "server_error", "html"]
BOOKED_UNSEEN = ["timeout_booked", "drop_after_commit", "server_error_booked", "truncated"]


def settle(world: World, minutes: int = 4) -> None:
    for _ in range(minutes * 6):
        world.pass_time(10 * SECOND)


def test_a_pickup_is_quoted_chosen_booked_and_labelled(world):
    pickup = world.book()

    case = world.case(pickup)
    assert case.pickup.state == "booked"
    assert [booking.state for booking in case.bookings] == [BookingState.LIVE]
    assert case.bookings[0].awb in {one["awb"] for one in world.books(case.bookings[0].carrier)}
    assert case.labelled == {case.bookings[0].id}
    assert world.events(pickup) == ["pickup.requested", "pickup.carrier_selected", "pickup.booked", "label.created"]


@pytest.mark.parametrize("fault", NOT_BOOKED_YET + BOOKED_UNSEEN)
def test_delhivery_is_asked_what_it_knows_before_it_is_asked_again(make_world, fault):
    world = make_world("delhivery")
    world.fault(fault, "delhivery", operation="book", times=1)

    pickup = world.book()
    assert world.state(pickup) == "booking_unknown"
    settle(world)

    assert world.state(pickup) == "booked"
    assert [one["awb"] for one in world.books("delhivery")] == [world.case(pickup).bookings[0].awb]


@pytest.mark.parametrize("fault", NOT_BOOKED_YET + BOOKED_UNSEEN)
def test_ekart_cannot_be_asked_so_a_person_is(make_world, fault):
    world = make_world("ekart")
    world.fault(fault, operation="book", times=1)

    pickup = world.book()
    settle(world)

    case = world.case(pickup)
    assert case.pickup.state == "booking_unknown"
    assert [(one.reason, one.state) for one in case.open_exceptions] == [("booking_unknown", "needs_decision")]
    assert len(world.books("ekart")) == (1 if fault in BOOKED_UNSEEN else 0)


@pytest.mark.parametrize("prefers", [UncertainBooking.PREFER_LATE, UncertainBooking.ASK])
def test_who_prefers_late_never_has_it_sent_again(make_wide, prefers):
    world = make_wide("ekart", policy=replace(POLICY, uncertain_booking=prefers))
    world.fault("timeout_unbooked", operation="book", times=1)
    pickup = world.book()
    world.days(2)

    assert world.state(pickup) == "booking_unknown"
    assert [one.state for one in world.case(pickup).open_exceptions] == ["needs_decision"]
    assert world.books("ekart") == []


@pytest.mark.parametrize("fault", NOT_BOOKED_YET + BOOKED_UNSEEN)
def test_who_prefers_double_has_it_sent_again_when_the_push_was_waited_for_in_vain(make_wide, fault):
    world = make_wide("ekart", policy=replace(POLICY, uncertain_booking=UncertainBooking.PREFER_DOUBLE))
    world.fault(fault, operation="book", times=1)
    pickup = world.book()
    before = 1 if fault in BOOKED_UNSEEN else 0

    world.settle(80 * SECOND)
    assert (world.state(pickup), len(world.books("ekart"))) == ("booking_unknown", before)

    world.settle(40 * SECOND)
    assert (world.state(pickup), len(world.books("ekart"))) == ("booked", before + 1)
    assert world.case(pickup).exceptions == []


def test_what_a_person_finds_not_booked_each_time_is_sent_five_times_and_no_more(make_wide):
    world = make_wide("ekart")
    world.fault("timeout_unbooked", operation="book")
    pickup = world.book()
    for _ in range(6):
        world.come_to_rest(dt.timedelta(minutes=10))
        world.look_into_the_panel(pickup)

    first = world.case(pickup).bookings[0]
    assert (first.state, first.tries) == (BookingState.REFUSED, 5)


def test_who_prefers_double_has_it_sent_five_times_and_is_asked_then(make_wide):
    world = make_wide("ekart", policy=replace(POLICY, uncertain_booking=UncertainBooking.PREFER_DOUBLE))
    world.fault("timeout_unbooked", operation="book")
    pickup = world.book()
    world.come_to_rest()

    (booking,) = world.case(pickup).bookings
    assert (booking.state, booking.tries) == (BookingState.UNKNOWN, 5)
    assert [one.state for one in world.case(pickup).open_exceptions] == ["needs_decision"]


def test_what_was_not_sent_is_sent_again(make_world):
    world = make_world("ekart")
    world.fault("throttle", operation="book", times=2)

    pickup = world.book()
    settle(world)

    assert world.state(pickup) == "booked"
    assert len(world.books("ekart")) == 1


def test_a_refusal_moves_the_pickup_to_the_next_carrier(world):
    first = world.case(world.book("RMA-1")).bookings[0].carrier
    world.fault("refuse", first, operation="book")

    case = world.case(world.book("RMA-2"))

    assert case.bookings[0].carrier == first
    assert case.bookings[0].refusal is not None
    assert case.bookings[-1].state == BookingState.LIVE
    assert (case.bookings[-1].carrier, case.bookings[-1].service) != (first, case.bookings[0].service)


def test_wrong_credentials_pause_the_account_and_the_other_carrier_takes_it(make_world):
    world = make_world("ekart")
    with world.db.write() as tx:
        world.accounts["delhivery"] = world.add_account(tx, "delhivery", token="mistyped")

    case = world.case(world.book())

    assert [(booking.carrier, booking.state) for booking in case.bookings] == [("ekart", BookingState.LIVE)]


def test_no_carrier_is_an_exception_with_the_causes(make_world):
    world = make_world("ekart")

    pickup = world.book(postal_code="999009")  # the lab's magic code: not served

    case = world.case(pickup)
    assert case.pickup.state == "exhausted"
    assert [one.reason for one in case.open_exceptions] == ["no_carrier"]
    assert case.bookings == []


def test_a_rate_card_is_audited_against_the_carriers_own_price(make_world):
    world = make_world("delhivery")

    booking = world.case(world.book()).bookings[0]

    assert booking.audit is not None
    assert booking.audit.carrier_price.currency == "INR"
    gap = (booking.audit.carrier_price.minor - booking.price.minor) * 100 / booking.price.minor
    assert booking.audit.gap_percent == round(gap, 2)


def test_a_push_faster_than_the_answer_is_no_second_booking(make_world):
    world = make_world("ekart")
    step = world.kit.carriers.step

    async def pushed_first(account, name, *args, **more):
        answer = await step(account, name, *args, **more)
        if name == "book" and not isinstance(answer, Next):
            tracked = Tracked(awb=answer.awb, carrier_reference=args[1].carrier_reference, scans=())
            following.push(world.kit, world.accounts["ekart"], [tracked], verified=True, wall=world.now)
        return answer

    world.kit.carriers.step = pushed_first
    pickup = world.book()

    assert world.state(pickup) == "booked"
    assert [booking.awb for booking in world.case(pickup).bookings] == [one["awb"] for one in world.books("ekart")]
    assert world.case(pickup).exceptions == []
