"""What can be done to a live booking: ask for another visit, correct the customer's contact or address.

Developer portal, NDR and shipment edit (2026-07). RE-ATTEMPT and PICKUP_RESCHEDULE are taken in and answered later under an
UPL id; neither takes a date or a note. Both belong to the evening, when the day's dispatches are closed. A reverse
pickup that failed has no Pending status and so no RE-ATTEMPT: the carrier comes again by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import httpx
import msgspec

from adapters.contract.carrier import Access, Act, Acted, Instruction, Later, Next, Operation, SoFar, Standing, Step, one_step
from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.places import Party
from adapters.contract.scans import Milestone, Scan
from adapters.delhivery import wire
from adapters.wire import json

# --- when may it be sent? ---------------------------------------------------------------------------

REATTEMPT_CODES = frozenset({"EOD-74", "EOD-15", "EOD-104", "EOD-43", "EOD-86", "EOD-11", "EOD-69", "EOD-6"})
RESCHEDULE_CODES = frozenset({"EOD-777", "EOD-21"})
_VISITS = (1, 2)
_DISPATCHES_CLOSE = dt.time(21)
_EDITABLE = {"PP": ("Scheduled",), "UD": ("Manifested", "In Transit", "Pending")}


def act_from(act: Act, standing: Standing, now: dt.datetime) -> dt.datetime | None:
    """From when on the carrier would take this act: tonight at nine (Indian time), now, or never as things stand."""
    if standing.last is None:
        return None
    if act in (Act.EDIT_CONTACT, Act.EDIT_ADDRESS):
        return now if _editable(standing.last) else None
    allowed = _reattemptable if act is Act.REATTEMPT else _reschedulable
    return _evening(now) if standing.visits in _VISITS and allowed(standing.last) else None


def _parts(scan: Scan) -> tuple[str, str, str]:
    """StatusType, NSL code, status word; see track.py for how they got there."""
    kind, _, code = scan.code.partition("/")
    return kind, code, scan.text.partition(":")[0]


def _reattemptable(scan: Scan) -> bool:
    kind, code, word = _parts(scan)
    return kind == "UD" and code in REATTEMPT_CODES and word in ("Pending", "")


def _reschedulable(scan: Scan) -> bool:
    """Cancelled, not closed, and not verified by an OTP (which has a code of its own; the text is a second look)."""
    kind, code, word = _parts(scan)
    return kind == "CN" and code in RESCHEDULE_CODES and word != "Closed" and "otp" not in scan.text.casefold()


def _editable(scan: Scan) -> bool:
    kind, _, word = _parts(scan)
    return word in _EDITABLE.get(kind, ()) or (kind == "PP" and scan.milestone is Milestone.PICKUP_SCHEDULED)


def _evening(now: dt.datetime) -> dt.datetime:
    local = now.astimezone(ZoneInfo(wire.TIMEZONE))
    return max(now, dt.datetime.combine(local.date(), _DISPATCHES_CLOSE, local.tzinfo).astimezone(dt.UTC))


# --- another visit ----------------------------------------------------------------------------------

# The handbook's texts, in its order; the same in the answer and in the result that comes later.
REFUSALS: wire.Table = (
    ("package in incorrect status", RefusalKind.WRONG_STATE),
    ("invalid data provided", RefusalKind.INVALID_REQUEST),
    ("can not update more than 1000 records", RefusalKind.INVALID_REQUEST),
    ("unauthorized client/user", RefusalKind.UNAUTHORIZED),
    ("action is not valid", RefusalKind.INVALID_REQUEST),
    ('"waybill" is missing', RefusalKind.INVALID_REQUEST),
    ("package should be in canceled status", RefusalKind.WRONG_STATE),
    ("shipment has reached max attempt count", RefusalKind.TOO_LATE),
    ("incorrect waybill", RefusalKind.INVALID_REQUEST),
    ("rescheduling is not allowed", RefusalKind.WRONG_STATE),
)
_IN_DISPATCH = "package is part of dispatch"
_IN_WORK = "package action is being performed"
_TRY_AGAIN = dt.timedelta(minutes=30)
_NEXT_ROUND = dt.timedelta(days=2)  # the next working day, across a Sunday
_LOOKS = 20


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """`success_wbns` comes with an upload's result only: then it answers another call."""

    success_wbns: msgspec.Raw | None = None
    request_id: str | None = None
    message: str | None = None
    error: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    waybill: str | int | None = None
    action: str | None = None
    message: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is the whole upload's; a waybill's own is the list it stands in."""

    request_id: str | None = None
    status: str | None = None
    remark: str | None = None
    failed_wbns: list[Line] | None = None
    success_wbns: list[Line] | None = None


def another_visit(word: str) -> Operation[Instruction, Acted]:
    """`word` is RE-ATTEMPT or PICKUP_RESCHEDULE. The result step asks until the upload is worked off."""
    return Operation(
        steps=(
            Step(name="submit", build=_submitting(word), parse=parse_submitted, commits=True),
            Step(name="result", build=build_result, parse=_reading(word)),
        ),
        timeout=130.0,
    )


def _submitting(word: str) -> Callable[[Instruction, Access, SoFar], httpx.Request]:
    def build(instruction: Instruction, access: Access, so_far: SoFar) -> httpx.Request:
        today = access.now.astimezone(ZoneInfo(wire.TIMEZONE)).date()
        if instruction.date and instruction.date > today + _NEXT_ROUND:
            raise wire.unfit("/date", "no date can be given: the rider goes the next working day")
        return wire.post(access, "/api/p/update", {"data": [{"waybill": instruction.booking.awb, "act": word}]})

    return build


def parse_submitted(response: httpx.Response, instruction: Instruction, so_far: SoFar) -> Next:
    wire.screen(response)
    reply = _submitted(response)
    if reply.request_id and reply.success_wbns is None:
        wire.positive(response)
        return Next(so_far={"upl": reply.request_id})
    text = reply.message or reply.error or ""
    if any(phrase in text.casefold() for phrase in (_IN_DISPATCH, _IN_WORK)):
        raise Throttled(text, retry_after=_TRY_AGAIN)
    raise _refused(text) or Misread(f"an upload without an id: {wire.raw(response)[:80]}")


def _submitted(response: httpx.Response) -> Submitted:
    """Refusals are often a bare JSON text."""
    if response.content.lstrip().startswith(b'"'):
        return Submitted(message=json.read(response, str))
    return json.read(response, Submitted)


def _refused(text: str) -> Refused | None:
    kind = wire.kind_of(text, REFUSALS)
    return Refused(kind, "", text) if kind else None


def build_result(instruction: Instruction, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, f"/api/cmu/get_bulk_upl/{so_far['upl']}", {"verbose": "true"})


def _reading(word: str) -> Callable[[httpx.Response, Instruction, SoFar], Acted | Later]:
    def parse(response: httpx.Response, instruction: Instruction, so_far: SoFar) -> Acted | Later:
        wire.screen(response)
        if response.status_code == httpx.codes.NOT_FOUND:
            return _later(so_far)  # not worked on yet; an id that is never found ends in OutcomeUnknown
        outcome = _outcome(json.read(response, Result), word, instruction.booking.awb, so_far)
        wire.positive(response)
        return outcome

    return parse


def _outcome(result: Result, word: str, awb: str, so_far: SoFar) -> Acted | Later:
    if result.request_id != so_far.get("upl") or not result.request_id:
        raise Misread("the result of another upload")
    if any(_is(line, awb, word) for line in result.success_wbns or ()):
        return Acted(receipt=result.request_id)
    failed = next((line.message or "" for line in result.failed_wbns or () if _is(line, awb, word)), None)
    if failed is None:
        return _later(so_far)
    if _IN_WORK in failed.casefold():
        return _later(so_far)
    raise _failed(failed)


def _is(line: Line, awb: str, word: str) -> bool:
    return str(line.waybill) == awb and line.action in (word, "", None)


def _failed(text: str) -> CarrierError:
    """Part of a dispatch means: not tonight; the status has to be read again first."""
    return _refused(text) or Refused(RefusalKind.WRONG_STATE if _IN_DISPATCH in text.casefold() else None, "", text)


def _later(so_far: SoFar) -> Later:
    """Half a minute, then a minute, then one and a half...; an upload without an end is an unknown outcome."""
    looks = int(so_far.get("looks", "0")) + 1
    if looks > _LOOKS:
        raise OutcomeUnknown(f"no result of upload {so_far.get('upl', '')} after {_LOOKS} looks")
    return Later(after=dt.timedelta(seconds=30) * looks, so_far={**so_far, "looks": str(looks)})


REATTEMPT = another_visit("RE-ATTEMPT")
RESCHEDULE = another_visit("PICKUP_RESCHEDULE")

# --- corrections ------------------------------------------------------------------------------------


def _party(instruction: Instruction) -> Party:
    """The customer as corrected. Raises Refused where the pin has changed: a pin cannot be edited, only booked anew."""
    party = instruction.party
    if party is None:
        raise wire.unfit("/party", "nothing to correct")
    booked = instruction.booking.handles.get("pin")
    if booked and wire.pin(party.postal_code, "/party/postal_code") != booked:
        raise wire.unfit("/party/postal_code", "a pin cannot be edited")
    return party


def build_contact(instruction: Instruction, access: Access, so_far: SoFar) -> httpx.Request:
    party = _party(instruction)
    body = {"waybill": instruction.booking.awb, "name": party.name, "phone": wire.phone(party.phone, "/party/phone")}
    return wire.post(access, "/api/p/edit", body)


def build_address(instruction: Instruction, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.post(access, "/api/p/edit", {"waybill": instruction.booking.awb, "add": wire.address(_party(instruction))})


def parse_edit(response: httpx.Response, instruction: Instruction, so_far: SoFar) -> Acted:
    said = wire.verdict(response, instruction.booking.awb)
    if not said.waybill or "cancel" in (said.remark or "").casefold():
        raise Misread("a yes to something else")
    return Acted()


EDIT_CONTACT: Operation[Instruction, Acted] = one_step(build_contact, parse_edit, repeatable=True)
EDIT_ADDRESS: Operation[Instruction, Acted] = one_step(build_address, parse_edit, repeatable=True)
