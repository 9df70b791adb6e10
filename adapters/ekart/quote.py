"""What would it cost?

OpenAPI file 3.8.8, `/data/pricing/estimate` (A). It demands `shippingDirection` and `billingClientType` without describing them;
their words come from live clients (B). It has no flag for quality checks and answers a `qcCharge` all the same; whether `total`
holds it is worked out from the sum (D).
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.contract.carrier import Access, Enquiry, Next, Operation, PriceLine, Quote, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.units import Money
from adapters.ekart import wire

Amount = str | int | float

_A_RUPEE = 100  # in paise: for roundings between the parts and the total


class Estimate(msgspec.Struct, rename="camel"):
    total: Amount
    shipping_charge: Amount = 0
    fuel_surcharge: Amount = 0
    cod_charge: Amount = 0
    qc_charge: Amount = 0
    taxes: Amount = 0


def build_surface(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return _estimate(enquiry, access, "SURFACE")


def build_express(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return _estimate(enquiry, access, "EXPRESS")


def parse_express(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Next:
    """Kept until surface is priced too. Express not going there takes nothing from surface."""
    try:
        quoted = _quote("express", wire.read(response, Estimate), enquiry)
    except Refused as refusal:
        if refusal.kind is RefusalKind.UNAUTHORIZED:
            raise
        return Next(so_far={})
    return Next(so_far={"express": msgspec.json.encode(quoted).decode()})


def parse_surface(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> tuple[Quote, ...]:
    surface = _quote("surface", wire.read(response, Estimate), enquiry)
    express = so_far.get("express")
    return (surface, msgspec.json.decode(express, type=Quote)) if express else (surface,)


def books_services(question: object, access: Access) -> bool:
    """Whether this account's booking can say surface or express (see README): else only surface is offered."""
    return access.settings.get("books_service", "").casefold() == "yes"


def _estimate(enquiry: Enquiry, access: Access, service: str) -> httpx.Request:
    seller, customer = wire.seller_and_customer(enquiry.lane, enquiry.direction)
    parcel = wire.only_parcel(enquiry.parcels)
    return httpx.Request(
        "POST",
        f"{access.base_url}/data/pricing/estimate",
        headers=wire.bearer(access),
        json={
            "billingClientType": access.settings.get("billing_client_type") or "EXISTING_CLIENT",
            "shippingDirection": enquiry.direction.upper(),
            "serviceType": service,
            "pickupPincode": seller,
            "dropPincode": customer,
            "invoiceAmount": float(wire.rupees(enquiry.declared_value, "/declared_value")),
            "weight": parcel.dead_weight.grams,
            "length": parcel.length.whole_centimetres,
            "width": parcel.width.whole_centimetres,
            "height": parcel.height.whole_centimetres,
            "codAmount": 0,
        },
    )


def _quote(service: str, estimate: Estimate, enquiry: Enquiry) -> Quote:
    base, fuel, cod, qc, tax, total = (
        _money(amount)
        for amount in (
            estimate.shipping_charge,
            estimate.fuel_surcharge,
            estimate.cod_charge,
            estimate.qc_charge,
            estimate.taxes,
            estimate.total,
        )
    )
    if total.minor <= 0:
        raise Misread("an estimate of nothing is no price")
    rest = total - (base + fuel + cod + tax + qc)
    without_qc = total - qc if abs(rest.minor) <= _A_RUPEE else total
    asked = enquiry.quality_checks > 0
    lines = {"base": base, "fuel": fuel, "cod": cod, "qc": qc if asked else _money(0), "tax": tax}
    return Quote(
        service=service,
        price=without_qc + qc if asked else without_qc,
        lines=tuple(PriceLine(code=code, amount=amount) for code, amount in lines.items() if amount.minor),
    )


def _money(amount: Amount) -> Money:
    try:
        money = Money.of(str(amount) or "0", wire.CURRENCY)
    except ValueError as error:
        raise Misread(str(error)) from error
    if money.minor < 0:
        raise Misread(f"a charge below nothing: {amount}")
    return money


QUOTE: Operation[Enquiry, tuple[Quote, ...]] = Operation(
    steps=(
        Step(build=build_express, parse=parse_express, name="express", when=books_services),
        Step(build=build_surface, parse=parse_surface, name="surface"),
    ),
    repeatable=True,
)
