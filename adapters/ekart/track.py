"""Tracking, one shipment a call and without a login.

OpenAPI file 3.8.8, `track` (A). The newest scan stands apart and may or may not be in `details` again; `details` come in no
promised order.
"""

from __future__ import annotations

from urllib.parse import quote

import httpx
import msgspec

from adapters.contract.carrier import Access, AwbList, SoFar, TrackAnswer, one_step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.scans import Scan, Tracked
from adapters.ekart import statuses, wire


class Track(statuses.Status, frozen=True, rename="camel"):
    details: list[statuses.Status] | None = None


class Reply(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    track: Track
    edd: int | str | None = None
    order_number: str | None = None


def build(question: AwbList, access: Access, so_far: SoFar) -> httpx.Request:
    return httpx.Request("GET", f"{access.base_url}/api/v1/track/{quote(_only(question), safe='')}")


def parse(response: httpx.Response, question: AwbList, so_far: SoFar) -> TrackAnswer:
    awb = _only(question)
    try:
        reply = wire.read(response, Reply)
    except Refused as refusal:
        return {awb: refusal}
    if reply.id != awb:
        raise Misread("tracking of another shipment")
    return {
        awb: Tracked(
            awb=awb,
            scans=_scans(reply.track),
            carrier_reference=reply.order_number or "",
            expected_delivery=wire.moment(reply.edd) if reply.edd else None,
        )
    }


def _scans(track: Track) -> tuple[Scan, ...]:
    """Oldest first. The same status at the same time is one scan: the one that tells more."""
    scans: dict[tuple[str, object], Scan] = {}
    for line in (*(track.details or ()), track):
        scan = statuses.scan(line)
        key = (line.status, scan.at)
        if key not in scans or len(scan.code) > len(scans[key].code):
            scans[key] = scan
    return tuple(sorted(scans.values(), key=lambda scan: scan.at))


def _only(question: AwbList) -> str:
    if len(question.awbs) != 1:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="one shipment a call", field="/awbs")
    return question.awbs[0]


TRACK = one_step(build, parse, repeatable=True)
