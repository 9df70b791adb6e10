"""What is drawn on a label's pages, before it is PDF, PNG or ZPL: shaped text, boxes and barcodes.

A page's origin is its top left corner, y runs down, all in points. What is drawn later lies on top.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from gateway.labels import typeface
from gateway.labels.codes import Symbol
from gateway.labels.typeface import Pen, Run


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """One line with its baseline at y. `squeeze`: how much narrower than set, 1 is as set."""

    x: float
    y: float
    text: str
    pen: Pen
    squeeze: float = 1.0

    @property
    def runs(self) -> tuple[Run, ...]:
        """From left to right."""
        return typeface.line(self.text, bold=self.pen.bold)


class Slanted(msgspec.Struct, frozen=True, kw_only=True):
    """One line rising at 45 degrees from (x, y), as a watermark."""

    x: float
    y: float
    runs: tuple[Run, ...]
    pen: Pen


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A filled rectangle."""

    x: float
    y: float
    wide: float
    high: float
    grey: float = 0.0


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """An empty rectangle; the line lies half inside, half outside."""

    x: float
    y: float
    wide: float
    high: float
    line: float


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """A barcode whose modules are `module` wide and `high` high."""

    x: float
    y: float
    symbol: Symbol
    module: float
    high: float


Mark: TypeAlias = Text | Slanted | Box | Frame | Bars


class Page:
    """Draw on it in any order."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []

    def text(self, x: float, y: float, text: str, pen: Pen, room: float = float("inf")) -> None:
        """One line with its baseline at y; squeezed where it is wider than `room`, so that it never runs over."""
        wide = typeface.width(text, pen)
        self.marks.append(Text(x=x, y=y, text=text, pen=pen, squeeze=min(1.0, room / wide) if wide else 1.0))

    def slanted(self, x: float, y: float, text: str, pen: Pen) -> None:
        self.marks.append(Slanted(x=x, y=y, runs=typeface.line(text, bold=pen.bold), pen=pen))

    def box(self, x: float, y: float, wide: float, high: float, grey: float = 0.0) -> None:
        self.marks.append(Box(x=x, y=y, wide=wide, high=high, grey=grey))

    def frame(self, x: float, y: float, wide: float, high: float, line: float = 0.6) -> None:
        self.marks.append(Frame(x=x, y=y, wide=wide, high=high, line=line))

    def symbol(self, x: float, y: float, symbol: Symbol, module: float, high: float) -> None:
        self.marks.append(Bars(x=x, y=y, symbol=symbol, module=module, high=high))


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of one size, in points."""

    width: float
    height: float
    title: str
    pages: tuple[Page, ...]
