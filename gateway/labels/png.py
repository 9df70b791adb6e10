"""A drawing as a PNG (ISO 15948) in black and white, 203 dots an inch: one of its pages, or all one below the other."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from gateway.labels import raster
from gateway.labels.bitmap import Bitmap, stride
from gateway.labels.drawing import Drawing

_EFFORT = 4  # of zlib
_TURNED = bytes(255 - value for value in range(256))  # PNG's 1 is white
_PER_METRE = round(raster.DPI / 0.0254)


def write(drawing: Drawing, page: int | None = None) -> bytes:
    """Raises IndexError for a page it does not have; the first is 1."""
    pages = drawing.pages if page is None else (drawing.pages[page - 1],)
    return encoded([raster.bitmap(raster.size(drawing), one.marks) for one in pages])


def encoded(bitmaps: Sequence[Bitmap]) -> bytes:
    """One below the other, the narrower with paper at their right."""
    width, height = max(one.width for one in bitmaps), sum(one.height for one in bitmaps)
    lines = b"".join(_lines(one, stride(width)) for one in bitmaps)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", _PER_METRE, _PER_METRE, 1)),
            _chunk(b"IDAT", zlib.compress(lines, _EFFORT)),
            _chunk(b"IEND", b""),
        )
    )


def _lines(bitmap: Bitmap, wide: int) -> bytes:
    """The rows, unfiltered."""
    white, step, over = bitmap.rows.translate(_TURNED), bitmap.stride, b"\xff" * (wide - bitmap.stride)
    return b"".join(b"\0" + white[start : start + step] + over for start in range(0, len(white), step))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
