"""The chance that a visit collects, from what the ledger learnt: own cells, postal codes for the busy, the pool's start.

A merchant that pools starts from the other members' sums: their mean over all carriers where it has none of its own, and their mean
of a service where it has not used that one yet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec
import sqlalchemy as sa

from gateway.services import scoring
from gateway.store import scores
from gateway.store.rows import Owner
from rates.estimates import Cell, Estimate, Prior, brake, by_postcode, estimate, prior_of

POOLED = "other merchants' visits"
Pair = tuple[str, str]  # moved_by, service


class Spot(msgspec.Struct, frozen=True):
    """Where the rider goes: the zone, and the postal code within its country."""

    place: str
    code: str


class Learnt(msgspec.Struct, frozen=True):
    """The cells that a choice depends on, as read in one go: own and pooled ones."""

    cells: Mapping[str, Cell]
    pooled: Mapping[str, Cell] = {}

    def first_visit(self, pair: Pair, spot: Spot, at: dt.datetime) -> Estimate:
        """The chance of a first visit there."""
        cells = self.cells
        code = cells[scoring.code_key(*pair, spot.code)] if by_postcode(cells["all"], at) else None
        service, zone = cells[scoring.service_key(*pair)], cells[scoring.zone_key(*pair, spot.place)]
        return estimate(service, zone, self._prior(pair, at), at, code)

    def brake(self, pair: Pair, place: str, at: dt.datetime) -> float:
        """What the last days' run there makes of it."""
        return brake(self.cells[scoring.recent_key(*pair)], self.cells[scoring.recent_key(*pair, place)], at)

    def _prior(self, pair: Pair, at: dt.datetime) -> Prior:
        own = prior_of(self.cells["all"], at, self._others(Prior(), "all", at))
        return self._others(own, scoring.service_key(*pair), at)

    def _others(self, start: Prior, key: str, at: dt.datetime) -> Prior:
        """`start`, moved by what the other members saw."""
        if key not in self.pooled:
            return start
        return msgspec.structs.replace(prior_of(self.pooled[key], at, start), source=POOLED)


def read(tx: sa.Connection, owner: Owner, pairs: Iterable[Pair], spot: Spot) -> Learnt:
    """All that choosing between these services at this spot depends on."""
    wanted = list(pairs)
    pooled = scores.pooled(tx, owner, ["all", *(scoring.service_key(*pair) for pair in wanted)])
    return Learnt(scores.read(tx, owner, [key for pair in wanted for key in scoring.keys_of(pair, spot.place, spot.code)]), pooled)
