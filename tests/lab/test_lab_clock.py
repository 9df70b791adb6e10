"""Each account's clock: wall time and an offset that only grows; what was planned happens in order and in its own time."""

from __future__ import annotations

import datetime as dt

import pytest

from adapters.contract.scans import Milestone
from tests.lab.swiftline import (
    ACCOUNT,
    COLLECTS,
    FAILS_ALWAYS,
    MONDAY,
    Wall,
    a_lab,
    ask,
    book_one,
    client,
    consignment,
    days_pass,
    story,
)

WHOSE = {"carrier": "swiftline", "account": ACCOUNT}
DAY = dt.timedelta(days=1)


def test_a_clock_is_set_by_its_offset_or_by_what_it_shall_show():
    lab = a_lab()
    assert ask(lab, "POST", "clock", WHOSE | {"offset_seconds": 60}) == (
        200,
        WHOSE | {"offset_seconds": 60.0, "now": "2026-11-23T03:01:00Z"},
    )
    assert ask(lab, "POST", "clock", WHOSE | {"now": MONDAY + DAY}) == (
        200,
        WHOSE | {"offset_seconds": 86400.0, "now": "2026-11-24T03:00:00Z"},
    )


@pytest.mark.parametrize(("asked", "field"), [({"offset_seconds": 59}, "offset_seconds"), ({"now": MONDAY}, "now")])
def test_a_clock_is_never_set_back(asked: dict[str, object], field: str):
    lab = a_lab()
    ask(lab, "POST", "clock", WHOSE | {"offset_seconds": 60})
    assert ask(lab, "POST", "clock", WHOSE | asked) == (409, {"error": "a clock is never set back", "field": field})
    assert lab.now("swiftline", ACCOUNT) == MONDAY + dt.timedelta(minutes=1)


def test_accounts_have_their_own_clocks():
    lab = a_lab()
    for account in (ACCOUNT, "lab_bela"):
        book_one(client(lab, account), COLLECTS)
    days_pass(lab)
    assert consignment(lab).state == "delivered"
    assert consignment(lab, account="lab_bela").state == "scheduled"
    assert ask(lab, "GET", "clock")[1]["clocks"] == [
        {"carrier": "swiftline", "account": "lab_anita", "offset_seconds": 1209600.0, "now": "2026-12-07T03:00:00Z"},
        {"carrier": "swiftline", "account": "lab_bela", "offset_seconds": 0.0, "now": "2026-11-23T03:00:00Z"},
    ]


def test_the_clock_of_an_account_that_never_called_is_the_wall():
    assert ask(a_lab(), "GET", "clock?carrier=swiftline&account=lab_new")[1] == {
        "clocks": [{"carrier": "swiftline", "account": "lab_new", "offset_seconds": 0.0, "now": "2026-11-23T03:00:00Z"}]
    }


def test_one_long_step_and_many_short_ones_write_the_same_books():
    stories = []
    for steps in (1, 37):
        lab = a_lab()
        for _ in range(10):
            book_one(client(lab), reference="r")
        for _ in range(steps):
            days_pass(lab, 14 / steps)
        stories.append([c for _, _, c in lab.books.consignments()])
    assert stories[0] == stories[1]


def test_events_carry_the_time_they_were_planned_for_and_come_in_order():
    lab = a_lab()
    book_one(client(lab), FAILS_ALWAYS)
    days_pass(lab, 365)
    times = [e.at for e in consignment(lab).events]
    assert times == sorted(times)
    assert times[-1] < MONDAY + 4 * DAY


def test_real_time_passes_between_moves():
    wall = Wall()
    lab = a_lab(wall)
    book_one(client(lab), COLLECTS)
    wall.now += 14 * DAY
    lab.let_time_pass()
    assert consignment(lab).state == "delivered"


def test_time_that_passed_unnoticed_is_caught_up_at_the_next_call():
    wall = Wall()
    lab = a_lab(wall)
    http = client(lab)
    awb = book_one(http, COLLECTS)
    wall.now += 14 * DAY
    assert http.get(f"/track/{awb}").json()["state"] == "delivered"


def test_the_desk_sees_the_accounts_time():
    lab = a_lab()
    days_pass(lab, 2)
    book_one(client(lab), COLLECTS)
    assert consignment(lab).created_at == MONDAY + 2 * DAY
    assert story(lab) == ["pickup_scheduled", "= scheduled"]


@pytest.mark.parametrize("milestone", [Milestone.OUT_FOR_PICKUP, Milestone.PICKED_UP])
def test_nothing_happens_before_its_time(milestone: Milestone):
    lab = a_lab()
    book_one(client(lab), COLLECTS)
    while milestone not in [e.milestone for e in consignment(lab).events]:
        days_pass(lab, 0.01)
    assert consignment(lab).events[-1].at <= lab.now("swiftline", ACCOUNT) < consignment(lab).events[-1].at + DAY / 90
