"""Barcodes as black bars on a grid of modules, to be drawn as vectors. zxing-cpp encodes."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import cast

import msgspec
import zxingcpp

BLACK = 0
_BARS = re.compile(b"\\x00+")
_LONGEST = {zxingcpp.BarcodeFormat.Code128: 80, zxingcpp.BarcodeFormat.QRCode: 300}  # bytes; more fits no slip


class Kind(enum.StrEnum):
    CODE128 = "code128"
    QR = "qr"


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` of modules, a byte each, BLACK or not, without the quiet zone."""

    kind: Kind
    text: str
    rows: tuple[bytes, ...]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def bars(self) -> Iterator[tuple[int, int, int]]:
        """Column, row and length of what is black."""
        for y, row in enumerate(self.rows):
            for bar in _BARS.finditer(row):
                yield bar.start(), y, bar.end() - bar.start()


def code128(text: str) -> Symbol | None:
    """One row of modules; None for an empty or too long text, and for one outside printable ASCII, where scanners differ."""
    if not (text.isascii() and text.isprintable()):
        return None
    rows = _rows(text, zxingcpp.BarcodeFormat.Code128)[:1]
    return Symbol(kind=Kind.CODE128, text=text, rows=tuple(rows)) if rows else None


def qr(text: str) -> Symbol | None:
    """Error correction M; None for an empty or too long text."""
    rows = _rows(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return Symbol(kind=Kind.QR, text=text, rows=tuple(rows)) if rows else None


def _rows(text: str, form: zxingcpp.BarcodeFormat, **options: str) -> list[bytes]:
    """The modules, a byte each; none where the text cannot be a slip's barcode."""
    if not 0 < len(text.encode()) <= _LONGEST[form]:
        return []
    barcode = zxingcpp.create_barcode(text, form, **options)
    image = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    wide = image.shape[1]
    modules = memoryview(cast("bytes", image)).tobytes()  # zxing-cpp's stubs do not tell that an Image is a buffer
    return [modules[start : start + wide] for start in range(0, len(modules), wide)]
