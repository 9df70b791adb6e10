"""Shipments in the lab: rates, the label, its PDF and its refund.

Invented: prices, days, what is refused in which state. The movers' service levels are those of the live API's metadata.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from adapters.easypost.lab import memory, trackers
from adapters.easypost.lab.replies import Refusal, amount, answer, body, new_id, refusing, stamp
from adapters.easypost.lab.shapes import Address, Made, MadeRate, NewShipment, Nothing, RateBody, ShipmentBody
from adapters.lab.paper import pdf
from adapters.lab.side import Call, Desk, Reply

# Country -> carrier, service level, cents for the first pound, days on a middling way.
_LEVELS = {
    "US": (
        ("USPS", "GroundAdvantage", 607, 3),
        ("USPS", "Priority", 742, 2),
        ("USPS", "Express", 3415, 1),
        ("UPS", "Ground", 842, 3),
        ("UPS", "2ndDayAir", 2160, 2),
        ("UPS", "NextDayAir", 4480, 1),
        ("FedEx", "FEDEX_GROUND", 871, 3),
        ("FedEx", "FEDEX_2_DAY", 2390, 2),
        ("DHLExpress", "DomesticExpress", 5200, 1),
    ),
    "CA": (
        ("CanadaPost", "ExpeditedParcel", 1120, 4),
        ("CanadaPost", "Xpresspost", 1655, 2),
        ("Purolator", "PurolatorGround", 1240, 4),
        ("Purolator", "PurolatorExpress", 2485, 1),
    ),
}
_OUNCES_IN_A_POUND = 16
_HEAVIEST_AT_USPS = 1120
_REFUND_TAKES = dt.timedelta(days=15)
_LONGEST_PAGE = 100
_STAYS = ("scheduled", "cancelled")


# --- the shipment ---------------------------------------------------------------------------------------


@refusing
def create(call: Call, desk: Desk) -> Reply:
    asked = body(call, ShipmentBody).shipment
    for place in (asked.from_address, asked.to_address):
        if not place.zip or not place.country:
            raise Refusal("SHIPMENT.INVALID_PARAMS", "lab: an address needs zip and country")
    made = Made(id=new_id(desk, "shp"), at=desk.now, asked=asked, rates=[])
    made.messages = _rate(made, desk)
    memory.keep(desk, made)
    if asked.reference:
        desk.remember(f"reference/{asked.reference}", made.id)
    return answer(shown(made, desk), 201)


def _rate(made: Made, desk: Desk) -> list[dict[str, str]]:
    """Prices it; what could not be priced is told."""
    door, goal = made.door, made.goal
    served = all(desk.serves(place.zip or "") for place in (door, goal)) and door.country == goal.country
    messages = []
    for carrier, level, cents, days in _LEVELS[door.country or "US"]:
        account = f"ca_{carrier.casefold()}"
        why = _why_not(made.asked, carrier, served)
        if made.asked.carrier_accounts is not None and account not in made.asked.carrier_accounts:
            continue
        if why:
            messages.append({"carrier": carrier, "carrier_account_id": account, "type": "rate_error", "message": why})
        else:
            made.rates.append(_priced(made, desk, carrier, level, cents, days))
    return messages


def _why_not(asked: NewShipment, carrier: str, served: bool) -> str:
    if not served:
        return "lab: does not go there"
    return "lab: heavier than 70 lb" if carrier == "USPS" and asked.parcel.weight > _HEAVIEST_AT_USPS else ""


def _priced(made: Made, desk: Desk, carrier: str, level: str, cents: int, days: int) -> MadeRate:
    """So much for the first pound, a tenth more for each further one, more for a longer way, a little by chance."""
    start, goal = made.door.zip or "", made.goal.zip or ""
    pounds = max(1, -(-int(made.asked.parcel.weight * 10) // (_OUNCES_IN_A_POUND * 10)))
    way = 1.0 if start[:3] == goal[:3] else 1.15 if start[:1] == goal[:1] else 1.4
    chance = 0.95 + 0.1 * desk.dice("price", start[:3], goal[:3], carrier, level)
    total = int(cents * (1 + 0.1 * (pounds - 1)) * way * chance * desk.price_factor(start, goal))
    currency = "CAD" if made.door.country == "CA" else "USD"
    late = days + (way > 1.2 and days > 1)
    return MadeRate(id=new_id(desk, "rate"), carrier=carrier, service=level, cents=total, currency=currency, days=late)


@refusing
def retrieve(call: Call, desk: Desk) -> Reply:
    return answer(shown(memory.find(desk, call.params["id"]), desk))


@refusing
def show(call: Call, desk: Desk) -> Reply:
    """The list, newest first; a page begins after `before_id`."""
    asked = call.query
    start, end = (_instant(asked.get(name, "")) for name in ("start_datetime", "end_datetime"))
    made = [one for one in memory.every(desk) if (start is None or start <= one.at) and (end is None or one.at < end)]
    made = [one for one in made if one.bought or asked.get("purchased") != "true"]
    before = next((place for place, one in enumerate(made, 1) if one.id == asked.get("before_id")), 0)
    size = _page_size(asked.get("page_size", "20"))
    page = made[before : before + size]
    return answer({"shipments": [shown(one, desk) for one in page], "has_more": len(made) > before + size})


def _page_size(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise Refusal("BAD_REQUEST", f"lab: {text} is no size of a page", 400)
    return min(int(text), _LONGEST_PAGE)


def _instant(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal("BAD_REQUEST", f"lab: {text} is no time", 400) from None


@refusing
def smartrate(call: Call, desk: Desk) -> Reply:
    made = memory.find(desk, call.params["id"])
    if made.door.country != "US":
        raise Refusal("BAD_REQUEST", "lab: SmartRate knows the USA only", 400)
    return answer({"result": [_predicted(made, rate) for rate in made.rates]})


def _predicted(made: Made, rate: MadeRate) -> dict[str, Any]:
    """Amounts are numbers here."""
    late = {"50": 0, "75": 0, "85": 1, "90": 1, "95": 2, "97": 3, "99": 5}
    shown_rate = _rate_shown(made, rate) | {"rate": rate.cents / 100, "list_rate": rate.cents / 100}
    return shown_rate | {"time_in_transit": {f"percentile_{share}": rate.days + more for share, more in late.items()}}


# --- the label ------------------------------------------------------------------------------------------


@refusing
def buy(call: Call, desk: Desk) -> Reply:
    made, wanted = memory.find(desk, call.params["id"]), body(call, RateBody).rate.id
    if made.bought:
        raise Refusal("SHIPMENT.POSTAGE.EXISTS", "lab: this shipment has its postage")
    rate = next((rate for rate in made.rates if rate.id == wanted), None)
    if rate is None:
        raise Refusal("SHIPMENT.MISSING_RATE", "lab: this shipment has no such rate")
    for place in (made.door, made.goal):
        _complete(place, rate.carrier)
    made.bought, made.bought_at = rate.id, desk.now
    made.tracking_code = trackers.new_code(rate.carrier, desk)
    desk.remember(f"code/{made.tracking_code}", made.id)
    memory.keep(desk, made)
    return answer(shown(made, desk))


def _complete(place: Address, carrier: str) -> None:
    """What a mover wants on a label; all but USPS want a phone, too."""
    lacks = [name for name in ("street1", "city", "state") if not getattr(place, name)]
    lacks += [] if place.name or place.company else ["name"]
    lacks += ["phone"] if carrier != "USPS" and not place.phone else []
    if lacks:
        raise Refusal("SHIPMENT.POSTAGE.FAILURE", f"lab: {carrier} misses {', '.join(lacks)}")


@refusing
def label(call: Call, desk: Desk) -> Reply:
    made = memory.find(desk, call.params["id"])
    if not made.bought:
        raise Refusal("SHIPMENT.POSTAGE.REQUIRED", "lab: no label was bought")
    if call.query.get("file_format") != "PDF":
        raise Refusal("SHIPMENT.POSTAGE.INVALID_FORMAT", "lab: only PDF")
    made.pdf = True
    memory.keep(desk, made)
    return answer(shown(made, desk, call.host))


def label_file(call: Call, desk: Desk) -> Reply:
    """Behind the link: open to everyone, and not to be asked with a key."""
    if "authorization" in call.headers:
        return Reply(status=403, body=b"<Error><Code>AccessDenied</Code></Error>", content_type="application/xml")
    return Reply(body=pdf(f"LAB label {call.params['name'].removesuffix('.pdf')}"), content_type="application/pdf")


@refusing
def refund(call: Call, desk: Desk) -> Reply:
    body(call, Nothing)
    made = memory.find(desk, call.params["id"])
    if not made.bought:
        raise Refusal("SHIPMENT.POSTAGE.REQUIRED", "lab: no label was bought")
    consignment = desk.by_awb(made.tracking_code)
    if consignment and consignment.state not in _STAYS:
        raise Refusal("SHIPMENT.REFUND.UNAVAILABLE", f"lab: the parcel is {consignment.state}")
    made.refunded_at = made.refunded_at or desk.now
    memory.keep(desk, made)
    if consignment:
        desk.update(made.tracking_code, voided_at=stamp(made.refunded_at))
    return answer(shown(made, desk))


# --- how it is shown --------------------------------------------------------------------------------------


def shown(made: Made, desk: Desk, host: str = "") -> dict[str, Any]:
    updated = max(filter(None, (made.at, made.bought_at, made.refunded_at)))
    return {
        "id": made.id,
        "object": "Shipment",
        "mode": "test",
        "created_at": stamp(made.at),
        "updated_at": stamp(updated),
        "is_return": made.asked.is_return,
        "reference": made.asked.reference,
        "options": {"currency": "USD", "date_advance": 0, **made.asked.options},
        "from_address": address_shown(made.asked.from_address),
        "to_address": address_shown(made.asked.to_address),
        "parcel": {"object": "Parcel", **msgspec.to_builtins(made.asked.parcel)},
        "messages": made.messages,
        "rates": [_rate_shown(made, rate) for rate in made.rates],
        "status": "unknown",
        "refund_status": _refund_status(made, desk.now),
        **(
            _bought(made, desk, host)
            if made.bought
            else dict.fromkeys(("tracking_code", "selected_rate", "postage_label", "tracker"))
        ),
    }


def _bought(made: Made, desk: Desk, host: str) -> dict[str, Any]:
    file = f"http://{host}/files/postage_label/{made.tracking_code}.pdf" if made.pdf else None
    return {
        "tracking_code": made.tracking_code,
        "selected_rate": _rate_shown(made, made.rate),
        "postage_label": {
            "object": "PostageLabel",
            "label_size": "4x6",
            "label_file_type": "image/png",
            "label_url": f"http://labels.lab.test/{made.tracking_code}.png",
            "label_pdf_url": file if host else None,
        },
        "tracker": trackers.of_shipment(made, desk),
    }


def _rate_shown(made: Made, rate: MadeRate) -> dict[str, Any]:
    return {
        "id": rate.id,
        "object": "Rate",
        "mode": "test",
        "carrier": rate.carrier,
        "service": rate.service,
        "rate": amount(rate.cents),
        "currency": rate.currency,
        "list_rate": amount(rate.cents),
        "list_currency": rate.currency,
        "delivery_days": rate.days,
        "delivery_date": None,
        "delivery_date_guaranteed": False,
        "est_delivery_days": rate.days,
        "shipment_id": made.id,
        "carrier_account_id": f"ca_{rate.carrier.casefold()}",
    }


def _refund_status(made: Made, now: dt.datetime) -> str | None:
    if made.refunded_at is None:
        return None
    return "refunded" if now - made.refunded_at >= _REFUND_TAKES else "submitted"


def address_shown(address: Address) -> dict[str, Any]:
    given = msgspec.to_builtins(address)
    fields = ("name", "company", "street1", "street2", "city", "state", "zip", "country", "phone", "email")
    return {
        "object": "Address",
        "mode": "test",
        **{name: given.get(name) for name in fields},
        "residential": None,
        "verifications": {},
    }
