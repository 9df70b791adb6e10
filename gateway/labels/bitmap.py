"""Black and white dots, eight a byte, ink is 1: what a label printer prints and what PNG and ZPL hold."""

from __future__ import annotations

import msgspec


class Bitmap(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` from the top, each of whole bytes, the leftmost dot in a byte's highest bit; what is over at the right is blank."""

    width: int
    height: int
    rows: bytes

    @property
    def stride(self) -> int:
        """Bytes a row."""
        return stride(self.width)


def stride(width: int) -> int:
    return (width + 7) // 8


def cut(top: int, high: int, shape: int, bits: int, height: int) -> tuple[int, int, int]:
    """The top, height and dots of what of a shape lies on a canvas `height` high with rows of so many bits."""
    below = max(0, top + high - height)
    left = max(0, high - below - max(0, -top))
    return max(0, top), left, shape >> below * bits & (1 << left * bits) - 1


class Canvas:
    """Dots while they are drawn. A shape is one number whose bits are its dots, row by row in rows as wide as the canvas."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.bits = 8 * stride(width)
        self._rows = bytearray(stride(width) * height)

    def put(self, top: int, high: int, shape: int, *, ink: bool = True) -> None:
        """Ink a shape, or take ink away where it is; what lies above or below the canvas is left out."""
        top, high, shape = cut(top, high, shape, self.bits, self.height)
        start, end = top * self.bits // 8, (top + high) * self.bits // 8
        there = int.from_bytes(self._rows[start:end])
        self._rows[start:end] = (there | shape if ink else there & ~shape).to_bytes(end - start)

    def fill(self, left: int, top: int, right: int, bottom: int) -> None:
        """Ink a rectangle, up to but without `right` and `bottom`."""
        left, right = max(0, left), min(right, self.width)
        if left < right and top < bottom:
            row = ((1 << right - left) - 1) << self.bits - right
            self.put(top, bottom - top, int.from_bytes(row.to_bytes(self.bits // 8) * (bottom - top)))

    def done(self) -> Bitmap:
        return Bitmap(width=self.width, height=self.height, rows=bytes(self._rows))
