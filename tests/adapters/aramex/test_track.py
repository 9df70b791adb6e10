"""Tracking: one outcome a waybill; and what it tells of a booking whose answer was lost."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from lxml import etree

from adapters.contract.carrier import AwbList, Booked, Sought
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.scans import Milestone, Scan, Tracked

from .examples import NOW, NUMBER, REFERENCE, answer, built, fault, notifications, read, told

OTHER = "47000000002"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


def update(
    code: str = "SH308",
    waybill: str = NUMBER,
    at: str = "2026-03-11T12:00:00",
    place: str = "Bengaluru, India",
    problem: str = "",
    more: str = "",
) -> str:
    return (
        f"<TrackingResult><WaybillNumber>{waybill}</WaybillNumber><UpdateCode>{code}</UpdateCode>"
        f"<UpdateDescription>words</UpdateDescription><UpdateDateTime>{at}</UpdateDateTime><UpdateLocation>{place}</UpdateLocation>"
        f"<Comments>Asha Rao 9820000000</Comments><ProblemCode>{problem}</ProblemCode>{more}</TrackingResult>"
    )


def entry(*updates: str, key: str = NUMBER) -> str:
    tag = "a:KeyValueOfstringArrayOfTrackingResultmFAkxlpY"
    return f"<{tag}><a:Key>{key}</a:Key><a:Value>{''.join(updates)}</a:Value></{tag}>"


def tracking(*entries: str, unknown: Iterable[str] = (), **more: Any) -> httpx.Response:
    names = "".join(f"<a:string>{name}</a:string>" for name in unknown)
    results = f"<TrackingResults xmlns:a='{ARRAYS}'>{''.join(entries)}</TrackingResults>"
    return answer(
        "ShipmentTrackingResponse", f"{results}<NonExistingWaybills xmlns:a='{ARRAYS}'>{names}</NonExistingWaybills>", **more
    )


def tracked(response: httpx.Response, *awbs: str) -> Any:
    return read("track", response, AwbList(awbs=awbs or (NUMBER,)), "", {})


def scan(code: str, milestone: Milestone, at: str, **more: Any) -> Scan:
    return Scan(code=code, at=dt.datetime.fromisoformat(at), milestone=milestone, text="words", place="Bengaluru, India", **more)


def test_all_waybills_are_asked_about_at_once():
    root = etree.fromstring(built("track", AwbList(awbs=(NUMBER, OTHER))).content)
    assert [one.text for one in root.iter(f"{{{ARRAYS}}}string")] == [NUMBER, OTHER]
    assert root.findtext(".//{*}GetLastTrackingUpdateOnly") == "false"


def test_updates_are_scans_oldest_first_in_utc():
    response = tracking(entry(update("SH012", at="2026-03-12T15:30:00"), update("SH308")))
    assert tracked(response) == {
        NUMBER: Tracked(
            awb=NUMBER,
            scans=(
                scan("SH308", Milestone.PICKUP_SCHEDULED, "2026-03-11T06:30:00+00:00"),
                scan("SH012", Milestone.PICKED_UP, "2026-03-12T10:00:00+00:00"),
            ),
        )
    }


def test_of_the_same_second_the_one_listed_first_is_the_newer():
    response = tracking(entry(update("SH313"), update("SH308"), update("SH014")))
    assert [one.code for one in tracked(response)[NUMBER].scans] == ["SH014", "SH308", "SH313"]


@pytest.mark.parametrize(
    ("place", "hour"),
    [("Riyadh, Saudi Arabia", 9), ("Dubai,United Arab Emirates", 8), ("Mumbai , INDIA", 6), ("Leipzig, Germany", 8), ("", 8)],
)
def test_a_time_is_local_to_the_country_it_names(place, hour):
    (found,) = tracked(tracking(entry(update(place=place))))[NUMBER].scans
    assert found.at.hour == hour


def test_a_time_with_an_offset_is_taken_at_its_word():
    (found,) = tracked(tracking(entry(update(at="2026-03-11T12:00:00+03:00"))))[NUMBER].scans
    assert found.at == dt.datetime(2026, 3, 11, 9, tzinfo=dt.UTC)


def test_a_problem_is_part_of_the_code():
    (found,) = tracked(tracking(entry(update("SH157", problem="A1"))))[NUMBER].scans
    assert (found.code, found.milestone) == ("SH157/A1", Milestone.DELIVERY_FAILED)


def test_a_code_nobody_knows_is_kept_and_unknown():
    (found,) = tracked(tracking(entry(update("SH999"))))[NUMBER].scans
    assert (found.code, found.milestone, found.reason) == ("SH999", Milestone.UNKNOWN, None)


def test_comments_are_left_alone():
    (found,) = tracked(tracking(entry(update())))[NUMBER].scans
    assert "Asha" not in repr(found)


def test_a_waybill_without_updates_has_no_scans():
    assert tracked(tracking(entry())) == {NUMBER: Tracked(awb=NUMBER, scans=())}


def test_new_fields_are_passed_over():
    response = tracking(entry(update(more="<Photo>x</Photo>")))
    assert isinstance(tracked(response)[NUMBER], Tracked)


def test_each_waybill_has_its_own_outcome():
    outcome = tracked(tracking(entry(update()), unknown=[OTHER]), NUMBER, OTHER, "47000000003")
    assert isinstance(outcome[NUMBER], Tracked)
    assert told(outcome[OTHER]) == (Refused, RefusalKind.WRONG_STATE, "", "the carrier knows no such waybill")
    assert isinstance(outcome["47000000003"], Misread)


@pytest.mark.parametrize(
    "response",
    [
        tracking(entry(update(), key=OTHER)),
        tracking(entry(update(waybill=OTHER))),
        tracking(entry(update()), entry(update())),
        tracking(entry(update("")), entry(update())),
        tracking(entry(update(at="yesterday"))),
        tracking(entry(update(more="<UpdateCode>SH005</UpdateCode>"))),
        tracking(entry(update()).replace("<a:Key>", "<a:Key>1</a:Key><a:Key>")),
        tracking(entry(update(), key="")),
        tracking(entry(update()), unknown=[OTHER]),
        tracking(entry(update()), errors=""),
        tracking(entry(update()), errors="FALSE"),
        tracking("<x/>"),
        answer("PickupTrackingResponse"),
    ],
)
def test_what_is_not_tracking_of_ours_is_misread(response):
    assert tracked(response) == (Misread,)


def test_a_part_that_comes_twice_is_misread():
    twice = httpx.Response(
        200,
        content=tracking(entry(update())).content.replace(b"<HasErrors>", b"<HasErrors>true</HasErrors><HasErrors>"),
        headers={"content-type": "text/xml"},
    )
    assert tracked(twice) == (Misread,)


def test_errors_of_the_call_are_a_refusal():
    response = tracking(errors="true", head=notifications(ERR01="who?"))
    assert tracked(response) == (Refused, RefusalKind.UNAUTHORIZED, "ERR01", "who?")


def test_a_fault_is_no_tracking():
    assert tracked(fault("s:Server")) == (OutcomeUnknown,)


# --- finding --------------------------------------------------------------------------------------


def sought(**handles: str) -> Sought:
    return Sought(carrier_reference=REFERENCE, sent_at=NOW, handles=handles)


LOST = sought(number=NUMBER, group="DOM", waybill=NUMBER, entity="BLR")


def asked_about(question: Sought) -> list[str | None]:
    root = etree.fromstring(built("find", question).content)
    return [one.text for one in root.iter(f"{{{ARRAYS}}}string")]


def test_a_lost_booking_is_looked_for_by_its_number():
    assert asked_about(LOST) == [NUMBER]


def test_before_there_was_a_number_nothing_can_be_found():
    assert asked_about(sought()) == [REFERENCE]
    assert read("find", tracking(unknown=[REFERENCE]), sought()) is None


@pytest.mark.parametrize("code", ["SH308", "SH312", "SH012", "SH005", "SH313"])
def test_a_scan_of_a_collection_is_a_booking(code):
    assert read("find", tracking(entry(update(code), update("SH014"))), LOST) == Booked(
        awb=NUMBER,
        handles={"group": "DOM", "entity": "BLR"},
        tracking_url=f"https://www.aramex.com/track/shipments?ShipmentNumber={NUMBER}",
    )


@pytest.mark.parametrize(
    "response", [tracking(unknown=[NUMBER]), tracking(entry()), tracking(entry(update("SH014"))), tracking(entry(update("SH249")))]
)
def test_a_waybill_alone_is_none(response):
    assert read("find", response, LOST) is None


@pytest.mark.parametrize("response", [tracking(), tracking(entry(update(), key=OTHER)), tracking(errors="")])
def test_what_says_nothing_of_it_is_misread(response):
    assert read("find", response, LOST) == (Misread,)
