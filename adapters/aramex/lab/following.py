"""TrackShipments and TrackPickup, in the carrier's codes.

It has none for a rider on his way, none for a failed visit (SH312 where it comes again, then silence), and none for a lost parcel
(SH071: ask the local office).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from lxml import etree

from adapters.aramex.lab.envelopes import ARRAY, A, Asked, Objection, nil
from adapters.aramex.places import COUNTRIES
from adapters.contract.scans import Milestone
from adapters.lab.side import Consignment, Desk, Event

VISITS = 2

_WORDS: Mapping[Milestone, tuple[str, str]] = {
    Milestone.LABEL_CREATED: ("SH014", "Shipment recorded"),
    Milestone.PICKUP_SCHEDULED: ("SH308", "Collection planned"),
    Milestone.PICKUP_FAILED: ("SH312", "Collection planned anew"),
    Milestone.PICKED_UP: ("SH012", "Collected from the shipper"),
    Milestone.IN_TRANSIT: ("SH022", "Left the facility of origin"),
    Milestone.OUT_FOR_DELIVERY: ("SH003", "With the courier"),
    Milestone.DELIVERED: ("SH005", "Handed over"),
    Milestone.CANCELLED: ("SH313", "Collection cancelled"),
    Milestone.LOST: ("SH071", "Ask the local office"),
}
_AT_THE_END = frozenset({Milestone.OUT_FOR_DELIVERY, Milestone.DELIVERED})
_COLLECTED = frozenset({"collected", "delivered", "lost"})


def track_shipments(asked: Asked, desk: Desk) -> list[etree._Element]:
    numbers = list(dict.fromkeys(asked.strings("Shipments")))
    known = {number: found for number in numbers if (found := _updates(number, desk)) is not None}
    entries = [_entry(number, updates) for number, updates in known.items()]
    unknown = [ARRAY.string(number) for number in numbers if number not in known]
    return [A.TrackingResults(*entries), A.NonExistingWaybills(*unknown)]


def _entry(number: str, updates: list[etree._Element]) -> etree._Element:
    return ARRAY.KeyValueOfstringArrayOfTrackingResultmFAkxlpY(ARRAY.Key(number), ARRAY.Value(*updates))


def _updates(number: str, desk: Desk) -> list[etree._Element] | None:
    """Newest first, as the carrier's own pages have them; None for a number without a waybill."""
    consignment, waybill = desk.by_awb(number), desk.recall(f"waybill:{number}")
    if consignment is None and waybill is None:
        return None
    if consignment is None:
        made = Event(at=dt.datetime.fromtimestamp(waybill["at"], dt.UTC), milestone=Milestone.LABEL_CREATED)
        return [_update(number, made, waybill)]
    return [_update(number, event, consignment.details) for event in reversed(consignment.events) if _is_told(event)]


def _is_told(event: Event) -> bool:
    comes_again = event.milestone is not Milestone.PICKUP_FAILED or event.visit < VISITS
    return event.milestone in _WORDS and comes_again


def _update(number: str, event: Event, ends: Mapping[str, Mapping[str, str]]) -> etree._Element:
    place = ends["destination" if event.milestone in _AT_THE_END else "origin"]
    country = COUNTRIES.get(place["country"])
    zone, name = (country.timezone, country.name) if country else ("UTC", place["country"])
    code, text = _WORDS[event.milestone]
    return A.TrackingResult(
        A.WaybillNumber(number),
        A.UpdateCode(code),
        A.UpdateDescription(text),
        A.UpdateDateTime(event.at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S")),
        A.UpdateLocation(f"{place['city']}, {name}"),
        A.Comments(""),
        A.ProblemCode(""),
        A.GrossWeight(""),
        A.ChargeableWeight(""),
        A.WeightUnit("KG"),
    )


def track_pickup(asked: Asked, desk: Desk) -> list[etree._Element]:
    """By the collection's ID only: our own reference is not one."""
    pickup = desk.recall(f"pickup:{asked.text('Reference')}")
    consignment = desk.by_awb(pickup["awb"]) if pickup else None
    if pickup is None or consignment is None:
        raise Objection("ERR52", "no such collection")
    code, text = _last(consignment)
    collected = [ARRAY.string(consignment.awb)] if consignment.state in _COLLECTED else []
    return [
        A.Entity(consignment.details["origin"]["city"].upper()[:3]),
        A.Reference(asked.text("Reference")),
        A.CollectionDate(pickup["ready"]),
        nil("PickupDate"),
        A.LastStatus(code),
        A.LastStatusDescription(text),
        A.CollectedWaybills(*collected),
    ]


def _last(consignment: Consignment) -> tuple[str, str]:
    return _WORDS[[event for event in consignment.events if _is_told(event)][-1].milestone]
