"""Carriers' labels converted in the sandbox; hostile ones end as a refusal with its reason, and the converter goes on.

Real processes: one converter serves the whole module, with a second of processor time a job.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pypdfium2 as pdfium
import pytest
import zxingcpp
from PIL import Image

from gateway.labels.converter import Converter
from gateway.labels.printing import Paper, printed
from gateway.labels.sandbox import Limits
from gateway.labels.why import Unconvertible, Why
from tests.labels import files, zpl_reader
from tests.labels.goods import PARCEL, slip

BOTH = {("Code128", "1490812345678"), ("QRCode", "RMA-1001")}
OURS = printed(Paper.PARCEL_LABEL, slip(), "pdf")


class Bench:
    """A converter on a loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.converter = Converter(Limits(cpu=1, wall=20))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def convert(self, content: bytes, source: str, wanted: str, page: int | None = None) -> bytes:
        found: bytes = self.run(self.converter.convert(content, source, wanted, page))
        return found

    def refusal(self, content: bytes, source: str, wanted: str) -> Why:
        with pytest.raises(Unconvertible) as caught:
            self.convert(content, source, wanted)
        return caught.value.why


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GATEWAY_MASTER_KEY", "do not tell")
        made = Bench()
        yield made
    made.run(made.converter.close())
    made.loop.close()


def scanned(picture: Image.Image) -> set[tuple[str, str]]:
    return {(code.format.name, code.text) for code in zxingcpp.read_barcodes(picture)}


def as_a4(label: bytes) -> bytes:
    """A carrier's sheet with a label in one corner."""
    sheet = pdfium.PdfDocument.new()
    page = sheet.new_page(595, 842)
    shown = pdfium.PdfDocument(label).page_as_xobject(0, sheet).as_pageobject()
    shown.set_matrix(pdfium.PdfMatrix().translate(20, 390))
    page.insert_obj(shown)
    page.gen_content()
    out = io.BytesIO()
    sheet.save(out)
    return out.getvalue()


# --- what can be converted ------------------------------------------------------------------------------


def test_a_carriers_pdf_becomes_a_black_and_white_png_of_203_dpi(bench):
    picture = Image.open(io.BytesIO(bench.convert(OURS, "pdf", "png")))
    assert (picture.mode, picture.size, round(picture.info["dpi"][0])) == ("1", (812, 1218), 203)
    assert scanned(picture) == BOTH


def test_a_carriers_pdf_becomes_zpl_that_prints_the_same(bench):
    (label,) = zpl_reader.labels(bench.convert(OURS, "pdf", "zpl"))
    assert label.picture.size == (812, 1218)
    assert scanned(label.picture) == BOTH


def test_every_page_is_converted(bench):
    three = printed(Paper.PARCEL_LABEL, slip(parcels=(PARCEL,) * 3), "pdf")
    assert len(zpl_reader.labels(bench.convert(three, "pdf", "zpl"))) == 3
    assert Image.open(io.BytesIO(bench.convert(three, "pdf", "png"))).size == (812, 3 * 1218)
    assert Image.open(io.BytesIO(bench.convert(three, "pdf", "png", 3))).size == (812, 1218)


def test_a_page_there_is_not_is_refused(bench):
    with pytest.raises(Unconvertible) as caught:
        bench.convert(OURS, "pdf", "png", 2)
    assert caught.value.why is Why.NO_PAGE


def test_of_a_sheet_with_a_label_in_its_corner_a_label_printer_gets_the_label(bench):
    (label,) = zpl_reader.labels(bench.convert(as_a4(OURS), "pdf", "zpl"))
    left, top, right, bottom = label.graphic.getbbox() or (0, 0, 0, 0)
    assert label.picture.size == (812, 1218)
    assert (abs(left - (812 - right)) <= 8, abs(top - (1218 - bottom)) <= 1) == (True, True)
    assert scanned(label.picture) == BOTH


def test_a_label_that_lies_is_turned_upright_for_a_label_printer(bench):
    lying = files.one_page(b"0 0 432 288 re S 20 20 100 30 re f", (432, 288))
    (label,) = zpl_reader.labels(bench.convert(lying, "pdf", "zpl"))
    assert label.picture.size == (812, 1218)


def test_a_carriers_png_becomes_pdf_and_zpl(bench):
    png = printed(Paper.PARCEL_LABEL, slip(), "png")
    (page,) = pdfium.PdfDocument(bench.convert(png, "png", "pdf"))
    assert tuple(round(side) for side in page.get_size()) == (288, 432)
    assert scanned(page.render(scale=203 / 72).to_pil()) == BOTH
    (label,) = zpl_reader.labels(bench.convert(png, "png", "zpl"))
    assert scanned(label.picture) == BOTH


def test_a_png_of_300_dpi_is_brought_to_203(bench):
    (page,) = pdfium.PdfDocument(OURS)
    out = io.BytesIO()
    page.render(scale=300 / 72).to_pil().convert("L").save(out, "PNG")  # without saying its size: it has the shape of 4 x 6 inch
    (label,) = zpl_reader.labels(bench.convert(out.getvalue(), "png", "zpl"))
    assert label.picture.size == (812, 1218)
    assert scanned(label.picture) == BOTH


def test_plain_latin_needs_no_font_in_the_file(bench):
    assert bench.convert(files.in_a_font_not_there(""), "pdf", "png")


# --- what is refused --------------------------------------------------------------------------------------


def test_zpl_of_a_carrier_is_not_drawn(bench):
    assert bench.refusal(b"^XA^FO10,10^A0N,30^FDHello^FS^XZ", "zpl", "pdf") is Why.ZPL


def test_what_is_printed_larger_than_the_label_is_not_made_smaller(bench):
    full = files.one_page(b"10 10 575 820 re S", (595, 842))
    assert bench.refusal(full, "pdf", "zpl") is Why.NOT_FOR_PRINTER
    assert bench.convert(full, "pdf", "png")


def test_a_barcode_too_fine_for_the_printer_is_no_label(bench):
    """A module is two thirds of a dot of the printer wide."""
    code = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode("A" * 150, zxingcpp.BarcodeFormat.QRCode), scale=2)
    high, wide = code.shape
    sheet = Image.new("L", (2400, 3600), 255)
    sheet.paste(Image.frombytes("L", (wide, high), memoryview(cast("bytes", code)).tobytes()), (100, 100))
    out = io.BytesIO()
    sheet.save(out, "PNG", dpi=(600, 600))
    assert [kind for kind, _ in scanned(sheet)] == ["QRCode"]
    assert bench.refusal(out.getvalue(), "png", "zpl") is Why.CODES_LOST


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", Why.BROKEN, id="empty"),
        pytest.param(b"%PDF-1.7 and nothing more", Why.BROKEN, id="garbage"),
        pytest.param(files.many_pages(3)[:150], Why.BROKEN, id="truncated"),
        pytest.param(files.locked(), Why.LOCKED, id="locked"),
        pytest.param(files.many_pages(10_000), Why.MANY_PAGES, id="10,000 pages"),
        pytest.param(files.one_page(b"", (1e9, 1e9)), Why.LARGE_PAGE, id="gigantic"),
        pytest.param(files.one_page(b"", (14_400, 14_400)), Why.LARGE_PAGE, id="five metres"),
        pytest.param(files.in_a_font_not_there("0421"), Why.NO_FONT, id="Cyrillic in a font not there"),
        pytest.param(files.bomb(), Why.FAILED, id="bomb"),
        pytest.param(files.nested(), Why.FAILED, id="nested"),
        pytest.param(files.endless(), Why.TOO_LONG, id="endless"),
        pytest.param(files.huge_picture(), Why.BLANK, id="huge picture"),
        pytest.param(files.deep(), Why.BLANK, id="deep"),
    ],
)
def test_a_hostile_pdf_is_refused_and_the_next_one_is_converted(bench, content, why):
    assert bench.refusal(content, "pdf", "png") is why
    assert bench.convert(files.one_page(b"0 0 100 100 re f"), "pdf", "png")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"no picture", Why.BROKEN, id="garbage"),
        pytest.param(files.png(400, 600)[:60], Why.BROKEN, id="truncated"),
        pytest.param(files.png(60_000, 60_000), Why.LARGE_PAGE, id="bomb"),
        pytest.param(files.png(400, 400, bytes(160_000)), Why.NO_SIZE, id="square"),
        pytest.param(files.png(40, 60, bytes(2400), dpi=1), Why.LARGE_PAGE, id="a metre"),
    ],
)
def test_a_hostile_png_is_refused(bench, content, why):
    assert bench.refusal(content, "png", "zpl") is why


# --- the processes ----------------------------------------------------------------------------------------


def test_a_good_label_does_not_wait_for_a_hostile_one(bench):
    async def both() -> Any:
        done: list[str] = []

        async def one(name: str, content: bytes) -> None:
            with contextlib.suppress(Unconvertible):
                await bench.converter.convert(content, "pdf", "png")
            done.append(name)

        page = files.one_page(b"0 0 100 100 re f")
        await asyncio.gather(one("", page), one("", page))  # both processes run
        done.clear()
        hostile = asyncio.ensure_future(one("hostile", files.endless()))
        await asyncio.sleep(0)
        await one("good", page)
        await hostile
        return done

    assert bench.run(both()) == ["good", "hostile"]


def test_a_converter_that_was_killed_is_replaced(bench):
    async def killed() -> Any:
        page = files.one_page(b"0 0 9 9 re f")
        await bench.converter.convert(page, "pdf", "png")
        for process in bench.converter._idle:
            process.kill()
        return await bench.converter.convert(page, "pdf", "png")

    assert bench.run(killed()).startswith(b"\x89PNG")


def test_nobody_gets_the_answer_to_anothers_question(bench):
    """Whoever goes away while the answer is on its way takes the process with him."""

    async def gone() -> Any:
        first = asyncio.ensure_future(bench.converter.convert(files.endless(), "pdf", "png"))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await bench.converter.convert(OURS, "pdf", "png")

    assert scanned(Image.open(io.BytesIO(bench.run(gone())))) == BOTH


def test_too_many_at_once_are_told_to_come_again(bench):
    async def crowd() -> list[str]:
        page = files.one_page(b"0 0 9 9 re f")
        found = await asyncio.gather(*(bench.converter.convert(page, "pdf", "png") for _ in range(20)), return_exceptions=True)
        return [type(one).__name__ for one in found]

    assert bench.run(crowd()) == ["bytes"] * 16 + ["Busy"] * 4


def test_the_process_has_no_environment_and_so_no_secret(bench):
    bench.convert(files.one_page(b"0 0 9 9 re f"), "pdf", "png")
    (process, *_) = bench.converter._idle
    assert b"GATEWAY" not in Path(f"/proc/{process.pid}/environ").read_bytes()


def test_a_job_that_is_taken_over_can_open_no_file_and_no_socket():
    code = """
import os, socket
from gateway.labels import sandbox

def refused(act):
    try:
        act()
    except OSError:
        return True
    return False

sandbox._confine(5)
os._exit(0 if refused(lambda: open("/etc/hostname")) and refused(socket.socket) else 1)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_this_process_has_not_loaded_what_opens_strangers_files():
    """In a fresh interpreter: the API's modules alone."""
    code = "import sys, gateway.web.app; print([name for name in ('pypdfium2', 'PIL') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
