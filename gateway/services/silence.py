"""Silence: a promised day of which nothing is heard by the next counts as a failed visit; at once where the carrier is left."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from gateway import clock
from gateway.life.booking import BookingState
from gateway.services import facts, scoring
from gateway.services.promising import door_zone, first_day
from gateway.store.cases import Case
from gateway.store.ledger import Booking
from rates.estimates import ripe


def note(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """Count the day the rider was awaited on, if it is past and nothing was heard of it."""
    day, today = awaited(case, booking), clock.local_date(case.now(wall), door_zone(case, booking))
    if booking.state is BookingState.LIVE and day and ripe(day, today):
        _count(tx, case, booking, day, wall)


def left(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """The carrier is left because nothing was heard: that settles it, whatever the day."""
    day = awaited(case, booking)
    if day:
        _count(tx, case, booking, day, wall)


def _count(tx: sa.Connection, case: Case, booking: Booking, day: dt.date, wall: dt.datetime) -> None:
    if scoring.count_silence(tx, case, booking, day, case.now(wall)):
        facts.keep(tx, case)


def awaited(case: Case, booking: Booking) -> dt.date | None:
    """The promised day of which no outcome is known: the first one, that of a visit still out, or of a re-attempt agreed on."""
    if booking.booked_at is None:
        return None
    visits = case.visits_of(booking.id)
    ended = [visit.day for visit in visits if visit.outcome != "out"]
    first = [] if ended else [first_day(case, booking, booking.booked_at)]
    out = [visit.day for visit in visits if visit.outcome == "out"]
    agreed = [day for day in facts.agreed_days(case, booking) if not ended or day > max(ended)]
    open_days = [*first, *out, *agreed]
    return max(open_days, default=None)
