"""A drawing in black and white, in the dots of a label printer: 203 an inch, which is 8 a millimetre.

HarfBuzz draws the glyphs, each once per size. A barcode's modules are whole dots. What is lighter than half grey is paper:
the watermark of test mode is left to the PDF, the framed warning is on all.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import uharfbuzz as hb

from gateway.labels import typeface
from gateway.labels.bitmap import Bitmap, Canvas
from gateway.labels.codes import BLACK
from gateway.labels.drawing import Bars, Box, Drawing, Frame, Mark, Text
from gateway.labels.typeface import Run

DPI = 203
SCALE = DPI / 72
_HALF = 128  # of 255: how much of a dot must be covered for it to be black
_STEPS = 4  # sizes of glyphs, a dot of the em: finer would fill the memory with glyphs that look the same
_BOLDER = 0.03  # of the size: what a stroke adds to a glyph of a face that has no bold one
_DIGITS = bytes(b"0"[0] if value < _HALF else b"1"[0] for value in range(256))

Size = tuple[int, int]  # width, height in dots


def bitmap(size: Size, marks: Iterable[Mark]) -> Bitmap:
    """The marks of one page."""
    canvas = Canvas(*size)
    for mark in marks:
        _draw(canvas, mark)
    return canvas.done()


def size(drawing: Drawing) -> Size:
    """Of its pages."""
    return round(drawing.width * SCALE), round(drawing.height * SCALE)


def is_black(text: Text) -> bool:
    """Whether it is inked; what is white takes ink away, and what is light is paper."""
    return text.pen.grey <= 0.5


def place(bars: Bars) -> tuple[int, int, int, int]:
    """Where a barcode stands: left, top, a module's width and height in whole dots; what rounding takes is left at its sides."""
    symbol = bars.symbol
    wide = max(1, math.floor(bars.module * SCALE + 0.01))
    high = wide if symbol.height > 1 else round(bars.high * SCALE)
    slack_x, slack_y = (bars.module * SCALE - wide) * symbol.width, (bars.high * SCALE - high) * symbol.height
    return round(bars.x * SCALE + slack_x / 2), round(bars.y * SCALE + slack_y / 2), wide, high


def _draw(canvas: Canvas, mark: Mark) -> None:
    match mark:
        case Text() if is_black(mark) or mark.pen.grey == 1:
            _text(canvas, mark)
        case Box() if mark.grey <= 0.5:
            _fill(canvas, mark.x, mark.y, mark.x + mark.wide, mark.y + mark.high)
        case Frame():
            _frame(canvas, mark)
        case Bars():
            _bars(canvas, mark)


def _fill(canvas: Canvas, left: float, top: float, right: float, bottom: float) -> None:
    """At least a dot wide and high, however thin."""
    x, y = round(left * SCALE), round(top * SCALE)
    canvas.fill(x, y, max(x + 1, round(right * SCALE)), max(y + 1, round(bottom * SCALE)))


def _frame(canvas: Canvas, mark: Frame) -> None:
    half = mark.line / 2
    left, top, right, bottom = mark.x - half, mark.y - half, mark.x + mark.wide + half, mark.y + mark.high + half
    for sides in (
        (left, top, right, top + mark.line),
        (left, bottom - mark.line, right, bottom),
        (left, top, left + mark.line, bottom),
        (right - mark.line, top, right, bottom),
    ):
        _fill(canvas, *sides)


def _bars(canvas: Canvas, mark: Bars) -> None:
    left, top, wide, high = place(mark)
    for number, modules in enumerate(mark.symbol.rows):
        dots = "".join(("1" if module == BLACK else "0") * wide for module in modules)
        row = int(dots, 2) << canvas.bits - left - len(dots)
        canvas.put(top + number * high, high, int.from_bytes(row.to_bytes(canvas.bits // 8) * high))


# --- text -------------------------------------------------------------------------------------------

Glyph = tuple[int, int, int, int, int]  # its dots as a shape of a canvas, how wide and high; where it begins, from the pen


def _text(canvas: Canvas, mark: Text) -> None:
    top, high, dots = line(canvas.bits, mark)
    canvas.put(top, high, dots, ink=mark.pen.grey != 1)


def line(bits: int, mark: Text) -> tuple[int, int, int]:
    """A text's top, height and dots, as a shape of a canvas with rows of so many bits."""
    squeeze = min(100, math.floor(mark.squeeze * 100))
    dots, above, high = _line(bits, mark.text, mark.pen.bold, mark.pen.size, squeeze, mark.x)
    return round(mark.y * SCALE) - above, high, dots


@functools.lru_cache(256)  # most lines of a label are on every label
def _line(bits: int, text: str, bold: bool, size: float, squeeze: int, x: float) -> tuple[int, int, int]:
    """The dots of a line as a shape of a canvas with rows of so many bits, how far they reach above the baseline, and how high."""
    placed = _placed(bits, typeface.line(text, bold=bold), size, squeeze, x * SCALE)
    top = min((y for _, _, y, _, _ in placed), default=0)
    bottom = max((y + high for _, _, y, _, high in placed), default=0)
    shape = 0
    for dots, left, y, wide, high in placed:
        shape |= dots << (bottom - y - high) * bits + bits - max(0, min(left, bits - wide)) - wide
    return shape, -top, bottom - top


def _placed(bits: int, runs: Iterable[Run], size: float, squeeze: int, x: float) -> list[tuple[int, int, int, int, int]]:
    """The glyphs that have ink: dots, left, top (of the baseline), width, height."""
    steps = max(1, math.floor(size * SCALE * _STEPS))
    unit = size * SCALE / typeface.UNITS
    across = unit * squeeze / 100
    found = []
    for run in runs:
        name, stroked = run.face.name, run.stroked
        for glyph in run.glyphs:
            dots, wide, high, left, above = _glyph(bits, name, glyph.id, steps, squeeze, stroked)
            if dots:
                found.append((dots, round(x + glyph.x * across) + left, -round(glyph.y * unit) - above, wide, high))
            x += glyph.advance * across
    return found


@functools.lru_cache(4096)
def _glyph(bits: int, name: str, glyph: int, size: int, squeeze: int, stroked: bool) -> Glyph:
    """For a canvas with rows of so many bits; `size` is in quarters of a dot of the em, `squeeze` in percent."""
    unit = size / _STEPS / typeface.UNITS
    pencil = hb.RasterDraw()
    pencil.transform = (unit * squeeze / 100, 0, 0, unit, 0, 0)
    pencil.draw_glyph(_font(name, stroked), glyph)
    drawn = pencil.render()
    box, grey = drawn.extents, drawn.buffer
    dots = 0
    for row in reversed(range(box.height)):
        digits = grey[row * box.stride : row * box.stride + box.width].translate(_DIGITS)
        dots = dots << bits | int(digits, 2)
    return dots, box.width, box.height, box.x_origin, box.y_origin + box.height


@functools.cache
def _font(name: str, stroked: bool) -> hb.Font:
    face = typeface.load(name)
    if not stroked:
        return face.font
    bolder = hb.Font(face.face)
    bolder.synthetic_bold = (_BOLDER, _BOLDER, True)
    return bolder
