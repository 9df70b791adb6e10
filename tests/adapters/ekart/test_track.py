"""Tracking: statuses made milestones, oldest first."""

import datetime as dt
from typing import Any

import httpx
import pytest

from adapters.contract.carrier import AwbList
from adapters.contract.errors import CarrierError, Misread, RefusalKind
from adapters.contract.scans import NEEDS_REASON, Milestone, Reason, Scan, Tracked
from adapters.ekart.statuses import NDR_STATUSES, RAW_STATUSES, STATUSES
from adapters.ekart.track import TRACK

from . import examples
from .examples import AWB, AWBS, REFERENCE, access, answer, failure, read, refused_building

NOON = 1_773_210_600_000  # 2026-03-11 12:00 in India
AT = dt.datetime(2026, 3, 11, 6, 30, tzinfo=dt.UTC)


def line(status: str = "Not Picked", ctime: Any = NOON, **changes: Any) -> dict[str, Any]:
    return {"status": status, "ctime": ctime, "desc": "as it was", "location": "Domlur hub"} | changes


def tracked(*details: dict[str, Any], edd: Any = None, **changes: Any) -> httpx.Response:
    track = line() | changes | {"details": list(details), "attempts": 1, "ndrActions": ["Re-Attempt"]}
    return answer({"_id": AWB, "track": track, "order_number": REFERENCE, "edd": edd})


def scans(response: httpx.Response) -> tuple[Scan, ...]:
    found: Tracked = read(TRACK, response, AWBS)[AWB]
    return found.scans


def scan(code: str, milestone: Milestone, reason: Reason | None = None, at: dt.datetime = AT) -> Scan:
    return Scan(code=code, at=at, milestone=milestone, text="as it was", place="Domlur hub", reason=reason)


def test_tracking_needs_no_login() -> None:
    request = TRACK.steps[0].build(AwbList(awbs=("50/99",)), access(), {})
    assert (request.method, str(request.url)) == ("GET", "https://ekart.test/api/v1/track/50%2F99")
    assert "authorization" not in request.headers


def test_all_that_is_told_about_a_shipment() -> None:
    response = tracked(
        line("Out for Pickup", NOON - 3_600_000),
        line("Order Placed", NOON - 86_400_000, desc=None, location=None),
        ndrStatus="Customer Unavailable",
        edd=NOON + 86_400_000,
    )
    assert read(TRACK, response, AWBS) == {
        AWB: Tracked(
            awb=AWB,
            scans=(
                Scan(code="Order Placed", at=AT - dt.timedelta(days=1), milestone=Milestone.LABEL_CREATED),
                scan("Out for Pickup", Milestone.OUT_FOR_PICKUP, at=AT - dt.timedelta(hours=1)),
                scan("Not Picked/Customer Unavailable", Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE),
            ),
            carrier_reference=REFERENCE,
            expected_delivery=AT + dt.timedelta(days=1),
        )
    }


@pytest.mark.parametrize(("status", "meaning"), (STATUSES | RAW_STATUSES).items())
def test_every_status_has_its_milestone(status: str, meaning: tuple[Milestone, Reason | None]) -> None:
    assert scans(tracked(status=status)) == (scan(status, *meaning),)
    assert (meaning[0] in NEEDS_REASON) == (meaning[1] is not None)


@pytest.mark.parametrize(("ndr_status", "reason"), NDR_STATUSES.items())
def test_every_ndr_status_has_its_reason(ndr_status: str, reason: Reason) -> None:
    assert scans(tracked(ndrStatus=ndr_status)) == (scan(f"Not Picked/{ndr_status}", Milestone.PICKUP_FAILED, reason),)


@pytest.mark.parametrize("ndr_status", [None, "", "Abducted"])
def test_a_failed_visit_without_a_known_reason_has_the_reason_unknown(ndr_status: str | None) -> None:
    found = scans(tracked(ndrStatus=ndr_status))
    assert [(scan.milestone, scan.reason) for scan in found] == [(Milestone.PICKUP_FAILED, Reason.UNKNOWN)]


def test_an_unmapped_status_is_kept_raw() -> None:
    assert scans(tracked(status="Teleported", ndrStatus="Customer Unavailable")) == (scan("Teleported", Milestone.UNKNOWN),)


def test_an_old_ndr_status_says_nothing_about_a_later_status() -> None:
    assert scans(tracked(status="Out for Pickup", ndrStatus="Customer Unavailable")) == (
        scan("Out for Pickup", Milestone.OUT_FOR_PICKUP),
    )


def test_a_status_that_names_its_own_reason_keeps_it() -> None:
    found = scans(tracked(status="Seller Cancelled", ndrStatus="Customer Unavailable"))
    assert [scan.reason for scan in found] == [Reason.CANCELLED_BY_MERCHANT]


def test_letters_may_be_large_or_small() -> None:
    assert scans(tracked(status="OUT FOR PICKUP")) == (scan("OUT FOR PICKUP", Milestone.OUT_FOR_PICKUP),)


def test_the_newest_scan_repeated_in_the_details_counts_once() -> None:
    assert scans(tracked(line(), ndrStatus="Address Issue")) == (
        scan("Not Picked/Address Issue", Milestone.PICKUP_FAILED, Reason.ADDRESS_INCOMPLETE),
    )
    assert scans(tracked(line(ndrStatus="Address Issue"))) == (
        scan("Not Picked/Address Issue", Milestone.PICKUP_FAILED, Reason.ADDRESS_INCOMPLETE),
    )


@pytest.mark.parametrize("ctime", [NOON, str(NOON), "2026-03-11 12:00:00"])
def test_times_come_as_milliseconds_or_indian_time(ctime: Any) -> None:
    assert scans(tracked(ctime=ctime))[0].at == AT


@pytest.mark.parametrize(
    "change", [{"ctime": "yesterday"}, {"ctime": 10**30}, {"ctime": "9" * 5000}, {"status": ""}, {"ctime": None}]
)
def test_a_scan_without_time_or_status_is_misread(change: dict[str, Any]) -> None:
    assert read(TRACK, tracked(**change), AWBS) == (Misread,)


def test_tracking_of_another_shipment_is_misread() -> None:
    assert read(TRACK, answer({"_id": "other", "track": line()}), AWBS) == (Misread,)


def test_a_shipment_ekart_does_not_know_is_its_own_outcome() -> None:
    refusal = read(TRACK, failure(404), AWBS)[AWB]
    assert isinstance(refusal, CarrierError)
    assert examples.told(refusal)[1:] == (RefusalKind.REFUSED, "C", "M D", "")


def test_one_shipment_a_call() -> None:
    two = AwbList(awbs=("1", "2"))
    assert refused_building(TRACK, two) == {"kind": RefusalKind.INVALID_REQUEST, "field": "/awbs"}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"_id": "', b'{"status": true, "pincode": 560038}'])
def test_nonsense_is_never_a_yes(body: bytes) -> None:
    assert read(TRACK, httpx.Response(200, content=body), AWBS) == (Misread,)
