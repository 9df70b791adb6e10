"""The booking's life: one carrier asked once. What *we* do must stand in the table, else it is a bug and raises."""

from __future__ import annotations

import enum


class BookingState(enum.StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    HALF_BOOKED = "half_booked"
    UNKNOWN = "unknown"
    LIVE = "live"
    CANCELLING = "cancelling"
    CANCEL_UNKNOWN = "cancel_unknown"
    GIVING_BACK = "giving_back"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    DONE = "done"


class BookingEvent(enum.StrEnum):
    SEND = "send"  # the intent is on disk, bytes may leave
    UNSENT = "unsent"  # nothing left the house: ask again
    STEP_DONE = "step_done"  # one of several steps is booked
    BOOKED = "booked"
    REFUSED = "refused"
    LOST_ANSWER = "lost_answer"
    NOT_FOUND = "not_found"  # the carrier, asked, knows of no such booking
    WITHDRAW = "withdraw"  # before anything was sent
    GIVE_BACK = "give_back"  # given up half-way: what may have been bought is cancelled
    CANCEL = "cancel"
    CANCELLED = "cancelled"
    TOO_LATE = "too_late"  # the carrier will not cancel any more
    COLLECTED = "collected"
    CLOSED = "closed"  # the carrier ended it by itself


class NotInTable(ValueError):
    """A step the table does not have."""


S, E = BookingState, BookingEvent

STEPS: dict[tuple[BookingState, BookingEvent], BookingState] = {
    (S.PLANNED, E.SEND): S.SENDING,
    (S.PLANNED, E.REFUSED): S.REFUSED,
    (S.PLANNED, E.WITHDRAW): S.CANCELLED,
    (S.SENDING, E.UNSENT): S.PLANNED,
    (S.SENDING, E.STEP_DONE): S.HALF_BOOKED,
    (S.SENDING, E.BOOKED): S.LIVE,
    (S.SENDING, E.REFUSED): S.REFUSED,
    (S.SENDING, E.LOST_ANSWER): S.UNKNOWN,
    (S.HALF_BOOKED, E.SEND): S.SENDING,
    (S.HALF_BOOKED, E.WITHDRAW): S.CANCELLED,
    (S.UNKNOWN, E.BOOKED): S.LIVE,
    (S.UNKNOWN, E.NOT_FOUND): S.PLANNED,
    (S.UNKNOWN, E.REFUSED): S.REFUSED,
    (S.PLANNED, E.GIVE_BACK): S.GIVING_BACK,
    (S.SENDING, E.GIVE_BACK): S.GIVING_BACK,
    (S.HALF_BOOKED, E.GIVE_BACK): S.GIVING_BACK,
    (S.UNKNOWN, E.GIVE_BACK): S.GIVING_BACK,
    (S.GIVING_BACK, E.REFUSED): S.REFUSED,
    (S.GIVING_BACK, E.CANCELLED): S.CANCELLED,
    (S.LIVE, E.CANCEL): S.CANCELLING,
    (S.LIVE, E.COLLECTED): S.DONE,
    (S.LIVE, E.CLOSED): S.CANCELLED,
    (S.CANCELLING, E.UNSENT): S.LIVE,
    (S.CANCELLING, E.CANCELLED): S.CANCELLED,
    (S.CANCELLING, E.LOST_ANSWER): S.CANCEL_UNKNOWN,
    (S.CANCELLING, E.TOO_LATE): S.LIVE,
    (S.CANCELLING, E.COLLECTED): S.DONE,
    (S.CANCELLING, E.CLOSED): S.CANCELLED,
    (S.CANCEL_UNKNOWN, E.CANCEL): S.CANCELLING,
    (S.CANCEL_UNKNOWN, E.CANCELLED): S.CANCELLED,
    (S.CANCEL_UNKNOWN, E.TOO_LATE): S.LIVE,
    (S.CANCEL_UNKNOWN, E.COLLECTED): S.DONE,
    (S.CANCEL_UNKNOWN, E.CLOSED): S.CANCELLED,
    # Late truth wins: a rider may come for what we took for dead.
    (S.CANCELLED, E.COLLECTED): S.DONE,
    (S.CANCELLED, E.BOOKED): S.LIVE,
    (S.REFUSED, E.BOOKED): S.LIVE,
}

# The carrier may hold a booking for us: at most one of these per pickup, unless an overlap is recorded.
OPEN = frozenset({S.PLANNED, S.SENDING, S.HALF_BOOKED, S.UNKNOWN, S.LIVE, S.CANCELLING, S.CANCEL_UNKNOWN})
# Not ended: the above, and what has to be given back although no rider comes for it.
UNFINISHED = OPEN | {S.GIVING_BACK}
# Given up, or about to be: the carrier's no counts.
GIVEN_UP = frozenset({S.REFUSED, S.GIVING_BACK})
# Waiting at the carrier: scans are looked for.
FOLLOWED = frozenset({S.LIVE, S.CANCELLING, S.CANCEL_UNKNOWN, S.DONE})


def move(state: BookingState, event: BookingEvent) -> BookingState:
    """The state after `event`. Raises NotInTable for a step nobody may take."""
    try:
        return STEPS[state, event]
    except KeyError as error:
        raise NotInTable(f"a booking in {state} does not take {event}") from error


def takes(state: BookingState, event: BookingEvent) -> bool:
    """Whether what a carrier reports moves this booking."""
    return (state, event) in STEPS
