"""What has happened, in Delhivery's status types, words and NSL codes: tracking and the scan push."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from adapters.contract.scans import Milestone, Reason
from adapters.delhivery.lab.booking import PAYMENTS
from adapters.delhivery.lab.replies import VEIL, json_reply
from adapters.lab.side import Call, Consignment, Desk, Event, Push, Reply

IST = ZoneInfo("Asia/Kolkata")
_NOT_TRACKED = "Data does not exists for provided Waybill(s)"


class Wording(NamedTuple):
    type: str
    status: str
    code: str
    text: str


_REVERSE: Mapping[Milestone, Wording] = {
    Milestone.LABEL_CREATED: Wording("PP", "Open", "X-UCO", "Shipment data received"),
    Milestone.PICKUP_SCHEDULED: Wording("PP", "Scheduled", "X-ASP", "Pickup scheduled"),
    Milestone.OUT_FOR_PICKUP: Wording("PP", "Dispatched", "X-DDD3FP", "Out for pickup"),
    Milestone.PICKED_UP: Wording("PU", "In Transit", "EOD-77", "Pickup completed"),
    Milestone.IN_TRANSIT: Wording("PU", "In Transit", "X-PRC", "Package received"),
    Milestone.OUT_FOR_DELIVERY: Wording("PU", "Dispatched", "X-DRO3R", "Out for return to client"),
    Milestone.DELIVERED: Wording("DL", "DTO", "RD-AC", "Return accepted"),
    Milestone.LOST: Wording("LT", "LOST", "LT-100", "Shipment lost"),
}
_FORWARD: Mapping[Milestone, Wording] = {
    Milestone.LABEL_CREATED: Wording("UD", "Manifested", "X-UCI", "Manifest uploaded"),
    Milestone.PICKUP_SCHEDULED: Wording("UD", "Manifested", "FMPUR-101", "Pickup scheduled"),
    Milestone.OUT_FOR_PICKUP: Wording("UD", "Manifested", "FMOFP-101", "Out for pickup"),
    Milestone.PICKUP_FAILED: Wording("UD", "Not Picked", "X-PNP", "Shipment not received from client"),
    Milestone.CANCELLED: Wording("UD", "Not Picked", "DTUP-210", "Seller cancelled the order"),
    Milestone.PICKED_UP: Wording("UD", "In Transit", "X-PPOM", "Shipment picked up"),
    Milestone.IN_TRANSIT: Wording("UD", "In Transit", "X-ILL1F", "Bag received at facility"),
    Milestone.OUT_FOR_DELIVERY: Wording("UD", "Dispatched", "X-DDD3FD", "Out for delivery"),
    Milestone.DELIVERED: Wording("DL", "Delivered", "EOD-38", "Delivered to consignee"),
    Milestone.LOST: Wording("LT", "LOST", "LT-100", "Shipment lost"),
}
_FAILED: Mapping[Reason, Wording] = {
    Reason.CUSTOMER_UNAVAILABLE: Wording("PP", "Scheduled", "EOD-26", "Consignee unavailable"),
    Reason.ADDRESS_INCOMPLETE: Wording("PP", "Scheduled", "EOD-73", "Address incomplete"),
    Reason.NOT_ATTEMPTED: Wording("PP", "Scheduled", "EOD-65", "Not attempted"),
    Reason.CUSTOMER_RESCHEDULED: Wording("PP", "Scheduled", "EOD-68", "Customer asked for a later pickup"),
    Reason.ENTRY_RESTRICTED: Wording("PP", "Scheduled", "EOD-121", "Entry restricted"),
    Reason.WEIGHT_OR_SIZE_EXCEEDED: Wording("PP", "Scheduled", "EOD-902", "Weight mismatch at pickup"),
    Reason.CUSTOMER_DECLINED: Wording("PP", "Scheduled", "EOD-900", "Customer wants to cancel"),
    Reason.FORCE_MAJEURE: Wording("PP", "Scheduled", "DLYDC-101", "Heavy rain"),
    Reason.PREMISES_CLOSED: Wording("PP", "Scheduled", "DLYDC-107", "Office closed"),
    Reason.QC_DAMAGED_OR_USED: Wording("PP", "Scheduled", "EOD-83", "Product damaged or used"),
}
STRUCK: Mapping[Reason, Wording] = {
    Reason.CANCELLED_BY_CUSTOMER: Wording("CN", "Canceled", "EOD-21", "Cancelled the pickup request"),
    Reason.CANCELLED_BY_MERCHANT: Wording("CN", "Canceled", "CL-102", "As per client instruction"),
    Reason.QC_FAILED_OTHER: Wording("CN", "Canceled", "EOD-777", "Quality check failed"),
    Reason.QC_MISMATCH: Wording("CN", "Canceled", "EOD-84", "Product does not match its description"),
    Reason.QC_QUANTITY_MISMATCH: Wording("CN", "Canceled", "EOD-108", "Count does not match"),
    Reason.MAX_VISITS_REACHED: Wording("CN", "Closed", "EOD-106", "Maximum attempts reached"),
}


def wording(consignment: Consignment, event: Event) -> Wording:
    """Raises KeyError for what this carrier has no code for."""
    if consignment.details.get("mode") != "Pickup":
        return _FORWARD[event.milestone]
    if event.milestone is Milestone.PICKUP_FAILED and event.reason:
        return _FAILED[event.reason]
    if event.milestone is Milestone.CANCELLED and event.reason:
        return STRUCK[event.reason]
    return _REVERSE[event.milestone]


def _time(at: dt.datetime) -> str:
    """Indian time without a zone."""
    return at.astimezone(IST).replace(tzinfo=None).isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def packages(call: Call, desk: Desk) -> Reply:
    """By waybill or order id; unknown ones are left out, and if none is known there is a text in place of the list."""
    waybills, references = (_split(call.query.get(name, "")) for name in ("waybill", "ref_ids"))
    if len(waybills) > 50 or len(references) > 50:
        return json_reply(VEIL, 400)
    found = [one for awb in waybills if (one := desk.by_awb(awb))]
    found += [one for reference in references for one in desk.by_reference(reference)]
    if not found:
        rmk = f"Some error has occurred. Please contact client.support@delhivery.com with error message- {_NOT_TRACKED}"
        return json_reply({"Success": False, "Error": _NOT_TRACKED, "rmk": rmk})
    return json_reply({"ShipmentData": [{"Shipment": _shipment(one)} for one in found]})


def _split(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _shipment(found: Consignment) -> Mapping[str, object]:
    newest = max(enumerate(found.events), key=lambda numbered: (numbered[1].at, numbered[0]))[1]
    return {
        "AWB": found.awb,
        "ReferenceNo": found.reference,
        "OrderType": PAYMENTS[found.details["mode"]],
        "Status": {**_status(found, newest)} | {"StatusCode": wording(found, newest).code, "RecievedBy": ""},
        "Scans": [{"ScanDetail": _scan(found, event)} for event in found.events],
        "PickUpDate": _time(found.created_at),
        "DispatchCount": found.visits,
        "ExpectedDeliveryDate": None,
        "ReverseInTransit": False,
        "Consignee": {"Address1": [], "Address2": [], "Address3": "", "PinCode": int(found.details["pin"]), "Country": "India"},
    }


def _status(found: Consignment, event: Event) -> Mapping[str, object]:
    word = wording(found, event)
    at = {"StatusDateTime": _time(event.at), "StatusLocation": event.place}
    return {"Status": word.status, "StatusType": word.type, "Instructions": word.text} | at


def _scan(found: Consignment, event: Event) -> Mapping[str, object]:
    word = wording(found, event)
    at = {"ScanDateTime": _time(event.at), "StatusDateTime": _time(event.at), "ScannedLocation": event.place}
    return {"Scan": word.status, "ScanType": word.type, "StatusCode": word.code, "Instructions": word.text} | at


def push(found: Consignment, event: Event, secret: str) -> Push:
    shipment = {
        "AWB": found.awb,
        "ReferenceNo": found.reference,
        "NSLCode": wording(found, event).code,
        "Sortcode": "LAB/ONE",
        "PickUpDate": None,
        "Status": _status(found, event),
    }
    return Push(body=msgspec.json.encode({"Shipment": shipment}), headers={"Authorization": secret})


def created(found: Consignment, secret: str) -> Push:
    return push(found, found.events[-1], secret)
