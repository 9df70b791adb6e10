"""Barcodes as modules: read back from the grid, and refused where no scanner would agree."""

import pytest
import zxingcpp
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gateway.labels import codes
from gateway.labels.codes import Symbol

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)


def read(symbol: Symbol, high: int = 4) -> list[str]:
    """What a scanner reads from the modules, drawn four pixels wide with a quiet zone, at that size alone."""
    quiet = 40
    picture = Image.new("L", (symbol.width * 4 + 2 * quiet, symbol.height * high + 2 * quiet), 255)
    for column, row, length in symbol.bars:
        x, y = quiet + column * 4, quiet + row * high
        ImageDraw.Draw(picture).rectangle((x, y, x + length * 4 - 1, y + high - 1), fill=0)
    return [code.text for code in zxingcpp.read_barcodes(picture, try_downscale=False, text_mode=zxingcpp.TextMode.Plain)]


@example("0?3z000")
@given(PRINTABLE)
def test_code_128_carries_any_printable_ascii(text):
    symbol = codes.code128(text)
    assert symbol
    assert read(symbol, high=60) == [text]


@example("05")
@example("3~X3452459")
@given(st.text(st.sampled_from("0123456789aZ-^ "), min_size=1, max_size=30))
def test_a_code_128_is_as_wide_as_its_text_says(text):
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    _, wide = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False).shape
    symbol = codes.code128(text)
    assert symbol and symbol.width == wide


@example("7" * 300)
@example("é" * 150)
@example("१" * 100)
@example("AB-7" * 75)
@example("ab-7" * 75)
@example("日本語" * 33)
@given(PRINTABLE)
def test_a_qr_code_carries_the_reference(text):
    symbol = codes.qr(text)
    assert symbol
    assert read(symbol) == [text]


@pytest.mark.parametrize("text", ["", "é", "१२३", "\x07", "7" * 81])
def test_code_128_is_not_made_of_what_scanners_read_differently(text):
    assert codes.code128(text) is None


@pytest.mark.parametrize("text", ["", "7" * 301])
def test_no_qr_code_is_made_of_nothing_or_too_much(text):
    assert codes.qr(text) is None
