"""Barcodes as black bars on a grid of modules, to be drawn as vectors.

How large one is, its text tells; zxing-cpp encodes it, and only where the bars are asked for: a label printer draws its own.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import cast

import msgspec
import zxingcpp

BLACK = 0
_BARS = re.compile(b"\\x00+")
_LONGEST_CODE128, _LONGEST_QR = 80, 300  # bytes; more fits no slip
_PAIRS = r"^\d\d$|^(?:\d\d){2,}|(?:\d\d){2,}(?!\d)"  # digits that take fewer symbols two by two
_PIECES = re.compile(rf"({_PAIRS})|((?:(?!{_PAIRS}).)+)")
_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+\-./:]*")
_WORDS = (16, 28, 44, 64, 86, 108, 124, 154, 182, 216, 254, 290, 334)  # of data, in QR codes of version 1 to 13 at level M


class Kind(enum.StrEnum):
    CODE128 = "code128"
    QR = "qr"


_FORMS = {Kind.CODE128: zxingcpp.BarcodeFormat.Code128, Kind.QR: zxingcpp.BarcodeFormat.QRCode}


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """`width` in modules, without the quiet zone."""

    kind: Kind
    text: str
    width: int

    @property
    def height(self) -> int:
        return self.width if self.kind is Kind.QR else 1

    @property
    def rows(self) -> tuple[bytes, ...]:
        """Its modules, a byte each, BLACK or not."""
        barcode = zxingcpp.create_barcode(self.text, _FORMS[self.kind], **self._options)
        image = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
        modules = memoryview(cast("bytes", image)).tobytes()  # zxing-cpp's stubs do not tell that an Image is a buffer
        return tuple(modules[row * self.width : (row + 1) * self.width] for row in range(self.height))

    @property
    def _options(self) -> dict[str, object]:
        """Of the encoder, which else writes some letters as Latin-1, and scanners take that for Japanese."""
        if self.kind is Kind.CODE128:
            return {}
        written = {} if self.text.isascii() else {"eci": "UTF-8"}
        return {"ec_level": "M", "version": (self.width - 17) // 4, **written}

    @property
    def bars(self) -> Iterator[tuple[int, int, int]]:
        """Column, row and length of what is black."""
        for y, row in enumerate(self.rows):
            for bar in _BARS.finditer(row):
                yield bar.start(), y, bar.end() - bar.start()


def code128(text: str) -> Symbol | None:
    """One row of modules; None for an empty or too long text, and for one outside printable ASCII, where scanners differ."""
    if not (0 < len(text) <= _LONGEST_CODE128 and text.isascii() and text.isprintable()):
        return None
    symbols = 2 + sum(1 + (len(pairs) // 2 or len(others)) for pairs, others in pieces(text))  # 2: the check and the stop
    return Symbol(kind=Kind.CODE128, text=text, width=symbols * 11 + 2)


def pieces(text: str) -> list[tuple[str, str]]:
    """What Code 128 writes in subset C, digits in pairs, and what in B: of each two one is empty. No split takes fewer symbols."""
    return _PIECES.findall(text)


def qr(text: str) -> Symbol | None:
    """Error correction M, and as large as the text takes in a single mode, which any printer can; None if empty or too long."""
    if not 0 < len(text.encode()) <= _LONGEST_QR:
        return None
    version = next(version for version, words in enumerate(_WORDS, 1) if _bits(text, version) <= 8 * words)
    return Symbol(kind=Kind.QR, text=text, width=17 + 4 * version)


def _bits(text: str, version: int) -> int:
    """ISO/IEC 18004: the mode, how many characters there are, and these; other than ASCII is UTF-8 and says so first."""
    more = 2 if version > 9 else 0
    if not text.isascii():
        return 16 + 8 + 4 * more + 8 * len(text.encode())
    if text.isdigit():
        return 4 + 10 + more + (10 * len(text) + 2) // 3
    if _ALPHANUMERIC.fullmatch(text):
        return 4 + 9 + more + (11 * len(text) + 1) // 2
    return 4 + 8 + 4 * more + 8 * len(text)
