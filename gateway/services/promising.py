"""Promises: until when something must be heard of a booking before its silence is an exception. Pure."""

from __future__ import annotations

import datetime as dt

from gateway import clock
from gateway.carriers import registry
from gateway.store.cases import Case
from gateway.store.ledger import Booking

_END_OF_DAY = dt.time(21)
# How long past the expected day's end silence is borne.
PATIENCE = dt.timedelta(hours=18)


def first_promise(case: Case, booking: Booking, now: dt.datetime) -> dt.datetime:
    """The end of the window's day, else of the next working day, and the patience after it."""
    carrier = registry.carrier(booking.carrier)
    window = booking.window or case.pickup.body.window
    today = clock.local_date(now, carrier.timezone)
    day = window.date if window else clock.next_working_day(today, case.people.shipper.country)
    return end_of_day(day, carrier.timezone)


def end_of_day(day: dt.date, timezone: str) -> dt.datetime:
    """When a silent day is over: its service hours and the patience after them."""
    return clock.at_local(day, _END_OF_DAY, timezone) + PATIENCE
