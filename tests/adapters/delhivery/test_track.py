from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec
import pytest

from adapters.contract.carrier import AwbList, Booked, Sought
from adapters.contract.errors import CarrierError, Misread, RefusalKind, Refused
from adapters.contract.scans import Milestone, Reason, Scan, Tracked
from adapters.delhivery import track

from .examples import AWB, NOW, REFERENCE, access, says

OTHER = "57930810000077"
ASKED = AwbList(awbs=(AWB, OTHER))
UNKNOWN = {"Success": False, "Error": "Data does not exists for provided Waybill(s)", "rmk": "Some error has occurred."}


def scan(kind: str, code: str, word: str, at: str = "2026-11-24T12:00:00", **more: object) -> dict[str, object]:
    detail = {"ScanType": kind, "StatusCode": code, "Scan": word, "StatusDateTime": at, "ScanDateTime": at}
    return {"ScanDetail": detail | {"ScannedLocation": "Blr_Koramangala_D (Karnataka)", "Instructions": "A note"} | more}


def status(kind: str, code: str, word: str, at: str = "2026-11-24T12:00:00") -> dict[str, object]:
    place: dict[str, object] = {"StatusLocation": "Blr_Koramangala_D (Karnataka)", "Instructions": "A note", "RecievedBy": ""}
    return place | {"StatusType": kind, "StatusCode": code, "Status": word, "StatusDateTime": at}


def shipment(awb: object = AWB, **more: object) -> dict[str, object]:
    address = {"Address1": [], "Address2": ["Lake Road"], "Address3": "", "PinCode": 560001, "City": "Bengaluru"}
    return {"Shipment": {"AWB": awb, "ReferenceNo": REFERENCE, "Status": None, "Scans": [], "Consignee": address} | more}


def listed(*shipments: Mapping[str, object]) -> object:
    return {"ShipmentData": list(shipments)}


def plain(outcomes: Mapping[str, Tracked | CarrierError]) -> dict[str, object]:
    """Errors as their type and text, to be compared."""
    return {awb: (type(told), str(told)) if isinstance(told, CarrierError) else told for awb, told in outcomes.items()}


# --- tracking ---


def test_waybills_are_asked_for_together():
    request = track.build(ASKED, access(), {})
    assert request.url.path == "/api/v1/packages/json/"
    assert dict(request.url.params) == {"waybill": f"{AWB},{OTHER}", "ref_ids": ""}


def test_each_waybill_has_its_outcome():
    reply = says(listed(shipment(Scans=[scan("PP", "EOD-26", "Scheduled")], ExpectedDeliveryDate="2026-11-28T23:59:59")))
    told = Tracked(
        awb=AWB,
        scans=(
            Scan(
                code="PP/EOD-26",
                at=dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC),
                milestone=Milestone.PICKUP_FAILED,
                text="Scheduled: A note",
                place="Blr_Koramangala_D (Karnataka)",
                reason=Reason.CUSTOMER_UNAVAILABLE,
            ),
        ),
        carrier_reference=REFERENCE,
        expected_delivery=dt.datetime(2026, 11, 28, 18, 29, 59, tzinfo=dt.UTC),
    )
    assert plain(track.parse(reply, ASKED, {})) == {
        AWB: told,
        OTHER: (Refused, "invalid_request:  no data for this waybill"),
    }


@pytest.mark.parametrize("http", [200, 400, 404])
@pytest.mark.parametrize("text", ["Data does not exists for provided Waybill(s)", "No such waybill or order ID found"])
def test_unknown_waybills_are_refused_one_by_one(http, text):
    outcomes = track.parse(says({"Success": False, "Error": text}, http), ASKED, {})
    assert plain(outcomes) == dict.fromkeys((AWB, OTHER), (Refused, f"invalid_request:  {text}"))


def test_a_shipment_nobody_asked_for_is_left_out():
    assert set(track.parse(says(listed(shipment("1"), shipment(AWB))), AwbList(awbs=(AWB,)), {})) == {AWB}


def test_a_waybill_may_come_as_a_number():
    assert isinstance(track.parse(says(listed(shipment(int(AWB)))), AwbList(awbs=(AWB,)), {})[AWB], Tracked)


@pytest.mark.parametrize(
    "odd",
    [{}, {"Shipment": {}}, {"Shipment": {"AWB": OTHER, "Scans": 7}}, shipment(OTHER, Scans=[scan("PP", "X", "Open", "soon")])],
)
def test_one_odd_shipment_does_not_spoil_the_others(odd):
    outcomes = track.parse(says(listed(odd, shipment())), ASKED, {})
    assert (type(outcomes[AWB]), type(outcomes[OTHER])) == (Tracked, Misread)


@pytest.mark.parametrize(
    "body", [{}, [], None, {"Success": False, "Error": "Busy"}, {"ShipmentData": None}, {"delivery_codes": []}]
)
def test_neither_a_list_nor_its_absence_is_misread(body):
    with pytest.raises(Misread):
        track.parse(says(body), ASKED, {})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-24T12:00:00", dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)),
        ("2026-11-24T12:00:00.5", dt.datetime(2026, 11, 24, 6, 30, 0, 500_000, dt.UTC)),
        ("2026-11-24T12:00:00.16", dt.datetime(2026, 11, 24, 6, 30, 0, 160_000, dt.UTC)),
        ("2026-11-24T12:00:00.752", dt.datetime(2026, 11, 24, 6, 30, 0, 752_000, dt.UTC)),
        ("2026-11-24 12:00:00.543", dt.datetime(2026, 11, 24, 6, 30, 0, 543_000, dt.UTC)),
    ],
)
def test_times_are_indian_with_any_fraction(text, at):
    told = track.tracked(read(shipment(Scans=[scan("PP", "X-ASP", "Scheduled", text)])))
    assert told.scans[0].at == at


def read(entry: Mapping[str, object]) -> track.Shipment:
    return msgspec.convert(entry, track.Entry).shipment


def test_the_current_status_is_a_scan_of_its_own_if_no_scan_tells_it():
    told = track.tracked(
        read(
            shipment(
                Scans=[scan("PP", "X-ASP", "Scheduled", "2026-11-23T18:00:00")],
                Status=status("PP", "X-DDD3FP", "Dispatched"),
            )
        )
    )
    assert [(s.code, s.milestone) for s in told.scans] == [
        ("PP/X-ASP", Milestone.PICKUP_SCHEDULED),
        ("PP/X-DDD3FP", Milestone.OUT_FOR_PICKUP),
    ]


def test_the_current_status_is_not_told_twice():
    told = track.tracked(read(shipment(Scans=[scan("PP", "X-ASP", "Scheduled")], Status=status("PP", "X-ASP", "Scheduled"))))
    assert [s.code for s in told.scans] == ["PP/X-ASP"]


def test_scans_are_sorted_and_each_stands_once():
    late, early = scan("PU", "EOD-77", "In Transit", "2026-11-24T15:00:00"), scan("PP", "X-ASP", "Scheduled", "2026-11-23T09:00:00")
    told = track.tracked(read(shipment(Scans=[late, early, late, early])))
    assert [s.code for s in told.scans] == ["PP/X-ASP", "PU/EOD-77"]


def test_a_status_without_a_code_is_named_by_its_word():
    told = track.tracked(read(shipment(Status=status("DL", "", "DTO"))))
    assert [(s.code, s.milestone) for s in told.scans] == [("DL/DTO", Milestone.DELIVERED)]


# --- finding ---

SOUGHT = Sought(carrier_reference=REFERENCE, sent_at=NOW)


def test_a_booking_is_sought_by_our_order_id():
    assert dict(track.build_find(SOUGHT, access(), {}).url.params) == {"waybill": "", "ref_ids": REFERENCE}


def test_a_found_booking_brings_its_waybill_and_pin():
    assert track.parse_find(says(listed(shipment())), SOUGHT, {}) == Booked(awb=AWB, handles={"pin": "560001"})


@pytest.mark.parametrize("reply", [says(UNKNOWN), says(UNKNOWN, 400), says({"ShipmentData": []})])
def test_a_documented_absence_is_none(reply):
    assert track.parse_find(reply, SOUGHT, {}) is None


def test_of_two_the_one_that_is_not_cancelled_is_found():
    struck = shipment(OTHER, Status=status("CN", "EOD-21", "Canceled"))
    assert track.parse_find(says(listed(struck, shipment())), SOUGHT, {}) == Booked(awb=AWB, handles={"pin": "560001"})
    assert track.parse_find(says(listed(struck)), SOUGHT, {}) == Booked(awb=OTHER, handles={"pin": "560001"})


@pytest.mark.parametrize(
    "body",
    [
        listed(shipment(ReferenceNo="bkg_other")),
        listed(shipment(ReferenceNo=None)),
        listed({}),
        listed(shipment("")),
        {"Success": False, "Error": "Busy"},
        {},
    ],
)
def test_neither_found_nor_absent_is_misread(body):
    with pytest.raises(Misread):
        track.parse_find(says(body), SOUGHT, {})


def test_a_refusal_keeps_its_kind():
    outcome = track.parse(says(UNKNOWN), AwbList(awbs=(AWB,)), {})[AWB]
    assert isinstance(outcome, Refused)
    assert outcome.kind is RefusalKind.INVALID_REQUEST
