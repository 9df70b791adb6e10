"""The pickup: a visit to an address, priced by the mover of one shipment and then bought.

Vendor documentation and recordings (A); that the shipment may be a return is nowhere recorded (D). Its states are unknown
(priced), scheduled and canceled: no visit is ever reported as made or failed. No rates and no message means that nobody comes
then.
"""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import msgspec

from adapters.contract.carrier import Access
from adapters.contract.days import SATURDAY, next_working_day
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.orders import Order
from adapters.contract.places import Party
from adapters.contract.units import Money
from adapters.easypost import places, services, wire
from adapters.easypost.shipment import Message

SCHEDULED, CANCELED, PRICED = "scheduled", "canceled", "unknown"

# Where an order names no window: a weekday that is no public holiday, between these hours of the door (D).
_OPENS, _CLOSES = dt.time(9), dt.time(17)
DAYS_OFF = (SATURDAY,)


class PickupRate(msgspec.Struct, frozen=True):
    id: str
    carrier: str
    service: str
    rate: str | int | float
    currency: str = wire.CURRENCY

    @property
    def price(self) -> Money:
        return wire.money(self.rate, self.currency)


class Pickup(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: str
    status: str
    pickup_rates: list[PickupRate] | None = None
    messages: list[Message] | None = None
    confirmation: str | None = None
    reference: str | None = None


def create(order: Order, access: Access, shipment_id: str) -> httpx.Request:
    opens, closes = window(order, access.now)
    body: dict[str, object] = {
        "address": places.address(order.shipper, "/shipper"),
        "shipment": {"id": shipment_id},
        "min_datetime": opens.isoformat(),
        "max_datetime": closes.isoformat(),
        "reference": order.carrier_reference,
        "is_account_address": False,
    }
    return wire.post(access, "/pickups", {"pickup": body | ({"instructions": order.instructions} if order.instructions else {})})


def window(order: Order, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """From when until when, in the time of the door."""
    if order.window is None:
        return _next_weekday(order.shipper, now)
    opens, closes = (at.astimezone(ZoneInfo(order.window.timezone)) for at in order.window.to_come(now))
    return opens, closes


def check_window(order: Order, now: dt.datetime) -> None:
    """EasyPost takes a window that is over and offers nothing then: by that time the label would be bought."""
    if order.window and order.window.closes <= now:
        raise Refused(RefusalKind.WINDOW_UNAVAILABLE, raw_message="the window is over", field="/window")


def _next_weekday(door: Party, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    zone = ZoneInfo(door.timezone or wire.TIMEZONE)
    day = next_working_day(now.astimezone(zone).date(), door.country, *DAYS_OFF)
    return dt.datetime.combine(day, _OPENS, zone), dt.datetime.combine(day, _CLOSES, zone)


def read(response: httpx.Response) -> Pickup:
    """Raises Misread for what is no pickup, or in no documented state."""
    found = wire.read(response, Pickup)
    if found.object != "Pickup" or not found.id or found.status not in (SCHEDULED, CANCELED, PRICED):
        raise Misread("not a pickup in a documented state")
    return found


def named(found: Pickup, pickup_id: str, reference: str) -> Pickup:
    """The pickup, if it is the one spoken of: by its id where that is known, and by our reference where it bears one."""
    if (pickup_id and found.id != pickup_id) or (found.reference or reference) != reference:
        raise Misread("another pickup")
    return found


def path(pickup_id: str, action: str = "") -> str:
    return f"/pickups/{quote(pickup_id, safe='')}{action}"


def rate_of(found: Pickup, mover: str) -> PickupRate:
    """The mover's cheapest visit. Raises Refused where it offers none."""
    rates = [rate for rate in found.pickup_rates or () if services.mover_of(rate.carrier) == mover]
    if not rates:
        said = "; ".join(str(message) for message in found.messages or ())
        kind = RefusalKind.NOT_SERVICEABLE if said else RefusalKind.WINDOW_UNAVAILABLE
        raise Refused(kind, raw_message=said or f"{mover} offers no visit then", field="/window")
    return min(rates, key=lambda rate: rate.price.minor)
