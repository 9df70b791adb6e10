"""Tracking, twenty parcels a call.

Vendor documentation and recordings (A). A tracker is made by buying the label, so none is ever created here: those of our
tracking codes are asked for together. How many at once is not published; a list's usual page is taken (D). Movers use their codes
again after months: of several trackers with one code the newest is ours. Times bring their offset; without one they are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import msgspec

from adapters.contract.carrier import Access, AwbList, SoFar, TrackAnswer, one_step
from adapters.contract.errors import CarrierError, Misread, RefusalKind, Refused
from adapters.contract.scans import Scan, Tracked
from adapters.easypost import services, statuses, wire
from adapters.wire import dates, json

BATCH = 20
_UTC = "UTC"


class Location(msgspec.Struct, frozen=True):
    city: str | None = None
    state: str | None = None
    country: str | None = None
    zip: str | None = None

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.city, self.state, self.zip, self.country)))


class Line(msgspec.Struct, frozen=True):
    status: str
    datetime: str
    status_detail: str | None = None
    message: str | None = None
    carrier_code: str | None = None
    tracking_location: Location | None = None


class Tracker(msgspec.Struct, frozen=True, kw_only=True):
    object: str
    tracking_code: str
    status: str
    carrier: str | None = None
    status_detail: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    est_delivery_date: str | None = None
    tracking_details: list[Line] | None = None


class Reply(msgspec.Struct, frozen=True):
    """`trackers` are read one by one, so that one odd parcel does not spoil the others."""

    trackers: list[msgspec.Raw]
    has_more: bool | None = None


def build(asked: AwbList, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.post(access, "/trackers/batch", {"tracking_codes": list(asked.awbs)})


def parse(response: httpx.Response, asked: AwbList, so_far: SoFar) -> TrackAnswer:
    """An outcome for every code asked for, and for no other."""
    reply = wire.read(response, Reply)
    trackers, odd = _trackers(reply.trackers)
    told = {tracker.tracking_code: _told(tracker) for tracker in sorted(trackers, key=lambda one: one.created_at or "")}
    missing: CarrierError = Refused(RefusalKind.INVALID_REQUEST, raw_message="no tracker with this code")
    if odd or reply.has_more:
        missing = Misread("a tracker in no documented shape, or on a page that was not asked for")
    return {awb: told.get(awb, missing) for awb in asked.awbs}


def _trackers(entries: Iterable[msgspec.Raw]) -> tuple[list[Tracker], int]:
    """The readable ones, and how many were not."""
    found, odd = [], 0
    for entry in entries:
        try:
            found.append(tracker_of(json.decode(bytes(entry), Tracker)))
        except Misread:
            odd += 1
    return found, odd


def tracker_of(found: Tracker) -> Tracker:
    """Raises Misread for what is no tracker."""
    if found.object != "Tracker" or not found.tracking_code.strip():
        raise Misread("not a tracker")
    return found


def _told(tracker: Tracker) -> Tracked | CarrierError:
    try:
        return tracked(tracker)
    except Misread as error:
        return error


def tracked(tracker: Tracker) -> Tracked:
    """Oldest scan first, each once. Raises Misread for unreadable times."""
    mover = services.mover_of(tracker.carrier or "")
    scans = _in_order(_scan(line, mover) for line in tracker.tracking_details or ())
    expected = tracker.est_delivery_date
    return Tracked(
        awb=tracker.tracking_code,
        scans=_in_order((*scans, *_current(tracker, scans))),
        expected_delivery=dates.local(expected, _UTC) if expected else None,
        moved_by=mover,
    )


def _in_order(scans: Iterable[Scan]) -> tuple[Scan, ...]:
    once = {(scan.code, scan.at, scan.place): scan for scan in scans}
    return tuple(sorted(once.values(), key=lambda scan: scan.at))


def _scan(line: Line, mover: str) -> Scan:
    detail, code = line.status_detail or "", line.carrier_code or ""
    milestone, reason = statuses.meaning(line.status, detail, mover, code)
    return Scan(
        code="/".join(filter(None, (line.status, detail, code))),
        at=dates.local(line.datetime, _UTC),
        milestone=milestone,
        text=line.message or "",
        place=str(line.tracking_location or ""),
        reason=reason,
    )


def _current(tracker: Tracker, scans: tuple[Scan, ...]) -> tuple[Scan, ...]:
    """The current status, where it is news that no line tells: a label that was voided has none."""
    last = scans[-1].code.partition("/")[0] if scans else ""
    if tracker.status in ("unknown", last) or not tracker.updated_at:
        return ()
    return (_scan(Line(status=tracker.status, status_detail=tracker.status_detail, datetime=tracker.updated_at), ""),)


TRACK = one_step(build, parse, repeatable=True)
