"""Pickups in the lab: priced for a bought shipment, bought, called off.

Service names of a visit were recorded for USPS and UPS; the others go by the first's. A window that is over is answered without
rates and without a word, as recorded.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from adapters.contract.scans import Milestone, Reason
from adapters.easypost.lab import memory, shipments, trackers
from adapters.easypost.lab.replies import Refusal, amount, answer, body, new_id, not_found, refusing, stamp
from adapters.easypost.lab.shapes import ChosenVisit, Made, MadeRate, Nothing, PickupBody, Visit
from adapters.lab.side import Call, Consignment, Desk, Event, Reply

TIMEZONE = "America/New_York"
# Carrier -> name of the visit, its price in cents.
_VISITS = {
    "USPS": ("NextDay", 0),
    "UPS": ("Future-day Pickup", 618),
    "FedEx": ("NextDay", 925),
    "CanadaPost": ("NextDay", 350),
    "Purolator": ("NextDay", 0),
}


@refusing
def create(call: Call, desk: Desk) -> Reply:
    asked = body(call, PickupBody).pickup
    made = memory.find(desk, asked.shipment.id)
    if not made.bought:
        raise Refusal("PICKUP.BATCH_CARRIER.INCONSISTENT", "lab: the shipment has no label")
    if not all((asked.address.street1, asked.address.city, asked.address.zip)):
        raise Refusal("PICKUP.ADDRESS.INVALID", "lab: a visit needs street, city and zip")
    visit = Visit(id=new_id(desk, "pickup"), at=desk.now, asked=asked, shipment=made.id, rates=[])
    carrier = made.rate.carrier
    if asked.max_datetime > desk.now and carrier in _VISITS:
        name, cents = _VISITS[carrier]
        visit.rates.append(_rate(desk, carrier, name, cents, made.rate.currency))
    _keep(desk, visit)
    if asked.reference:
        desk.remember(f"pickup_reference/{asked.reference}", visit.id)
    return answer(_shown(visit))


def _rate(desk: Desk, carrier: str, name: str, cents: int, currency: str) -> MadeRate:
    return MadeRate(id=new_id(desk, "pickuprate"), carrier=carrier, service=name, cents=cents, currency=currency, days=0)


@refusing
def retrieve(call: Call, desk: Desk) -> Reply:
    return answer(_shown(_find(desk, call.params["id"])))


@refusing
def buy(call: Call, desk: Desk) -> Reply:
    visit, chosen = _find(desk, call.params["id"]), body(call, ChosenVisit)
    if visit.status != "unknown":
        raise Refusal("PICKUP.STATUS.INVALID", f"lab: the pickup is {visit.status}")
    rate = next((one for one in visit.rates if (one.carrier, one.service) == (chosen.carrier, chosen.service)), None)
    if rate is None:
        raise Refusal("PICKUP.BUY.NO_MATCHING_RATES", "lab: the pickup has no such rate")
    visit.status, visit.confirmation = "scheduled", f"LAB{desk.next_number('confirmation'):08}"
    _keep(desk, visit)
    _send_rider(desk, visit, memory.find(desk, visit.shipment), rate)
    return answer(_shown(visit))


def _send_rider(desk: Desk, visit: Visit, made: Made, rate: MadeRate) -> None:
    """The engine plans the next working day; a later one that was asked for is planned in its place."""
    desk.open(_consignment(desk, visit, made, rate))
    day = visit.asked.min_datetime.astimezone(ZoneInfo(TIMEZONE)).date()
    if day > desk.now.astimezone(ZoneInfo(TIMEZONE)).date() + dt.timedelta(days=1):
        desk.visit_again(made.tracking_code, day)


def _consignment(desk: Desk, visit: Visit, made: Made, rate: MadeRate) -> Consignment:
    start = visit.asked.address.zip or ""
    return Consignment(
        awb=made.tracking_code,
        reference=made.asked.reference or made.id,
        origin=start,
        destination=made.goal.zip or "",
        created_at=desk.now,
        state="scheduled",
        phone=visit.asked.address.phone or "",
        details={"tracker": trackers.facts(made), "pickup": visit.id},
        events=[
            Event(at=made.bought_at or desk.now, milestone=Milestone.LABEL_CREATED, place=start),
            Event(at=desk.now, milestone=Milestone.PICKUP_SCHEDULED, place=start, visit=1),
        ],
        price_minor=made.rate.cents + rate.cents,
    )


@refusing
def cancel(call: Call, desk: Desk) -> Reply:
    body(call, Nothing)
    visit = _find(desk, call.params["id"])
    if visit.status != "scheduled":
        raise Refusal("PICKUP.STATUS.INVALID", f"lab: the pickup is {visit.status}")
    made = memory.find(desk, visit.shipment)
    consignment = desk.by_awb(made.tracking_code)
    if consignment is None or consignment.state != "scheduled":
        raise Refusal("PICKUP.CANCEL.FAILED", "lab: the mover calls nobody back now")
    visit.status = "canceled"
    _keep(desk, visit)
    desk.cancel(made.tracking_code, Reason.CANCELLED_BY_MERCHANT)
    return answer(_shown(visit))


# --- memory, and how it is shown -----------------------------------------------------------------------------


def _keep(desk: Desk, visit: Visit) -> None:
    desk.remember(f"pickup/{visit.id}", msgspec.to_builtins(visit))


def _find(desk: Desk, name: str) -> Visit:
    kept = desk.recall(f"pickup/{desk.recall(f'pickup_reference/{name}') or name}")
    if kept is None:
        raise not_found()
    return msgspec.convert(kept, Visit)


def _shown(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "object": "Pickup",
        "mode": "test",
        "created_at": stamp(visit.at),
        "updated_at": stamp(visit.at),
        "status": visit.status,
        "reference": visit.asked.reference,
        "min_datetime": stamp(visit.asked.min_datetime),
        "max_datetime": stamp(visit.asked.max_datetime),
        "is_account_address": visit.asked.is_account_address,
        "instructions": visit.asked.instructions,
        "messages": [],
        "confirmation": visit.confirmation,
        "address": shipments.address_shown(visit.asked.address),
        "carrier_accounts": [],
        "pickup_rates": [_rate_shown(visit, rate) for rate in visit.rates],
    }


def _rate_shown(visit: Visit, rate: MadeRate) -> dict[str, Any]:
    return {
        "id": rate.id,
        "object": "PickupRate",
        "mode": "test",
        "carrier": rate.carrier,
        "service": rate.service,
        "rate": amount(rate.cents),
        "currency": rate.currency,
        "pickup_id": visit.id,
    }
