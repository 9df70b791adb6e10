"""A few small files, converted once before the sandbox takes jobs: what is loaded late is loaded by then."""

from __future__ import annotations

from gateway.labels import pdf, png, rendering
from gateway.labels.bitmap import Bitmap
from gateway.labels.drawing import Drawing, Page
from gateway.labels.typeface import Pen
from gateway.labels.why import Unconvertible


def warm_up() -> None:
    page = Page()
    page.text(10, 20, "Aa", Pen(size=10))
    document = pdf.write(Drawing(width=72, height=72, title="", pages=(page,)))
    picture = png.encoded([Bitmap(width=80, height=120, rows=b"\x0f" * 1200)])
    for content, source, wanted in (
        (document, "pdf", "png"),
        (document, "pdf", "zpl"),
        (picture, "png", "pdf"),
        (picture, "png", "zpl"),
        (b"", "pdf", "png"),
        (b"", "png", "pdf"),
    ):
        _tried(content, source, wanted)


def _tried(content: bytes, source: str, wanted: str) -> None:
    try:
        rendering.convert(content, source, wanted, None)
    except Unconvertible:
        return
