"""Tracking, fifty waybills a call, and finding a booking by our own order id.

Developer portal, shipment tracking (2026-07); captures of a forward parcel. Times have no zone and are Indian. An unknown
waybill is a text in place of the list, with HTTP 200 or 400. The current status may be news that no scan tells yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import httpx
import msgspec

from adapters.contract.carrier import Access, AwbList, Booked, Operation, SoFar, Sought, TrackAnswer, one_step
from adapters.contract.errors import CarrierError, Misread, RefusalKind, Refused
from adapters.contract.scans import Scan, Tracked
from adapters.delhivery import wire
from adapters.delhivery.codes import meaning
from adapters.wire import dates, json

BATCH = 50
_PATH = "/api/v1/packages/json/"


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    status: str | None = None
    status_type: str | None = None
    status_code: str | None = None
    status_date_time: str | None = None
    status_location: str | None = None
    instructions: str | None = None


class ScanDetail(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    scan: str | None = None
    scan_type: str | None = None
    status_code: str | None = None
    status_date_time: str | None = None
    scan_date_time: str | None = None
    scanned_location: str | None = None
    instructions: str | None = None


class ScanEntry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    scan_detail: ScanDetail


class Consignee(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    pin_code: int | str | None = None


class Shipment(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Address lines come as lists; they are none of our business here."""

    awb: str | int = msgspec.field(name="AWB")
    reference_no: str | int | None = None
    status: Status | None = None
    scans: list[ScanEntry] | None = None
    expected_delivery_date: str | None = None
    consignee: Consignee | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    shipment: Shipment


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """`entries` are read one by one, so that one odd shipment does not spoil the others."""

    entries: list[msgspec.Raw] | None = msgspec.field(default=None, name="ShipmentData")
    error: str | None = msgspec.field(default=None, name="Error")
    rmk: str | None = None


_UNKNOWN = ("data does not exist", "no such waybill")


# --- tracking ---------------------------------------------------------------------------------------


def build(asked: AwbList, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, _PATH, {"waybill": ",".join(asked.awbs), "ref_ids": ""})


def parse(response: httpx.Response, asked: AwbList, so_far: SoFar) -> TrackAnswer:
    """An outcome for every waybill asked for, and for no other."""
    reply = _reply(response)
    if reply.entries is None:
        return dict.fromkeys(asked.awbs, _not_known(reply.error or reply.rmk or ""))
    shipments, odd = _shipments(reply.entries)
    told = {str(shipment.awb): _told(shipment) for shipment in shipments}
    missing = Misread("a shipment in no documented shape") if odd else _not_known("no data for this waybill")
    return {awb: told.get(awb, missing) for awb in asked.awbs}


def _reply(response: httpx.Response, read: Callable[[httpx.Response, type[Reply]], Reply] = json.read) -> Reply:
    """The list, or the documented text that there is none. Raises Misread for anything else."""
    wire.screen(response)
    reply = read(response, Reply)
    text = (reply.error or reply.rmk or "").casefold()
    if reply.entries is None and not any(phrase in text for phrase in _UNKNOWN):
        raise Misread(f"neither shipments nor their absence: {wire.raw(response)[:80]}")
    if reply.entries is not None:
        wire.positive(response)
    return reply


def _not_known(text: str) -> Refused:
    return Refused(RefusalKind.INVALID_REQUEST, "", text)


def _shipments(entries: Iterable[msgspec.Raw]) -> tuple[list[Shipment], int]:
    """The readable ones, and how many were not."""
    found, odd = [], 0
    for entry in entries:
        try:
            found.append(json.decode(bytes(entry), Entry).shipment)
        except Misread:
            odd += 1
    return found, odd


def _told(shipment: Shipment) -> Tracked | CarrierError:
    try:
        return tracked(shipment)
    except Misread as error:
        return error


def tracked(shipment: Shipment) -> Tracked:
    """Oldest scan first, each once; the current status is one of them, or the last. Raises Misread for unreadable times."""
    expected = shipment.expected_delivery_date
    return Tracked(
        awb=str(shipment.awb),
        scans=_scans(shipment),
        carrier_reference=str(shipment.reference_no or ""),
        expected_delivery=dates.local(expected, wire.TIMEZONE) if expected else None,
    )


def _scans(shipment: Shipment) -> tuple[Scan, ...]:
    once: dict[tuple[object, ...], Scan] = {}
    status = shipment.status
    now = [of_status(status, status.status_code or "")] if status and status.status_date_time else []
    for scan in [*(_of_scan(entry.scan_detail) for entry in shipment.scans or ()), *now]:
        once.setdefault((scan.code, scan.at, scan.place), scan)
    return tuple(sorted(once.values(), key=lambda scan: scan.at))


def _of_scan(detail: ScanDetail) -> Scan:
    return _scan(
        detail.scan_type or "",
        detail.status_code or "",
        detail.scan or "",
        detail.status_date_time or detail.scan_date_time or "",
        detail.scanned_location or "",
        detail.instructions or "",
    )


def of_status(status: Status, code: str) -> Scan:
    """A status block, of a tracking reply or a push (which gives its code elsewhere)."""
    return _scan(
        status.status_type or "",
        code,
        status.status or "",
        status.status_date_time or "",
        status.status_location or "",
        status.instructions or "",
    )


def _scan(kind: str, code: str, word: str, at: str, place: str, note: str) -> Scan:
    """`code` is "PP/EOD-26"; `text` begins with the status word, which the acts depend on."""
    milestone, reason = meaning(kind, code, word)
    return Scan(
        code=f"{kind}/{code or word}",
        at=dates.local(at, wire.TIMEZONE),
        milestone=milestone,
        text=": ".join(part for part in (word, note) if part),
        place=place,
        reason=reason,
    )


TRACK: Operation[AwbList, TrackAnswer] = one_step(build, parse, repeatable=True)


# --- finding a booking by our order id --------------------------------------------------------------


def build_find(sought: Sought, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, _PATH, {"waybill": "", "ref_ids": sought.carrier_reference})


def parse_find(response: httpx.Response, sought: Sought, so_far: SoFar) -> Booked | None:
    """Only a shipment that bears our order id is ours. Raises Misread where the list names others only."""
    entries = _reply(response, json.read_once).entries or []
    ours = [shipment for shipment in _shipments(entries)[0] if str(shipment.reference_no) == sought.carrier_reference]
    if entries and not ours:
        raise Misread("an answer about other bookings")
    if not ours:
        return None
    return _booked(next((shipment for shipment in ours if not _struck(shipment)), ours[0]))


def _struck(shipment: Shipment) -> bool:
    return shipment.status is not None and shipment.status.status_type == "CN"


def _booked(shipment: Shipment) -> Booked:
    if not str(shipment.awb).strip():
        raise Misread("a shipment without a waybill")
    pin = shipment.consignee and shipment.consignee.pin_code
    return Booked(awb=str(shipment.awb), handles={"pin": str(pin)} if pin else {})


FIND: Operation[Sought, Booked | None] = one_step(build_find, parse_find, repeatable=True)
