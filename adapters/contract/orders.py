"""What is to be moved: a reverse pickup or a forward shipment, in the same words with another direction.

In a reverse pickup the *shipper* is the customer at the door and the *consignee* the warehouse.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from adapters.contract.places import Lane, Party, Window
from adapters.contract.units import Length, Money, Weight


class Direction(enum.StrEnum):
    FORWARD = "forward"
    REVERSE = "reverse"


class ReturnReason(enum.StrEnum):
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    POOR_QUALITY = "poor_quality"
    SIZE_OR_FIT = "size_or_fit"
    CHANGED_MIND = "changed_mind"
    LATE_DELIVERY = "late_delivery"
    OTHER = "other"


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    dead_weight: Weight
    length: Length
    width: Length
    height: Length


class Item(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    description: str
    quantity: int
    unit_value: Money
    return_reason: ReturnReason = ReturnReason.OTHER
    hs_code: str = ""
    images: tuple[str, ...] = ()
    brand: str = ""
    category: str = ""


class QualityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One question the rider checks at the door before accepting a return."""

    question: str
    expected: str
    mandatory: bool = True
    image: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier is asked to do this. `carrier_reference` is ours, stable per booking, sent in every field the carrier indexes.

    `service` is the carrier's service code. `extra` is the escape hatch: `extra["delhivery"]` is read by that adapter only.
    """

    direction: ClassVar[Direction]

    carrier_reference: str
    shipper: Party
    consignee: Party
    parcels: tuple[Parcel, ...]
    items: tuple[Item, ...]
    service: str = ""
    window: Window | None = None
    quality_checks: tuple[QualityCheck, ...] = ()
    order_number: str = ""
    instructions: str = ""
    extra: Mapping[str, Mapping[str, Any]] = {}

    @property
    def lane(self) -> Lane:
        return Lane(
            origin=self.shipper.postal_code,
            destination=self.consignee.postal_code,
            origin_country=self.shipper.country,
            destination_country=self.consignee.country,
            origin_city=self.shipper.city,
            destination_city=self.consignee.city,
        )

    @property
    def declared_value(self) -> Money:
        """The goods' value: unit values times quantities. Items share one currency (checked at the API's door)."""
        currency = self.items[0].unit_value.currency
        return Money(sum(item.unit_value.minor * item.quantity for item in self.items), currency)

    @property
    def description(self) -> str:
        return ", ".join(item.description for item in self.items)

    @property
    def pieces(self) -> int:
        return sum(item.quantity for item in self.items)


class PickupOrder(Order, frozen=True, kw_only=True):
    """A reverse pickup: from the customer's door to the warehouse."""

    direction: ClassVar[Direction] = Direction.REVERSE


class ShipmentOrder(Order, frozen=True, kw_only=True):
    """A forward shipment: from the warehouse to the customer."""

    direction: ClassVar[Direction] = Direction.FORWARD
