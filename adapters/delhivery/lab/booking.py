"""create.json and the single waybill: what is mandatory is demanded, and the refusals are the documents' common remarks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import parse_qs

import msgspec

from adapters.contract.scans import Milestone
from adapters.delhivery.lab.pins import EMBARGOED, collects, gross_price, listed, tax_on
from adapters.delhivery.lab.replies import json_reply
from adapters.lab.side import Call, Consignment, Desk, Event, Reply

UNKNOWN_WAREHOUSE = "Unknown Warehouse"
CLOSED_WAREHOUSE = "Closed Warehouse"
POOR_CLIENT = "Empty Wallet"
INTERNAL = "An internal Error has occurred, Please get in touch with client.support@delhivery.com"


class Question(msgspec.Struct, kw_only=True):
    questions_id: str
    options: list[str]
    value: list[str]
    required: bool
    type: Literal["varchar", "multi"]


class Checked(msgspec.Struct, kw_only=True):
    description: str
    images: list[str]
    questions: list[Question]


class Shipment(msgspec.Struct, kw_only=True):
    name: str = ""
    add: str = ""
    pin: str | int = ""
    phone: str = ""
    order: str = ""
    payment_mode: str = ""
    client: str = ""
    waybill: str = ""
    products_desc: str = ""
    total_amount: float | str = 0.0
    weight: float | str = 0.0
    shipping_mode: str = "Surface"
    return_name: str = ""
    return_add: str = ""
    return_pin: str | int = ""
    return_phone: str = ""
    qc_type: str = ""
    custom_qc: list[Checked] = []


class Location(msgspec.Struct, kw_only=True):
    name: str = ""


class Manifest(msgspec.Struct, kw_only=True):
    shipments: list[Shipment]
    pickup_location: Location = msgspec.field(default_factory=Location)


PHONE = re.compile(r"(?:\+?91-?|0)?[0-9]{10}")
PAYMENTS = {"Pickup": "Pickup", "Prepaid": "Pre-paid", "COD": "COD", "REPL": "REPL"}


def fetch_waybill(call: Call, desk: Desk) -> Reply:
    waybill = _new_waybill(desk)
    desk.remember(f"waybill:{waybill}", "free")
    return json_reply(waybill)


def _new_waybill(desk: Desk) -> str:
    """Fourteen digits; accounts have ranges of their own."""
    return f"{100_000 + int(desk.dice('waybills') * 900_000)}{desk.next_number('waybill'):08d}"


def create(call: Call, desk: Desk) -> Reply:
    form = parse_qs(call.body.decode(errors="replace"), keep_blank_values=True)
    if form.get("format") != ["json"] or "data" not in form:
        return _rejected("format key missing in the post")
    try:
        manifest = msgspec.json.decode(form["data"][0], type=Manifest, strict=False)
    except msgspec.ValidationError as fault:
        return _rejected(_misshapen(str(fault)))
    except msgspec.DecodeError:
        return _rejected("Unterminated string starting at: line 1 column 1 (char 0)")
    if not manifest.shipments or not all(shipment.client.strip() for shipment in manifest.shipments):
        return _rejected("shipment list contains no data.")
    if manifest.pickup_location.name in ("", UNKNOWN_WAREHOUSE):
        return _rejected("ClientWarehouse matching query does not exist.")
    if manifest.pickup_location.name == CLOSED_WAREHOUSE:
        return _rejected("Client-Warehouse is not active.")
    return _manifested([_package(shipment, desk) for shipment in manifest.shipments], desk)


def _misshapen(fault: str) -> str:
    if fault.endswith("`$.shipments`"):
        return "'unicode' object has no attribute 'get'"
    contact = "Package might be saved.Please contact tech.admin@delhivery.com."
    return f"Package creation API error.{contact} Error message is {fault} . Quote this error message while reporting."


def _rejected(text: str) -> Reply:
    return json_reply({**_counts(0), "packages": [], "success": False, "error": True, "rmk": text, "upload_wbn": None})


def _counts(packages: int) -> Mapping[str, int]:
    zeros = ("cash_pickups_count", "cash_pickups", "cod_count", "cod_amount", "prepaid_count", "replacement_count")
    return {**dict.fromkeys(zeros, 0), "package_count": packages, "pickups_count": packages}


def _manifested(packages: list[dict[str, object]], desk: Desk) -> Reply:
    good = all(package["status"] == "Success" for package in packages)
    upload = f"UPL{desk.next_number('upload'):020d}"
    rmk = {} if good else {"rmk": INTERNAL}
    return json_reply({**_counts(len(packages)), "packages": packages, "upload_wbn": upload, "success": good, **rmk})


def _package(shipment: Shipment, desk: Desk) -> dict[str, object]:
    why = _refusal(shipment, desk)
    common = {"client": shipment.client, "refnum": shipment.order, "payment": PAYMENTS.get(shipment.payment_mode, "")}
    if why:
        failed = {"status": "Fail", "waybill": shipment.waybill, "remarks": [why], "sort_code": None, "serviceable": False}
        return common | failed | {"cod_amount": 0.0}
    waybill = _enter(shipment, desk)
    done = {"status": "Success", "waybill": waybill, "remarks": [""], "sort_code": "LAB/ONE", "serviceable": True}
    return common | done | {"cod_amount": 0.0}


def _refusal(shipment: Shipment, desk: Desk) -> str:
    """The first objection, in the carrier's words; blank: none."""
    return next((text for test in _TESTS if (text := test(shipment, desk))), "")


def _crash(why: str) -> str:
    return f"Crashing while saving package due to exception '{why}'. Package might have been partially saved."


def _lacks(shipment: Shipment, desk: Desk) -> str:
    needed = ["name", "add", "pin", "phone", "order", "payment_mode"]
    if shipment.payment_mode == "Pickup":
        needed += ["return_name", "return_add", "return_pin", "return_phone"]
    missing = next((name for name in needed if not str(getattr(shipment, name)).strip()), "")
    return _crash(f"{missing} is missing") if missing else ""


def _bad_order(shipment: Shipment, desk: Desk) -> str:
    if len(shipment.order) > 50:
        return "oid does not pass the validator <lambda>.check if there any extra character or dots in column"
    return ""


def _bad_phone(shipment: Shipment, desk: Desk) -> str:
    return "" if PHONE.fullmatch(shipment.phone) else f"Incorrect phone number(s) for order {shipment.order}"


def _bad_mode(shipment: Shipment, desk: Desk) -> str:
    if shipment.payment_mode not in PAYMENTS or shipment.shipping_mode not in ("Surface", "Express"):
        return _crash(f"Package type {shipment.payment_mode} not serviceable for {shipment.client}")
    return ""


def _not_served(shipment: Shipment, desk: Desk) -> str:
    reverse = shipment.payment_mode == "Pickup"
    pins = [str(shipment.pin), *([str(shipment.return_pin)] if shipment.return_pin else [])]
    door = collects if reverse else listed
    bad = [pin for pin, serves in zip(pins, (door, listed), strict=False) if not serves(pin, desk) or pin == EMBARGOED]
    return _crash(f"{bad[0]} is non serviceable pincode") if bad else ""


def _no_money(shipment: Shipment, desk: Desk) -> str:
    poor = shipment.client == POOR_CLIENT
    return _crash("client manifest charge API failed due to insufficient balance") if poor else ""


def _duplicate(shipment: Shipment, desk: Desk) -> str:
    """All six fields; the order id alone does not count."""
    same = any(other.details.get("six") == _six(shipment) for other in desk.by_reference(shipment.order))
    return "Duplicate Order Id" if same else ""


def _six(shipment: Shipment) -> list[str]:
    """Without the order id, by which the books are searched."""
    total = f"{float(shipment.total_amount or 0):.2f}"
    return [shipment.client, total, shipment.products_desc, shipment.payment_mode, shipment.name]


def _bad_waybill(shipment: Shipment, desk: Desk) -> str:
    if not shipment.waybill:
        return ""
    state = desk.recall(f"waybill:{shipment.waybill}")
    if state == "used" or desk.by_awb(shipment.waybill):
        return "Duplicate waybill"
    hint = "Hint: Check if the right client is specified for this manifest"
    return "" if state == "free" else f"Unable to consume waybill {shipment.waybill} for {shipment.client}, {hint}"


def _bad_check(shipment: Shipment, desk: Desk) -> str:
    bare = any(not item.description or not item.images or not item.questions for item in shipment.custom_qc)
    return _crash("custom_qc is not valid") if bare or (shipment.custom_qc and shipment.qc_type != "param") else ""


_TESTS: tuple[Callable[[Shipment, Desk], str], ...] = (
    _lacks, _bad_order, _bad_phone, _bad_mode, _not_served, _no_money, _duplicate, _bad_waybill, _bad_check,
)  # fmt: skip


def _enter(shipment: Shipment, desk: Desk) -> str:
    waybill = shipment.waybill or _new_waybill(desk)
    desk.remember(f"waybill:{waybill}", "used")
    reverse = shipment.payment_mode == "Pickup"
    door, warehouse = str(shipment.pin), str(shipment.return_pin or shipment.pin)
    origin, destination = (door, warehouse) if reverse else (warehouse, door)
    gross = gross_price(shipment.shipping_mode[:1], _grams(shipment.weight), origin, destination, desk)
    desk.open(
        Consignment(
            awb=waybill,
            reference=shipment.order,
            origin=origin,
            destination=destination,
            created_at=desk.now,
            state="scheduled",
            phone=shipment.phone,
            details={"six": _six(shipment), "mode": shipment.payment_mode, "pin": door, "qc": _is_checked(shipment)},
            events=[
                Event(at=desk.now, milestone=Milestone.LABEL_CREATED, place=origin),
                Event(at=desk.now, milestone=Milestone.PICKUP_SCHEDULED, place=origin, visit=1),
            ],
            price_minor=gross + tax_on(gross),
        )
    )
    return waybill


def _grams(weight: float | str) -> int:
    """A number, or "150.0 gm"."""
    found = re.match(r"\d+(?:\.\d+)?", str(weight))
    return round(float(found[0])) if found else 0


def _is_checked(shipment: Shipment) -> bool:
    """Beyond two items or six questions the shipment is made without QC, and nobody is told."""
    return 0 < len(shipment.custom_qc) <= 2 and all(len(item.questions) <= 6 for item in shipment.custom_qc)
