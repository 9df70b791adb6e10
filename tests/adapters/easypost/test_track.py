"""Tracking: every documented word, and what comes back for many codes at once."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.carrier import AwbList
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.scans import NEEDS_REASON, Milestone, Reason, Scan, Tracked
from adapters.easypost import statuses
from adapters.easypost.track import BATCH, TRACK

from . import examples
from .examples import AWB, AWBS, answer, failure, request_of

UPDATED = "2026-03-13T09:00:00Z"


def line(status: str = "in_transit", detail: str = "arrived_at_facility", at: str = "2026-03-12T18:20:00Z", **changes: Any) -> Any:
    place = {"object": "TrackingLocation", "city": "Oakland", "state": "CA", "country": None, "zip": "94607"}
    return {
        "object": "TrackingDetail",
        "status": status,
        "status_detail": detail,
        "datetime": at,
        "message": "Arrived",
        "carrier_code": "",
        "tracking_location": place,
        **changes,
    }


def tracker(*lines: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "trk_1",
        "object": "Tracker",
        "tracking_code": AWB,
        "carrier": "USPS",
        "status": lines[-1]["status"] if lines else "unknown",
        "status_detail": lines[-1]["status_detail"] if lines else "unknown",
        "created_at": "2026-03-11T16:00:00Z",
        "updated_at": UPDATED,
        "est_delivery_date": None,
        "tracking_details": list(lines),
        **changes,
    }


def asked(*trackers: Any, awbs: tuple[str, ...] = (AWB,), **changes: Any) -> Any:
    return examples.read(TRACK, answer({"trackers": list(trackers), "has_more": False, **changes}), AwbList(awbs=awbs))


def tracked(*lines: Any, **changes: Any) -> Tracked:
    found = asked(tracker(*lines, **changes))[AWB]
    assert isinstance(found, Tracked), found
    return found


def told(*lines: Any, **changes: Any) -> list[tuple[str, Milestone, Reason | None]]:
    return [(scan.code, scan.milestone, scan.reason) for scan in tracked(*lines, **changes).scans]


# --- the question -----------------------------------------------------------------------------------------


def test_twenty_codes_are_asked_for_together() -> None:
    codes = tuple(f"92{number}" for number in range(BATCH))
    assert BATCH == 20
    assert request_of(TRACK, "", AwbList(awbs=codes)) == (
        "POST", "https://easypost.test/v2/trackers/batch", {"tracking_codes": list(codes)},
    )  # fmt: skip


# --- the words --------------------------------------------------------------------------------------------

# A second writing of the documented words; what says nothing by itself is left as the status has it.
BY_MERCHANT, UNKNOWN_REASON = Reason.CANCELLED_BY_MERCHANT, Reason.UNKNOWN
STATUSES = {
    "unknown": (Milestone.UNKNOWN, None),
    "pre_transit": (Milestone.LABEL_CREATED, None),
    "in_transit": (Milestone.IN_TRANSIT, None),
    "out_for_delivery": (Milestone.OUT_FOR_DELIVERY, None),
    "delivered": (Milestone.DELIVERED, None),
    "available_for_pickup": (Milestone.AWAITING_COLLECTION, None),
    "return_to_sender": (Milestone.RETURNING, None),
    "failure": (Milestone.DELIVERY_FAILED, UNKNOWN_REASON),
    "cancelled": (Milestone.CANCELLED, BY_MERCHANT),
    "error": (Milestone.UNKNOWN, None),
}
DETAILS = {
    "address_correction": (Milestone.DELAYED, None),
    "arrived_at_destination": (Milestone.IN_TRANSIT, None),
    "arrived_at_facility": (Milestone.IN_TRANSIT, None),
    "arrived_at_pickup_location": (Milestone.AWAITING_COLLECTION, None),
    "awaiting_information": (Milestone.ON_HOLD, None),
    "cancelled": (Milestone.CANCELLED, BY_MERCHANT),
    "damaged": (Milestone.DAMAGED, None),
    "delayed": (Milestone.DELAYED, None),
    "delivery_exception": (Milestone.DELIVERY_FAILED, UNKNOWN_REASON),
    "departed_facility": (Milestone.IN_TRANSIT, None),
    "departed_origin_facility": (Milestone.IN_TRANSIT, None),
    "expired": (Milestone.UNKNOWN, None),
    "failure": (Milestone.DELIVERY_FAILED, UNKNOWN_REASON),
    "held": (Milestone.ON_HOLD, None),
    "in_transit": (Milestone.IN_TRANSIT, None),
    "label_created": (Milestone.LABEL_CREATED, None),
    "lost": (Milestone.LOST, None),
    "missorted": (Milestone.DELAYED, None),
    "out_for_delivery": (Milestone.OUT_FOR_DELIVERY, None),
    "received_at_destination_facility": (Milestone.IN_TRANSIT, None),
    "received_at_origin_facility": (Milestone.PICKED_UP, None),
    "refused": (Milestone.DELIVERY_FAILED, UNKNOWN_REASON),
    "return": (Milestone.RETURNING, None),
    "transferred_to_destination_carrier": (Milestone.IN_TRANSIT, None),
    "transit_exception": (Milestone.DELAYED, None),
    "weather_delay": (Milestone.DELAYED, None),
}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_means_what_the_documentation_says(status: str) -> None:
    assert statuses.meaning(status, "") == STATUSES[status]


@pytest.mark.parametrize("status", ["in_transit", "failure", "error", "unknown"])
@pytest.mark.parametrize("detail", DETAILS)
def test_a_detail_says_it_more_exactly(status: str, detail: str) -> None:
    assert statuses.meaning(status, detail) == DETAILS[detail]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("detail", ["status_update", "unknown"])
def test_a_detail_that_says_nothing_leaves_the_status(status: str, detail: str) -> None:
    assert statuses.meaning(status, detail) == STATUSES[status]


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        ("delivered", "arrived_at_destination"),
        ("pre_transit", "received_at_origin_facility"),
        ("out_for_delivery", "delivery_exception"),
        ("return_to_sender", "in_transit"),
        ("available_for_pickup", "held"),
        ("cancelled", "in_transit"),
    ],
)
def test_a_status_that_is_exact_itself_is_not_refined(status: str, detail: str) -> None:
    assert statuses.meaning(status, detail) == STATUSES[status]


def test_a_movers_own_code_may_say_that_the_parcel_was_fetched() -> None:
    picked_up = line("in_transit", "status_update", carrier_code="PU")
    assert told(picked_up, carrier="FedExDefault") == [("in_transit/status_update/PU", Milestone.PICKED_UP, None)]
    assert told(picked_up, carrier="USPS") == [("in_transit/status_update/PU", Milestone.IN_TRANSIT, None)]


@given(status=st.text(), detail=st.text())
def test_a_word_that_is_not_documented_is_unknown(status: str, detail: str) -> None:
    if status not in STATUSES and detail not in DETAILS:
        assert statuses.meaning(status, detail) == (Milestone.UNKNOWN, None)


def test_a_detail_that_is_not_documented_is_unknown() -> None:
    assert told(line("in_transit", "beamed_up")) == [("in_transit/beamed_up", Milestone.UNKNOWN, None)]


@given(status=st.sampled_from(sorted(STATUSES)), detail=st.sampled_from(sorted(DETAILS)))
def test_a_reason_is_given_exactly_where_one_is_needed(status: str, detail: str) -> None:
    milestone, reason = statuses.meaning(status, detail)
    assert (milestone in NEEDS_REASON) == (reason is not None)


# --- the answer -------------------------------------------------------------------------------------------


def test_a_life_is_told_oldest_first() -> None:
    lines = (
        line("pre_transit", "label_created", "2026-03-11T16:00:00Z", message="Label made", tracking_location=None),
        line("out_for_delivery", "out_for_delivery", "2026-03-14T08:00:00-05:00", message=None),
        line("in_transit", "received_at_origin_facility", "2026-03-12T18:20:00"),
    )
    assert tracked(*lines, status="out_for_delivery", est_delivery_date="2026-03-14T00:00:00Z") == Tracked(
        awb=AWB,
        scans=(
            Scan(
                code="pre_transit/label_created",
                at=dt.datetime(2026, 3, 11, 16, tzinfo=dt.UTC),
                milestone=Milestone.LABEL_CREATED,
                text="Label made",
            ),
            Scan(
                code="in_transit/received_at_origin_facility",
                at=dt.datetime(2026, 3, 12, 18, 20, tzinfo=dt.UTC),
                milestone=Milestone.PICKED_UP,
                text="Arrived",
                place="Oakland, CA, 94607",
            ),
            Scan(
                code="out_for_delivery/out_for_delivery",
                at=dt.datetime(2026, 3, 14, 13, tzinfo=dt.UTC),
                milestone=Milestone.OUT_FOR_DELIVERY,
                place="Oakland, CA, 94607",
            ),
        ),
        expected_delivery=dt.datetime(2026, 3, 14, tzinfo=dt.UTC),
        moved_by="usps",
    )


def test_who_moves_it_is_told_in_our_words() -> None:
    assert [tracked(carrier=name).moved_by for name in ("UPSDAP", "CanadaPost", "Veho", None)] == ["ups", "canadapost", "veho", ""]


def test_the_same_line_twice_is_one_scan() -> None:
    assert len(tracked(line(), line()).scans) == 1


def test_a_voided_label_is_told_by_the_status_alone() -> None:
    pre = line("pre_transit", "label_created", "2026-03-11T16:00:00Z")
    found = tracked(pre, status="cancelled", status_detail="cancelled").scans[-1]
    assert (found.code, found.at, found.milestone, found.reason) == (
        "cancelled/cancelled", dt.datetime(2026, 3, 13, 9, tzinfo=dt.UTC), Milestone.CANCELLED, BY_MERCHANT,
    )  # fmt: skip


@pytest.mark.parametrize("changes", [{"status": "unknown"}, {"status": "delivered", "updated_at": None}])
def test_a_status_that_tells_nothing_or_no_time_adds_nothing(changes: dict[str, Any]) -> None:
    assert told(**changes) == []


def test_every_code_has_its_own_outcome() -> None:
    found = asked(tracker(), tracker(tracking_code="777"), tracker(tracking_code="888"), awbs=(AWB, "777", "none"))
    no_tracker = (Refused, RefusalKind.INVALID_REQUEST, "", "no tracker with this code", "")
    assert {awb: getattr(one, "awb", None) or examples.told(one) for awb, one in found.items()} == {
        AWB: AWB, "777": "777", "none": no_tracker,
    }  # fmt: skip


def test_of_several_trackers_with_one_code_the_newest_is_ours() -> None:
    older = tracker(line(), created_at="2024-01-01T00:00:00Z")
    newer = tracker(created_at="2026-03-11T16:00:00Z")
    assert [asked(*both)[AWB].scans for both in ((older, newer), (newer, older))] == [(), ()]


@pytest.mark.parametrize("odd", [{"object": "Batch"}, {"object": "Tracker"}, "no tracker", tracker(tracking_code=" "), None])
def test_one_odd_tracker_does_not_spoil_the_others(odd: Any) -> None:
    found = asked(tracker(), odd, awbs=(AWB, "777"))
    assert isinstance(found[AWB], Tracked)
    assert isinstance(found["777"], Misread)


def test_what_may_stand_on_another_page_is_not_said_to_be_missing() -> None:
    assert isinstance(asked(has_more=True)[AWB], Misread)


@pytest.mark.parametrize("broken", [line(at="yesterday"), line(at="")])
def test_a_line_without_a_time_is_misread_for_its_parcel_alone(broken: Any) -> None:
    found = asked(tracker(broken), tracker(tracking_code="777"), awbs=(AWB, "777"))
    assert isinstance(found[AWB], Misread)
    assert isinstance(found["777"], Tracked)


def test_a_refusal_is_one_for_all() -> None:
    found = examples.read(TRACK, failure("APIKEY.INACTIVE", "inactive", status=403), AWBS)
    assert found == (Refused, RefusalKind.UNAUTHORIZED, "APIKEY.INACTIVE", "inactive", "")
