"""What the scans of a booking say about the visits at the door. Pure, and the same in whatever order they came in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Protocol

import msgspec

from adapters.contract.scans import Milestone, Reason
from gateway.clock import local_date


class ScanLike(Protocol):
    """A scan as the ledger or the contract has it."""

    @property
    def at(self) -> dt.datetime: ...
    @property
    def milestone(self) -> Milestone: ...
    @property
    def reason(self) -> Reason | None: ...


class VisitView(msgspec.Struct, frozen=True, kw_only=True):
    """One local day on which the rider came or should have come. `outcome`: out, collected, failed."""

    day: dt.date
    outcome: str
    reason: Reason | None = None
    ended_at: dt.datetime | None = None


# From here on the parcel is with the carrier.
COLLECTED = frozenset(
    {
        Milestone.PICKED_UP,
        Milestone.IN_TRANSIT,
        Milestone.CUSTOMS,
        Milestone.OUT_FOR_DELIVERY,
        Milestone.DELIVERY_FAILED,
        Milestone.AWAITING_COLLECTION,
        Milestone.DELIVERED,
        Milestone.RETURNING,
        Milestone.RETURNED_TO_SENDER,
    }
)

_RANKS = {milestone: rank for rank, milestone in enumerate(Milestone)}


def visits(scans: Iterable[ScanLike], timezone: str) -> list[VisitView]:
    """The visits, oldest first: all scans of one local day are one visit; an open day overtaken by a later one went silent."""
    days: dict[dt.date, VisitView] = {}
    for scan in sorted(scans, key=_in_order):
        day = local_date(scan.at, timezone)
        seen = _seen(days.get(day), day, scan)
        if seen:
            days[day] = seen
        if scan.milestone in COLLECTED:
            break
    return _silent_days_failed(list(days.values()))


def _in_order(scan: ScanLike) -> tuple[dt.datetime, int, str]:
    """By time; scans of one instant in the order of a parcel's life, then by reason: whatever order they came in."""
    return scan.at, _RANKS[scan.milestone], scan.reason or ""


def _seen(visit: VisitView | None, day: dt.date, scan: ScanLike) -> VisitView | None:
    """What one more scan of the day makes of its visit."""
    if scan.milestone in COLLECTED:
        return VisitView(day=day, outcome="collected", ended_at=scan.at)
    if scan.milestone is Milestone.PICKUP_FAILED or (visit and scan.milestone is Milestone.CANCELLED):
        return VisitView(day=day, outcome="failed", reason=_reason(visit, scan), ended_at=scan.at)
    if scan.milestone is Milestone.OUT_FOR_PICKUP and visit is None:
        return VisitView(day=day, outcome="out")
    return visit


def _reason(visit: VisitView | None, scan: ScanLike) -> Reason:
    """The reason told at the door outlives the one of closing the file the same day."""
    if scan.milestone is Milestone.CANCELLED and visit and visit.reason:
        return visit.reason
    return scan.reason or Reason.UNKNOWN


def _silent_days_failed(found: list[VisitView]) -> list[VisitView]:
    last = len(found) - 1
    return [
        msgspec.structs.replace(visit, outcome="failed", reason=Reason.NO_EVENT)
        if visit.outcome == "out" and index < last
        else visit
        for index, visit in enumerate(found)
    ]
