"""The auditor: the carriers' own books and the merchant's post against the ledger. Pure: what was read goes in, findings come out.

lost      accepted by the API, and not in the ledger, or not at an end when all was quiet, or answered with another pickup
doubled   two consignments of one pickup alive at carriers at the same time, or collected: the merchant prefers late to double
orphans   what a carrier holds for us and the ledger does not know, or takes for ended: a consignment, a label that was paid
untold    an event that never reached the merchant, or came under another number, or left a gap; a message without an event
unsent    what still waits in the outbox or to be delivered when all is quiet
crowded   two drivers at one pickup at the same time
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tests.chaos.ledger import Booking, Called, Pickup, Told
from tests.chaos.merchant import Message

_COLLECTED = frozenset({"collected", "delivered", "lost"})
_AWAITED = frozenset({"scheduled", "out"})
_FOR_EVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_CLOCKS = dt.timedelta(milliseconds=20)  # as exactly as calls are timed


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


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that was read. `accepted`: by reference the pickups that the API answered with; `labels`: shipments that are paid.

    `over` False: read while the run goes on, in the order of these fields, so that only what no later day mends is a finding.
    """

    accepted: Mapping[str, Sequence[str]]
    refused: Mapping[str, str] = {}
    told: frozenset[str] = frozenset()  # events whose messages the ledger takes for delivered
    messages: Sequence[Message] = ()
    books: Sequence[Line] = ()
    pickups: Sequence[Pickup] = ()
    bookings: Sequence[Booking] = ()
    labels: frozenset[str] = frozenset()
    events: Sequence[Told] = ()
    unsent: Mapping[str, int] = {}
    calls: Sequence[Called] = ()
    unguarded: Sequence[str] = ()  # what the ledger itself would take twice
    over: bool = True


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Each finding in words; `accepted`, `ended` are counts."""

    accepted: int
    ended: int
    lost: list[str]
    doubled: list[str]
    orphans: list[str]
    untold: list[str]
    unsent: list[str]
    crowded: list[str]

    @property
    def by_kind(self) -> dict[str, list[str]]:
        kinds = ("lost", "doubled", "orphans", "untold", "unsent", "crowded")
        return {kind: getattr(self, kind) for kind in kinds}

    @property
    def clean(self) -> bool:
        return not any(self.by_kind.values())


def audit(seen: Evidence) -> Findings:
    return Findings(
        accepted=len(seen.accepted),
        ended=sum(one.ended for one in seen.pickups),
        lost=sorted(_lost(seen)),
        doubled=[*sorted(_doubled(seen)), *(f"the ledger itself takes {what}" for what in seen.unguarded)],
        orphans=sorted(_orphans(seen)),
        untold=sorted(_untold(seen)),
        unsent=[f"{kind}: {number}" for kind, number in seen.unsent.items() if seen.over and number],
        crowded=sorted(_crowded(seen)),
    )


def _lost(seen: Evidence) -> Iterable[str]:
    by_reference = {one.reference: one for one in seen.pickups}
    for reference, answers in seen.accepted.items():
        found = by_reference.get(reference)
        if found is None:
            yield f"{reference}: not in the ledger"
        elif set(answers) != {found.id}:
            yield f"{reference}: {found.id} in the ledger, answered {', '.join(answers)}"
        elif seen.over and not found.ended:
            yield f"{reference}: {found.state}"
    yield from (f"{reference}: taken, but refused: {why}" for reference, why in seen.refused.items() if reference in by_reference)


def _doubled(seen: Evidence) -> Iterable[str]:
    owner = {one.carrier_reference: one.pickup for one in seen.bookings}
    lines: dict[str, list[Line]] = collections.defaultdict(list)
    for line in seen.books:
        lines[owner.get(line.reference, "")].append(line)
    for pickup in seen.pickups:
        if _overlap(lines[pickup.id]):
            yield f"{pickup.reference}: " + ", ".join(f"{one.carrier} {one.awb} {one.state}" for one in lines[pickup.id])


def _overlap(lines: Sequence[Line]) -> bool:
    """Whether a second one was alive before the first was over, or more than one was collected."""
    ordered = sorted(lines, key=lambda line: line.created_at)
    both = any(later.created_at < earlier.alive_until for earlier, later in itertools.pairwise(ordered))
    return both or sum(line.state in _COLLECTED for line in lines) > 1


def _orphans(seen: Evidence) -> Iterable[str]:
    """Before the end only what bears a reference that the ledger never gave: an AWB may yet be found out."""
    known = {(one.carrier, one.awb): one for one in seen.bookings if one.awb}
    given = {one.carrier_reference for one in seen.bookings}
    references = {one.id: one.reference for one in seen.pickups}
    for line in seen.books:
        booking = known.get((line.carrier, line.awb))
        if booking is None and (seen.over or line.reference not in given):
            yield f"{line.carrier} {line.awb} ({line.state})"
        elif booking and seen.over and booking.over and line.state in _AWAITED:
            yield f"{references.get(booking.pickup)}: {line.carrier} {line.awb} is {line.state}, in the ledger {booking.state}"
    for booking in seen.bookings:
        if booking.over and booking.handles.get("shipment") in seen.labels:
            yield f"{references.get(booking.pickup)}: {booking.carrier} was paid for a label of a booking that is {booking.state}"


def _untold(seen: Evidence) -> Iterable[str]:
    came = {message.id: message for message in seen.messages}
    made = collections.defaultdict(list)
    for event in seen.events:
        made[event.pickup].append(event)
    for stray in came.keys() - {event.id for event in seen.events}:
        if came[stray].pickup:
            yield f"a message of {came[stray].pickup} came as {stray}, which is no event of it"
    for pickup in seen.pickups:
        numbers = sorted(one.sequence for one in made[pickup.id] if seen.over or one.sequence <= pickup.sequence)
        if numbers != list(range(1, pickup.sequence + 1)):
            yield f"{pickup.reference}: its events do not count from 1 to {pickup.sequence}"
        awaited = (event for event in made[pickup.id] if seen.over or event.id in seen.told)
        missing = [event.sequence for event in awaited if not _came(event, came.get(event.id))]
        if missing:
            yield f"{pickup.reference}: of {pickup.sequence} events these never came: {', '.join(map(str, sorted(missing)))}"


def _came(event: Told, message: Message | None) -> bool:
    return message is not None and (message.pickup, message.sequence) == (event.pickup, event.sequence)


def _crowded(seen: Evidence) -> Iterable[str]:
    """Two calls of one operation may be one driver's: they are noted together when the last has ended."""
    references = {one.id: one.reference for one in seen.pickups}
    calls: dict[str, list[Called]] = collections.defaultdict(list)
    for call in seen.calls:
        calls[call.pickup].append(call)
    for pickup, mine in calls.items():
        ordered = sorted(mine, key=lambda call: call.start)
        for first, second in itertools.pairwise(ordered):
            if second.operation != first.operation and second.start + _CLOCKS < first.end:
                yield f"{references.get(pickup, pickup)}: {second.operation} was asked during {first.operation}"
