"""Cancelling the collection. The waybill stays: the interface has no call that cancels one.

WSDLs (A); ERR70 for a collection cancelled before, which is the same as done (B: test host). No code is known for one that has been
made already: so it is looked up first, and a waybill among the collected ones is too late.
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.aramex import wire
from adapters.contract.carrier import Access, Booking, Cancelled, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused

_CANCELLED_BEFORE = "ERR70"


# --- has it been made? ----------------------------------------------------------------------------


class Collected(msgspec.Struct, frozen=True):
    string: list[str] = []


class State(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    """`collected_waybills` is in a later schema only (A); without it nothing is known and the cancel is asked for."""

    reference: str = ""
    last_status: str = ""
    last_status_description: str = ""
    collected_waybills: Collected = Collected()


def is_numbered(booking: Booking, access: Access) -> bool:
    """An adopted booking has no number of its collection."""
    return "pickup" in booking.handles


def build_look(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    _guid(booking)
    fields = {**wire.head(access, _references(booking)), "Reference": booking.handles["pickup"]}
    return wire.TRACKING.request(wire.address(access, "Tracking"), "TrackPickup", fields)


def parse_look(response: httpx.Response, booking: Booking, so_far: SoFar) -> Next:
    """Only a collection known to be made stands in the way; what tracking cannot say, the cancel may still do."""
    reply = wire.TRACKING.read(response, "TrackPickup", State)
    try:
        wire.judge(reply, _references(booking))
    except Refused as refusal:
        if refusal.kind is RefusalKind.UNAUTHORIZED:
            raise
        return Next(so_far={})
    if reply.reference != booking.handles["pickup"]:
        raise Misread("the state of another collection")
    if booking.awb in reply.collected_waybills.string:
        raise Refused(RefusalKind.TOO_LATE, reply.last_status, reply.last_status_description or "collected")
    return Next(so_far={})


# --- the cancel -----------------------------------------------------------------------------------


class Reply(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    message: str = ""


def build(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    fields = {**wire.head(access, _references(booking)), "PickupGUID": _guid(booking), "Comments": ""}
    return wire.SHIPPING.request(wire.address(access, "Shipping"), "CancelPickup", fields)


def parse(response: httpx.Response, booking: Booking, so_far: SoFar) -> Cancelled:
    """The answer names neither collection nor waybill: the echo must be ours."""
    reply = wire.SHIPPING.read(response, "CancelPickup", Reply)
    try:
        wire.judge(reply, _references(booking))
    except Refused as refusal:
        if refusal.raw_code != _CANCELLED_BEFORE:
            raise
    wire.recognise(reply, _references(booking))
    return Cancelled()


def _guid(booking: Booking) -> str:
    if "guid" not in booking.handles:
        raise Refused(RefusalKind.WRONG_STATE, "", "the collection's GUID was lost with the answer to its booking")
    return booking.handles["guid"]


def _references(booking: Booking) -> tuple[str, ...]:
    return booking.carrier_reference, booking.awb


CANCEL: Operation[Booking, Cancelled] = Operation(
    steps=(
        Step(name="look", build=build_look, parse=parse_look, when=is_numbered),
        Step(name="cancel", build=build, parse=parse),
    ),
    repeatable=True,
    reads_server_errors=True,
)
