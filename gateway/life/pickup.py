"""The pickup's life: its state is a pure function of its bookings, their scans and what we intend.

The table says which changes are shown; a derived state it does not reach from the present one leaves the pickup
where it is (the report is recorded all the same). Collected always wins, also while cancelling.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from adapters.contract.scans import Milestone
from gateway.life.booking import BookingState


class PickupState(enum.StrEnum):
    REQUESTED = "requested"
    BOOKING = "booking"
    BOOKING_UNKNOWN = "booking_unknown"
    BOOKED = "booked"
    OUT_FOR_PICKUP = "out_for_pickup"
    VISIT_FAILED = "visit_failed"
    CANCELLING = "cancelling"
    EXHAUSTED = "exhausted"
    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    LOST = "lost"
    DAMAGED = "damaged"
    RETURNED_TO_CUSTOMER = "returned_to_customer"


class Intent(enum.StrEnum):
    COLLECT = "collect"
    CANCEL = "cancel"
    SWITCH = "switch"


P = PickupState

ENDS = frozenset({P.DELIVERED, P.CANCELLED, P.LOST, P.DAMAGED, P.RETURNED_TO_CUSTOMER})
_ON_THE_WAY = frozenset({P.COLLECTED, P.IN_TRANSIT})
_AFTER_COLLECTION = frozenset({P.DELIVERED, P.LOST, P.DAMAGED, P.RETURNED_TO_CUSTOMER})
_BEFORE_COLLECTION = frozenset(P) - ENDS - _ON_THE_WAY

# Before the door everything may follow everything (a switch leads back to booking); after it only onwards.
STEPS: dict[PickupState, frozenset[PickupState]] = {
    **{
        state: frozenset(P) - {state, P.RETURNED_TO_CUSTOMER}
        if state is not P.BOOKING_UNKNOWN
        else frozenset(P) - {state, P.REQUESTED}
        for state in _BEFORE_COLLECTION
    },
    P.COLLECTED: _AFTER_COLLECTION | {P.IN_TRANSIT},
    P.IN_TRANSIT: _AFTER_COLLECTION,
    P.CANCELLED: _ON_THE_WAY | {P.DELIVERED},  # late truth: the rider came all the same
    P.DELIVERED: frozenset({P.DAMAGED}),
    P.LOST: frozenset({P.DELIVERED, P.IN_TRANSIT}),  # lost parcels turn up
    P.DAMAGED: frozenset({P.DELIVERED}),
    P.RETURNED_TO_CUSTOMER: frozenset(),
}


class BookingView(msgspec.Struct, frozen=True, kw_only=True):
    """What the pickup's state needs of a booking. `milestones`: oldest event first; `overlap`: another took its place."""

    state: BookingState
    milestones: tuple[Milestone, ...] = ()
    overlap: bool = False


_PARCEL: dict[Milestone, PickupState] = {
    Milestone.DELIVERED: P.DELIVERED,
    Milestone.LOST: P.LOST,
    Milestone.DAMAGED: P.DAMAGED,
    Milestone.RETURNED_TO_SENDER: P.RETURNED_TO_CUSTOMER,
    Milestone.IN_TRANSIT: P.IN_TRANSIT,
    Milestone.CUSTOMS: P.IN_TRANSIT,
    Milestone.OUT_FOR_DELIVERY: P.IN_TRANSIT,
    Milestone.DELIVERY_FAILED: P.IN_TRANSIT,
    Milestone.AWAITING_COLLECTION: P.IN_TRANSIT,
    Milestone.RETURNING: P.IN_TRANSIT,
}
_AT_THE_DOOR: dict[Milestone, PickupState] = {
    Milestone.OUT_FOR_PICKUP: P.OUT_FOR_PICKUP,
    Milestone.PICKUP_FAILED: P.VISIT_FAILED,
    Milestone.PICKUP_SCHEDULED: P.BOOKED,
    Milestone.LABEL_CREATED: P.BOOKED,
}
_BEFORE_THE_DOOR: tuple[tuple[frozenset[BookingState], PickupState], ...] = (
    (frozenset({BookingState.UNKNOWN}), P.BOOKING_UNKNOWN),
    (frozenset({BookingState.CANCELLING, BookingState.CANCEL_UNKNOWN}), P.CANCELLING),
    (frozenset({BookingState.PLANNED, BookingState.SENDING, BookingState.HALF_BOOKED}), P.BOOKING),
)


def derive(bookings: Sequence[BookingView], intent: Intent, *, handed_over: bool) -> PickupState:
    """The state these facts amount to, whatever it was before."""
    done = [booking for booking in bookings if booking.state is BookingState.DONE]
    if done:
        return _parcel_state(done[-1])
    if intent is Intent.CANCEL:
        over = all(booking.state in (BookingState.REFUSED, BookingState.CANCELLED) for booking in bookings)
        return P.CANCELLED if over else P.CANCELLING
    if handed_over:
        return P.EXHAUSTED
    in_force = [booking for booking in bookings if not booking.overlap]
    live = next((booking for booking in in_force if booking.state is BookingState.LIVE), None)
    if live:
        return _door_state(live)
    states = {booking.state for booking in in_force}
    return next((state for those, state in _BEFORE_THE_DOOR if states & those), P.REQUESTED)


def step(present: PickupState, derived: PickupState) -> PickupState:
    """Where the pickup stands next: the derived state where the table has the step, else where it is."""
    return derived if derived in STEPS[present] else present


def _parcel_state(booking: BookingView) -> PickupState:
    return next((_PARCEL[m] for m in reversed(booking.milestones) if m in _PARCEL), P.COLLECTED)


def _door_state(booking: BookingView) -> PickupState:
    return next((_AT_THE_DOOR[m] for m in reversed(booking.milestones) if m in _AT_THE_DOOR), P.BOOKED)
