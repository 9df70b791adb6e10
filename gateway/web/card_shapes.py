"""A rate card asked what one pickup costs: the question, and the price line by line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from adapters.contract.places import Lane
from gateway.web import facts
from gateway.web.addresses import Amount, Shape
from gateway.web.bodies import Fault, Parts
from gateway.web.shapes import ParcelRequest, to_parcel
from gateway.web.views import View, amount
from rates.cards import CardPrice, NoPrice, RateCard, price
from rates.weights import volumetric

Code = Annotated[str, Meta(min_length=1, max_length=12, examples=["560034"])]


class ExplainRequest(Shape, frozen=True, kw_only=True, rename={"origin": "from", "destination": "to"}):
    """A pickup as far as a price depends on it. `country` is that of both ends; left out, your own. `on` left out is today."""

    origin: Annotated[Code, Meta(description="The customer's postal code.")]
    destination: Annotated[Code, Meta(description="The warehouse's postal code.")]
    parcels: Annotated[tuple[ParcelRequest, ...], Meta(min_length=1, max_length=20)]
    quality_checks: Annotated[int, Meta(ge=0, le=20, description="Questions at the door.")] = 0
    country: Annotated[str, Meta(max_length=2, examples=["IN"])] = ""
    on: dt.date | None = None

    @staticmethod
    def check(parts: Parts, about: str) -> Iterator[Fault]:
        """`about` is the merchant's country."""
        country = parts.get("country") or about
        if country not in facts.countries():
            yield Fault("/country", "unknown_country", f"{country} is no country")
            return
        for name, pointer in (("origin", "/from"), ("destination", "/to")):
            fault = facts.postal_code_fault(parts[name], country) if name in parts else None
            if fault:
                yield Fault(pointer, "invalid_postal_code", fault)


class PriceLineView(View, frozen=True, kw_only=True):
    """One line: freight, minimum, fuel, quality_check, tax."""

    code: str
    amount: Amount
    detail: str


class ExplainedPrice(View, frozen=True, kw_only=True):
    """What the card says it costs, and from what. No `total`: it has no price, and `no_price` says why.

    `chargeable_g` is the larger of dead and volumetric weight, parcel by parcel, rounded up to the card's step.
    """

    card: str
    zone: str
    dead_g: int
    volumetric_g: int
    chargeable_g: int | None
    lines: list[PriceLineView]
    total: Amount | None
    due_if_not_collected: Amount | None
    no_price: str | None
    detail: str


def explained(card: RateCard, request: ExplainRequest, country: str, today: dt.date) -> ExplainedPrice:
    """The price with its lines, or why there is none."""
    parcels = tuple(map(to_parcel, request.parcels))
    at = request.country or country
    lane = Lane(origin=request.origin, destination=request.destination, origin_country=at, destination_country=at)
    found = price(card, lane, parcels, request.quality_checks, request.on or today)
    weighed = {
        "dead_g": sum(parcel.dead_weight.grams for parcel in parcels),
        "volumetric_g": sum(volumetric(parcel, card.divisor).grams for parcel in parcels),
    }
    return _priced(card, found, weighed) if isinstance(found, CardPrice) else _unpriced(card, found, weighed)


def _priced(card: RateCard, found: CardPrice, weighed: dict[str, Any]) -> ExplainedPrice:
    return ExplainedPrice(
        card=card.title,
        zone=found.zone,
        chargeable_g=found.chargeable.grams,
        lines=[PriceLineView(code=line.code, amount=amount(line.amount), detail=line.detail) for line in found.lines],
        total=amount(found.total),
        due_if_not_collected=amount(found.due_if_not_collected),
        no_price=None,
        detail="",
        **weighed,
    )


def _unpriced(card: RateCard, found: NoPrice, weighed: dict[str, Any]) -> ExplainedPrice:
    return ExplainedPrice(
        card=card.title,
        zone="",
        chargeable_g=None,
        lines=[],
        total=None,
        due_if_not_collected=None,
        no_price=str(found.cause),
        detail=found.detail,
        **weighed,
    )
