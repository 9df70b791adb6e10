"""Addresses in the lab. A house without a number, and a street named "Nowhere", cannot be verified."""

from __future__ import annotations

from typing import Any

from adapters.easypost.lab.replies import answer, body, new_id, refusing
from adapters.easypost.lab.shapes import Address, AddressBody
from adapters.easypost.lab.shipments import address_shown
from adapters.lab.side import Call, Desk, Reply


@refusing
def create(call: Call, desk: Desk) -> Reply:
    asked = body(call, AddressBody)
    verified = {name: _verified(asked.address) for name in ("zip4", "delivery")} if asked.verify else {}
    return answer({"id": new_id(desk, "adr"), **address_shown(asked.address), "verifications": verified}, 201)


def _verified(address: Address) -> dict[str, Any]:
    objections = _objections(address.street1 or "")
    return {"success": not objections, "errors": objections, "details": {"time_zone": "America/New_York"} if not objections else {}}


def _objections(street: str) -> list[dict[str, Any]]:
    if "nowhere" in street.casefold():
        return [_objection("E.ADDRESS.NOT_FOUND", "address", "Address not found")]
    if not any(letter.isdigit() for letter in street):
        return [_objection("E.HOUSE_NUMBER.MISSING", "street1", "House number is missing")]
    return []


def _objection(code: str, field: str, message: str) -> dict[str, Any]:
    return {"code": code, "field": field, "message": message, "suggestion": None}
