"""Columns of whole numbers as bit slices: slice k holds bit k of every number, as one long integer with a bit for each row.

A choice of rows is such an integer too. So a condition, a sum and a grouping over thousands of rows are a few operations of long
integers each (O'Neil and Quass 1997, "Improved query performance with variant indexes"). The first row is the highest bit. Pure.
"""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

Slices = Sequence[int]

_BITS = [bytes(b"01"[byte >> bit & 1] for byte in range(256)) for bit in range(8)]
_BELOW = [bytes(range(1 << bits)) for bits in range(9)]


def sliced(values: Sequence[int]) -> list[int]:
    """The slices of numbers from 0 to 2^64 - 1, the lowest first, none above the highest number."""
    try:
        small = bytes(values)  # as in most columns
    except ValueError:
        raw = struct.pack(f"<{len(values)}Q", *values)
        return [_read(raw[bit // 8 :: 8], bit % 8) for bit in range(max(values).bit_length())]
    bits = next(bits for bits, below in enumerate(_BELOW) if not small.translate(None, below))
    return [_read(small, bit) for bit in range(bits)]


def _read(column: bytes, bit: int) -> int:
    return int(column.translate(_BITS[bit]), 2)


def every(n: int) -> int:
    """The choice of all of n rows."""
    return (1 << n) - 1


def chosen_of(rows: Iterable[bool]) -> int:
    """The choice of those rows that are said to be chosen."""
    return _read(bytes(rows) or b"\0", 0)


def any_of(slices: Iterable[int]) -> int:
    """The rows whose number is not 0; of choices those that any of them has."""
    return functools.reduce(operator.or_, slices, 0)


def between(slices: Slices, low: int, high: int, chosen: int) -> int:
    """Those of the chosen rows whose number is at least low and below high."""
    enough = _at_least(slices, low, chosen)
    return enough ^ _at_least(slices, high, enough)


def _at_least(slices: Slices, least: int, chosen: int) -> int:
    if least <= 0:
        return chosen
    if least >> len(slices):
        return 0
    above, level = 0, chosen
    for bit in reversed(range(len(slices))):
        ones = level & slices[bit]
        if least >> bit & 1:
            level = ones
        else:
            above |= ones
            level ^= ones
    return above | level


def total(slices: Slices, chosen: int) -> int:
    """The sum of the chosen rows' numbers."""
    return sum((one & chosen).bit_count() << bit for bit, one in enumerate(slices))


def counted(chosen: int, lengths: Sequence[int]) -> list[int]:
    """How many rows are chosen of the first so many, of the next so many, and so on to the last row."""
    text = f"{chosen:0{sum(lengths)}b}"
    return [text.count("1", start, end) for start, end in pairwise(accumulate(lengths, initial=0))]


def grouped(slices: Slices, chosen: int) -> list[tuple[int, int]]:
    """Each number there is among the chosen rows, in rising order, with the rows that have it."""
    groups = [(0, chosen)] if chosen else []
    for one in reversed(slices):
        halves = []
        for number, rows in groups:
            ones = rows & one
            if ones != rows:
                halves.append((number * 2, rows ^ ones))
            if ones:
                halves.append((number * 2 + 1, ones))
        groups = halves
    return groups
