"""Scan push: one status a body.

Developer portal, webhook (2026-07): set up by a form and e-mail; the only authentication is the header and the secret we write
into that form. One repeat at once, then the scan is never pushed again: polling fills the gaps. Documents are pushed elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from adapters.contract.carrier import Pushed
from adapters.contract.errors import Misread
from adapters.contract.scans import Tracked
from adapters.delhivery.track import Status, of_status
from adapters.wire import json

DEFAULT_HEADER = "Authorization"


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    awb: str | int = msgspec.field(name="AWB")
    status: Status = msgspec.field(name="Status")
    code: str | None = msgspec.field(default=None, name="NSLCode")
    reference: str | int | None = msgspec.field(default=None, name="ReferenceNo")


class Push(msgspec.Struct, frozen=True, kw_only=True):
    shipment: Shipment = msgspec.field(name="Shipment")


def read_callback(headers: Mapping[str, str], raw_body: bytes, secrets: Mapping[str, str]) -> Pushed:
    """Raises Misread for another shape than the default scan push."""
    shipment = json.decode(raw_body, Push).shipment
    if not str(shipment.awb).strip():
        raise Misread("a push without a waybill")
    scan = of_status(shipment.status, shipment.code or shipment.status.status_code or "")
    tracked = Tracked(awb=str(shipment.awb), scans=(scan,), carrier_reference=str(shipment.reference or ""))
    return Pushed(verified=_verified(headers, secrets), tracked=(tracked,))


def _verified(headers: Mapping[str, str], secrets: Mapping[str, str]) -> bool:
    """The header of the form, with the secret of the form; nothing holds where no secret is set."""
    name = (secrets.get("push_header") or DEFAULT_HEADER).casefold()
    secret = secrets.get("push_secret", "")
    given = next((value for key, value in headers.items() if key.casefold() == name), "")
    return bool(secret) and hmac.compare_digest(given.encode(), secret.encode())
