"""Labels over the API: in the format asked for, converted or drawn, every version kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pypdfium2 as pdfium
import pytest
import sqlalchemy as sa
import zxingcpp
from PIL import Image

from gateway.store import tables
from tests.labels import files, zpl_reader
from tests.web.shop import SHIPPER, Shop

Scanned = set[tuple[str, str]]


def scanned(picture: Image.Image) -> Scanned:
    return {(code.format.name, code.text) for code in zxingcpp.read_barcodes(picture)}


def pdf_codes(content: bytes) -> Scanned:
    return scanned(pdfium.PdfDocument(content)[0].render(scale=203 / 72).to_pil())


def png_codes(content: bytes) -> Scanned:
    return scanned(Image.open(io.BytesIO(content)))


def zpl_codes(content: bytes) -> Scanned:
    return scanned(zpl_reader.labels(content)[0].picture)


@pytest.fixture
def booked(running: Shop) -> tuple[Shop, str]:
    """A pickup whose carrier gave a label."""
    pickup_id = running.book()["id"]
    running.drive()
    return running, f"/v1/pickups/{pickup_id}/label"


def set_label(shop: Shop, content: bytes, form: str, source: str = "carrier") -> None:
    """As if the carrier had given this one."""
    digest = hashlib.sha256(content).digest()
    with shop.db.write() as tx:
        tx.execute(sa.update(tables.labels).values(content=content, format=form, source=source, digest=digest, slip=None))


def versions(shop: Shop, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.get(f"{address}s")["data"]
    return found


@pytest.mark.parametrize(
    ("accept", "sent_as"),
    [
        ("*/*", "application/pdf"),
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
        ("application/zpl", "application/zpl"),
        ("x-application/zpl", "x-application/zpl"),
        ("application/x-zpl", "application/x-zpl"),
        ("text/html, image/*;q=0.5", "image/png"),
    ],
)
def test_the_header_accept_says_in_which_format(booked, accept, sent_as):
    shop, address = booked
    answer = shop.call("GET", f"{address}?kind=packing_slip", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"], answer.headers["vary"]) == (200, sent_as, "Accept")


@pytest.mark.parametrize("kind", ["packing_slip", "parcel_label"])
@pytest.mark.parametrize(("form", "read"), [("pdf", pdf_codes), ("png", png_codes), ("zpl", zpl_codes)])
def test_our_own_papers_carry_the_awb_and_the_reference(booked, kind: str, form: str, read: Callable[[bytes], Scanned]):
    shop, address = booked
    awb = shop.get(address.removesuffix("/label"))["bookings"][0]["awb"]
    answer = shop.call("GET", f"{address}?kind={kind}&format={form}")
    assert read(answer.content) == {("Code128", awb), ("QRCode", "RMA-1")}


def test_a_carriers_pdf_is_converted_once_and_kept_by_its_hash(booked):
    shop, address = booked
    first = shop.call("GET", f"{address}?format=png&kind=carrier")
    assert (first.status_code, first.content[:4]) == (200, b"\x89PNG")
    with shop.db.read() as tx:
        (copy,) = tx.execute(sa.select(tables.label_copies)).all()
    assert (copy.content, copy.digest) == (first.content, hashlib.sha256(first.content).digest())
    assert shop.call("GET", f"{address}?format=png").content == first.content
    assert shop.count(tables.label_copies) == 1


def test_zpl_of_a_carrier_is_passed_on_as_it_is_and_nothing_else_is_made_of_it(booked):
    shop, address = booked
    set_label(shop, b"^XA^FO10,10^A0N,30^FDHello^FS^XZ", "zpl")
    answer = shop.call("GET", address)
    assert (answer.headers["content-type"], answer.content) == ("application/zpl", b"^XA^FO10,10^A0N,30^FDHello^FS^XZ")
    refused = shop.call("GET", f"{address}?format=pdf")
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert refused.json()["detail"].startswith("this label can be had as zpl: the carrier's ZPL is drawn by the printer")
    assert shop.call("GET", address, headers={"accept": "application/pdf"}).status_code == 406


@pytest.mark.parametrize("unknown", ["gif", ""])
def test_a_format_nobody_knows_is_refused_naming_those_there_are(booked, unknown):
    shop, address = booked
    answer = shop.call("GET", f"{address}?format={unknown}")
    assert (answer.status_code, shop.errors(answer)) == (400, {"format": "not_one_of"})
    assert answer.json()["errors"][0]["detail"] == "there are pdf, png, zpl"


def test_where_no_format_there_is_would_do_the_answer_names_those_there_are(booked):
    shop, address = booked
    answer = shop.call("GET", address, headers={"accept": "image/gif"})
    assert (answer.status_code, answer.json()["detail"]) == (406, "this label can be had as pdf, png, zpl")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (files.locked(), "the carrier's file is locked with a password; it can be had as pdf"),
        (files.many_pages(10_000), "the carrier's file has more than 50 pages; it can be had as pdf"),
        (files.one_page(b"", (1e9, 1e9)), "a page of the carrier's file is larger than A3; it can be had as pdf"),
    ],
)
def test_a_file_that_cannot_be_drawn_is_a_problem_that_says_why_and_is_opened_once(booked, content, sentence):
    shop, address = booked
    set_label(shop, content, "pdf")
    answers = [shop.call("GET", f"{address}?format=png") for _ in range(2)]
    assert [(one.status_code, one.json()["code"], one.json()["detail"]) for one in answers] == [
        (422, "unconvertible", sentence)
    ] * 2
    assert shop.count(tables.label_copies) == 1
    assert shop.call("GET", address).content == content


def test_the_parameters_are_checked(booked):
    shop, address = booked
    answer = shop.call("GET", f"{address}?kind=manifest&page=2&format=zpl")
    assert (answer.status_code, shop.errors(answer)) == (400, {"kind": "not_one_of", "page": "not_here"})
    for kind in ("carrier", "packing_slip"):
        beyond = shop.call("GET", f"{address}?page=9&kind={kind}")
        assert (beyond.status_code, shop.errors(beyond)) == (400, {"page": "not_there"})


def test_where_the_carrier_gives_none_that_kind_is_not_found(booked):
    shop, address = booked
    set_label(shop, b"%PDF-", "pdf", source="ours")
    answer = shop.call("GET", f"{address}?kind=carrier")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "the carrier gave no label: ask kind=packing_slip or kind=parcel_label",
    )


def test_a_corrected_address_makes_a_new_version_and_the_old_one_stays(booked):
    shop, address = booked
    set_label(shop, b"%PDF-older", "pdf", source="ours")
    fresh = shop.call("GET", address)
    assert SHIPPER["line1"] in pdfium.PdfDocument(fresh.content)[0].get_textpage().get_text_bounded()
    newest, oldest = versions(shop, address)
    assert (newest["id"], newest["sha256"]) == (fresh.headers["x-label"], hashlib.sha256(fresh.content).hexdigest())
    assert shop.call("GET", f"{address}?version={oldest['id']}").content == b"%PDF-older"
    assert shop.call("GET", address).headers["x-label"] == newest["id"]
    assert len(versions(shop, address)) == 2


def test_another_merchants_label_is_not_found(booked):
    shop, address = booked
    theirs = shop.other_merchant()
    assert [shop.call("GET", path, key=theirs).status_code for path in (address, f"{address}s", f"{address}?format=zpl")] == [
        404
    ] * 3


def test_a_label_that_is_erased_takes_its_copies_with_it(booked):
    shop, address = booked
    shop.call("GET", f"{address}?format=png")
    with shop.db.write() as tx:
        tx.execute(sa.delete(tables.labels))
    assert shop.count(tables.label_copies) == 0
