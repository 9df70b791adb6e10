"""The shipping service: numbers, waybills, collections, labels.

A waybill is only a note in the account's books; the consignment is opened, and its rider planned, when a collection is ordered for
it. Of the carrier's codes only the documented ones are used: ERR52, which serves several causes, for what has none of its own.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from adapters.aramex.lab.envelopes import A, Asked, Objection, nil, notifications
from adapters.aramex.places import COUNTRIES
from adapters.contract.scans import Milestone, Reason
from adapters.lab.paper import pdf
from adapters.lab.side import Consignment, Desk, Event

NOWHERE = "Nowhere"  # a magic city: it does not exist
_FIRST = 47_000_000_000
_MOST_NUMBERS = 5000
_REPORTS = frozenset({"9201", "9729"})
_OPENS, _CLOSES = dt.time(8), dt.time(20)
_FURTHEST = dt.timedelta(days=7)


# --- numbers --------------------------------------------------------------------------------------


def reserve(asked: Asked, desk: Desk) -> list[etree._Element]:
    count = int(asked.text("Count") or 0)
    if not 1 <= count <= _MOST_NUMBERS or not asked.text("Entity") or asked.text("ProductGroup") not in ("DOM", "EXP"):
        raise Objection("REQ15", "an entity, a product group, and 1 to 5000 numbers")
    numbers = [_FIRST + desk.next_number("waybill") for _ in range(count)]
    desk.remember("reserved", numbers[-1])
    return [A.FromWaybill(str(numbers[0])), A.ToWaybill(str(numbers[-1]))]


# --- waybills -------------------------------------------------------------------------------------


def create_shipments(asked: Asked, desk: Desk) -> list[etree._Element]:
    shipments = asked.all("Shipments/Shipment")
    if not shipments:
        raise Objection("REQ15", "at least one shipment")
    return [A.Shipments(*(_processed(shipment, desk) for shipment in shipments))]


def _processed(shipment: Asked, desk: Desk) -> etree._Element:
    """The second verdict: of this shipment, while the call as a whole is in order."""
    try:
        number = _made(shipment, desk)
    except Objection as objection:
        return _shipment_answer(shipment, nil("ID"), objection)
    return _shipment_answer(shipment, A.ID(number))


def _shipment_answer(shipment: Asked, number: etree._Element, *objections: Objection) -> etree._Element:
    references = [A(name, shipment.text(name)) for name in ("Reference1", "Reference2", "Reference3", "ForeignHAWB")]
    told = [A.HasErrors("true" if objections else "false"), notifications(*objections), nil("ShipmentLabel")]
    return A.ProcessedShipment(number, *references, *told, *([] if objections else [_details(shipment)]))


def _details(shipment: Asked) -> etree._Element:
    given = {name: shipment.text(f"Details/{name}") for name in ("DescriptionOfGoods", "GoodsOriginCountry", "NumberOfPieces")}
    codes = {name: shipment.text(f"Details/{name}") for name in ("ProductGroup", "ProductType", "PaymentType", "PaymentOptions")}
    amounts = ("CustomsValueAmount", "CashOnDeliveryAmount", "InsuranceAmount", "CashAdditionalAmount", "CollectAmount")
    return A.ShipmentDetails(
        A.Origin(_entity(shipment, "Shipper")),
        A.Destination(_entity(shipment, "Consignee")),
        A.ChargeableWeight(A.Unit("KG"), A.Value(shipment.text("Details/ActualWeight/Value"))),
        *(A(name, text) for name, text in {**given, **codes}.items()),
        *(nil(name) for name in amounts),
        A.Services(shipment.text("Details/Services")),
        A.OriginCity(shipment.text("Shipper/PartyAddress/City")),
        A.DestinationCity(shipment.text("Consignee/PartyAddress/City")),
    )


def _entity(shipment: Asked, role: str) -> str:
    """Three letters; invented from the city's name."""
    return shipment.text(f"{role}/PartyAddress/City").upper().ljust(3, "Z")[:3]


def _made(shipment: Asked, desk: Desk) -> str:
    reference = shipment.text("ForeignHAWB")
    if reference and desk.recall(f"hawb:{reference}"):
        raise Objection("ERR30", "this foreign number has a shipment already")
    for role in ("Shipper", "Consignee"):
        _check_party(shipment, role, desk)
    number = _number(shipment.text("Number"), desk)
    desk.remember(f"waybill:{number}", _noted(shipment, desk))
    if reference:
        desk.remember(f"hawb:{reference}", number)
    return number


def _check_party(shipment: Asked, role: str, desk: Desk) -> None:
    for needed in ("Contact/PersonName", "Contact/CompanyName", "Contact/PhoneNumber1", "Contact/EmailAddress"):
        if not shipment.text(f"{role}/{needed}"):
            raise Objection("REQ15", f"{role} {needed} is missing")
    if len(shipment.text(f"{role}/PartyAddress/Line1")) < 4:
        raise Objection("REQ15", f"{role} Line1 is too short")
    if shipment.text(f"{role}/PartyAddress/City") == NOWHERE:
        raise Objection("ERR52", f"{role} city is not valid")
    if not desk.serves(shipment.text(f"{role}/PartyAddress/PostCode")):
        raise Objection("ERR52", f"{role} has no service")


def _number(wanted: str, desk: Desk) -> str:
    if not wanted:
        return str(_FIRST + desk.next_number("waybill"))
    reserved = wanted.isdecimal() and _FIRST < int(wanted) <= (desk.recall("reserved") or 0)
    if not reserved or desk.recall(f"waybill:{wanted}"):
        raise Objection("ERR52", "not a number of yours, or used before")
    return wanted


def _noted(shipment: Asked, desk: Desk) -> dict[str, Any]:
    return {
        "at": desk.now.timestamp(),
        "reference": shipment.text("ForeignHAWB"),
        "group": shipment.text("Details/ProductGroup"),
        **{end: _end(shipment, role) for end, role in (("origin", "Shipper"), ("destination", "Consignee"))},
    }


def _end(shipment: Asked, role: str) -> dict[str, str]:
    parts = {"code": "PostCode", "city": "City", "country": "CountryCode"}
    return {name: shipment.text(f"{role}/PartyAddress/{part}") for name, part in parts.items()}


# --- collections ----------------------------------------------------------------------------------


def create_pickup(asked: Asked, desk: Desk) -> list[etree._Element]:
    number = asked.text("Pickup/ExistingShipments/ExistingShipment/Number")
    waybill = _waiting(asked.text("Pickup/Reference1"), number, desk)
    ready = _checked_hours(asked, desk, waybill["origin"]["country"])
    pickup = f"K{desk.next_number('pickup'):06X}"
    guid = _guid(desk.account, pickup)
    desk.remember(f"pickup_of:{asked.text('Pickup/Reference1')}", pickup)
    desk.remember(f"pickup:{pickup}", {"awb": number, "ready": ready.isoformat()})
    desk.remember(f"guid:{guid}", number)
    desk.open(_consignment(asked, number, waybill, desk))
    return [_processed_pickup(asked, pickup, guid)]


def _waiting(reference: str, number: str, desk: Desk) -> Mapping[str, Any]:
    """The waybill, which has no collection yet."""
    if not reference:
        raise Objection("REQ15", "Reference1 is missing")
    known = desk.recall(f"pickup_of:{reference}")
    if known:
        raise Objection("ERR30", f"Duplicate collection already exists ({known})")
    waybill: Mapping[str, Any] | None = desk.recall(f"waybill:{number}")
    if waybill is None or desk.by_awb(number):
        raise Objection("ERR52", "no waybill that waits for a collection")
    return waybill


def _checked_hours(asked: Asked, desk: Desk, code: str) -> dt.datetime:
    """When it is ready, in the local time of the country it is collected in."""
    country = COUNTRIES.get(code)
    if country is None:
        raise Objection("ERR52", "nobody collects in this country")
    ready, last, closing = (_time(asked, name) for name in ("ReadyTime", "LastPickupTime", "ClosingTime"))
    now = desk.now.astimezone(ZoneInfo(country.timezone)).replace(tzinfo=None)
    if closing <= ready:
        raise Objection("ERR35", "closing is not later than ready")
    if last <= ready:
        raise Objection("ERR36", "the last pickup is not later than ready")
    if not _OPENS <= ready.time() < _CLOSES or ready - now > _FURTHEST:
        raise Objection("ERR37", "outside the hours of business")
    if ready < now:
        raise Objection("ERR38", "too early for anybody to come")
    return ready


def _time(asked: Asked, name: str) -> dt.datetime:
    return dt.datetime.fromisoformat(asked.text(f"Pickup/{name}")).replace(tzinfo=None)


def _consignment(asked: Asked, number: str, waybill: Mapping[str, Any], desk: Desk) -> Consignment:
    made = dt.datetime.fromtimestamp(waybill["at"], dt.UTC)
    origin, destination = waybill["origin"], waybill["destination"]
    return Consignment(
        awb=number,
        reference=waybill["reference"],
        origin=origin["code"] or origin["city"],
        destination=destination["code"] or destination["city"],
        created_at=desk.now,
        state="scheduled",
        phone=asked.text("Pickup/PickupContact/PhoneNumber1"),
        details={"origin": origin, "destination": destination},
        events=[
            Event(at=made, milestone=Milestone.LABEL_CREATED, place=origin["code"]),
            Event(at=desk.now, milestone=Milestone.PICKUP_SCHEDULED, place=origin["code"], visit=1),
        ],
    )


def _processed_pickup(asked: Asked, pickup: str, guid: str) -> etree._Element:
    references = [A(name, asked.text(f"Pickup/{name}")) for name in ("Reference1", "Reference2")]
    return A.ProcessedPickup(A.ID(pickup), A.GUID(guid), *references, A.ProcessedShipments())


def _guid(account: str, pickup: str) -> str:
    digest = hashlib.blake2b(f"{account}/{pickup}".encode(), digest_size=16).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def cancel_pickup(asked: Asked, desk: Desk) -> list[etree._Element]:
    number = desk.recall(f"guid:{asked.text('PickupGUID')}")
    consignment = desk.by_awb(number) if number else None
    if consignment is None:
        raise Objection("ERR52", "no such collection")
    if consignment.state == "cancelled":
        raise Objection("ERR70", "it is cancelled already")
    if consignment.state not in ("scheduled", "out"):
        raise Objection("ERR52", "it is collected")
    desk.cancel(consignment.awb, Reason.CANCELLED_BY_MERCHANT)
    return [A.Message("cancelled")]


# --- labels ---------------------------------------------------------------------------------------


def print_label(asked: Asked, desk: Desk) -> list[etree._Element]:
    number = asked.text("ShipmentNumber")
    if asked.text("LabelInfo/ReportType") not in ("RPT", "URL"):
        raise Objection("REQ13", "LabelInfo is missing")
    if asked.text("LabelInfo/ReportID") not in _REPORTS:
        raise Objection("ERR07", "no such report")
    waybill = desk.recall(f"waybill:{number}")
    if waybill is None or waybill["group"] != asked.text("ProductGroup"):
        raise Objection("ERR52", "no such waybill of this product group")
    content = base64.b64encode(pdf(f"ARAMEX LAB  {number}")).decode()
    return [A.ShipmentNumber(number), A.ShipmentLabel(nil("LabelURL"), A.LabelFileContents(content))]
