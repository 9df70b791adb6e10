"""Why a label is not given in another format: the codes that tell it, with their sentences."""

from __future__ import annotations

import enum


class Why(enum.StrEnum):
    BROKEN = "broken"
    LOCKED = "locked"
    EMPTY = "empty"
    MANY_PAGES = "many_pages"
    LARGE_PAGE = "large_page"
    NO_PAGE = "no_page"
    BLANK = "blank"
    NO_FONT = "no_font"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    FAILED = "failed"
    CODES_LOST = "codes_lost"
    NOT_FOR_PRINTER = "not_for_printer"
    NO_SIZE = "no_size"
    ZPL = "zpl"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


MOST_PAGES = 50

_SENTENCES = {
    Why.BROKEN: "the carrier's file is damaged: it cannot be drawn",
    Why.LOCKED: "the carrier's file is locked with a password",
    Why.EMPTY: "the carrier's file has no page",
    Why.MANY_PAGES: f"the carrier's file has more than {MOST_PAGES} pages",
    Why.LARGE_PAGE: "a page of the carrier's file is larger than A3",
    Why.NO_PAGE: "the carrier's file has fewer pages",
    Why.BLANK: "nothing is to be seen on the carrier's file",
    Why.NO_FONT: "the carrier's file names a font for other than Latin letters and does not bring it along",
    Why.TOO_LARGE: "the carrier's file is too large to be drawn",
    Why.TOO_LONG: "drawing the carrier's file takes too long",
    Why.FAILED: "drawing the carrier's file failed: it is damaged, or needs more memory than is given to it",
    Why.CODES_LOST: "a barcode of the carrier's label could not be read any more in black and white at 203 dpi",
    Why.NOT_FOR_PRINTER: "what the carrier printed is larger than 4 x 6 inch, and made smaller its barcodes could not be read",
    Why.NO_SIZE: "the carrier's picture does not say how large it is, and has not the shape of 4 x 6 inch",
    Why.ZPL: "the carrier's ZPL is drawn by the printer, with the printer's own fonts: it is passed on only as it is",
}


class Unconvertible(Exception):
    """Not in this format, nor later: the label itself is the cause."""

    def __init__(self, why: Why) -> None:
        self.why = why
        super().__init__(why.sentence)


class Busy(Exception):
    """Too many conversions at once, or the converter ended without an answer: the same again may work."""
