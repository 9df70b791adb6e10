"""Our packing slip and parcel label as PDF, PNG and ZPL: scanned from the picture a printer makes of them."""

from __future__ import annotations

import io
from itertools import combinations

import msgspec
import pypdfium2 as pdfium
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from gateway.labels import parcel_label, typeface, zpl
from gateway.labels.drawing import Bars, Text
from gateway.labels.printing import NoPage, Paper, printed
from gateway.labels.sheet import Slip
from tests.labels import zpl_reader
from tests.labels.goods import CUSTOMER, CUSTOMERS, PARCEL, slip

LABEL = (812, 1218)  # 4 x 6 inch at 203 dpi
BOTH = {("Code128", "1490812345678"), ("QRCode", "RMA-1001")}


def pictures(paper: Paper, what: Slip, form: str) -> list[Image.Image]:
    """A picture of each page, as a printer of 203 dpi would make it."""
    content = printed(paper, what, form)
    if form == "pdf":
        return [page.render(scale=203 / 72).to_pil().convert("L") for page in pdfium.PdfDocument(content)]
    if form == "zpl":
        return [label.picture for label in zpl_reader.labels(content)]
    sheet = Image.open(io.BytesIO(content))
    return [sheet.crop((0, top, sheet.width, top + LABEL[1])) for top in range(0, sheet.height, LABEL[1])]


def scanned(picture: Image.Image) -> set[tuple[str, str]]:
    return {(code.format.name, code.text) for code in zxingcpp.read_barcodes(picture)}


@pytest.mark.parametrize("form", ["pdf", "png", "zpl"])
@pytest.mark.parametrize("paper", Paper)
@pytest.mark.parametrize("who", CUSTOMERS)
def test_both_codes_are_read_from_what_is_printed(paper, form, who):
    first, *_ = pictures(paper, slip(shipper=CUSTOMERS[who], simulated=True), form)
    assert scanned(first) == BOTH


@pytest.mark.parametrize("form", ["pdf", "png", "zpl"])
@pytest.mark.parametrize("paper", Paper)
def test_there_is_a_page_for_each_parcel_and_each_carries_the_codes(paper, form):
    found = pictures(paper, slip(parcels=(PARCEL,) * 3), form)
    assert [scanned(one) for one in found] == [BOTH] * 3


def test_each_parcels_label_says_which_of_how_many_it_is():
    pdf = pdfium.PdfDocument(printed(Paper.PARCEL_LABEL, slip(parcels=(PARCEL,) * 3), "pdf"))
    heads = [" ".join(page.get_textpage().get_text_bounded().split()[:5]) for page in pdf]
    assert heads == ["RETURN LABEL 1 of 3", "RETURN LABEL 2 of 3", "RETURN LABEL 3 of 3"]


def test_one_page_of_a_png_is_had_alone():
    what = slip(parcels=(PARCEL,) * 3)
    whole = Image.open(io.BytesIO(printed(Paper.PARCEL_LABEL, what, "png")))
    second = Image.open(io.BytesIO(printed(Paper.PARCEL_LABEL, what, "png", 2)))
    assert (whole.size, second.size, second.mode) == ((812, 3 * 1218), LABEL, "1")
    assert ImageChops.difference(whole.crop((0, 1218, 812, 2436)), second).getbbox() is None
    assert round(second.info["dpi"][0]) == 203


def test_a_page_there_is_not_is_refused_with_their_number():
    with pytest.raises(NoPage, match="there are 1 pages"):
        printed(Paper.PARCEL_LABEL, slip(), "png", 2)


@pytest.mark.parametrize("form", ["pdf", "png", "zpl"])
@pytest.mark.parametrize("paper", Paper)
def test_the_same_slip_gives_the_same_bytes(paper, form):
    assert printed(paper, slip(), form) == printed(paper, slip(), form)


@pytest.mark.parametrize("paper", Paper)
def test_paper_without_a_parcel_is_refused(paper):
    with pytest.raises(ValueError, match="stuck on a parcel"):
        printed(paper, slip(parcels=()), "png")


# --- ZPL ----------------------------------------------------------------------------------------------


def test_zpl_has_the_printers_own_codes_and_its_text_as_a_graphic():
    (label,) = zpl_reader.labels(printed(Paper.PARCEL_LABEL, slip(), "zpl"))
    assert sorted(label.said) == sorted(BOTH)
    assert scanned(ImageChops.invert(label.graphic)) == set()
    assert ImageChops.logical_and(label.graphic, label.codes).getbbox() is None


LEANING = msgspec.structs.replace(CUSTOMER, name="\u0301\u0302j", line1="\u093f\u093f \u0301f", line2="ليلى")


@pytest.mark.parametrize("who", [*CUSTOMERS.values(), LEANING], ids=[*CUSTOMERS, "leaning"])
def test_zpl_and_png_are_the_same_picture(who):
    """Also where letters lean out of their line, and marks have none to stand on."""
    what = slip(shipper=who, parcels=(PARCEL, PARCEL))
    for label, png in zip(pictures(Paper.PARCEL_LABEL, what, "zpl"), pictures(Paper.PARCEL_LABEL, what, "png"), strict=True):
        assert ImageChops.difference(label, png.convert("1")).getbbox() is None


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=16))
def test_any_awb_and_reference_come_through_zpl(text):
    (label, *_) = zpl_reader.labels(printed(Paper.PARCEL_LABEL, slip(awb=text, reference=text), "zpl"))
    assert sorted(label.said) == [("Code128", text), ("QRCode", text)]


def test_a_reference_of_other_than_ascii_is_a_graphic_and_still_read():
    (label,) = zpl_reader.labels(printed(Paper.PARCEL_LABEL, slip(reference="वापसी-१"), "zpl"))
    assert [kind for kind, _ in label.said] == ["Code128"]
    assert ("QRCode", "वापसी-१") in scanned(label.picture)


def test_zpl_of_one_label_is_small():
    assert len(printed(Paper.PARCEL_LABEL, slip(), "zpl")) < 16 * 1024


# --- nothing overlaps, nothing is cut -------------------------------------------------------------------


def boxes(what: Slip) -> list[list[tuple[float, float, float, float]]]:
    """Where text and codes stand on each page: left, top, right, bottom, in points. Of a letter's height, what most have."""
    pages = []
    for page in parcel_label.draw(what).pages:
        found = []
        for mark in page.marks:
            if isinstance(mark, Text) and mark.runs:
                wide = sum(run.advance for run in mark.runs) * mark.pen.size / typeface.UNITS * mark.squeeze
                found.append((mark.x, mark.y - 0.72 * mark.pen.size, mark.x + wide, mark.y + 0.2 * mark.pen.size))
            elif isinstance(mark, Bars):
                symbol = mark.symbol
                found.append((mark.x, mark.y, mark.x + symbol.width * mark.module, mark.y + symbol.height * mark.high))
        pages.append(found)
    return pages


def apart(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[2] <= other[0] + 0.1 or other[2] <= one[0] + 0.1 or one[3] <= other[1] or other[3] <= one[1]


words = st.text(st.sampled_from("abcWM 1,-/éЖकلஅ"), max_size=120)


@settings(max_examples=40, deadline=None)
@given(words, words, words, words, words)
def test_no_text_or_code_stands_on_another(name, line, other, reference, token):
    party = msgspec.structs.replace(CUSTOMER, name=name, line1=line, line2=other, landmark=other, company=name)
    what = slip(shipper=party, consignee=party, reference=reference or "R", pickup_token=token, simulated=True)
    for page in boxes(what):
        assert [pair for pair in combinations(page, 2) if not apart(*pair)] == []
        assert [box for box in page if box[0] < 11.9 or box[2] > 276.1 or box[1] < 12 or box[3] > 424] == []


def test_an_address_too_long_for_the_label_stands_in_full_on_the_next_page():
    words = [f"street{number}" for number in range(140)]
    pdf = pdfium.PdfDocument(
        printed(Paper.PARCEL_LABEL, slip(shipper=msgspec.structs.replace(CUSTOMER, line1=" ".join(words))), "pdf")
    )
    first, second = (page.get_textpage().get_text_bounded() for page in pdf)
    assert "…" in first
    assert [word for word in words if word not in second.split()] == []


@pytest.mark.parametrize("who", ["hindi", "arabic", "tamil", "bengali", "russian"])
def test_a_name_in_another_script_is_inked_in_black_and_white(who):
    with_name, without = (
        zpl_reader.labels(printed(Paper.PARCEL_LABEL, slip(shipper=msgspec.structs.replace(CUSTOMERS[who], name=name)), "zpl"))[0]
        for name in (CUSTOMERS[who].name, "")
    )
    assert ImageChops.difference(with_name.graphic, without.graphic).getbbox()
    assert all(glyph.id for run in typeface.line(CUSTOMERS[who].name) for glyph in run.glyphs)


def test_the_names_of_the_module_are_those_of_the_guide():
    assert zpl.write(parcel_label.draw(slip())).startswith(b"^XA^CI28^PW812^LL1218^LH0,0\n^FO0,")
