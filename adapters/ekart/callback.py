"""Ekart Elite's pushes.

OpenAPI file 3.8.8, `/api/v2/webhook` (A): three topics, signed with HMAC-SHA256 over the body. In which header and writing is not
documented: x-ekart-signature (C) and hex (D) are assumed and can be set. The two topics about creation bring our order number
and the tracking id: the only way to learn of a booking whose answer was lost.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping

import msgspec

from adapters.contract.carrier import Pushed
from adapters.contract.errors import Misread
from adapters.contract.scans import Milestone, Scan, Tracked
from adapters.ekart import statuses, wire
from adapters.wire import json

SIGNATURE_HEADER = "x-ekart-signature"
CREATED = "shipment_created"


class Push(msgspec.Struct, rename="camel"):
    """All topics in one: only `track_updated` has a status, only the two about creation a `channelId`."""

    id: str
    order_number: str = ""
    status: str | None = None
    ctime: int | str | None = None
    desc: str | None = None
    location: str | None = None
    ndr_status: str | None = None
    edd: int | str | None = None
    channel_id: str | None = None


def read_callback(headers: Mapping[str, str], body: bytes, secrets: Mapping[str, str]) -> Pushed:
    """`secrets` are the account's secrets and settings. Raises Misread for what is none of the three topics."""
    push = json.decode(body, Push)
    if not push.id:
        raise Misread("a push about no shipment")
    tracked = Tracked(
        awb=push.id,
        scans=_scans(push),
        carrier_reference=push.order_number.removeprefix(secrets.get("order_number_prefix", "")),
        expected_delivery=wire.moment(push.edd) if push.edd else None,
    )
    return Pushed(verified=verified(headers, body, secrets), tracked=(tracked,))


def verified(headers: Mapping[str, str], body: bytes, secrets: Mapping[str, str]) -> bool:
    """False where no secret is set: the push is then a hint to poll and nothing more."""
    secret = secrets.get("webhook_secret", "")
    name = (secrets.get("signature_header") or SIGNATURE_HEADER).casefold()
    given = next((value for header, value in headers.items() if header.casefold() == name), "")
    due = sign(body, secret, secrets.get("signature_encoding", ""))
    return bool(secret) and hmac.compare_digest(given.encode(), due.encode())


def sign(body: bytes, secret: str, encoding: str = "hex") -> str:
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    return base64.b64encode(digest).decode() if encoding == "base64" else digest.hex()


def _scans(push: Push) -> tuple[Scan, ...]:
    if push.status is not None and push.ctime is not None:
        return (
            statuses.scan(
                statuses.Status(
                    status=push.status, ctime=push.ctime, desc=push.desc, location=push.location, ndr_status=push.ndr_status
                )
            ),
        )
    if push.status is None and push.channel_id and push.order_number:
        return _created(push.channel_id)
    raise Misread("none of the documented topics")


def _created(channel_id: str) -> tuple[Scan, ...]:
    """These pushes bring no time. Ekart's order id looks like a MongoDB one (D), whose first half tells its second of birth."""
    if not re.fullmatch(r"[0-9a-f]{24}", channel_id):
        return ()
    at = dt.datetime.fromtimestamp(int(channel_id[:8], 16), dt.UTC)
    return (Scan(code=CREATED, at=at, milestone=Milestone.LABEL_CREATED),)
