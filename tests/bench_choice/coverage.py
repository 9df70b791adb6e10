"""How often the 95 % ranges hold the truth, by simulation: the published one (Wilson) and the posterior's that decides.

Carriers' chances differ by zone as far as the estimate's own weight for zones says (Beta with n = 30 around the carrier's mean);
so the posterior's range should hold its 95 % on average, which says nothing of a single outlier: there Wilson's holds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

from rates.estimates import EPOCH, Cell, Prior, estimate, observe
from rates.statistics import wilson

ZONES = 40


class Coverage(msgspec.Struct, frozen=True):
    """Shares of ranges that held the truth, with so many visits to each zone."""

    visits: int
    wilson: float
    posterior: float
    posterior_of_outliers: float


def measure(seed: int, visits: int, carriers: int = 60) -> Coverage:
    dice = random.Random(f"{seed} of coverage")
    held = [found for _ in range(carriers) for found in _carrier(dice, visits)]
    outliers = [posterior for _, posterior, outlier in held if outlier]
    return Coverage(
        visits,
        sum(one for one, _, _ in held) / len(held),
        sum(one for _, one, _ in held) / len(held),
        sum(outliers) / len(outliers),
    )


def _carrier(dice: random.Random, visits: int) -> Iterator[tuple[bool, bool, bool]]:
    """By zone: whether Wilson's range held, whether the posterior's did, and whether the zone is one of the far tenth."""
    mean, weight = dice.betavariate(14, 6), Prior().zone_weight
    truths = [dice.betavariate(mean * weight, (1 - mean) * weight) for _ in range(ZONES)]
    won = [sum(dice.random() < p for _ in range(visits)) for p in truths]
    zones = [_cell(successes, visits) for successes in won]
    service = sum(zones, Cell())
    far = sorted(abs(p - mean) for p in truths)[-ZONES // 10]
    for p, successes, zone in zip(truths, won, zones, strict=True):
        low, high = wilson(successes, visits)
        found = estimate(service, zone, Prior(), EPOCH)
        yield low <= p <= high, found.low <= p <= found.high, abs(p - mean) >= far


def _cell(successes: int, visits: int) -> Cell:
    cell = Cell()
    for visit in range(visits):
        cell = observe(cell, visit < successes, 1.0, EPOCH)
    return cell
