from __future__ import annotations

import pytest

from adapters.contract.carrier import Document, Next
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.delhivery import label

from .examples import AWB, access, booking, says

S3 = "https://express-hq.s3.ap-south-1.amazonaws.com/packing-slip/a.pdf?X-Amz-Signature=beef"


def slips(**slip: object) -> object:
    return {"packages": [{"wbn": AWB, "pdf_download_link": S3, "pdf_encoding": ""} | slip], "packages_found": 1}


@pytest.mark.parametrize(("settings", "size"), [({}, "A4"), ({"label_size": "4R"}, "4R")])
def test_the_slip_is_asked_for_as_a_pdf_link(settings, size):
    request = label.build_link(booking(), access(settings), {})
    assert request.url.path == "/api/p/packing_slip"
    assert dict(request.url.params) == {"wbns": AWB, "pdf": "true", "pdf_size": size}


def test_a_size_that_does_not_exist_is_refused():
    with pytest.raises(Refused) as caught:
        label.build_link(booking(), access({"label_size": "A5"}), {})
    assert caught.value.kind is RefusalKind.ACCOUNT


def test_the_link_is_kept_for_the_next_step():
    assert label.parse_link(says(slips()), booking(), {}) == Next(so_far={"link": S3})


def test_no_slip_comes_with_http_200():
    with pytest.raises(Refused) as caught:
        label.parse_link(says({"packages": [], "packages_found": 0}), booking(), {})
    assert caught.value.kind is RefusalKind.WRONG_STATE


@pytest.mark.parametrize(
    "body", [slips(wbn="1"), slips(wbn=None), slips(pdf_download_link=None), slips(pdf_download_link=""), {}, []]
)
def test_another_waybills_slip_is_misread(body):
    with pytest.raises(Misread):
        label.parse_link(says(body), booking(), {})


def test_the_file_is_fetched_without_credentials():
    request = label.build_file(booking(), access(), {"link": S3})
    assert str(request.url) == S3
    assert "authorization" not in request.headers


def test_the_accounts_own_address_may_hold_the_file():
    link = "http://127.0.0.1:8090/delhivery/packing-slip/a.pdf"
    assert label.build_file(booking(), access(base="http://127.0.0.1:8090/delhivery"), {"link": link}).url.port == 8090


@pytest.mark.parametrize(
    "link",
    [
        "http://express-hq.s3.ap-south-1.amazonaws.com/a.pdf",
        "https://amazonaws.com.evil.example/a.pdf",
        "https://evilamazonaws.com/a.pdf",
        "https://s3.amazonaws.com@evil.example/a.pdf",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9999/delhivery/a.pdf",
        "file:///etc/passwd",
        "a.pdf",
    ],
)
def test_a_file_on_another_host_is_not_fetched(link):
    with pytest.raises(Misread):
        label.build_file(booking(), access(base="http://127.0.0.1:8090/delhivery"), {"link": link})


def test_the_file_is_a_pdf():
    whole = b"%PDF-1.4 ... %%EOF\n"
    assert label.parse_file(says(whole), booking(), {}) == Document(content=whole, format="pdf")


@pytest.mark.parametrize(
    "reply", [says(b"<Error/>", 403), says(b"<html>"), says(b""), says(b"%PDF-1.4 ... %%EOF", 404), says(b"%PDF-1.4 ...")]
)
def test_anything_else_is_no_label(reply):
    with pytest.raises(Misread):
        label.parse_file(reply, booking(), {})
