"""Ripening: what a visit says of its carrier counts in the estimates only when the silence of its fellows would.

Of the visits promised for a day those that collect are heard of first. Counted as they are heard, the days just past would always
look better than they were, and a busy merchant has hardly any others. The strike brake hears each at once.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from gateway import clock
from gateway.services import scoring
from gateway.services.promising import door_zone
from gateway.store.cases import Case
from gateway.store.ledger import Visit


class Ripen(msgspec.Struct, frozen=True):
    """The visit counts from now on."""

    visit: Visit

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        scoring.score(tx, case, case.booking(self.visit.booking_id), self.visit, case.now(wall))


def ripening(case: Case, now: dt.datetime) -> Ripen | None:
    """What is to be counted now."""
    return next((Ripen(visit) for visit in case.visits if scoring.unripe(visit) and _at(case, visit) <= now), None)


def ripens_at(case: Case) -> dt.datetime | None:
    """When the next visit does, if any has still to."""
    return min((_at(case, visit) for visit in case.visits if scoring.unripe(visit)), default=None)


def ripen_all(tx: sa.Connection, case: Case, now: dt.datetime) -> None:
    """Whatever the day: what they say of a place is forgotten afterwards."""
    for visit in case.visits:
        if scoring.unripe(visit):
            scoring.score(tx, case, case.booking(visit.booking_id), visit, now, whatever_the_day=True)


def _at(case: Case, visit: Visit) -> dt.datetime:
    booking = case.booking(visit.booking_id)
    return clock.at_local(scoring.ripens_on(case, booking, visit), dt.time(), door_zone(case, booking))
