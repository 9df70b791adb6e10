"""Barcodes as black bars on a grid of modules, to be drawn as vectors. zxing-cpp encodes."""

from __future__ import annotations

import itertools
from typing import cast

import msgspec
import zxingcpp

_BLACK = 0
_LONGEST = {zxingcpp.BarcodeFormat.Code128: 80, zxingcpp.BarcodeFormat.QRCode: 300}  # bytes; more fits no slip


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """`width` x `height` modules without the quiet zone; `bars` are (column, row, length) of what is black."""

    width: int
    height: int
    bars: tuple[tuple[int, int, int], ...]


def code128(text: str) -> Symbol | None:
    """One row of modules; None for an empty or too long text, and for one outside printable ASCII, where scanners differ."""
    if not (text.isascii() and text.isprintable()):
        return None
    rows = _rows(text, zxingcpp.BarcodeFormat.Code128)[:1]
    return _symbol(rows) if rows else None


def qr(text: str) -> Symbol | None:
    """Error correction M; None for an empty or too long text."""
    rows = _rows(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return _symbol(rows) if rows else None


def _rows(text: str, form: zxingcpp.BarcodeFormat, **options: str) -> list[bytes]:
    """The modules, a byte each; none where the text cannot be a slip's barcode."""
    if not 0 < len(text.encode()) <= _LONGEST[form]:
        return []
    barcode = zxingcpp.create_barcode(text, form, **options)
    image = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    wide = image.shape[1]
    modules = memoryview(cast("bytes", image)).tobytes()  # zxing-cpp's stubs do not tell that an Image is a buffer
    return [modules[start : start + wide] for start in range(0, len(modules), wide)]


def _symbol(rows: list[bytes]) -> Symbol:
    bars = []
    for y, row in enumerate(rows):
        for shade, group in itertools.groupby(range(len(row)), key=row.__getitem__):
            columns = list(group)
            if shade == _BLACK:
                bars.append((columns[0], y, len(columns)))
    return Symbol(width=len(rows[0]), height=len(rows), bars=tuple(bars))
