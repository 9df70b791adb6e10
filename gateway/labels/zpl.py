"""A drawing as ZPL II for a printer of 203 dots an inch, one label a page.

Zebra's ZPL II Programming Guide: `^GFA` with `:Z64:` (zlib, base 64, CRC-16/XMODEM), `^BC` with start codes and subset changes
of its table of invocation codes, `^BQ` model 2. Text goes as a graphic in every script: which letters a printer's own fonts have,
and how wide they are, cannot be known from here. The codes are the printer's own; a QR code of other than ASCII is a graphic.
"""

from __future__ import annotations

import base64
import binascii
import functools
import zlib

from gateway.labels import codes, raster
from gateway.labels.bitmap import Bitmap, cut, stride
from gateway.labels.codes import Kind
from gateway.labels.drawing import Bars, Drawing, Mark, Page, Slanted, Text
from gateway.labels.raster import Size

_STEP = 32  # bytes, between the widths of lines of text
_START, _CHANGE = {"C": ">;", "B": ">:"}, {"C": ">5", "B": ">6"}  # subsets of Code 128
_INVOKED = {">": ">0", "^": "><", "~": ">="}  # what ^BC cannot take as it is
_HEX = {"^": "_5E", "~": "_7E", "_": "_5F"}  # what ^FH makes of them


def write(drawing: Drawing) -> bytes:
    """The labels, one after the other."""
    return b"".join(_label(drawing, page) for page in drawing.pages)


def label(bitmap: Bitmap) -> bytes:
    """One label as large as its dots."""
    return _framed((bitmap.width, bitmap.height), _inked(bitmap))


def _framed(size: Size, fields: str) -> bytes:
    return f"^XA^CI28^PW{size[0]}^LL{size[1]}^LH0,0\n{fields}^PQ1^XZ\n".encode("ascii")


def _label(drawing: Drawing, page: Page) -> bytes:
    """A printer inks what any field inks: a line is a field of its own, what takes ink away is in one with what it lies on."""
    size = raster.size(drawing)
    fields = ""
    rest: list[Mark] = []
    for mark in page.marks:
        if isinstance(mark, Text) and raster.is_black(mark):
            fields += _line(size, mark)
        elif isinstance(mark, Bars) and mark.symbol.text.isascii():
            fields += _code(mark)
        elif not isinstance(mark, Slanted):  # the watermark is not inked here
            rest.append(mark)
    return _framed(size, _rest(size, tuple(rest)) + fields)


@functools.lru_cache(256)  # most lines of a label are on every label
def _line(size: Size, mark: Text) -> str:
    left, row = _field(size[0], mark)
    top, high, dots = cut(*raster.line(8 * row, mark, left), 8 * row, size[1])
    return _graphic(left, top, row, dots.to_bytes(high * row)) if dots else ""


def _field(width: int, mark: Text) -> tuple[int, int]:
    """Where a line's graphic begins and how many bytes its rows have: of few widths, for glyphs are kept for each of them."""
    start, end = raster.reach(mark)
    row = min(stride(width), -(-(end - start) // (8 * _STEP)) * _STEP)
    return max(0, min(start, 8 * (stride(width) - row))), row


@functools.lru_cache(32)  # bands, rules and frames are on every label
def _rest(size: Size, marks: tuple[Mark, ...]) -> str:
    return _inked(raster.bitmap(size, marks))


def _inked(bitmap: Bitmap) -> str:
    """The rows from the first with ink to the last."""
    row = bitmap.stride
    top = (len(bitmap.rows) - len(bitmap.rows.lstrip(b"\0"))) // row
    inked = bitmap.rows[top * row : -(-len(bitmap.rows.rstrip(b"\0")) // row) * row]
    return _graphic(0, top, row, inked) if inked else ""


def _graphic(left: int, top: int, row: int, dots: bytes) -> str:
    """`row` bytes a row. Runs alone are looked for: letters have little else, and the rest of zlib takes longer to find it."""
    packer = zlib.compressobj(strategy=zlib.Z_RLE)
    packed = base64.b64encode(packer.compress(dots) + packer.flush())
    return f"^FO{left},{top}^GFA,{len(dots)},{len(dots)},{row},:Z64:{packed.decode()}:{binascii.crc_hqx(packed, 0):04X}^FS\n"


def _code(mark: Bars) -> str:
    left, top, wide, high = raster.place(mark)
    text = mark.symbol.text
    if mark.symbol.kind is Kind.QR:
        return f"^FO{left},{top}^BQN,2,{wide}^FH^FDMA,{''.join(_HEX.get(one, one) for one in text)}^FS\n"
    return f"^FO{left},{top}^BY{wide},2,{high}^BCN,{high},N,N,N^FD{_code128(text)}^FS\n"


def _code128(text: str) -> str:
    """The field data."""
    data = ""
    for pairs, others in codes.pieces(text):
        data += (_CHANGE if data else _START)["C" if pairs else "B"] + pairs + "".join(_INVOKED.get(one, one) for one in others)
    return data
