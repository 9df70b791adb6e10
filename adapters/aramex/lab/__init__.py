"""Aramex in the lab: its SOAP services as their descriptions have them, worded here anew, strict in what they take.

Invented, because no document says it: prices, days, what is refused in which state, and ERR52 for every refusal without a code of
its own. Its riders fail and nobody says so: see following.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lxml import etree

from adapters.aramex.lab import following, prices, shipping
from adapters.aramex.lab.envelopes import (
    ACTION,
    ANSWERS,
    RECEIVER,
    SENDER,
    Asked,
    Objection,
    answering,
    body_of,
    fault,
    operation_of,
    refusal,
)
from adapters.contract.errors import Misread
from adapters.contract.scans import Reason
from adapters.lab.side import Call, Desk, Reply, Route, Side, lab_credential

_FOLDER = Path(__file__).parent.parent


def account_of(call: Call) -> str | None:
    """The user's name is the account; the password must be the lab's, too."""
    try:
        asked = Asked(body_of(call))
    except Misread:
        return None
    return lab_credential(asked.text("ClientInfo/UserName")) if lab_credential(asked.text("ClientInfo/Password")) else None


def unauthorized(call: Call) -> Reply:
    """A call that cannot be read has no credentials either: then the fault says what is wrong."""
    return _refused(call, Objection("ERR01", "user name or password is wrong"))


def refuse(call: Call, status: int) -> Reply:
    """Refusals come with HTTP 200, whatever the fault's rule asks for."""
    return _refused(call, Objection("ERR52", "refused by the lab"))


def _refused(call: Call, objection: Objection) -> Reply:
    operation = operation_of(call)
    try:
        echo = Asked(body_of(call)).echo
    except Misread as unreadable:
        return fault(SENDER, str(unreadable))
    return refusal(operation, echo, objection) if operation in ANSWERS else error(400)


def error(status: int) -> Reply:
    if status in (404, 429):
        return Reply(status=status, body=b"<html><body>Service</body></html>", content_type="text/html")
    return fault(RECEIVER if status >= 500 else SENDER, "a fault of the lab", max(status, 500))


_Handler = Callable[[Asked, Desk], list[etree._Element]]
_DESCRIPTIONS = {"Shipping": "shipping.wsdl", "RateCalculator": "rates.wsdl", "Tracking": "tracking.wsdl"}


def _route(service: str, operation: str, name: str, handle: _Handler, *, commits: bool = False) -> Route:
    return Route(
        method="POST",
        pattern=f"/ShippingAPI.V2/{service}/Service_1_0.svc",
        action=ACTION + operation,
        operation=name,
        handle=answering(_FOLDER / _DESCRIPTIONS[service], operation, handle),
        commits=commits,
    )


SIDE = Side(
    carrier="aramex",
    number=3,
    timezone="Asia/Dubai",
    routes=(
        _route("RateCalculator", "CalculateRate", "quote", prices.rate),
        _route("Shipping", "ReserveShipmentNumberRange", "number", shipping.reserve, commits=True),
        _route("Shipping", "CreateShipments", "waybill", shipping.create_shipments, commits=True),
        _route("Shipping", "CreatePickup", "book", shipping.create_pickup, commits=True),
        _route("Shipping", "CancelPickup", "cancel", shipping.cancel_pickup),
        _route("Shipping", "PrintLabel", "label", shipping.print_label),
        _route("Tracking", "TrackShipments", "track", following.track_shipments),
        _route("Tracking", "TrackPickup", "pickup_state", following.track_pickup),
    ),
    account_of=account_of,
    unauthorized=unauthorized,
    error=error,
    refusal=refuse,
    failures={},
    untold={
        Reason.CUSTOMER_UNAVAILABLE: 0.4,
        Reason.CUSTOMER_UNREACHABLE: 0.2,
        Reason.ADDRESS_INCOMPLETE: 0.15,
        Reason.NOT_ATTEMPTED: 0.25,
    },
    visits=following.VISITS,
    success=0.78,
    tat_days=3,
)
