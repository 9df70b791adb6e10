"""Sending the rider again.

OpenAPI file 3.8.8, `/api/v2/package/ndr` (A): "Re-Attempt" with a day, a new phone, a new address and a word for the rider, all in
one call. It is written for deliveries; that it works for a pickup is assumed (D: "Pickup Rescheduled" is one of its statuses).
A correction alone cannot be sent: this revision has no "Edit" any more.
"""

from __future__ import annotations

import datetime as dt

import httpx

from adapters.contract.carrier import Access, Act, Acted, Instruction, SoFar, Standing, one_step
from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.places import Party
from adapters.contract.scans import Milestone, Reason
from adapters.ekart import wire

FARTHEST = dt.timedelta(days=7)

# After these the parcel is out of the rider's hands.
FINAL = frozenset({Reason.MAX_VISITS_REACHED, Reason.CANCELLED_BY_MERCHANT, Reason.CANCELLED_BY_CUSTOMER_VERIFIED})


def build_reattempt(instruction: Instruction, access: Access, so_far: SoFar) -> httpx.Request:
    """Without a date: tomorrow, the earliest day there is."""
    tomorrow = wire.today(access.now) + dt.timedelta(days=1)
    return _request(instruction, instruction.date or tomorrow, access)


def build_reschedule(instruction: Instruction, access: Access, so_far: SoFar) -> httpx.Request:
    if instruction.date is None:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message="rescheduled to which day?", field="/date")
    return _request(instruction, instruction.date, access)


def parse(response: httpx.Response, instruction: Instruction, so_far: SoFar) -> Acted:
    wire.acknowledged(wire.read(response, wire.Acknowledgement), instruction.booking.awb)
    return Acted()


def act_from(act: Act, standing: Standing, now: dt.datetime) -> dt.datetime | None:
    """At once after a failed visit; otherwise never. At which hours the carrier listens is not written down."""
    last = standing.last
    if act not in (Act.REATTEMPT, Act.RESCHEDULE) or last is None:
        return None
    return now if last.milestone is Milestone.PICKUP_FAILED and last.reason not in FINAL else None


def _request(instruction: Instruction, day: dt.date, access: Access) -> httpx.Request:
    if not dt.timedelta(0) < day - wire.today(access.now) <= FARTHEST:
        raise Refused(
            RefusalKind.WINDOW_UNAVAILABLE, raw_message="tomorrow at the earliest, in seven days at the latest", field="/date"
        )
    return httpx.Request(
        "POST",
        f"{access.base_url}/api/v2/package/ndr",
        headers=wire.bearer(access),
        json={
            "action": "Re-Attempt",
            "wbn": instruction.booking.awb,
            "date": wire.milliseconds(day),
            **(_corrected(instruction.party) if instruction.party else {}),
            **({"instructions": instruction.instructions} if instruction.instructions else {}),
        },
    )


def _corrected(party: Party) -> dict[str, str]:
    parts = (party.company, party.line1, party.line2, party.landmark, party.city, party.state, party.postal_code)
    return {"phone": wire.phone(party.phone, "/party/phone"), "address": ", ".join(filter(None, parts))}


REATTEMPT = one_step(build_reattempt, parse)
RESCHEDULE = one_step(build_reschedule, parse)
