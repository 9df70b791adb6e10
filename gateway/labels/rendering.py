"""A carrier's label drawn anew in another format: PDF by pdfium, PNG by Pillow. Only ever run in the sandbox.

Drawn at twice 203 dpi, then made black and white. A label whose barcodes cannot be read any more is no label: zxing reads them
before and after. For a label printer's ZPL what is printed must fit 4 x 6 inch in its own size, turned or without the white
around it, but never made smaller.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

import msgspec
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import zxingcpp
from PIL import Image, ImageChops, UnidentifiedImageError

from gateway.labels import pdf, png, raster, zpl
from gateway.labels.bitmap import Bitmap
from gateway.labels.why import MOST_PAGES, Unconvertible, Why

_FINER = 2  # times 203 dpi, to read barcodes and to see what is more ink than paper
_MOST_DOTS = 2400 * 3400  # a page: A3 and a little
_MOST_DOTS_IN_ALL = 6 * _MOST_DOTS
_PRINTER = (832, 1240)  # dots: the head of a 4 inch printer, and a label of 6 inch
_LABEL = (812, 1218)  # dots: 4 x 6 inch
_BLACK = [255] * 128 + [0] * 128  # ink is 255
_LABEL_INCHES, _LABEL_SHAPE = (4.0, 6.0), 0.03  # of a picture without a size: how far it may be from that shape
_INCH = 25.4

Image.MAX_IMAGE_PIXELS = None  # the limit is _dots


class Seen(msgspec.Struct, frozen=True):
    """A page in grey: drawn _FINER times 203 dpi, and as fine as there is, to read its barcodes from."""

    grey: Image.Image
    finest: Image.Image


def convert(content: bytes, source: str, wanted: str, page: int | None) -> bytes:
    """`page` (the first is 1) picks one for PNG. Raises Unconvertible."""
    try:
        return _converted(content, source, wanted, page)
    except pdfium.PdfiumError as error:
        raise Unconvertible(Why.LOCKED if error.err_code in _LOCKED else Why.BROKEN) from error


def _converted(content: bytes, source: str, wanted: str, page: int | None) -> bytes:
    if source == "png" and wanted == "pdf":
        return _as_pdf(content)
    pages = _pdf_pages(content) if source == "pdf" else _png_pages(content)
    bitmaps = [_black_and_white(seen, for_printer=wanted == "zpl") for seen in pages]
    if not any(any(one.rows) for one in bitmaps):
        raise Unconvertible(Why.BLANK)
    if wanted == "zpl":
        return b"".join(map(zpl.label, bitmaps))
    if page is not None and page > len(bitmaps):
        raise Unconvertible(Why.NO_PAGE)
    return png.encoded(bitmaps if page is None else [bitmaps[page - 1]])


# --- PDF --------------------------------------------------------------------------------------------


def _pdf_pages(content: bytes) -> Iterator[Seen]:
    document = pdfium.PdfDocument(content)
    if not len(document):
        raise Unconvertible(Why.EMPTY)
    if len(document) > MOST_PAGES:
        raise Unconvertible(Why.MANY_PAGES)
    document.init_forms()
    left = _MOST_DOTS_IN_ALL
    for number in range(len(document)):
        page = document[number]
        left -= _dots(*(side / 72 for side in page.get_size()))
        if left < 0:
            raise Unconvertible(Why.TOO_LARGE)
        _check_fonts(page)
        grey = page.render(scale=_FINER * raster.SCALE, grayscale=True).to_pil().convert("L")
        yield Seen(grey, grey)


def _check_fonts(page: pdfium.PdfPage) -> None:
    """Other letters than Latin in a font that is not in the file would be drawn as something else, or not at all."""
    text = page.get_textpage().get_text_range()
    if any(letter > _LAST_LATIN and letter.isalpha() for letter in text) and not all(
        one.get_font().is_embedded for one in page.get_objects(filter=(pdfium_c.FPDF_PAGEOBJ_TEXT,))
    ):
        raise Unconvertible(Why.NO_FONT)


_LAST_LATIN = "\u024f"
_LOCKED = (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)


def _dots(*inches: float) -> int:
    """How many dots a page has at 203 dpi."""
    wide, high = (math.ceil(side * raster.DPI) if math.isfinite(side) else _MOST_DOTS for side in inches)
    if wide * high > _MOST_DOTS:
        raise Unconvertible(Why.LARGE_PAGE)
    if wide < 1 or high < 1:
        raise Unconvertible(Why.BROKEN)
    return wide * high


# --- PNG --------------------------------------------------------------------------------------------


def _png_pages(content: bytes) -> Iterator[Seen]:
    picture = _picture(content)
    sides = tuple(round(inches * raster.DPI * _FINER) for inches in _inches(picture))
    grey = _on_paper(picture).convert("L")
    yield Seen(grey.resize(sides, Image.Resampling.BOX), grey)


def _picture(content: bytes) -> Image.Image:
    """Raises Unconvertible."""
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG",))
        if picture.width * picture.height > _FINER**2 * _MOST_DOTS:
            raise Unconvertible(Why.LARGE_PAGE)
        _dots(*_inches(picture))
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Unconvertible(Why.BROKEN) from error
    return picture


def _inches(picture: Image.Image) -> tuple[float, float]:
    """As it says itself, else 4 x 6 where it has that shape."""
    across, down = picture.info.get("dpi", (0, 0))
    if across > 0 and down > 0:
        return picture.width / across, picture.height / down
    wide, high = _LABEL_INCHES
    for sides in ((wide, high), (high, wide)):
        if abs(picture.width * sides[1] / (picture.height * sides[0]) - 1) < _LABEL_SHAPE:
            return sides
    raise Unconvertible(Why.NO_SIZE)


def _on_paper(picture: Image.Image) -> Image.Image:
    """Without transparency: what shines through is white."""
    if not picture.has_transparency_data:
        return picture
    seen = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


def _as_pdf(content: bytes) -> bytes:
    """On one page, dot for dot."""
    picture = _picture(content)
    plain = _on_paper(picture)
    plain = plain if plain.mode in ("1", "L", "RGB") else plain.convert("RGB")
    wide, high = (side * 72 for side in _inches(picture))
    return pdf.of_picture(plain.mode, plain.size, plain.tobytes(), (wide, high))


# --- black and white --------------------------------------------------------------------------------


def _black_and_white(seen: Seen, *, for_printer: bool) -> Bitmap:
    ink = seen.grey.reduce(_FINER).point(_BLACK, "1")
    if for_printer:
        ink = _fitted(ink)
    if not _reads_as(seen.finest, ImageChops.invert(ink)):
        raise Unconvertible(Why.CODES_LOST)
    return Bitmap(width=ink.width, height=ink.height, rows=ink.tobytes())


def _reads_as(seen: Image.Image, printed: Image.Image) -> bool:
    """Whether every barcode of the one is read from the other, too."""
    there = zxingcpp.read_barcodes(seen, try_invert=False, try_downscale=False)
    if not there:
        return True
    formats = zxingcpp.BarcodeFormats([code.format for code in there])
    return {code.bytes for code in there} <= {code.bytes for code in zxingcpp.read_barcodes(printed, formats, try_invert=False)}


def _fitted(ink: Image.Image) -> Image.Image:
    """As it is, or turned; else what is printed, without the paper around it, in the middle of a label."""
    bare = ink.crop(ink.getbbox() or (0, 0, 1, 1))
    for one in (ink, _turned(ink)):
        if _fits(one, _PRINTER):
            return one
    for one in (bare, _turned(bare)):
        if _fits(one, _PRINTER):
            return _centred(one)
    raise Unconvertible(Why.NOT_FOR_PRINTER)


def _turned(ink: Image.Image) -> Image.Image:
    return ink.transpose(Image.Transpose.ROTATE_270)


def _fits(ink: Image.Image, room: tuple[int, int]) -> bool:
    return ink.width <= room[0] and ink.height <= room[1]


def _centred(ink: Image.Image) -> Image.Image:
    """On a label of 4 x 6 inch, or on one as large as itself."""
    sheet = Image.new("1", (max(_LABEL[0], ink.width), max(_LABEL[1], ink.height)))
    sheet.paste(ink, ((sheet.width - ink.width) // 2, (sheet.height - ink.height) // 2))
    return sheet
