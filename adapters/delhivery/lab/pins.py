"""Serviceability, expected days and the invoice calculator. Days and prices are invented; the magic pins are in the README."""

from __future__ import annotations

import re

from adapters.delhivery.lab.replies import json_reply
from adapters.lab.side import Call, Desk, Reply

EMBARGOED = "193101"
NOT_LISTED = "744301"
NO_PICKUP = "682559"
TAT_DAYS = 4

_PIN = re.compile(r"[1-8][0-9]{5}|999[0-9]{3}")  # 999xxx: the lab's own magic pins


def listed(pin: str, desk: Desk) -> bool:
    return _PIN.fullmatch(pin) is not None and pin != NOT_LISTED and desk.serves(pin)


def collects(pin: str, desk: Desk) -> bool:
    return listed(pin, desk) and pin not in (EMBARGOED, NO_PICKUP)


def pin_codes(call: Call, desk: Desk) -> Reply:
    pin = call.query.get("filter_codes", "")
    if not listed(pin, desk):
        return json_reply({"delivery_codes": []})
    if pin == EMBARGOED:
        return json_reply({"delivery_codes": [{"postal_code": {"remarks": "Embargo"}}]})
    flags = {"pickup": "N" if pin == NO_PICKUP else "Y", "pre_paid": "Y", "cod": "Y", "cash": "Y", "repl": "Y", "is_oda": "N"}
    place = {
        "pin": int(pin),
        "city": f"City {pin[:3]}",
        "district": f"District {pin[:3]}",
        "state_code": "XX",
        "country_code": "IN",
    }
    limits = {"max_amount": 0.0, "max_weight": 0.0, "remarks": "", "covid_zone": None, "inc": f"Lab_{pin[:3]}_D"}
    return json_reply({"delivery_codes": [{"postal_code": place | flags | limits}]})


def expected_tat(call: Call, desk: Desk) -> Reply:
    origin, destination, mode = (call.query.get(name, "") for name in ("origin_pin", "destination_pin", "mot"))
    missing = [name for name, pin in (("Origin", origin), ("Destination", destination)) if not pin]
    if missing:
        return _no_tat("Unable to process request. " + " ".join(f"{name} pin missing." for name in missing))
    if mode not in ("S", "E", "N") or call.query.get("pdt", "") not in ("", "B2B", "B2C") or not _is_pickup_date(call):
        return _no_tat("Unable to process request.")
    for name, pin in (("Origin", origin), ("Destination", destination)):
        if not listed(pin, desk):
            return _no_tat(f"{name} pin not serviceable.")
    days = {"S": TAT_DAYS, "E": TAT_DAYS - 1, "N": 1}[mode]
    return json_reply({"msg": "", "data": {"tat": days}, "success": True})


def _no_tat(text: str) -> Reply:
    return json_reply({"msg": text, "data": "", "success": False}, 400)


def _is_pickup_date(call: Call) -> bool:
    given = call.query.get("expected_pickup_date", "")
    return not given or re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", given) is not None


def charges(call: Call, desk: Desk) -> Reply:
    query = call.query
    if query.get("md") not in ("S", "E"):
        return json_reply({"error": "md is mandatory field and possible values can be S,E"}, 400)
    if query.get("ss") not in ("Delivered", "RTO", "DTO"):
        return json_reply({"error": "ss is mandatory field and possible values can be Delivered,RTO,DTO"}, 400)
    if not listed(query.get("o_pin", ""), desk) or not query.get("cgm", "").isdecimal():
        return json_reply({"error": "Unable to process request for provided o_pin"}, 400)
    if not listed(query.get("d_pin", ""), desk):
        return json_reply({"error": "Unable to process request, Please contact: lastmile-integration@delhivery.com"}, 400)
    priced = query.get("pt") in ("Pre-paid", "COD")  # without it everything is 0
    gross = gross_price(query["md"], int(query["cgm"]), query["o_pin"], query["d_pin"], desk) if priced else 0
    tax = tax_on(gross)
    body = {"zone": "D", "divisor": 5000, "charged_weight": int(query["cgm"]), "status": query["ss"], "gross_amount": gross / 100}
    taxes = {"IGST": tax / 100, "SGST": 0, "CGST": 0, "service_tax": 0}
    return json_reply([body | {"tax_data": taxes, "total_amount": (gross + tax) / 100}])


def gross_price(mode: str, grams: int, origin: str, destination: str, desk: Desk) -> int:
    """Paise: a first half kilogram and each begun one after it; express costs two fifths more."""
    slabs = max(1, -(-grams // 500))
    base = 6200 + 2400 * (slabs - 1)
    return round(base * (1.4 if mode == "E" else 1.0) * desk.price_factor(origin, destination))


def tax_on(gross: int) -> int:
    return round(gross * 0.18)
