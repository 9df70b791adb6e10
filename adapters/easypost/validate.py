"""Is this an address? Asked about the customer's door.

Vendor documentation and recordings (A): an address is made with `verify` and tells how that went; a deliverable one may still
lack its flat, which a rider needs. That EasyPost cannot judge an address is no judgement on it and refused as such.
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.contract.carrier import Access, SoFar, one_step
from adapters.contract.errors import Misread, RefusalKind, Refused, Unreachable
from adapters.contract.orders import Order
from adapters.easypost import places, refusals, shipment, wire

_FLAT = ("E.SECONDARY_INFORMATION.INVALID", "E.SECONDARY_INFORMATION.MISSING")
_CANNOT_JUDGE = ("E.COUNTRY.UNSUPPORTED", "E.QUERY.UNANSWERABLE")


class Verification(msgspec.Struct, frozen=True):
    success: bool
    errors: list[wire.Detail] | None = None


class Verifications(msgspec.Struct, frozen=True):
    delivery: Verification


class Address(msgspec.Struct, frozen=True):
    id: str
    object: str
    verifications: Verifications


def build(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    shipment.check(order)
    party, pointer = places.door(order)
    return wire.post(access, "/addresses", {"address": places.address(party, pointer), "verify": True})


def parse(response: httpx.Response, order: Order, so_far: SoFar) -> None:
    """Raises Refused naming the part of the address that is objected to."""
    _, pointer = places.door(order)
    failure = wire.failure_of(response)
    if failure and refusals.REFUSALS.get(failure.code) is RefusalKind.INVALID_ADDRESS:
        raise _refused(failure.code, wire.words(failure), wire.details(failure), pointer)
    address = wire.read(response, Address)
    if address.object != "Address" or not address.id:
        raise Misread("not an address")
    verified = address.verifications.delivery
    objections = [one for one in verified.errors or () if not verified.success or one.code in _FLAT]
    if objections or not verified.success:
        code = next((one.code for one in objections if one.code), "")
        raise _refused(code, "; ".join(one.message or one.code or "" for one in objections), objections, pointer)


def _refused(code: str, text: str, objections: list[wire.Detail], pointer: str) -> Refused | Unreachable:
    if code in refusals.UNAVAILABLE:
        return Unreachable(f"{code} {text}")
    if code in _CANNOT_JUDGE:
        return Refused(RefusalKind.REFUSED, code, text, f"{pointer}/country")
    named = next((one.field for one in objections if one.field and one.field != "address"), "address")
    field = "line2" if code in _FLAT else refusals.ADDRESS_FIELDS.get(named, "line1")
    return Refused(RefusalKind.INVALID_ADDRESS, code, text, f"{pointer}/{field}")


VALIDATE = one_step(build, parse, repeatable=True, timeout=30.0)
