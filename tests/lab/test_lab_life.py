"""What happens to a consignment by itself: visits, scans, endings; and what a merchant can change about it."""

from __future__ import annotations

import datetime as dt

import pytest

from adapters.contract.scans import Milestone, Reason
from tests.lab.swiftline import (
    ACCOUNT,
    COLLECTS,
    FAILS_ALWAYS,
    FAILS_ONCE,
    LATE,
    LOST,
    MONDAY,
    NOBODY_CAME,
    QC_FAILS,
    SILENT,
    SWAPPED,
    TWICE,
    Wall,
    a_lab,
    a_rule,
    ask,
    book_one,
    client,
    consignment,
    days_pass,
    story,
)

COLLECTED = ["pickup_scheduled", "out_for_pickup", "picked_up", "in_transit", "out_for_delivery", "delivered", "= delivered"]
UNAVAILABLE = "pickup_failed: customer_unavailable"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def test_a_pickup_is_collected_and_delivered():
    lab = a_lab()
    book_one(client(lab), COLLECTS)
    days_pass(lab)
    assert story(lab) == COLLECTED


def test_scans_carry_the_place_they_were_made_at_and_the_number_of_the_visit():
    lab = a_lab()
    book_one(client(lab), COLLECTS)
    days_pass(lab)
    seen = [(e.milestone.value, e.place, e.visit) for e in consignment(lab).events]
    assert seen == [
        ("pickup_scheduled", "560001", 1),
        ("out_for_pickup", "560001", 1),
        ("picked_up", "560001", 1),
        ("in_transit", "560001", 0),
        ("out_for_delivery", "400001", 0),
        ("delivered", "400001", 0),
    ]


@pytest.mark.parametrize(
    ("booked_at", "visited_on"),
    [
        ("2026-11-23T09:59+05:30", "2026-11-23"),
        ("2026-11-23T10:00+05:30", "2026-11-24"),
        ("2026-11-28T12:00+05:30", "2026-11-30"),  # Saturday noon: not on Sunday
        ("2026-11-29T08:00+05:30", "2026-11-30"),  # Sunday morning
    ],
)
def test_the_first_visit_is_today_before_ten_else_the_next_working_day(booked_at: str, visited_on: str):
    lab = a_lab(Wall(dt.datetime.fromisoformat(booked_at)))
    book_one(client(lab), COLLECTS)
    days_pass(lab)
    out = consignment(lab).events[1].at.astimezone(dt.timezone(dt.timedelta(hours=5.5)))
    assert (out.date().isoformat(), 10 <= out.hour < 14) == (visited_on, True)


def test_after_a_failed_visit_the_carrier_goes_again_by_itself_the_next_working_day():
    lab = a_lab()
    book_one(client(lab), FAILS_ONCE)
    days_pass(lab)
    assert story(lab) == ["pickup_scheduled", "out_for_pickup", UNAVAILABLE, *COLLECTED[1:]]
    visits = [e.at.date() for e in consignment(lab).events if e.milestone is Milestone.OUT_FOR_PICKUP]
    assert visits == [dt.date(2026, 11, 23), dt.date(2026, 11, 24)]


def test_after_its_last_visit_the_carrier_cancels_if_it_documents_that():
    lab = a_lab(visits=2)
    book_one(client(lab), FAILS_ALWAYS)
    days_pass(lab)
    failed = ["out_for_pickup", UNAVAILABLE]
    assert story(lab) == ["pickup_scheduled", *failed, *failed, "cancelled: max_visits_reached", "= cancelled"]


def test_after_its_last_visit_the_carrier_goes_quiet_if_it_documents_no_such_reason():
    lab = a_lab(visits=1, failures={Reason.CUSTOMER_UNAVAILABLE: 1.0})
    book_one(client(lab), FAILS_ALWAYS)
    days_pass(lab)
    assert story(lab) == ["pickup_scheduled", "out_for_pickup", UNAVAILABLE, "= scheduled"]


def test_riders_give_only_reasons_the_side_documents_and_draws():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 0})
    for _ in range(60):
        book_one(client(lab))
    days_pass(lab, 1)
    reasons = {e.reason for _, _, c in lab.books.consignments() for e in c.events if e.milestone is Milestone.PICKUP_FAILED}
    assert reasons == {Reason.CUSTOMER_UNAVAILABLE, Reason.ADDRESS_INCOMPLETE, Reason.NOT_ATTEMPTED}


def test_a_magic_reason_the_side_does_not_document_becomes_one_that_it_does():
    lab = a_lab(failures={Reason.ADDRESS_INCOMPLETE: 1.0})
    book_one(client(lab), NOBODY_CAME)
    days_pass(lab, 1)
    assert story(lab) == ["pickup_scheduled", "out_for_pickup", "pickup_failed: address_incomplete", "= scheduled"]


def test_a_carrier_that_documents_no_failures_always_collects():
    lab = a_lab(failures={})
    book_one(client(lab), FAILS_ALWAYS)
    days_pass(lab)
    assert story(lab) == COLLECTED


def test_about_as_many_visits_collect_as_the_side_says_over_all_zones():
    lab = a_lab(success=0.6)
    for zone in range(100, 400):
        book_one(client(lab), origin=f"{zone}001")
    days_pass(lab, 1)
    collected = sum(c.state == "collected" for _, _, c in lab.books.consignments())
    assert 0.5 < collected / 300 < 0.7


def test_a_zone_has_its_own_luck():
    """With seed 1 and this carrier 766 is the unluckiest zone of all, 133 the luckiest."""
    lab = a_lab(seed=1, success=0.5)
    for _ in range(150):
        book_one(client(lab), origin="766001")
        book_one(client(lab), origin="133001")
    days_pass(lab, 1)
    collected = [c.origin for _, _, c in lab.books.consignments() if c.state == "collected"]
    assert collected.count("133001") - collected.count("766001") > 15


# --- what the merchant does -----------------------------------------------------------------------


def test_a_cancelled_pickup_is_not_visited():
    lab = a_lab()
    http = client(lab)
    http.post(f"/cancel/{book_one(http)}")
    days_pass(lab)
    assert story(lab) == ["pickup_scheduled", "cancelled: cancelled_by_merchant", "= cancelled"]


def test_another_visit_replaces_the_one_the_carrier_had_planned():
    lab = a_lab()
    http = client(lab)
    awb = book_one(http, FAILS_ONCE)
    days_pass(lab, 0.8)
    http.post(f"/again/{awb}?day=2026-11-27")
    days_pass(lab)
    visits = [(e.milestone.value, e.at.date().day, e.visit) for e in consignment(lab).events[3:6]]
    assert visits == [("pickup_scheduled", 23, 2), ("out_for_pickup", 27, 2), ("picked_up", 27, 2)]


def test_another_visit_reopens_what_the_carrier_gave_up():
    lab = a_lab(visits=1)
    http = client(lab)
    awb = book_one(http, FAILS_ONCE)
    days_pass(lab, 1)
    assert consignment(lab).state == "cancelled"
    http.post(f"/again/{awb}")
    days_pass(lab)
    assert story(lab)[3:] == ["cancelled: max_visits_reached", *COLLECTED]


@pytest.mark.parametrize(
    ("asked", "visited"), [("0001-01-01", 24), ("2026-11-20", 24), ("2026-11-23", 24), ("2026-11-24", 24), ("2026-11-29", 29)]
)
def test_a_visit_asked_for_late_in_the_evening_or_in_the_past_is_made_the_next_working_day(asked: str, visited: int):
    lab = a_lab(Wall(MONDAY + 10 * HOUR))  # 18:30 in Kolkata
    http = client(lab)
    awb = book_one(http, COLLECTS)
    http.post(f"/again/{awb}?day={asked}")
    days_pass(lab)
    assert [e.at.date().day for e in consignment(lab).events if e.milestone is Milestone.OUT_FOR_PICKUP] == [visited]


def test_a_side_can_change_what_it_remembers_of_an_order():
    lab = a_lab()
    http = client(lab)
    assert http.post(f"/note/{book_one(http, reference='r')}?text=ring+twice").json() == {
        "reference": "r",
        "phone": "9123456789",
        "origin": "560001",
        "destination": "400001",
        "qc": False,
        "name": "Asha Invented",
        "note": "ring twice",
    }


# --- world faults ---------------------------------------------------------------------------------


def test_a_quality_check_fails_only_where_one_was_ordered():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    book_one(client(lab), QC_FAILS, qc=True)
    book_one(client(lab), QC_FAILS)
    days_pass(lab, 1)
    assert (story(lab)[2], story(lab, "SW000002")[2]) == ("pickup_failed: qc_mismatch", "picked_up")


def test_some_visits_fail_at_the_quality_check_by_themselves():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    for _ in range(100):
        book_one(client(lab), qc=True)
    days_pass(lab, 1)
    reasons = [e.reason for _, _, c in lab.books.consignments() for e in c.events if e.reason]
    assert set(reasons) == {Reason.QC_MISMATCH}
    assert 5 <= len(reasons) <= 30


def test_a_silent_consignment_has_no_scans_after_its_booking():
    lab = a_lab()
    book_one(client(lab), SILENT)
    days_pass(lab, 60)
    assert story(lab) == ["pickup_scheduled", "= scheduled"]


def test_late_scans_are_shown_six_hours_after_they_happened_while_the_state_is_true():
    lab = a_lab()
    book_one(client(lab), LATE)
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    days_pass(lab, 0.4)  # 18:06 in Kolkata: collected, nothing shown
    assert story(lab) == ["pickup_scheduled", "= collected"]
    days_pass(lab)
    assert story(lab) == COLLECTED


def test_what_happened_before_a_cancel_is_still_shown_late():
    lab = a_lab()
    http = client(lab)
    a_rule(lab, "scans_late", delay_ms=36 * 3600 * 1000)
    awb = book_one(http, FAILS_ONCE)
    days_pass(lab, 0.5)
    http.post(f"/cancel/{awb}")
    days_pass(lab)
    assert story(lab) == ["pickup_scheduled", "out_for_pickup", UNAVAILABLE, "cancelled: cancelled_by_merchant", "= cancelled"]


def test_doubled_scans_come_twice():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    book_one(client(lab), TWICE)
    days_pass(lab)
    assert story(lab) == ["pickup_scheduled", *(m for m in COLLECTED[1:-1] for _ in (1, 2)), "= delivered"]


def test_swapped_scans_come_after_their_successor_and_none_is_lost():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    book_one(client(lab), SWAPPED)
    days_pass(lab)
    assert story(lab) == [
        "pickup_scheduled",
        "picked_up",
        "out_for_pickup",
        "out_for_delivery",
        "in_transit",
        "delivered",
        "= delivered",
    ]


def test_a_cancel_shows_the_scan_that_was_held_back():
    lab = a_lab()
    http = client(lab)
    awb = book_one(http, SWAPPED)
    while consignment(lab).state != "out":
        days_pass(lab, 0.01)
    http.post(f"/cancel/{awb}")
    assert story(lab) == ["pickup_scheduled", "cancelled: cancelled_by_merchant", "out_for_pickup", "= cancelled"]


def test_a_lost_parcel_is_collected_and_never_delivered():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "success": 1})
    book_one(client(lab), LOST)
    days_pass(lab)
    assert story(lab) == ["pickup_scheduled", "out_for_pickup", "picked_up", "in_transit", "lost", "= lost"]


def test_during_a_strike_nobody_comes_and_nobody_says_so():
    lab = a_lab()
    a_rule(lab, "strike", **{"from": MONDAY, "until": MONDAY + 2 * DAY})
    book_one(client(lab), COLLECTS)
    days_pass(lab, 2)
    assert story(lab) == ["pickup_scheduled", "= scheduled"]
    days_pass(lab)
    assert story(lab) == COLLECTED
    assert consignment(lab).visits == 1
    assert consignment(lab).events[1].at.date() == dt.date(2026, 11, 25)


# --- the world set by hand ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ([{"success": 0}, {"account": ACCOUNT, "success": 1}], "picked_up"),
        ([{"account": ACCOUNT, "success": 0}, {"zone": "560", "success": 1}], "picked_up"),
        ([{"zone": "560", "success": 0}, {"zone": "560-400", "success": 1}], "picked_up"),
        ([{"success": 1}, {"zone": "561", "success": 0}], "picked_up"),
        ([{"zone": "560", "success": 0}, {"zone": "560", "price": 2}, {"success": 1}], "pickup_failed"),
    ],
)
def test_the_narrowest_setting_of_the_world_wins(settings: list[dict[str, object]], outcome: str):
    lab = a_lab()
    for setting in settings:
        assert ask(lab, "POST", "world", {"carrier": "swiftline"} | setting)[0] == 200
    book_one(client(lab))
    days_pass(lab, 0.5)
    assert consignment(lab).events[2].milestone == outcome


def test_prices_and_reach_can_be_set_for_a_lane():
    lab = a_lab()
    ask(lab, "POST", "world", {"carrier": "swiftline", "account": ACCOUNT, "zone": "560-400", "price": 1.25})
    ask(lab, "POST", "world", {"carrier": "swiftline", "zone": "700", "serviceable": False})
    http = client(lab)
    answers = [http.get(f"/price?from={origin}&to=400001").json() for origin in ("560001", "600001", "700001")]
    assert answers == [{"minor": 12_500}, {"minor": 10_000}, {"error": "we do not go there"}]
