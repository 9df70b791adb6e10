"""The auditor: the carriers' own books against the ledger. Pure: what was read goes in, findings come out.

lost      accepted by the API, and not in the ledger, or not at an end when all was quiet
doubled   two consignments of one pickup alive at carriers at the same time, or collected, without a recorded overlap
orphan    a consignment in a carrier's books whose AWB the ledger does not know
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tests.chaos.ledger import Booking, Pickup

_COLLECTED = frozenset({"collected", "delivered", "lost"})
_FOR_EVER = dt.datetime.max.replace(tzinfo=dt.UTC)


class Happened(msgspec.Struct, frozen=True):
    milestone: str
    at: dt.datetime


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment in a carrier's books."""

    carrier: str
    awb: str
    reference: str
    state: str
    created_at: dt.datetime
    events: list[Happened] = []

    @property
    def alive_until(self) -> dt.datetime:
        """When nobody came any more: the day it was cancelled; one that was not, for ever."""
        return max((one.at for one in self.events), default=self.created_at) if self.state == "cancelled" else _FOR_EVER


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Each finding in words; `accepted`, `ended` are counts."""

    accepted: int
    ended: int
    lost: list[str]
    doubled: list[str]
    orphans: list[str]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.orphans)


def audit(accepted: Iterable[str], pickups: Sequence[Pickup], bookings: Sequence[Booking], books: Sequence[Line]) -> Findings:
    """`accepted` are the references the API answered 2xx to."""
    by_reference = {one.reference: one for one in pickups}
    known = {(one.carrier, one.awb) for one in bookings if one.awb}
    return Findings(
        accepted=len(set(accepted)),
        ended=sum(one.ended for one in pickups),
        lost=sorted(_lost(set(accepted), by_reference)),
        doubled=sorted(_doubled(pickups, bookings, books)),
        orphans=sorted(f"{one.carrier} {one.awb} ({one.state})" for one in books if (one.carrier, one.awb) not in known),
    )


def _lost(accepted: Iterable[str], pickups: Mapping[str, Pickup]) -> Iterable[str]:
    for reference in accepted:
        found = pickups.get(reference)
        if found is None:
            yield f"{reference}: not in the ledger"
        elif not found.ended:
            yield f"{reference}: {found.state}"


def _doubled(pickups: Sequence[Pickup], bookings: Sequence[Booking], books: Sequence[Line]) -> Iterable[str]:
    owner = {one.carrier_reference: one.pickup for one in bookings}
    excused = {one.pickup for one in bookings if one.overlap}
    lines: dict[str, list[Line]] = collections.defaultdict(list)
    for line in books:
        lines[owner.get(line.reference, "")].append(line)
    for pickup in pickups:
        if pickup.id not in excused and _overlap(lines[pickup.id]):
            yield f"{pickup.reference}: " + ", ".join(f"{one.carrier} {one.awb} {one.state}" for one in lines[pickup.id])


def _overlap(lines: Sequence[Line]) -> bool:
    """Whether a second one was alive before the first was over, or more than one was collected."""
    ordered = sorted(lines, key=lambda line: line.created_at)
    both = any(later.created_at < earlier.alive_until for earlier, later in itertools.pairwise(ordered))
    return both or sum(line.state in _COLLECTED for line in lines) > 1
