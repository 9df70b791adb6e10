"""A life is lived once for each place to die at: see crashing.py. Nothing lost, nothing doubled, nothing paid for and forgotten."""

from __future__ import annotations

from collections.abc import Callable

from tests.services.carriers import WideWorld
from tests.services.matrix import settle

_MOST_PLACES = 120


def rest(world: WideWorld, pickup: str) -> None:
    """The dead driver's lease runs out, others go on; a person looks where one is asked to."""
    assert settle(world, pickup) == []


def every_place(make: Callable[[], WideWorld], life: Callable[[WideWorld, int], bool]) -> int:
    """Live through it with a death at the 1st, 2nd, 3rd... place until it is got through alive; how many places there were."""
    for at in range(1, _MOST_PLACES):
        world = make()
        if not life(world, at):
            return at - 1
        world.close()
    raise AssertionError("no end of places to die at")
