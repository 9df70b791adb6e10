"""Editing, cancelling, and asking for another visit."""

from __future__ import annotations

import datetime as dt

import msgspec

from adapters.contract.scans import Reason
from adapters.delhivery.lab.booking import PHONE
from adapters.delhivery.lab.replies import VEIL, json_reply
from adapters.lab.side import Call, Consignment, Desk, Reply

_NOT_FOUND = "Incorrect Waybill/OrderID, please try again"


class Edit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that may be edited; no pin."""

    waybill: str = ""
    cancellation: str | None = None
    name: str | None = None
    phone: str | None = None
    add: str | None = None
    products_desc: str | None = None
    gm: float | None = None
    shipment_length: float | None = None
    shipment_width: float | None = None
    shipment_height: float | None = None
    pt: str | None = None
    cod: float | None = None


def edit(call: Call, desk: Desk) -> Reply:
    if not call.headers.get("content-type", "").startswith("application/json"):
        return json_reply("Unsupported media type 'text/plain' in request.", 400)
    try:
        asked = msgspec.json.decode(call.body, type=Edit)
    except msgspec.DecodeError:
        return json_reply(VEIL, 400)
    if asked.cancellation is not None:
        return _cancel(asked, desk)
    return _edit(asked, desk)


def _cancel(asked: Edit, desk: Desk) -> Reply:
    found = desk.by_awb(asked.waybill)
    if found is None:
        return _xml(False, error=_NOT_FOUND if asked.waybill else "Enter Waybill/OrderID, please try again")
    if found.state in ("collected", "delivered", "lost"):
        too_late = "Shipment status cannot be changed as shipment is either picked up or already in return flow"
        return _xml(False, found, error=too_late)
    if found.state == "out" or asked.cancellation != "true":
        return _xml(False, found, error="Shipment could not be updated")
    if found.state != "cancelled":
        desk.cancel(found.awb, Reason.CANCELLED_BY_MERCHANT)
    return _xml(True, found, remark="Shipment has been cancelled.")


def _xml(status: bool, found: Consignment | None = None, **texts: str) -> Reply:
    """This one call answers XML, whatever was asked for (live captures)."""
    known = {"waybill": found.awb, "order_id": found.reference} if found else {}
    fields = "".join(f"<{name}>{text}</{name}>" for name, text in ({"status": str(status)} | known | texts).items())
    body = f'<?xml version="1.0" encoding="utf-8"?>\n<root>{fields}</root>'
    return Reply(body=body.encode(), content_type="application/xml")


def _edit(asked: Edit, desk: Desk) -> Reply:
    found = desk.by_awb(asked.waybill)
    if found is None:
        text = _NOT_FOUND if asked.waybill else "Enter Waybill/OrderID, please try again"
        return json_reply({"status": "Failure", "error": text, "waybill": None, "order_id": asked.waybill or None})
    if found.state != "scheduled" or asked.pt is not None:
        text = "Shipment could not be updated"
        return json_reply({"status": "Failure", "error": text, "waybill": found.awb, "order_id": found.reference})
    changed = {name: text for name in ("name", "phone", "add") if (text := getattr(asked, name)) is not None}
    if not PHONE.fullmatch(changed.get("phone", "0000000000")):
        text = f"Incorrect phone number(s) for order {found.reference}"
        return json_reply({"status": "Failure", "error": text, "waybill": found.awb, "order_id": found.reference})
    desk.update(found.awb, edited=changed)
    return json_reply({"status": True, "waybill": found.awb, "order_id": found.reference})


# --- another visit ----------------------------------------------------------------------------------


class Wish(msgspec.Struct, kw_only=True):
    waybill: str = ""
    act: str = ""


class Wishes(msgspec.Struct, kw_only=True):
    data: list[Wish]


_WORKED_OFF = dt.timedelta(seconds=60)
_REOPENS = frozenset({Reason.QC_FAILED_OTHER, Reason.CANCELLED_BY_CUSTOMER})


def update(call: Call, desk: Desk) -> Reply:
    try:
        wishes = msgspec.json.decode(call.body, type=Wishes).data
    except msgspec.DecodeError:
        return json_reply("Invalid data provided", 400)
    if len(wishes) > 1000:
        return json_reply("Can not update more than 1000 records", 400)
    if not wishes or not all(wish.waybill for wish in wishes):
        return json_reply('"waybill" is missing', 400)
    if any(wish.act not in ("RE-ATTEMPT", "PICKUP_RESCHEDULE") for wish in wishes):
        return json_reply("Action is not valid", 400)
    upload = f"UPL{desk.next_number('upload'):020d}"
    lines = [{"waybill": wish.waybill, "action": wish.act, "message": _grant(wish, desk)} for wish in wishes]
    desk.remember(upload, {"at": (desk.now + _WORKED_OFF).timestamp(), "lines": lines})
    return json_reply({"message": "Request submitted successfully!", "request_id": upload})


def _grant(wish: Wish, desk: Desk) -> str:
    """Blank: done. Else why not, in the carrier's words. The evening is recommended, not demanded."""
    found = desk.by_awb(wish.waybill)
    if found is None:
        return "Incorrect waybill"
    if wish.act == "RE-ATTEMPT":
        return "Package in incorrect status"  # a parcel that was not delivered and is Pending: the lab has none
    if found.state == "out":
        return "Package is part of dispatch. Cannot update the information now"
    if found.state != "cancelled":
        return "Package should be in Canceled status"
    if found.visits not in (1, 2):
        return "Shipment has reached max attempt count"
    if found.events[-1].reason not in _REOPENS:
        return "Rescheduling is not allowed as package should have NSL EOD-777 or EOD-21"
    desk.visit_again(found.awb, None)
    return ""


def upload_result(call: Call, desk: Desk) -> Reply:
    """Empty lists until the upload has been worked off."""
    upload = call.params["upload"]
    kept = desk.recall(upload)
    if kept is None:
        return json_reply(VEIL, 404)
    lines = kept["lines"] if desk.now.timestamp() >= kept["at"] else []
    failed = [line for line in lines if line["message"]]
    done = [{"waybill": line["waybill"], "action": line["action"]} for line in lines if not line["message"]]
    status = "" if not lines else "Success" if done else "Failure"
    remark = "Zero waybills affected" if lines and not done else ""
    return json_reply({"status": status, "remark": remark, "failed_wbns": failed, "success_wbns": done, "request_id": upload})
