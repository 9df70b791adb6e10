"""The order in which a line with right-to-left words is drawn.

The part of Unicode's bidirectional algorithm (UAX #9) that names and addresses need: implicit levels of one line.
Explicit embeddings and isolates are format characters, which `typeface.clean` has taken out before.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LETTERS = frozenset(("L", "R", "AL"))
_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN"))
_SIDES = {"L": "L", "R": "R", "EN": "R", "AN": "R"}  # digits count as right to left among neutrals
_LEVELS = {"L": {"L": 0, "R": 1, "AN": 2, "EN": 2}, "R": {"L": 2, "R": 1, "AN": 2, "EN": 2}}  # I1, I2, by the line's direction


def levels(text: str) -> list[int]:
    """The embedding level of each character: even ones read left to right, odd ones right to left."""
    classes = [unicodedata.bidirectional(character) for character in text]
    if _RIGHT_TO_LEFT.isdisjoint(classes):
        return [0] * len(text)
    first = next((own for own in classes if own in _LETTERS), "L")  # P2, P3
    base = "L" if first == "L" else "R"
    return [_LEVELS[base][own] for own in _neutrals(_numbers(_strong(classes, base)), base)]


def visual(pieces: list[T], level: Callable[[T], int]) -> list[T]:
    """The pieces of a line from left to right (L2): from the highest level down, what stands together is turned round."""
    ordered = pieces
    for least in range(max(map(level, pieces), default=0), 0, -1):
        groups = [(level(piece) >= least, piece) for piece in ordered]
        ordered = []
        for turned, group in itertools.groupby(groups, key=lambda pair: pair[0]):
            together = [piece for _, piece in group]
            ordered += reversed(together) if turned else together
    return ordered


def _strong(classes: list[str], base: str) -> list[str]:
    """W1 to W3 and W7: marks join their letter, digits are told by the letter before them, Arabic letters are R."""
    result: list[str] = []
    letter = base
    for own in classes:
        if own in _LETTERS:
            letter = own
        digit = {"AL": "AN", "L": "L"}.get(letter, "EN")
        mark = result[-1] if result else base
        result.append({"NSM": mark, "EN": digit, "AL": "R"}.get(own, own))
    return result


def _numbers(classes: list[str]) -> list[str]:
    """W4 and W5: one separator between two digits, or a currency or plus sign beside one, belongs to the number."""
    result = list(classes)
    for i in range(1, len(result) - 1):
        if result[i] in {"CS", "ES"} and result[i - 1] == result[i + 1] and result[i - 1] in {"EN", "AN"}:
            result[i] = result[i - 1]
    for i, j in [*itertools.pairwise(range(len(result))), *itertools.pairwise(reversed(range(len(result))))]:
        if result[i] == "EN" and result[j] == "ET":
            result[j] = "EN"
    return result


def _neutrals(classes: list[str], base: str) -> list[str]:
    """W6, N1, N2: what is neither letter nor digit goes with its neighbours where both agree, else with the line."""
    sides = [_SIDES.get(own, "") for own in classes]
    before, after = _carried(sides, base), _carried(sides[::-1], base)[::-1]
    between = (left if left == right else base for left, right in zip(before, after, strict=True))
    return [own if own in _SIDES else other for own, other in zip(classes, between, strict=True)]


def _carried(sides: list[str], first: str) -> list[str]:
    """Each empty one filled with the last before it."""
    return list(itertools.accumulate(sides, lambda last, own: own or last, initial=first))[1:]
