"""Tracking many waybills at once; and finding out what became of a booking whose answer was lost.

WSDL of the tracking service (A), one real answer of it (B). Read with lxml, without zeep: answers are large and come often. Times
are local and name no zone: the country that the place ends in gives it (assumed, D). Comments are left alone: names and phones
stand in them.
"""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import msgspec
from lxml import etree

from adapters.aramex import codes, wire
from adapters.aramex.pickup import TRACKING_PAGE, WAYBILLS_OWN
from adapters.aramex.places import zone_of
from adapters.contract.carrier import Access, AwbList, Booked, Operation, SoFar, Sought, Step, TrackAnswer
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.scans import Milestone, Scan, Tracked
from adapters.wire import dates, soap

# No limit is published.
BATCH = 10

_ANSWER = f"{wire.NAMESPACE}ShipmentTrackingResponse"
_ARRAYS = "{http://schemas.microsoft.com/2003/10/Serialization/Arrays}"
_KEY, _VALUE = f"{_ARRAYS}Key", f"{_ARRAYS}Value"
_RESULT = f"{wire.NAMESPACE}TrackingResult"


class Update(msgspec.Struct, frozen=True, gc=False):
    """One line of a waybill's tracking, as it stands in the answer."""

    waybill: str
    code: str
    problem: str
    text: str
    at: str
    place: str


class Answer(msgspec.Struct, frozen=True):
    """Updates by waybill, and the waybills that the carrier does not know."""

    updates: dict[str, list[Update]]
    unknown: frozenset[str]


# --- the question ---------------------------------------------------------------------------------


def build(question: AwbList, access: Access, so_far: SoFar) -> httpx.Request:
    return _request(question.awbs, access)


def _request(awbs: tuple[str, ...], access: Access) -> httpx.Request:
    fields = {**wire.head(access, ()), "Shipments": {"string": list(awbs)}, "GetLastTrackingUpdateOnly": False}
    return wire.TRACKING.request(wire.address(access, "Tracking"), "TrackShipments", fields)


# --- the answer, with lxml ------------------------------------------------------------------------


def read(response: httpx.Response) -> Answer:
    element = soap.answer(response, _ANSWER, wire.OUR_FAULT)
    parts = {child.tag: child for child in element}
    if len(parts) != len(element):
        raise Misread("a part of the answer comes twice")
    _judge(parts)
    found = _waybills(parts.get(f"{wire.NAMESPACE}TrackingResults", ()))
    return Answer(found, frozenset(text for one in parts.get(f"{wire.NAMESPACE}NonExistingWaybills", ()) if (text := one.text)))


def _judge(parts: dict[str, etree._Element]) -> None:
    """Raises Misread without a verdict, Refused with a bad one."""
    verdict = parts.get(f"{wire.NAMESPACE}HasErrors")
    if soap.boolean(verdict.text or "" if verdict is not None else ""):
        told = [soap.texts(one) for one in parts.get(f"{wire.NAMESPACE}Notifications", ())]
        raise wire.refusal(
            [wire.Notification(one.get(f"{wire.NAMESPACE}Code", ""), one.get(f"{wire.NAMESPACE}Message", "")) for one in told]
        )


def _waybills(results: Iterable[etree._Element]) -> dict[str, list[Update]]:
    found: dict[str, list[Update]] = {}
    for entry in results:
        key, value = entry.find(_KEY), entry.find(_VALUE)
        if key is None or value is None or len(entry) != 2 or not key.text or key.text in found:
            raise Misread("tracking without its waybill, or of one twice")
        found[key.text] = [_update(result, key.text) for result in value]
    return found


_FIELDS = tuple(
    f"{wire.NAMESPACE}{name}"
    for name in ("WaybillNumber", "UpdateCode", "ProblemCode", "UpdateDescription", "UpdateDateTime", "UpdateLocation")
)


def _update(result: etree._Element, waybill: str) -> Update:
    texts = soap.texts(result)
    update = Update(*[texts.get(name, "") for name in _FIELDS])
    if result.tag != _RESULT or update.waybill != waybill or not update.code:
        raise Misread("an update of another waybill, or without its code")
    return update


# --- what it means --------------------------------------------------------------------------------


def parse(response: httpx.Response, question: AwbList, so_far: SoFar) -> TrackAnswer:
    answer = read(response)
    if not answer.updates.keys() | answer.unknown <= set(question.awbs):
        raise Misread("tracking of waybills nobody asked about")
    return {awb: _outcome(awb, answer) for awb in question.awbs}


def _outcome(awb: str, answer: Answer) -> Tracked | Refused | Misread:
    if awb in answer.unknown:
        return Refused(RefusalKind.WRONG_STATE, "", "the carrier knows no such waybill")
    if awb not in answer.updates:
        return Misread("the answer says nothing of this waybill")
    return _tracked(awb, answer.updates[awb])


def _tracked(awb: str, updates: list[Update]) -> Tracked:
    """The carrier lists the newest first (assumed, D), which decides between scans of the same second."""
    return Tracked(awb=awb, scans=tuple(sorted(map(_scan, reversed(updates)), key=lambda scan: scan.at)))


def _scan(update: Update) -> Scan:
    milestone, reason = codes.meaning(update.code)
    return Scan(
        code=f"{update.code}/{update.problem}" if update.problem else update.code,
        at=dates.local(update.at, zone_of(update.place)),
        milestone=milestone,
        text=update.text,
        place=update.place,
        reason=reason,
    )


TRACK: Operation[AwbList, TrackAnswer] = Operation(
    steps=(Step(build=build, parse=parse),), repeatable=True, reads_server_errors=True, timeout=30.0
)


# --- finding a booking whose answer was lost ------------------------------------------------------

# A waybill alone has none of these.
_NO_COLLECTION = frozenset({Milestone.LABEL_CREATED, Milestone.UNKNOWN})


def build_find(sought: Sought, access: Access, so_far: SoFar) -> httpx.Request:
    """By the number reserved for it; before one was, by our reference, which is no waybill."""
    return _request((_number(sought),), access)


def parse_find(response: httpx.Response, sought: Sought, so_far: SoFar) -> Booked | None:
    """None also for a waybill without a collection: asking again for either is refused as a duplicate, and then read as done."""
    number = _number(sought)
    tracked = parse(response, AwbList(awbs=(number,)), so_far)[number]
    if isinstance(tracked, Misread):
        raise tracked
    if not isinstance(tracked, Tracked) or all(scan.milestone in _NO_COLLECTION for scan in tracked.scans):
        return None
    handles = {name: sought.handles[name] for name in WAYBILLS_OWN if name in sought.handles}
    return Booked(awb=number, handles=handles, tracking_url=TRACKING_PAGE + number)


def _number(sought: Sought) -> str:
    return sought.handles.get("number", sought.carrier_reference)


FIND: Operation[Sought, Booked | None] = Operation(
    steps=(Step(build=build_find, parse=parse_find),), repeatable=True, reads_server_errors=True
)
