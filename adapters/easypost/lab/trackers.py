"""Trackers in the lab, and the events that push them.

EasyPost has no word for a rider on his way nor for a failed visit: of those nothing is told. A voided label shows in the
tracker's status alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from adapters.contract.scans import Milestone
from adapters.easypost.callback import SIGNATURE, sign
from adapters.easypost.lab import memory
from adapters.easypost.lab.replies import answer, body, digest, refusing, stamp
from adapters.easypost.lab.shapes import Codes, Made
from adapters.lab.side import Call, Consignment, Desk, Event, Push, Reply

_WORDS: Mapping[Milestone, tuple[str, str]] = {
    Milestone.LABEL_CREATED: ("pre_transit", "label_created"),
    Milestone.PICKED_UP: ("in_transit", "received_at_origin_facility"),
    Milestone.IN_TRANSIT: ("in_transit", "departed_facility"),
    Milestone.OUT_FOR_DELIVERY: ("out_for_delivery", "out_for_delivery"),
    Milestone.DELIVERED: ("delivered", "arrived_at_destination"),
    Milestone.LOST: ("failure", "lost"),
}
# How each mover numbers its parcels: what stands before, and how many digits.
_CODES = {"USPS": ("92", 20), "UPS": ("1Z", 16), "FedEx": ("7", 11), "CanadaPost": ("7", 15), "Purolator": ("33", 10)}


def new_code(carrier: str, desk: Desk) -> str:
    head, digits = _CODES.get(carrier, ("", 12))
    return f"{head}{desk.next_number('tracking'):0{digits}}"


def facts(made: Made) -> dict[str, str]:
    """What a tracker tells besides its lines; a consignment carries it for its pushes."""
    return {
        "id": f"trk_{digest(made.id, 'tracker')}",
        "carrier": made.rate.carrier,
        "shipment_id": made.id,
        "created_at": stamp(made.bought_at or made.at),
    }


@refusing
def batch(call: Call, desk: Desk) -> Reply:
    made = [memory.of_code(desk, code) for code in dict.fromkeys(body(call, Codes).tracking_codes)]
    return answer({"trackers": [of_shipment(one, desk) for one in made if one], "has_more": False})


def of_shipment(made: Made, desk: Desk) -> dict[str, Any]:
    consignment = desk.by_awb(made.tracking_code)
    events = consignment.events if consignment else [Event(at=made.bought_at or made.at, milestone=Milestone.LABEL_CREATED)]
    return _tracker(made.tracking_code, facts(made), events, stamp(made.refunded_at) if made.refunded_at else "")


def _tracker(code: str, known: Mapping[str, str], events: Iterable[Event], voided_at: str) -> dict[str, Any]:
    lines = [_line(event, known["carrier"]) for event in events if event.milestone in _WORDS]
    status, detail = (lines[-1]["status"], lines[-1]["status_detail"]) if lines else ("unknown", "unknown")
    collected = status not in ("unknown", "pre_transit")
    voided = bool(voided_at) and not collected
    return {
        **known,
        "object": "Tracker",
        "mode": "test",
        "tracking_code": code,
        "status": "cancelled" if voided else status,
        "status_detail": "cancelled" if voided else detail,
        "updated_at": voided_at if voided else lines[-1]["datetime"] if lines else known["created_at"],
        "signed_by": None,
        "est_delivery_date": None,
        "tracking_details": lines,
        "public_url": f"https://track.lab.test/{code}",
    }


def _line(event: Event, carrier: str) -> dict[str, Any]:
    status, detail = _WORDS[event.milestone]
    return {
        "object": "TrackingDetail",
        "message": detail.replace("_", " ").capitalize(),
        "description": "",
        "status": status,
        "status_detail": detail,
        "datetime": stamp(event.at),
        "source": carrier,
        "carrier_code": "",
        "tracking_location": {
            "object": "TrackingLocation",
            "city": None,
            "state": None,
            "country": None,
            "zip": event.place or None,
        },
    }


# --- events ---------------------------------------------------------------------------------------------


def push(consignment: Consignment, event: Event, secret: str) -> Push | None:
    """`tracker.updated`, where there is a word for it."""
    if event.milestone not in _WORDS:
        return None
    return _event("tracker.updated", consignment, event.at, secret)


def created(consignment: Consignment, secret: str) -> Push:
    return _event("tracker.created", consignment, consignment.created_at, secret)


def _event(description: str, consignment: Consignment, at: dt.datetime, secret: str) -> Push:
    details = consignment.details
    tracker = _tracker(consignment.awb, details["tracker"], consignment.events, details.get("voided_at", ""))
    content = msgspec.json.encode(
        {
            "object": "Event",
            "id": f"evt_{digest(consignment.awb, description, stamp(at), tracker['status_detail'])}",
            "mode": "test",
            "description": description,
            "status": "pending",
            "previous_attributes": {},
            "pending_urls": [],
            "completed_urls": [],
            "created_at": stamp(at),
            "updated_at": stamp(at),
            "result": tracker,
        }
    )
    return Push(body=content, headers={SIGNATURE: sign(content, secret)} if secret else {})
