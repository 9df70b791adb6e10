"""What the crowd is promised, compared: what its clients were told, the ledger, and the books of the carriers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from tests.clients.crowd import Told
from tests.fleet import comparing
from tests.fleet.comparing import Facts

_ACCEPTED = (201, 202)


def accepted(answers: Mapping[int, Sequence[Told]]) -> dict[int, str]:
    """The pickup that was given to the first of each key's clients."""
    return {number: _id(told[0]) for number, told in answers.items() if told[0].status in _ACCEPTED}


def broken(answers: Mapping[int, Sequence[Told]], facts: Facts) -> list[str]:
    """Each promise that was not kept, in a sentence with the first of those it was not kept for."""
    looks: tuple[tuple[str, Callable[[], Iterable[str]]], ...] = (
        ("a client that was refused", lambda: _refused(answers)),
        ("a key with two answers", lambda: _answered_twice(answers)),
        ("a pickup with two consignments at carriers", lambda: _consigned_twice(facts)),
    )
    own = [f"{words}: {len(found)}, as {found[0]}" for words, look in looks if (found := sorted(look()))]
    return own + comparing.broken(facts)


def _refused(answers: Mapping[int, Sequence[Told]]) -> Iterable[str]:
    for number, told in answers.items():
        yield from (f"key {number}: {one.status} {one.body.decode()[:200]}" for one in told if one.status not in _ACCEPTED)


def _answered_twice(answers: Mapping[int, Sequence[Told]]) -> Iterable[str]:
    """Byte for byte the same is one."""
    return [f"key {number}" for number, told in answers.items() if len({one.body for one in told}) > 1]


def _consigned_twice(facts: Facts) -> Iterable[str]:
    """Whatever bookings they belong to, cancelled ones too: nothing here makes a carrier fail."""
    pickups = {booking.carrier_reference: booking.pickup_id for booking in facts.bookings}
    times = Counter(pickups.get(line["reference"], "") for line in facts.books)
    return [pickup for pickup, number in times.items() if pickup and number > 1]


def _id(told: Told) -> str:
    return str(msgspec.json.decode(told.body)["id"])
