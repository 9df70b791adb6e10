"""What must hold once everything has come to rest, told as the sentences that do not: the lab's books against the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.life.booking import BookingState
from gateway.life.pickup import ENDS, Intent
from gateway.store.cases import Case
from gateway.store.ledger import Booking
from tests.services.carriers import Holding, WideWorld

# The ledger expects, or has seen, a rider.
_HELD = frozenset({BookingState.LIVE, BookingState.CANCELLING, BookingState.CANCEL_UNKNOWN, BookingState.DONE})
# Somebody is shown the pickup, or asked.
_PEOPLE = frozenset({"needs_decision", "waiting_customer"})


def broken(world: WideWorld, *pickups: str) -> list[str]:
    """All that is wrong with these pickups, and with what their carriers hold; [] where nothing is."""
    cases = [world.case(pickup) for pickup in pickups]
    holdings = [(carrier, one) for carrier in world.accounts for one in world.holdings(carrier)]
    return [
        *(sentence for carrier, one in holdings for sentence in _of_holding(carrier, one, cases)),
        *(sentence for case in cases for sentence in _of_case(case, holdings)),
    ]


def _of_holding(carrier: str, held: Holding, cases: list[Case]) -> Iterator[str]:
    """Everything a carrier holds has its booking in the ledger, which knows that it is held."""
    found = [(case, booking) for case in cases for booking in case.bookings if booking.carrier_reference == held.reference]
    if not found:
        yield f"{carrier} holds {held.what} {held.awb}, of which the ledger has no booking"
        return
    case, booking = found[0]
    if held.what == "label":
        if not _given_back_later(case, booking):
            yield f"label {held.awb} is paid for and unused: its booking is {booking.state}"
    elif booking.awb != held.awb and not _in_doubt(case, booking):
        yield f"consignment {held.awb} is unknown to the ledger: its booking is {booking.state} {booking.awb}"
    elif booking.state not in _HELD and not _in_doubt(case, booking):
        yield f"consignment {held.awb} is expected by nobody: its booking is {booking.state}"


def _given_back_later(case: Case, booking: Booking) -> bool:
    """It is on its way back, and will be tried again, or belongs to a booking that is still being made."""
    waits = booking.retry_at is not None and booking.state in (BookingState.GIVING_BACK, BookingState.UNKNOWN)
    return waits or _being_cancelled(case, booking)


def _being_cancelled(case: Case, booking: Booking) -> bool:
    """Asked for, its answer lost or still to come, and asked for again."""
    called_off = booking.overlap or case.pickup.intent is not Intent.COLLECT or booking.state is BookingState.CANCEL_UNKNOWN
    return booking.retry_at is not None and called_off


def _in_doubt(case: Case, booking: Booking) -> bool:
    """Nobody knows whether it is booked, and a person is asked to look."""
    return booking.state is BookingState.UNKNOWN and any(
        one.reason == "booking_unknown" and one.booking_id == booking.id and one.state in _PEOPLE for one in case.open_exceptions
    )


def _of_case(case: Case, holdings: list[tuple[str, Holding]]) -> Iterator[str]:
    mine = {booking.carrier_reference: booking for booking in case.bookings}
    riders = [(carrier, one) for carrier, one in holdings if one.what == "consignment" and one.reference in mine]
    wanted = [one for one in riders if not mine[one[1].reference].overlap]
    if len(wanted) > 1:
        yield f"{len(wanted)} riders for one pickup: {wanted}"
    awbs = {one.awb for _, one in riders}
    for booking in case.bookings:
        if booking.state is BookingState.LIVE and booking.awb not in awbs and not _being_cancelled(case, booking):
            yield f"nobody comes for {booking.awb}, which the ledger thinks live"
    if _stopped(case):
        yield f"the pickup stopped silently: {case.pickup.state}, bookings {[str(one.state) for one in case.bookings]}"


def _stopped(case: Case) -> bool:
    """Neither ended nor with a person, and nobody will look again."""
    pickup = case.pickup
    watched = pickup.wake_at or pickup.wake_wall or any(one.state in _PEOPLE for one in case.open_exceptions)
    return pickup.state not in ENDS and not watched
