"""Scorecards: the merchant's carriers beside each other, from sums that are kept as visits happen.

The adjusted rate uses the same chances as the choice, as of now, over the merchant's own zones in the period.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec
import sqlalchemy as sa

from gateway.services import scoring
from gateway.store import scores, scores_reading
from gateway.store.rows import Owner
from gateway.store.scores_reading import Group, Tally, Wanted, Whom
from rates.estimates import Cell, Prior, chance, prior_of
from rates.scorecards import Card, Sums, adjusted, card, funnel, share, tie_groups, tied
from rates.statistics import Funnel, Ranged

Lanes = Mapping[Whom, Mapping[str, Tally]]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One carrier's service: its card, what it would collect on all lanes, and against its own lanes' mean.

    `rank` is shared by those that cannot be told apart; None where too little was seen.
    """

    whom: Whom
    card: Card
    adjusted: Ranged | None
    funnel: Funnel | None
    rank: int | None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """All lines, and everything together."""

    lines: list[Line]
    together: Card


def sheet(tx: sa.Connection, owner: Owner, wanted: Wanted, now: dt.datetime) -> Sheet:
    """The scorecard of the wanted bookings."""
    groups = scores_reading.read(tx, owner, wanted, now)
    cards = {whom: card(group.sums, group.waits, group.forecasts) for whom, group in groups.items()}
    lanes = {whom: group.lanes for whom, group in groups.items()}
    fair = _adjusted(tx, owner, lanes, now)
    together = _by_zone(lanes)
    ranks = _ranks(cards)
    lines = [
        Line(
            whom=whom,
            card=one,
            adjusted=fair.get(whom),
            funnel=funnel({zone: (tally.known, tally.collected) for zone, tally in lanes.get(whom, {}).items()}, together),
            rank=ranks.get(_name(whom)),
        )
        for whom, one in cards.items()
    ]
    lines.sort(key=lambda line: (-line.card.sums.bookings, line.whom))
    return Sheet(lines=lines, together=_together(groups.values()))


def _together(groups: Iterable[Group]) -> Card:
    found = list(groups)
    total = sum((group.sums for group in found), Sums())
    waits = [wait for group in found for wait in group.waits]
    return card(total, waits, [one for group in found for one in group.forecasts])


def _name(whom: Whom) -> str:
    return f"{whom.carrier}/{whom.moved_by}/{whom.service}"


def _ranks(cards: Mapping[Whom, Card]) -> dict[str, int]:
    return tie_groups(tied({_name(whom): one.first_visit for whom, one in cards.items()}))


def _by_zone(lanes: Lanes) -> dict[str, tuple[int, int]]:
    """First visits of all services together, by zone."""
    found: dict[str, tuple[int, int]] = {}
    for mine in lanes.values():
        for zone, tally in mine.items():
            known, collected = found.get(zone, (0, 0))
            found[zone] = (known + tally.known, collected + tally.collected)
    return found


# --- adjusted to the merchant's lanes ---------------------------------------------------------------


def _adjusted(tx: sa.Connection, owner: Owner, lanes: Lanes, now: dt.datetime) -> dict[Whom, Ranged]:
    """What each service would collect of all the merchant's pickups in the period; not said of who was hardly tried."""
    volumes: dict[str, int] = {}
    for mine in lanes.values():
        for zone, tally in mine.items():
            volumes[zone] = volumes.get(zone, 0) + tally.bookings
    tried = [whom for whom, mine in lanes.items() if share(0, sum(tally.known for tally in mine.values())).value is not None]
    cells = scores.read(tx, owner, ["all", *(key for whom in tried for key in _keys(whom, volumes))])
    found = {whom: adjusted(volumes, _chances(cells, whom, volumes, now)) for whom in tried}
    return {whom: ranged for whom, ranged in found.items() if ranged}


def _keys(whom: Whom, zones: Iterable[str]) -> list[str]:
    pair = whom.moved_by, whom.service
    return [scoring.service_key(*pair), *(scoring.zone_key(*pair, zone) for zone in zones)]


def _chances(cells: Mapping[str, Cell], whom: Whom, zones: Iterable[str], now: dt.datetime) -> dict[str, tuple[float, float]]:
    service, *places = (cells[key] for key in _keys(whom, zones))
    prior = prior_of(cells["all"], now, Prior())
    return {zone: chance(service, place, prior, now) for zone, place in zip(zones, places, strict=True)}
