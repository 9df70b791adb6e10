"""A merchant's rate card with one carrier's service, and what it says a pickup costs, line by line.

Money is exact: each line is rounded half up to the currency's minor unit and the total is the sum of the lines. Fuel is
taken on the freight (after the minimum), tax on all lines before it, as Indian GST invoices do. The minimum is a
smallest freight, before fuel and tax. A card that cannot price a pickup says why; it never guesses.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from adapters.contract.orders import Parcel
from adapters.contract.places import Lane
from adapters.contract.units import Money, Weight, exponent
from rates.weights import chargeable, round_up
from rates.zones import lane_class, normal


class Slab(msgspec.Struct, frozen=True, kw_only=True):
    """The freight up to this weight: flat, or, with `per`, this much for each begun `per` above the slab before it."""

    up_to: Weight
    price: Money
    per: Weight | None = None


class LaneRule(msgspec.Struct, frozen=True, kw_only=True):
    """Lanes between postal codes with these prefixes (none: any) are priced as `zone`, whatever their usual class."""

    zone: str
    origin: str = ""
    destination: str = ""


class Per(enum.StrEnum):
    """What the quality-check fee is due for."""

    PICKUP = "pickup"
    QUESTION = "question"


class RateCard(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of one carrier's service, valid from a day to a day (both included).

    `zones` names the slabs of each class of lane, lightest first; `lanes` overrules the usual class, first match wins. Weights
    are rounded up to `slab`. `failed_visit_fee` is what the carrier asks when nobody could be collected from.
    """

    carrier: str
    service: str
    currency: str
    valid_from: dt.date
    divisor: int
    slab: Weight
    zones: Mapping[str, tuple[Slab, ...]]
    quality_check_fee: Money
    failed_visit_fee: Money
    minimum: Money
    valid_to: dt.date | None = None
    lanes: tuple[LaneRule, ...] = ()
    fuel_percent: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)
    quality_check_fee_per: Per = Per.PICKUP

    @property
    def title(self) -> str:
        """The card as a source is named: "rate card delhivery/surface of 2026-01-01"."""
        return f"rate card {self.carrier}/{self.service} of {self.valid_from}"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a price: freight, minimum, fuel, quality_check, tax."""

    code: str
    amount: Money
    detail: str = ""


class CardPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What the card says, itemised. `due_if_not_collected` has the tax in it."""

    total: Money
    lines: tuple[Line, ...]
    due_if_not_collected: Money
    chargeable: Weight
    zone: str


class NoPriceCause(enum.StrEnum):
    NOT_VALID = "not_valid"
    NO_ZONE = "no_zone"
    NO_SLAB = "no_slab"


class NoPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Why a card has no price for a pickup."""

    cause: NoPriceCause
    detail: str


def price(card: RateCard, lane: Lane, parcels: Iterable[Parcel], quality_checks: int, on: dt.date) -> CardPrice | NoPrice:
    """The price of one pickup with this many quality-check questions, booked on that day."""
    if not (card.valid_from <= on and (card.valid_to is None or on <= card.valid_to)):
        return NoPrice(cause=NoPriceCause.NOT_VALID, detail=f"valid from {card.valid_from} to {card.valid_to or 'further notice'}")
    zone = zone_of(card, lane)
    if zone not in card.zones:
        detail = f"no prices for {zone or 'a lane'} ({lane.origin} to {lane.destination})"
        return NoPrice(cause=NoPriceCause.NO_ZONE, detail=detail)
    weight = chargeable(parcels, card.divisor, card.slab)
    freight = _freight(card.zones[zone], weight)
    if freight is None:
        heaviest = card.zones[zone][-1].up_to
        return NoPrice(cause=NoPriceCause.NO_SLAB, detail=f"{weight.grams} g, the card ends at {heaviest.grams} g for {zone}")
    return _itemised(card, zone, weight, freight, quality_checks)


def zone_of(card: RateCard, lane: Lane) -> str:
    """The card's own rule for this lane, else its usual class; "" where it has neither."""
    origin, destination = normal(lane.origin), normal(lane.destination)
    for rule in card.lanes:
        if origin.startswith(rule.origin) and destination.startswith(rule.destination):
            return rule.zone
    usual = lane_class(lane)
    return usual.value if usual else ""


def _freight(slabs: tuple[Slab, ...], weight: Weight) -> Money | None:
    """The freight for a weight: the slab it falls into, or None above the last."""
    before, so_far = 0, 0
    for slab in slabs:
        if slab.per is None:
            so_far = slab.price.minor
        else:
            above = min(weight, slab.up_to).grams - before
            so_far += round_up(above, slab.per.grams) // slab.per.grams * slab.price.minor
        if weight <= slab.up_to:
            return Money(so_far, slab.price.currency)
        before = slab.up_to.grams
    return None


def _itemised(card: RateCard, zone: str, weight: Weight, freight: Money, quality_checks: int) -> CardPrice:
    checks = quality_checks if card.quality_check_fee_per is Per.QUESTION else min(quality_checks, 1)
    raised = max(freight.minor, card.minimum.minor)
    lines = [
        Line(code="freight", amount=freight, detail=f"{zone}, {weight.kilograms.normalize():f} kg"),
        Line(code="minimum", amount=Money(raised - freight.minor, card.currency)),
        Line(code="fuel", amount=percent(Money(raised, card.currency), card.fuel_percent), detail=f"{card.fuel_percent} %"),
        Line(code="quality_check", amount=Money(card.quality_check_fee.minor * checks, card.currency)),
    ]
    untaxed = Money(sum(line.amount.minor for line in lines), card.currency)
    lines.append(Line(code="tax", amount=percent(untaxed, card.tax_percent), detail=f"{card.tax_percent} %"))
    return CardPrice(
        total=untaxed + lines[-1].amount,
        lines=tuple(line for line in lines if line.amount.minor or line.code == "freight"),
        due_if_not_collected=card.failed_visit_fee + percent(card.failed_visit_fee, card.tax_percent),
        chargeable=weight,
        zone=zone,
    )


def percent(amount: Money, percents: Decimal) -> Money:
    """So many per cent of an amount, rounded half up to the minor unit."""
    share = Decimal(amount.minor) * percents / 100
    return Money.of(share.scaleb(-exponent(amount.currency)), amount.currency)
