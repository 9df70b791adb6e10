"""The dice of the mutants: the same ones throw the same replies, and every way of spoiling a reply comes up."""

from __future__ import annotations

from random import Random

from tests.mutations.mutating import mutant
from tests.mutations.running import corpus


def test_the_same_dice_make_the_same_mutant():
    good = corpus("ekart")
    first, second = ([mutant(good[0], good, Random(seed)) for seed in range(40)] for _ in range(2))
    assert first == second


def test_every_way_comes_up():
    good = corpus("aramex")
    ways = {mutant(good[0], good, Random(seed)).how.partition(":")[0] for seed in range(400)}
    assert len(ways) == 15
