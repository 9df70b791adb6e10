"""What EasyPost's simulated server accepts: the fields its documentation names for the calls that are simulated, no others.

The real one is said to overlook what it does not know; here an unknown field is an error, so that a slip shows.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Size = Annotated[float, Meta(gt=0)]
Text = Annotated[str, Meta(min_length=1)]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: a missing, mistyped or unknown field is an error."""


class Address(Strict, frozen=True, kw_only=True, omit_defaults=True):
    name: Text | None = None
    company: Text | None = None
    street1: Text | None = None
    street2: Text | None = None
    city: Text | None = None
    state: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None = None
    zip: Text | None = None
    country: Literal["US", "CA"] | None = None
    phone: Text | None = None
    email: Text | None = None


class Parcel(Strict, frozen=True, kw_only=True):
    """Inches and ounces, to a tenth."""

    length: Size
    width: Size
    height: Size
    weight: Size

    def __post_init__(self) -> None:
        if any(round(one, 1) != one for one in (self.length, self.width, self.height, self.weight)):
            raise ValueError("one decimal at most")


class NewShipment(Strict, frozen=True, kw_only=True):
    from_address: Address
    to_address: Address
    parcel: Parcel
    is_return: bool = False
    reference: Text | None = None
    options: dict[str, Any] = {}
    carrier_accounts: list[Annotated[str, Meta(pattern="^ca_")]] | None = None


class ShipmentBody(Strict, frozen=True, kw_only=True):
    shipment: NewShipment


class Id(Strict, frozen=True, kw_only=True):
    id: Text


class RateBody(Strict, frozen=True, kw_only=True):
    rate: Id


class Nothing(Strict, frozen=True, kw_only=True):
    pass


class NewPickup(Strict, frozen=True, kw_only=True):
    address: Address
    shipment: Id
    min_datetime: dt.datetime
    max_datetime: dt.datetime
    reference: Text | None = None
    instructions: Text | None = None
    is_account_address: bool = False


class PickupBody(Strict, frozen=True, kw_only=True):
    pickup: NewPickup


class ChosenVisit(Strict, frozen=True, kw_only=True):
    carrier: Text
    service: Text


class Codes(Strict, frozen=True, kw_only=True):
    tracking_codes: Annotated[list[Text], Meta(min_length=1)]


class AddressBody(Strict, frozen=True, kw_only=True):
    address: Address
    verify: bool = False


class NewWebhook(Strict, frozen=True, kw_only=True):
    url: Text
    webhook_secret: str = ""
    custom_headers: list[dict[str, str]] = []


class WebhookBody(Strict, frozen=True, kw_only=True):
    webhook: NewWebhook


# --- what the lab keeps ------------------------------------------------------------------------------------


class MadeRate(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    carrier: str
    service: str
    cents: int
    currency: str
    days: int


class Made(msgspec.Struct, kw_only=True):
    """A shipment in the lab's memory; `bought` is the rate's id."""

    id: str
    at: dt.datetime
    asked: NewShipment
    rates: list[MadeRate]
    messages: list[dict[str, str]] = []
    bought: str = ""
    bought_at: dt.datetime | None = None
    tracking_code: str = ""
    refunded_at: dt.datetime | None = None
    pdf: bool = False

    @property
    def rate(self) -> MadeRate:
        return next(rate for rate in self.rates if rate.id == self.bought)

    @property
    def door(self) -> Address:
        """Where the parcel starts: the customer's, in a return."""
        return self.asked.to_address if self.asked.is_return else self.asked.from_address

    @property
    def goal(self) -> Address:
        return self.asked.from_address if self.asked.is_return else self.asked.to_address


class Visit(msgspec.Struct, kw_only=True):
    """A pickup in the lab's memory."""

    id: str
    at: dt.datetime
    asked: NewPickup
    shipment: str
    rates: list[MadeRate]
    status: str = "unknown"
    confirmation: str | None = None
