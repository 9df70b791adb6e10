"""The rules that play: ours, the usual ones, and an oracle.

All of them see the same offers with the same learnt chances (decayed, pooled, lowered for later visits and strikes), choose anew
after each failed visit under the same limits, and hand over to a person by the same measure: a carrier whose expected cost is
above the limit is not asked, and where none is left the pickup is handed over. A rule differs only in whom it asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import msgspec

from rates.choice import Candidate, Row
from rates.estimates import bounded

THRESHOLD = 0.75
WEIGHTS = {"price": 0.5, "success": 0.3, "days": 0.2}


class Offer(msgspec.Struct, frozen=True):
    """One carrier's offer and what it comes to."""

    candidate: Candidate
    row: Row


Rule = Callable[[Sequence[Offer], random.Random], Offer]


def cheapest_quote(offers: Sequence[Offer], dice: random.Random) -> Offer:
    """The lowest price, the cost of changing carriers included; it does not know that a second visit is less likely."""
    return min(offers, key=lambda offer: offer.candidate.price_minor + offer.row.failover)


def highest_success(offers: Sequence[Offer], dice: random.Random) -> Offer:
    """The best chance at this visit; the price breaks ties."""
    return min(offers, key=lambda offer: (-offer.row.p, offer.candidate.price_minor))


def threshold_then_cheapest(offers: Sequence[Offer], dice: random.Random) -> Offer:
    """The cheapest of those that collect three of four first visits here; of none, the most likely."""
    good = [offer for offer in offers if offer.candidate.estimate.p * offer.candidate.brake >= THRESHOLD]
    return cheapest_quote(good, dice) if good else highest_success(offers, dice)


def fixed_weights(offers: Sequence[Offer], dice: random.Random) -> Offer:
    """Half price, three tenths success, two tenths days, each between the worst and the best offer: the usual scorecard."""
    marks = [0.0] * len(offers)
    for weight, values in (
        (WEIGHTS["price"], [offer.candidate.price_minor + offer.row.failover for offer in offers]),
        (WEIGHTS["success"], [-offer.row.p for offer in offers]),
        (WEIGHTS["days"], [offer.candidate.days_to_success for offer in offers]),
    ):
        best, worst = min(values), max(values)
        if worst > best:
            marks = [mark + weight * (value - best) / (worst - best) for mark, value in zip(marks, values, strict=True)]
    return offers[marks.index(min(marks))]


def price_over_p(offers: Sequence[Offer], dice: random.Random) -> Offer:
    """Price and change of carrier over the chance: right only where the full price is lost at every failure."""
    return min(offers, key=lambda offer: (offer.candidate.price_minor + offer.row.failover) / offer.row.p)


def thompson(offers: Sequence[Offer], dice: random.Random) -> Offer:
    """Our index, with each chance drawn from its posterior instead of its mean: explores where little is known (Thompson 1933)."""
    return min(offers, key=lambda offer: _drawn(offer, dice))


def _drawn(offer: Offer, dice: random.Random) -> float:
    """The index at a chance drawn from the first visit's Beta."""
    first, row = offer.candidate.estimate, offer.row
    drawn = dice.betavariate(first.p * first.n, (1 - first.p) * first.n)
    p = bounded(drawn * offer.candidate.g * offer.candidate.brake)
    return row.cost_if_collected + (1 - p) / p * row.cost_if_failed + row.failover / p


OTHERS: dict[str, Rule] = {
    "cheapest quote": cheapest_quote,
    "highest success": highest_success,
    "75 % then cheapest": threshold_then_cheapest,
    "fixed weights": fixed_weights,
    "price / p": price_over_p,
    "Thompson sampling": thompson,
}
