"""The auditor finds what it is there to find, on books made by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.chaos.auditor import Evidence, Findings, Happened, Line, audit
from tests.chaos.ledger import Booking, Called, Pickup, Told
from tests.chaos.merchant import Message

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
    }
    return Booking(pickup="pck_1", **(fields | more))


def line(number: int, state: str = "delivered", booked: float = 0, cancelled: float | None = None, **more: Any) -> Line:
    events = [Happened("cancelled", hours(cancelled))] if cancelled is not None else []
    fields: dict[str, Any] = {"carrier": "ekart", "awb": f"AWB{number}", "reference": f"GW{number}"}
    return Line(state=state, created_at=hours(booked), events=events, **(fields | more))


def findings(*books: Line, **more: Any) -> Findings:
    fields: dict[str, Any] = {"accepted": {"RMA-1": ["pck_1"]}, "pickups": [pickup()], "bookings": [booking(1), booking(2)]}
    return audit(Evidence(books=books, **(fields | more)))


def found(*books: Line, **more: Any) -> dict[str, int]:
    return {kind: len(those) for kind, those in findings(*books, **more).by_kind.items() if those}


def test_one_that_was_collected_once_is_clean():
    assert found(line(1)) == {}


def test_one_that_moved_after_its_cancel_was_confirmed_is_clean():
    assert found(line(1, "cancelled", cancelled=2), line(2, booked=2)) == {}


def test_a_second_rider_before_the_first_was_called_off_is_doubled():
    assert found(line(1, "cancelled", cancelled=2), line(2, booked=1)) == {"doubled": 1}


@pytest.mark.parametrize("state", ["scheduled", "out"])
def test_two_riders_on_their_way_are_doubled(state):
    assert found(line(1, state), line(2, state, booked=5)) == {"doubled": 1}


def test_the_same_reference_booked_twice_is_doubled():
    assert found(line(1), line(2, reference="GW1")) == {"doubled": 1}


@pytest.mark.parametrize("state", ["scheduled", "cancelled"])
def test_an_awb_the_ledger_does_not_know_is_an_orphan(state):
    assert found(line(1), line(3, state, reference="GW3", booked=9)) == {"orphans": 1}


def test_one_that_did_not_end_is_lost():
    assert found(line(1), pickups=[pickup("booking")]) == {"lost": 1}


def test_one_that_was_accepted_and_is_not_in_the_ledger_is_lost():
    seen = findings(line(1), accepted={"RMA-1": ["pck_1"], "RMA-2": ["pck_2"]})
    assert (seen.lost, seen.accepted, seen.ended) == (["RMA-2: not in the ledger"], 2, 1)


@pytest.mark.parametrize(
    "more", [{"accepted": {"RMA-1": ["pck_1", "pck_2"]}}, {"accepted": {}, "refused": {"RMA-1": "HTTP 409: It is in use"}}]
)
def test_one_whose_caller_was_told_otherwise_is_lost(more):
    assert found(line(1), **more) == {"lost": 1}


def test_a_rider_who_is_awaited_although_the_ledger_has_called_him_off_is_an_orphan():
    assert found(line(1, "scheduled"), bookings=[booking(1, state="cancelled")]) == {"orphans": 1}


def test_a_label_that_was_paid_for_a_booking_given_up_is_an_orphan():
    given_up = booking(2, state="refused", awb="", handles={"shipment": "shp_1"})
    assert found(line(1), bookings=[booking(1), given_up], labels=frozenset({"shp_1"})) == {"orphans": 1}


def test_a_ledger_that_would_take_a_second_open_booking_is_told_with_the_doubled():
    assert found(line(1), unguarded=["a second open booking of a pickup"]) == {"doubled": 1}


# --- what the merchant was told --------------------------------------------------------------------


def told(*sequences: int) -> list[Told]:
    return [Told(id=f"evt_{one}", pickup="pck_1", sequence=one) for one in sequences]


def messages(*sequences: int, **more: Any) -> list[Message]:
    fields: dict[str, Any] = {"pickup": "pck_1", "type": "pickup.booked"}
    return [Message(**{"id": f"evt_{one}", "sequence": one, **fields, **more}) for one in sequences]


def posted(events: list[Told], taken: list[Message]) -> dict[str, int]:
    ended = Pickup(id="pck_1", reference="RMA-1", state="delivered", sequence=2)
    return found(line(1), pickups=[ended], events=events, messages=taken)


def test_messages_that_came_twice_and_in_disorder_are_clean():
    assert posted(told(1, 2), messages(2, 1, 2)) == {}


@pytest.mark.parametrize("taken", [messages(1), messages(1) + messages(2, pickup="pck_2")])
def test_an_event_that_did_not_come_as_itself_is_untold(taken):
    assert posted(told(1, 2), taken) == {"untold": 1}


def test_a_gap_in_the_sequence_is_untold():
    assert posted(told(1, 3), messages(1, 3)) == {"untold": 1}


def test_a_message_that_is_no_event_is_untold():
    assert posted(told(1, 2), messages(1, 2) + messages(2, id="evt_9")) == {"untold": 1}


def test_what_still_waits_is_unsent():
    assert findings(line(1), unsent={"outbox": 0, "deliveries pending": 2}).unsent == ["deliveries pending: 2"]


def called(operation: str, start: float, end: float) -> Called:
    return Called(pickup="pck_1", operation=operation, start=hours(start), end=hours(end))


def test_two_calls_about_one_pickup_at_the_same_time_are_crowded():
    assert found(line(1), calls=[called("book", 0, 2), called("find", 1, 3)]) == {"crowded": 1}


def test_calls_one_after_the_other_are_clean():
    assert found(line(1), calls=[called("find", 1, 2), called("book", 0, 1)]) == {}


# --- while the run goes on -------------------------------------------------------------------------


def test_what_a_later_day_may_mend_is_no_finding_yet():
    under_way = Pickup(id="pck_1", reference="RMA-1", state="booking", sequence=2)
    seen = {"pickups": [under_way], "events": told(1, 2, 3), "messages": messages(1), "unsent": {"outbox": 1}}
    books = line(1, "cancelled", cancelled=2), line(3, reference="GW2", booked=9)
    assert found(*books, over=False, bookings=[booking(1), booking(2, awb="")], **seen) == {}


def test_what_nothing_can_mend_is_found_at_once():
    one = Pickup(id="pck_1", reference="RMA-1", state="booking", sequence=2)
    other = Pickup(id="pck_2", reference="RMA-3", state="booking", sequence=1)
    lost = Told(id="evt_9", pickup="pck_2", sequence=1)
    seen = {"pickups": [one, other], "events": [*told(1, 3), lost], "told": frozenset({"evt_9"})}
    asked = [called("book", 0, 2), called("find", 1, 3)]
    accepted = {"RMA-1": ["pck_1"], "RMA-2": ["pck_2"]}
    books = line(1, "scheduled"), line(2, "scheduled"), line(3, reference="GW3")
    broken = found(*books, over=False, accepted=accepted, calls=asked, **seen)
    assert broken == {"lost": 1, "doubled": 1, "orphans": 1, "untold": 2, "crowded": 1}
