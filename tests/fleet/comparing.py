"""What is promised, compared: the callers' answers, the ledger, and the books of the carriers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from gateway.life.booking import OPEN
from gateway.life.pickup import ENDS, PickupState
from gateway.store.ledger import Booking, Pickup, PickupException

# Nothing is open any more: it goes its way, has ended, or is in a person's hands, with an exception that says why.
_GOES_ITS_WAY = frozenset({PickupState.BOOKED, PickupState.OUT_FOR_PICKUP, PickupState.COLLECTED, PickupState.IN_TRANSIT}) | ENDS
_WITH_A_PERSON = frozenset({PickupState.EXHAUSTED, PickupState.BOOKING_UNKNOWN})
SETTLED = _GOES_ITS_WAY | _WITH_A_PERSON


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """`accepted`: the id each caller was given, by its number; `books`: the carriers' consignments."""

    accepted: Mapping[int, str]
    pickups: list[Pickup]
    bookings: list[Booking]
    exceptions: list[PickupException]
    books: list[dict[str, Any]]


def broken(facts: Facts) -> list[str]:
    """Each promise that was not kept, in a sentence with the first of those it was not kept for."""
    return [f"{words}: {len(found)}, as {found[0]}" for words, look in _PROMISES if (found := sorted(look(facts)))]


def _lost(facts: Facts) -> Iterable[str]:
    return set(facts.accepted.values()) - {pickup.id for pickup in facts.pickups}


def _not_asked_for(facts: Facts) -> Iterable[str]:
    return {pickup.id for pickup in facts.pickups} - set(facts.accepted.values())


def _accepted_twice(facts: Facts) -> Iterable[str]:
    return _twice(facts.accepted.values())


def _unsettled(facts: Facts) -> Iterable[str]:
    return [f"{pickup.id} ({pickup.state})" for pickup in facts.pickups if pickup.state not in SETTLED]


def _left_without_a_word(facts: Facts) -> Iterable[str]:
    told = {exception.pickup_id for exception in facts.exceptions if exception.state != "resolved"}
    return [pickup.id for pickup in facts.pickups if pickup.state in _WITH_A_PERSON and pickup.id not in told]


def _unknown_to_us(facts: Facts) -> Iterable[str]:
    known = {booking.awb for booking in facts.bookings}
    return [line["awb"] for line in facts.books if line["awb"] not in known]


def _unknown_to_them(facts: Facts) -> Iterable[str]:
    known = {line["awb"] for line in facts.books}
    return [booking.awb for booking in facts.bookings if booking.awb and booking.awb not in known]


def _awb_twice(facts: Facts) -> Iterable[str]:
    return [*_twice(booking.awb for booking in facts.bookings if booking.awb), *_twice(line["awb"] for line in facts.books)]


def _booked_twice(facts: Facts) -> Iterable[str]:
    """By the carriers' books: our reference of one booking under two of their numbers."""
    return _twice(line["reference"] for line in facts.books)


def _open_twice(facts: Facts) -> Iterable[str]:
    return _twice(booking.pickup_id for booking in facts.bookings if booking.state in OPEN and not booking.overlap)


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


_PROMISES: tuple[tuple[str, Callable[[Facts], Iterable[str]]], ...] = (
    ("accepted, but not in the ledger", _lost),
    ("in the ledger, but accepted to nobody", _not_asked_for),
    ("the same pickup given to two callers", _accepted_twice),
    ("neither booked nor ended nor with a person", _unsettled),
    ("with a person, but no exception says why", _left_without_a_word),
    ("an AWB at a carrier that the ledger does not know", _unknown_to_us),
    ("an AWB in the ledger that no carrier knows", _unknown_to_them),
    ("an AWB twice", _awb_twice),
    ("one booking twice at a carrier", _booked_twice),
    ("a pickup with two open bookings", _open_twice),
)
