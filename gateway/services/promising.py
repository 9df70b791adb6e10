"""Promises: until when something must be heard of a booking before its silence is an exception. Pure."""

from __future__ import annotations

import datetime as dt

from adapters.contract.days import next_working_day
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
    """The day the rider is first expected: the window's, else the next on which the carrier collects."""
    return booking.window.date if booking.window else next_day(case, booking, now)


def first_promise(case: Case, booking: Booking, now: dt.datetime) -> dt.datetime:
    """The end of the first day, and the patience after it."""
    return end_of_day(first_day(case, booking, now), door_zone(case, booking))


def next_promise(case: Case, booking: Booking, now: dt.datetime) -> dt.datetime:
    """The end of the next day on which the carrier collects, whatever was wished for, and the patience after it."""
    return end_of_day(next_day(case, booking, now), door_zone(case, booking))


def next_day(case: Case, booking: Booking, now: dt.datetime, wait_days: int = 0) -> dt.date:
    """The first local day after `now`, and so many days of waiting, on which the carrier collects at the door."""
    today = clock.local_date(now, door_zone(case, booking))
    off = registry.carrier(booking.carrier).days_off
    return next_working_day(today + dt.timedelta(days=wait_days), case.people.shipper.country, *off)


def end_of_day(day: dt.date, timezone: str) -> dt.datetime:
    """When a silent day is over: its service hours and the patience after them."""
    return clock.at_local(day, _END_OF_DAY, timezone) + PATIENCE
