"""Delhivery in the lab: its endpoints as its documents describe them, worded here anew and not with the adapter's tables.

Strict where the documents are: what they call mandatory is demanded, the texts of refusals are theirs, every NSL code is one that
code tables or captures show. The magic pins and names are in README.md.
"""

from __future__ import annotations

from adapters.contract.scans import Reason
from adapters.delhivery.lab import booking, changes, pins, slips, words
from adapters.delhivery.lab.replies import VEIL, json_reply
from adapters.lab.side import Call, Reply, Route, Side, lab_credential


def account_of(call: Call) -> str | None:
    """The waybill call takes the token in its query, all others in the header."""
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    if call.path.startswith("/waybill/"):
        return lab_credential(call.query.get("token", ""))
    return lab_credential(token) if kind == "Token" else None


def unauthorized(call: Call) -> Reply:
    if call.path == "/api/dc/expected_tat":
        return json_reply({"detail": "Invalid token"}, 403)
    if call.path.startswith("/waybill/"):
        return json_reply("Bad Request! Invalid request. Unable to fetch client name for the token.", 400)
    return json_reply(VEIL, 401)


def error(status: int) -> Reply:
    """Too fast is the firewall's 403. A refusal asked for by a fault has every call's field for it: it does not know the call."""
    if status == 429:
        return Reply(status=403, body=b"<html><head><title>403 Forbidden</title></head></html>", content_type="text/html")
    if status >= 500:
        return Reply(status=status, body=b"<h1>Server Error (500)</h1>", content_type="text/html")
    if status == 404:
        return json_reply(VEIL, 404)
    text = "Crashing while saving package due to exception suspicious order/consignee"
    refusal = {"success": False, "packages": [], "rmk": text, "status": "Failure", "error": text, "msg": text, "data": ""}
    return json_reply(refusal | {"message": text, "Success": False, "Error": text, "failed_wbns": [], "success_wbns": []}, status)


SIDE = Side(
    carrier="delhivery",
    number=1,
    timezone="Asia/Kolkata",
    routes=(
        Route(method="GET", pattern="/c/api/pin-codes/json/", operation="serviceability", handle=pins.pin_codes),
        Route(method="GET", pattern="/api/dc/expected_tat", operation="tat", handle=pins.expected_tat),
        Route(method="GET", pattern="/api/kinko/v1/invoice/charges/.json", operation="quote", handle=pins.charges),
        Route(method="GET", pattern="/waybill/api/fetch/json/", operation="waybill", handle=booking.fetch_waybill),
        Route(method="POST", pattern="/api/cmu/create.json", operation="book", handle=booking.create, commits=True),
        Route(method="GET", pattern="/api/p/packing_slip", operation="label", handle=slips.packing_slip),
        Route(method="GET", pattern="/packing-slip/{name}", operation="label_file", handle=slips.slip_file, open=True),
        Route(method="POST", pattern="/api/p/edit", operation="cancel", handle=changes.edit),
        Route(method="GET", pattern="/api/v1/packages/json/", operation="track", handle=words.packages),
        Route(method="POST", pattern="/api/p/update", operation="reattempt", handle=changes.update),
        Route(method="GET", pattern="/api/cmu/get_bulk_upl/{upload}", operation="reattempt_result", handle=changes.upload_result),
    ),
    account_of=account_of,
    unauthorized=unauthorized,
    error=error,
    failures={
        Reason.CUSTOMER_UNAVAILABLE: 0.34,
        Reason.ADDRESS_INCOMPLETE: 0.14,
        Reason.NOT_ATTEMPTED: 0.16,
        Reason.CUSTOMER_RESCHEDULED: 0.14,
        Reason.ENTRY_RESTRICTED: 0.05,
        Reason.CUSTOMER_DECLINED: 0.04,
        Reason.CANCELLED_BY_CUSTOMER: 0.06,
        Reason.PREMISES_CLOSED: 0.04,
        Reason.FORCE_MAJEURE: 0.02,
        Reason.WEIGHT_OR_SIZE_EXCEEDED: 0.01,
        Reason.MAX_VISITS_REACHED: 0.0,
    },
    qc_failures={
        Reason.QC_FAILED_OTHER: 0.4,
        Reason.QC_MISMATCH: 0.25,
        Reason.QC_DAMAGED_OR_USED: 0.25,
        Reason.QC_QUANTITY_MISMATCH: 0.1,
    },
    cancels_on=frozenset(words.STRUCK) - {Reason.CANCELLED_BY_MERCHANT},
    push=words.push,
    created=words.created,
    success=0.74,
    tat_days=pins.TAT_DAYS,
)
