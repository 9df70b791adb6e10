"""What happened, in one line each: the events of a pickup as a person would tell them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from gateway.demo.api import Booking, Event, Pickup, Trouble

NAMES = {"aramex": "Aramex", "delhivery": "Delhivery", "easypost": "EasyPost", "ekart": "Ekart"}


def name(carrier: str | None) -> str:
    return NAMES.get(carrier or "", carrier or "nobody")


def tell(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    """The line, or "" for what is told by another event."""
    say = _LINES.get(event.type)
    return say(event, pickup, troubles) if say else ""


def undecided(event: Event, troubles: Mapping[str, Trouble]) -> bool:
    """Whether automation has not said yet what it does about it."""
    trouble = troubles.get(event.data["exception"]["id"]) if event.type == "exception.opened" else None
    return trouble is not None and trouble.state == "new" and trouble.plan is None


def _booked(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    """Told when its paper is made, the last step of every booking."""
    last = _holder(pickup)
    paper = "packing slip made" if event.data["label"]["source"] == "ours" else "label fetched"
    return f"booked with {name(last.carrier)} {last.service}, AWB {last.awb}, {paper}" if last else ""


def _doubtful(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    carrier = name(pickup.bookings[-1].carrier)
    return f"{carrier}'s answer was lost: it is found out first, not booked again"


def _trouble(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    told = event.data["exception"]
    trouble = troubles.get(told["id"])
    carrier = name(trouble.carrier if trouble else None)
    if told["reason"] == "no_event":
        return f"silent: nothing was heard from {carrier} past its promise"
    if told["reason"] in ("booking_unknown", "no_carrier"):
        return f"needs a person: {told['reason']}"
    code = f" {trouble.raw_code}" if trouble and trouble.raw_code else ""
    return f"visit failed: {told['reason']} ({carrier}{code}){_then(trouble)}"


def _then(trouble: Trouble | None) -> str:
    """What automation does about it."""
    return _STEPS.get(trouble.plan.what, "") if trouble and trouble.plan else ""


_STEPS = {
    "wait_for_own_visit": ", the carrier comes again by itself",
    "ask_customer": ", the customer is asked",
    "instruct": ", told to come again",
    "rebook": ", booked anew",
    "switch_carrier": ", another carrier takes over",
    "hold_for_merchant": ", the merchant decides",
    "review": ", a person looks at it",
    "hand_over": ", a person decides",
}


def _moved(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    return f"moved on. {event.data['sentence']}"


def _chosen(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    """Told when booking; here only the second choice, after a refusal."""
    refused = [one for one in pickup.bookings if one.state == "refused" and one.refusal]
    first = min(one.sequence for one in pickup.events if one.type == "pickup.carrier_selected")
    if event.sequence == first or not refused or not refused[-1].refusal:
        return ""
    no = refused[-1].refusal
    words = f"{no.raw_code} {no.raw_message}".strip() or no.kind
    return f"{name(refused[-1].carrier)} refused it ({words[:60]}), the next best is asked"


def _again(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    day = event.data.get("date")
    return f"the carrier confirmed another visit{f' on {dt.date.fromisoformat(day):%a %d %b}' if day else ''}"


def _collected(event: Event, pickup: Pickup, troubles: Mapping[str, Trouble]) -> str:
    """The first word that it was collected; carriers that are polled may have the parcel on its way by then."""
    told = [one.sequence for one in pickup.events if one.type in ("pickup.collected", "pickup.in_transit")]
    last = _holder(pickup)
    if event.sequence != min(told) or not last:
        return ""
    visits = len([one for one in pickup.visits if one.booking == last.id])
    return f"collected by {name(last.carrier)}{f' at visit {visits}' if visits > 1 else ''}"


def _holder(pickup: Pickup) -> Booking | None:
    """The booking that counts: the newest that a carrier took."""
    return next((one for one in reversed(pickup.bookings) if one.awb), None)


_LINES: Mapping[str, Callable[[Event, Pickup, Mapping[str, Trouble]], str]] = {
    "label.created": _booked,
    "pickup.booking_unknown": _doubtful,
    "exception.opened": _trouble,
    "pickup.failed_over": _moved,
    "pickup.carrier_selected": _chosen,
    "pickup.rescheduled": _again,
    "pickup.collected": _collected,
    "pickup.in_transit": _collected,
    "pickup.delivered": lambda event, pickup, troubles: "accepted by the warehouse",
    "pickup.cancelled": lambda event, pickup, troubles: "the return is off, nobody comes any more",
    "pickup.exhausted": lambda event, pickup, troubles: "handed to a person",
    "pickup.lost": lambda event, pickup, troubles: "lost by the carrier",
    "pickup.damaged": lambda event, pickup, troubles: "damaged on the way",
    "pickup.returned_to_customer": lambda event, pickup, troubles: "brought back to the customer",
}
