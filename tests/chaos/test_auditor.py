"""The auditor finds what it is there to find, on books made by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.chaos.auditor import Happened, Line, audit
from tests.chaos.ledger import Booking, Pickup

NINE = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def hours(number: float) -> dt.datetime:
    return NINE + dt.timedelta(hours=number)


def pickup(state: str = "delivered") -> Pickup:
    return Pickup(id="pck_1", reference="RMA-1", state=state)


def booking(number: int, **more: Any) -> Booking:
    fields: dict[str, Any] = {
        "carrier": "ekart",
        "carrier_reference": f"GW{number}",
        "awb": f"AWB{number}",
        "state": "live",
        "overlap": False,
    }
    return Booking(pickup="pck_1", **(fields | more))


def line(number: int, state: str = "delivered", booked: float = 0, cancelled: float | None = None, **more: Any) -> Line:
    events = [Happened("cancelled", hours(cancelled))] if cancelled is not None else []
    fields: dict[str, Any] = {"carrier": "ekart", "awb": f"AWB{number}", "reference": f"GW{number}"}
    return Line(state=state, created_at=hours(booked), events=events, **(fields | more))


def found(*books: Line, bookings: tuple[Booking, ...] = (booking(1), booking(2)), one: Pickup | None = None) -> dict[str, int]:
    findings = audit(["RMA-1"], [one or pickup()], bookings, books)
    return {name: len(getattr(findings, name)) for name in ("lost", "doubled", "orphans") if getattr(findings, name)}


def test_one_that_was_collected_once_is_clean():
    assert found(line(1)) == {}


def test_one_that_moved_after_its_cancel_was_confirmed_is_clean():
    assert found(line(1, "cancelled", cancelled=2), line(2, booked=2)) == {}


def test_a_second_rider_before_the_first_was_called_off_is_doubled():
    assert found(line(1, "cancelled", cancelled=2), line(2, booked=1)) == {"doubled": 1}


@pytest.mark.parametrize("state", ["scheduled", "out"])
def test_two_riders_on_their_way_are_doubled(state):
    assert found(line(1, state), line(2, state, booked=5)) == {"doubled": 1}


def test_a_recorded_overlap_is_no_double():
    assert found(line(1), line(2, booked=1), bookings=(booking(1), booking(2, overlap=True))) == {}


def test_the_same_reference_booked_twice_is_doubled():
    assert found(line(1), line(2, reference="GW1")) == {"doubled": 1}


@pytest.mark.parametrize("state", ["scheduled", "cancelled"])
def test_an_awb_the_ledger_does_not_know_is_an_orphan(state):
    assert found(line(1), line(3, state, reference="GW3", booked=9)) == {"orphans": 1}


def test_one_that_did_not_end_is_lost():
    assert found(line(1), one=pickup("booking")) == {"lost": 1}


def test_one_that_was_accepted_and_is_not_in_the_ledger_is_lost():
    findings = audit(["RMA-1", "RMA-2"], [pickup()], [booking(1)], [line(1)])
    assert (findings.lost, findings.accepted, findings.ended) == (["RMA-2: not in the ledger"], 2, 1)
