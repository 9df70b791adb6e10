"""What is moved, as which product and at whose expense: the `Details` that a price and a shipment have in common.

WSDLs (A); product, payment and service codes from the carrier's own plug-in (A). Which of them an account may use, and how a
return is paid, is a matter of its contract: settings, with defaults that are assumed (D). Kilograms and centimetres take
decimals, so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from adapters.aramex import places, wire
from adapters.contract.carrier import Access
from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import Direction, Item, Order, Parcel
from adapters.contract.units import Money, Weight

EXPRESS, ECONOMY = "express", "economy"
DOMESTIC, INTERNATIONAL = "DOM", "EXP"

# The account's setting for a service, by group.
SETTINGS = MappingProxyType(
    {
        (EXPRESS, DOMESTIC): "domestic_product",
        (EXPRESS, INTERNATIONAL): "international_product",
        (ECONOMY, DOMESTIC): "domestic_economy_product",
        (ECONOMY, INTERNATIONAL): "international_economy_product",
    }
)
# Where it is not set; India has domestic products of its own. Economy is offered only where it is set.
_DEFAULTS: Mapping[tuple[str, str], str] = {(EXPRESS, DOMESTIC): "ONP", (EXPRESS, INTERNATIONAL): "PPX"}
_INDIAN_AIR = "CGO"

# Who pays: the shipper, the consignee ("collect"), a third party. With "C", ARCC says that the consignee's account does.
_PREPAID, _COLLECT, _THIRD_PARTY = "P", "C", "3"
_OPTIONS: Mapping[str, str] = {_COLLECT: "ARCC"}


class Product(msgspec.Struct, frozen=True):
    """`group` is DOM or EXP, `type` the carrier's three letters."""

    group: str
    type: str


class Payment(msgspec.Struct, frozen=True):
    type: str
    options: str
    services: str

    @property
    def third_party(self) -> bool:
        return self.type == _THIRD_PARTY


class Extra(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`order.extra["aramex"]`: another product or further services for this order."""

    product_type: str = ""
    services: str = ""


def extra_of(order: Order) -> Extra:
    try:
        return msgspec.convert(dict(order.extra.get("aramex", {})), Extra)
    except msgspec.ValidationError as error:
        raise wire.unfit("/extra/aramex", str(error)) from error


def group(origin: str, destination: str) -> str:
    return DOMESTIC if origin == destination else INTERNATIONAL


def product(service: str, origin: str, destination: str, access: Access) -> Product | None:
    """None: the account offers no such service on this lane."""
    found = group(origin, destination)
    default = _INDIAN_AIR if (service, found, origin) == (EXPRESS, DOMESTIC, "IN") else _DEFAULTS.get((service, found), "")
    kind = access.settings.get(SETTINGS.get((service, found), ""), "").strip() or default
    return Product(found, kind) if kind else None


def product_of(order: Order, access: Access) -> Product:
    """Raises Refused for a service that is none, or is not offered on this lane."""
    found = product(order.service or EXPRESS, order.shipper.country, order.consignee.country, access)
    if found is None:
        raise wire.unfit("/service", f"this account has no product for {order.service!r} here")
    return Product(found.group, extra_of(order).product_type or found.type)


def payment(direction: Direction, access: Access) -> Payment:
    if direction is Direction.FORWARD:
        return Payment(_PREPAID, "", "")
    kind = access.settings.get("return_payment", "").strip() or _THIRD_PARTY
    if kind not in (_PREPAID, _COLLECT, _THIRD_PARTY):
        raise Refused(RefusalKind.ACCOUNT, "", "the setting return_payment is none of 3, C, P")
    options = access.settings.get("return_payment_options", "").strip() or _OPTIONS.get(kind, "")
    return Payment(kind, options, access.settings.get("return_services", "RTRN").strip())


def details(parcel: Parcel, origin: str, what: Product, paid: Payment) -> dict[str, object]:
    """What a price depends on, and every shipment has."""
    return {
        "Dimensions": dimensions(parcel),
        "ActualWeight": weight(parcel.dead_weight),
        "ChargeableWeight": None,  # theirs to find out
        "DescriptionOfGoods": "",
        "GoodsOriginCountry": origin,
        "NumberOfPieces": 1,
        "ProductGroup": what.group,
        "ProductType": what.type,
        "PaymentType": paid.type,
        "PaymentOptions": paid.options,
        "Services": paid.services,
    }


def of_order(order: Order, access: Access) -> dict[str, object]:
    what, paid = product_of(order, access), payment(order.direction, access)
    services = ",".join(part for part in (paid.services, extra_of(order).services) if part)
    return {
        **details(only_parcel(order.parcels), order.shipper.country, what, paid),
        "DescriptionOfGoods": described(order),
        "Services": services,
        **(_for_customs(order) if what.group == INTERNATIONAL else {}),
    }


def described(order: Order) -> str:
    return ", ".join(places.written(item.description, f"/items/{n}/description") for n, item in enumerate(order.items))


def only_parcel(parcels: tuple[Parcel, ...]) -> Parcel:
    """One waybill is one box here. Raises Refused naming the second."""
    if len(parcels) > 1:
        raise wire.unfit("/parcels/1", "one parcel per shipment")
    return parcels[0]


def weight(of: Weight) -> dict[str, object]:
    return {"Unit": "KG", "Value": of.kilograms}


def dimensions(parcel: Parcel) -> dict[str, object]:
    sides = {"Length": parcel.length, "Width": parcel.width, "Height": parcel.height}
    return {**{name: side.centimetres for name, side in sides.items()}, "Unit": "CM"}


def _for_customs(order: Order) -> dict[str, object]:
    items = [_item(item, f"/items/{number}", order.shipper.country) for number, item in enumerate(order.items)]
    return {"CustomsValueAmount": _money(order.declared_value), "Items": {"ShipmentItem": items}}


def _item(item: Item, pointer: str, origin: str) -> dict[str, object]:
    return {
        "PackageType": "",
        "Quantity": item.quantity,
        "Weight": None,
        "Reference": places.written(item.sku, f"{pointer}/sku"),
        "CommodityCode": places.written(item.hs_code, f"{pointer}/hs_code"),
        "GoodsDescription": places.written(item.description, f"{pointer}/description"),
        "CountryOfOrigin": origin,
        "CustomsValue": _money(Money(item.unit_value.minor * item.quantity, item.unit_value.currency)),
    }


def _money(amount: Money) -> dict[str, object]:
    return {"CurrencyCode": amount.currency, "Value": amount.decimal}
