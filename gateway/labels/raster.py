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


def reach(mark: Text) -> tuple[int, int]:
    """From which dot to which a text may have ink: no letter leans out of its line by an em."""
    em, wide = mark.pen.size, typeface.width(mark.text, mark.pen) * mark.squeeze
    return math.floor((mark.x - em) * SCALE), math.ceil((mark.x + wide + em) * SCALE)


def line(bits: int, mark: Text, left: int = 0) -> tuple[int, int, int]:
    """A text's top, height and dots, as a shape of a canvas with rows of so many bits that begins at the page's dot `left`."""
    placed = _placed(bits, mark, mark.x * SCALE - left)
    bottom = max((foot for _, foot, _ in placed), default=0)
    shape = 0
    for dots, foot, right in placed:
        shape |= dots << (bottom - foot) * bits + right
    high = -(-shape.bit_length() // bits)
    return round(mark.y * SCALE) + bottom - high, high, shape


_kept_line = functools.lru_cache(256)(line)  # most lines of a label are on every label


def _text(canvas: Canvas, mark: Text) -> None:
    top, high, dots = _kept_line(canvas.bits, mark)
    canvas.put(top, high, dots, ink=mark.pen.grey != 1)


def _placed(bits: int, mark: Text, x: float) -> list[tuple[int, int, int]]:
    """The glyphs that have ink: dots, how far down from the baseline they end, and the bits at their right."""
    size, squeeze = mark.pen.size * SCALE, min(100, math.floor(mark.squeeze * 100))
    steps = max(1, math.floor(size * _STEPS))
    unit = size / typeface.UNITS
    across = unit * squeeze / 100
    found = []
    for run in mark.runs:
        name, stroked = run.face.name, run.stroked
        for glyph in run.glyphs:
            dots, room, bearing, foot = _glyph(bits, name, glyph.id, steps, squeeze, stroked)
            if dots:
                right = room - bearing - round(x + glyph.x * across)
                found.append((dots, foot - round(glyph.y * unit), max(0, min(right, room))))
            x += glyph.advance * across
    return found


@functools.lru_cache(4096)
def _glyph(bits: int, name: str, glyph: int, size: int, squeeze: int, stroked: bool) -> tuple[int, int, int, int]:
    """Its dots as a shape of a canvas with rows of so many bits, and how many of these are left over; then where it begins, from
    the pen, and how far down from the baseline it ends. `size` is in quarters of a dot of the em, `squeeze` in percent.
    """
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
    return dots, bits - box.width, box.x_origin, -box.y_origin


@functools.cache
def _font(name: str, stroked: bool) -> hb.Font:
    face = typeface.load(name)
    if not stroked:
        return face.font
    bolder = hb.Font(face.face)
    bolder.synthetic_bold = (_BOLDER, _BOLDER, True)
    return bolder
