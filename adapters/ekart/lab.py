"""Ekart Elite in the lab: its endpoints as the OpenAPI file 3.8.8 writes them, strict in what they take.

Invented, because no document says it: prices, days, what is refused in which state, and the codes of errors beside
SWIFT_VALIDATION_EXCEPTION. A lab tracking id ends in the account's key, so that the open tracking finds the account. A second
booking with the same order number is a second booking: nothing documented forbids it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from adapters.contract.scans import Milestone, Reason
from adapters.ekart import lab_shapes as shapes
from adapters.ekart import statuses, wire
from adapters.ekart.callback import SIGNATURE_HEADER, sign
from adapters.ekart.lab_label import pdf
from adapters.lab.side import Call, Consignment, Desk, Event, Push, Reply, Route, Side, lab_credential

T = TypeVar("T")

_TOKEN_LIFE = dt.timedelta(hours=24)
_VALIDATION = "SWIFT_VALIDATION_EXCEPTION"
_PAISE_PER_SLAB = {"SURFACE": 2400, "EXPRESS": 4100}
_QC_CHARGE = 1000


# --- sign in --------------------------------------------------------------------------------------


def account_of(call: Call) -> str | None:
    """The account of a bearer's token, of the client id where a token is asked for, of the tracking id where tracking is open."""
    if "client_id" in call.params:
        return lab_credential(call.params["client_id"])
    if call.path.startswith("/api/v1/track/"):
        return lab_credential("lab_" + call.params["id"][_NUMBER_LENGTH:])
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    account, _, expiry = token.rpartition(".")
    return lab_credential(account) if scheme == "Bearer" and expiry.isdecimal() else None


def _sign_in(call: Call, desk: Desk) -> Reply:
    """The same token for a day, its `expires_in` falling."""
    _read(call, shapes.Credentials)
    expiry = desk.recall("token_expiry") or 0
    now = int(desk.now.timestamp())
    if expiry <= now:
        expiry = now + int(_TOKEN_LIFE.total_seconds())
        desk.remember("token_expiry", expiry)
    token = {"access_token": f"{desk.account}.{expiry}", "scope": "core:all", "expires_in": expiry - now, "token_type": "Bearer"}
    return _json(token)


def _expired(call: Call, desk: Desk) -> bool:
    return int(call.headers["authorization"].rpartition(".")[2]) <= desk.now.timestamp()


# --- serviceability, days, price ------------------------------------------------------------------


def _pincode(call: Call, desk: Desk) -> Reply:
    pin = call.params["pincode"]
    if not pin.isdecimal() or len(pin) != 6:
        raise _Refusal("pincode: expected an integer of six digits")
    if not desk.serves(pin):
        return _json({"status": False, "pincode": int(pin), "remark": "Pincode is not serviceable"})
    flags = {"forward_pickup": True, "forward_drop": True, "reverse_pickup": True, "reverse_drop": True}
    details = {"cod": True, "max_cod_amount": 25000, **flags, "city": "Labpur", "state": "KA"}
    return _json({"status": True, "pincode": int(pin), "remark": "Serviceable", "details": details})


def _lane(call: Call, desk: Desk) -> Reply:
    lane = _read(call, shapes.Lane)
    if not (desk.serves(lane.pickup_pincode) and desk.serves(lane.drop_pincode)):
        return _json([])
    slowest = _days(lane.pickup_pincode, lane.drop_pincode)
    charges = _charges(desk, lane.pickup_pincode, lane.drop_pincode, float(lane.weight), lane.service_type)
    reverse = {
        "reverseFreight": _rupees(charges.freight),
        "reverseFuelSurcharge": _rupees(charges.fuel),
        "reverseTotalTax": _rupees(charges.tax),
        "totalReverseDeliveredCharges": _rupees(charges.total),
    }
    tat = {"min": slowest - 1, "max": slowest}
    return _json([{"tat": tat, "courierGroup": "EKART", "reverseDeliveredCharges": reverse}])


def _estimate(call: Call, desk: Desk) -> Reply:
    asked = _read(call, shapes.EstimateRequest)
    pickup, drop = str(asked.pickup_pincode), str(asked.drop_pincode)
    charges = _charges(desk, pickup, drop, _billed(asked.weight, asked.length, asked.width, asked.height), asked.service_type)
    return _json(
        {
            "type": "WEIGHT_BASED",
            "zone": _zone(pickup, drop),
            "volumetricWeight": str(asked.length * asked.width * asked.height // 5),
            "billingWeight": str(_billed(asked.weight, asked.length, asked.width, asked.height)),
            "shippingCharge": _rupees(charges.freight),
            "rtoCharge": "0.00",
            "fuelSurcharge": _rupees(charges.fuel),
            "codCharge": "0.00",
            "qcCharge": _rupees(_QC_CHARGE),
            "taxes": _rupees(charges.tax),
            "total": _rupees(charges.total),
        }
    )


class _Charges(msgspec.Struct, frozen=True):
    freight: int
    fuel: int
    tax: int

    @property
    def total(self) -> int:
        return self.freight + self.fuel + self.tax


def _charges(desk: Desk, pickup: str, drop: str, grams: float, service: str) -> _Charges:
    """In paise: so much per begun half kilogram, more for a longer way, a little by chance."""
    slabs = max(1, -(-int(grams) // 500))
    chance = 0.9 + 0.2 * desk.dice("price", pickup[:3], drop[:3], service)
    way = {"A": 1.0, "B": 1.25, "C": 1.6}[_zone(pickup, drop)]
    freight = int(_PAISE_PER_SLAB[service] * (1 + slabs) * way * chance * desk.price_factor(drop, pickup))
    fuel = freight // 10
    return _Charges(freight, fuel, (freight + fuel) * 18 // 100)


def _billed(weight: int, length: int, width: int, height: int) -> int:
    return max(weight, length * width * height // 5)


def _zone(pickup: str, drop: str) -> str:
    return "A" if pickup[:3] == drop[:3] else "B" if pickup[0] == drop[0] else "C"


def _days(pickup: str, drop: str) -> int:
    return {"A": 3, "B": 4, "C": 6}[_zone(pickup, drop)]


# --- booking --------------------------------------------------------------------------------------

_NUMBER_LENGTH = 12


def _create(call: Call, desk: Desk) -> Reply:
    shipment = _read(call, shapes.Shipment)
    _check(shipment)
    reverse = shipment.payment_mode == "Pickup"
    customer, seller = str(shipment.drop_location.pin), str(shipment.pickup_location.pin)
    for pin in (customer, seller):
        if not desk.serves(pin):
            return _created(False, f"Pincode {pin} is not serviceable")
    consignment = _consignment(shipment, desk, *((customer, seller) if reverse else (seller, customer)))
    desk.open(consignment)
    return _created(True, "Successfully created shipment", consignment)


def _check(shipment: shapes.Shipment) -> None:
    """What the schema tells in words only; and that the phones differ, as live clients found (B)."""
    if shipment.consignee_alternate_phone == str(shipment.drop_location.phone):
        raise _Refusal("Phone and Alternate Phone cannot be same")
    if abs(shipment.total_amount - shipment.taxable_amount - shipment.tax_value) > 0.01:
        raise _Refusal("total_amount should be the sum of taxable_amount and tax_value")
    if shipment.payment_mode == "Pickup" and not shipment.return_reason:
        raise _Refusal("return_reason is required for Pickup")


def _consignment(shipment: shapes.Shipment, desk: Desk, origin: str, destination: str) -> Consignment:
    checked = shipment.qc_details is not None and shipment.qc_details.qc_shipment
    grams = _billed(shipment.weight, shipment.length, shipment.width, shipment.height)
    charges = _charges(desk, destination, origin, grams, "SURFACE")
    number = f"{500_000_000_000 + desk.next_number('shipment')}"
    return Consignment(
        awb=number + desk.account.removeprefix("lab_"),
        reference=shipment.order_number,
        origin=origin,
        destination=destination,
        created_at=desk.now,
        state="scheduled",
        phone=str(shipment.drop_location.phone),
        details={"qc": checked, "wbn": f"LABW{number}", "request": msgspec.to_builtins(shipment)},
        events=[
            Event(at=desk.now, milestone=Milestone.LABEL_CREATED, place=origin),
            Event(at=desk.now, milestone=Milestone.PICKUP_SCHEDULED, place=origin, visit=1),
        ],
        price_minor=charges.total + (_QC_CHARGE if checked else 0),
    )


def _created(status: bool, remark: str, consignment: Consignment | None = None) -> Reply:
    awb, wbn, order = (consignment.awb, consignment.details["wbn"], consignment.reference) if consignment else ("", "", "")
    barcodes = {"wbn": wbn, "order": order}
    return _json({"status": status, "remark": remark, "tracking_id": awb, "vendor": "EKART", "barcodes": barcodes})


# --- label, cancel, NDR ---------------------------------------------------------------------------


def _label(call: Call, desk: Desk) -> Reply:
    ids = _read(call, shapes.LabelIds).ids
    if len(set(ids)) != len(ids):
        raise _Refusal("ids: expected unique items")
    found = [desk.by_awb(awb) for awb in ids]
    if not all(found):
        raise _Refusal("no shipment for one of the ids")
    if call.query.get("json_only") == "true":
        return _json([{"tracking_id": awb} for awb in ids])
    return Reply(body=pdf([f"EKART LAB  {awb}" for awb in ids]), content_type="application/octet-stream")


def _cancel(call: Call, desk: Desk) -> Reply:
    awb = call.query.get("tracking_id")
    if not awb:
        raise _Refusal("tracking_id is required")
    consignment = desk.by_awb(awb)
    if consignment is None or consignment.state not in ("scheduled", "out"):
        state = consignment.state if consignment else "not known"
        return _json({"data": [_acknowledgement(False, f"Shipment cannot be cancelled: it is {state}", awb)]})
    desk.cancel(awb, Reason.CANCELLED_BY_MERCHANT)
    return _json({"data": [_acknowledgement(True, "Successfully cancelled shipment", awb)]})


def _ndr(call: Call, desk: Desk) -> Reply:
    asked = _read(call, shapes.Ndr)
    consignment = desk.by_awb(asked.wbn)
    if asked.action == "RTO" or consignment is None or not _waits_for_another_visit(consignment):
        return _json(_acknowledgement(False, f"{asked.action} is not allowed now", asked.wbn))
    day = _day(asked.date, wire.today(desk.now))
    changed = {"phone": asked.phone, "address": asked.address, "instructions": asked.instructions}
    desk.update(asked.wbn, **{name: value for name, value in changed.items() if value})
    desk.visit_again(asked.wbn, day)
    return _json(_acknowledgement(True, "Re-Attempt is planned", asked.wbn))


def _waits_for_another_visit(consignment: Consignment) -> bool:
    return consignment.state == "scheduled" and consignment.events[-1].milestone is Milestone.PICKUP_FAILED


def _day(milliseconds: int | None, today: dt.date) -> dt.date:
    if milliseconds is None:
        raise _Refusal("date is required if action is Re-Attempt")
    try:
        day = wire.today(dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC))
    except (OverflowError, ValueError, OSError) as error:
        raise _Refusal("date: expected milliseconds since Unix Epoch") from error
    if not dt.timedelta(0) < day - today <= dt.timedelta(days=7):
        raise _Refusal("date should be within seven days of the current day, excluding today")
    return day


def _acknowledgement(status: bool, remark: str, awb: str) -> dict[str, object]:
    return {"status": status, "remark": remark, "tracking_id": awb}


# --- tracking -------------------------------------------------------------------------------------

_STATUS_OF: Mapping[Milestone, str] = {
    Milestone.LABEL_CREATED: "Order Placed",
    Milestone.PICKUP_SCHEDULED: "Pickup Scheduled",
    Milestone.OUT_FOR_PICKUP: "Out for Pickup",
    Milestone.PICKUP_FAILED: "Not Picked",
    Milestone.PICKED_UP: "Picked Up",
    Milestone.IN_TRANSIT: "In Transit",
    Milestone.OUT_FOR_DELIVERY: "Out for Delivery",
    Milestone.DELIVERED: "Delivered",
    Milestone.CANCELLED: "Pickup Cancelled",
    Milestone.LOST: "Lost",
}
# The first word for a reason: "Pickup Rescheduled" comes after "Delivery Rescheduled", and is meant.
_NDR_OF = {reason: status for status, reason in reversed(tuple(statuses.NDR_STATUSES.items()))} | {
    Reason.CUSTOMER_RESCHEDULED: "Pickup Rescheduled"
}


def _track(call: Call, desk: Desk) -> Reply:
    consignment = desk.by_awb(call.params["id"])
    if consignment is None:
        raise _Refusal("no shipment with this id", 404)
    last, collected = consignment.events[-1], _collected(consignment)
    track = {
        **_line(last),
        "attempts": consignment.visits,
        **({"ndrActions": ["Re-Attempt"]} if last.milestone is Milestone.PICKUP_FAILED else {}),
        **collected["track"],
        "details": [_line(event) for event in consignment.events],
    }
    return _json({"_id": consignment.awb, "order_number": consignment.reference, "track": track, **collected["around"]})


def _line(event: Event) -> dict[str, Any]:
    line = {"status": _status(event), "ctime": _milliseconds(event.at), "desc": _status(event), "location": event.place}
    if event.reason is not None and event.reason is not Reason.CANCELLED_BY_MERCHANT:
        line["ndrStatus"] = _NDR_OF.get(event.reason, "Unknown Exception")
    return line


def _status(event: Event) -> str:
    return "Seller Cancelled" if event.reason is Reason.CANCELLED_BY_MERCHANT else _STATUS_OF[event.milestone]


def _collected(consignment: Consignment) -> dict[str, dict[str, int]]:
    """`pickupTime` within the tracking and `edd` beside it: only once the parcel is picked up."""
    at = next((event.at for event in consignment.events if event.milestone is Milestone.PICKED_UP), None)
    if at is None:
        return {"track": {}, "around": {}}
    due = at + dt.timedelta(days=_days(consignment.destination, consignment.origin))
    return {"track": {"pickupTime": _milliseconds(at)}, "around": {"edd": _milliseconds(due)}}


# --- webhooks -------------------------------------------------------------------------------------


def _webhooks(call: Call, desk: Desk) -> Reply:
    return _json(list((desk.recall("webhooks") or {}).values()))


def _add_webhook(call: Call, desk: Desk) -> Reply:
    asked = _read(call, shapes.Webhook)
    number = f"lab-webhook-{desk.next_number('webhook')}"
    return _keep_webhook(desk, {"id": number, **msgspec.to_builtins(asked)})


def _edit_webhook(call: Call, desk: Desk) -> Reply:
    change = msgspec.to_builtins(_read(call, shapes.WebhookEdit))
    webhook = (desk.recall("webhooks") or {}).get(call.params["webhook_id"])
    if webhook is None:
        raise _Refusal("no webhook with this id", 404)
    return _keep_webhook(desk, webhook | {name: value for name, value in change.items() if value is not None})


def _keep_webhook(desk: Desk, webhook: dict[str, Any]) -> Reply:
    """The lab pushes to the one changed last, all topics; an inactive one is an address nobody can be reached at."""
    desk.remember("webhooks", (desk.recall("webhooks") or {}) | {webhook["id"]: webhook})
    desk.remember("push", {"url": webhook["url"] if webhook["active"] else "", "secret": webhook["secret"]})
    return _json(webhook)


def push(consignment: Consignment, event: Event, secret: str) -> Push:
    """`track_updated`. Why a visit failed is not in it."""
    line = _line(event)
    collected = _collected(consignment)
    body = {
        "ctime": line["ctime"],
        "status": line["status"],
        "location": line["location"],
        "desc": line["desc"],
        "attempts": str(consignment.visits),
        "wbn": consignment.details["wbn"],
        "id": consignment.awb,
        "orderNumber": consignment.reference,
    }
    return _signed(body | collected["track"] | collected["around"], secret)


def created(consignment: Consignment, secret: str) -> Push:
    """`shipment_created`: what tells of a booking whose answer was lost."""
    order_id = f"{int(consignment.created_at.timestamp()):08x}{hashlib.sha256(consignment.awb.encode()).hexdigest()[:16]}"
    body = {
        "id": consignment.awb,
        "wbn": consignment.details["wbn"],
        "vendor": "EKART",
        "orderNumber": consignment.reference,
        "channelId": order_id,
    }
    return _signed(body, secret)


def _signed(body: Mapping[str, object], secret: str) -> Push:
    content = msgspec.json.encode(body)
    return Push(body=content, headers={SIGNATURE_HEADER: sign(content, secret)})


# --- common ---------------------------------------------------------------------------------------


class _Refusal(Exception):
    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.reply = _error(status, description)


def _read(call: Call, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(call.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refusal(str(error)) from error


def _error(status: int, description: str, http: int | None = None) -> Reply:
    code = {400: _VALIDATION, 404: "PATH_NOT_IMPLEMENTED"}.get(status, str(status))
    body = {"statusCode": status, "code": code, "message": code, "description": description, "severity": "ERROR"}
    return Reply(status=http or status, body=msgspec.json.encode(body))


def error(status: int) -> Reply:
    """A fault's words. With HTTP 200: the same body, saying 400."""
    return _error(400, "refused by the lab", 200) if status == 200 else _error(status, "a fault of the lab")


def unauthorized(call: Call) -> Reply:
    return _error(401, "the lab knows no such credentials")


def _json(value: object) -> Reply:
    return Reply(body=msgspec.json.encode(value))


def _rupees(paise: int) -> str:
    return f"{paise // 100}.{paise % 100:02}"


def _milliseconds(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


def _answering(handle: Callable[[Call, Desk], Reply], *, signed_in: bool = True) -> Callable[[Call, Desk], Reply]:
    """The handler behind the token's age, its refusals put into the error body."""

    def answer(call: Call, desk: Desk) -> Reply:
        if signed_in and _expired(call, desk):
            return unauthorized(call)
        try:
            return handle(call, desk)
        except _Refusal as refusal:
            return refusal.reply

    return answer


_ROUTES = (
    Route(
        method="POST",
        pattern="/integrations/v2/auth/token/{client_id}",
        operation="sign_in",
        handle=_answering(_sign_in, signed_in=False),
    ),
    Route(method="PUT", pattern="/api/v1/package/create", operation="book", handle=_answering(_create), commits=True),
    Route(method="DELETE", pattern="/api/v1/package/cancel", operation="cancel", handle=_answering(_cancel)),
    Route(method="POST", pattern="/api/v1/package/label", operation="label", handle=_answering(_label)),
    Route(method="POST", pattern="/api/v2/package/ndr", operation="reattempt", handle=_answering(_ndr)),
    Route(method="GET", pattern="/api/v1/track/{id}", operation="track", handle=_answering(_track, signed_in=False), open=True),
    Route(method="GET", pattern="/api/v2/serviceability/{pincode}", operation="serviceability", handle=_answering(_pincode)),
    Route(method="POST", pattern="/data/v3/serviceability", operation="tat", handle=_answering(_lane)),
    Route(method="POST", pattern="/data/pricing/estimate", operation="quote", handle=_answering(_estimate)),
    Route(method="GET", pattern="/api/v2/webhook", operation="webhooks", handle=_answering(_webhooks)),
    Route(method="POST", pattern="/api/v2/webhook", operation="webhooks", handle=_answering(_add_webhook)),
    Route(method="PUT", pattern="/api/v2/webhook/{webhook_id}", operation="webhooks", handle=_answering(_edit_webhook)),
)

SIDE = Side(
    carrier="ekart",
    number=2,
    timezone=wire.TIMEZONE,
    routes=_ROUTES,
    account_of=account_of,
    unauthorized=unauthorized,
    error=error,
    failures={
        Reason.CUSTOMER_UNAVAILABLE: 0.36,
        Reason.CUSTOMER_UNREACHABLE: 0.2,
        Reason.CUSTOMER_RESCHEDULED: 0.14,
        Reason.CUSTOMER_DECLINED: 0.1,
        Reason.ADDRESS_INCOMPLETE: 0.07,
        Reason.NOT_ATTEMPTED: 0.06,
        Reason.OTP_FAILED: 0.03,
        Reason.CARRIER_DELAY: 0.03,
        Reason.OUT_OF_PICKUP_AREA: 0.01,
        Reason.MAX_VISITS_REACHED: 0.0,
    },
    qc_failures={Reason.UNKNOWN: 1.0},  # no documented status tells that the goods were not as expected
    push=push,
    created=created,
    success=0.72,
    tat_days=4,
)
