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


def door_zone(case: Case, booking: Booking) -> str:
    """The IANA zone at the customer's door; the carrier's where the order names none."""
    return case.people.shipper.timezone or registry.carrier(booking.carrier).timezone


def first_day(case: Case, booking: Booking, now: dt.datetime) -> dt.date:
    """The day the rider is first expected: the window's, else the next working day."""
    window = booking.window or case.pickup.body.window
    return (
        window.date
        if window
        else clock.next_working_day(clock.local_date(now, door_zone(case, booking)), case.people.shipper.country)
    )


def first_promise(case: Case, booking: Booking, now: dt.datetime) -> dt.datetime:
    """The end of the first day, and the patience after it."""
    return end_of_day(first_day(case, booking, now), door_zone(case, booking))


def next_promise(case: Case, booking: Booking, now: dt.datetime) -> dt.datetime:
    """The end of the next working day, whatever was wished for, and the patience after it."""
    zone = door_zone(case, booking)
    return end_of_day(clock.next_working_day(clock.local_date(now, zone), case.people.shipper.country), zone)


def end_of_day(day: dt.date, timezone: str) -> dt.datetime:
    """When a silent day is over: its service hours and the patience after them."""
    return clock.at_local(day, _END_OF_DAY, timezone) + PATIENCE
