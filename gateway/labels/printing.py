"""Our own packing slip and parcel label, in whichever format is asked for."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

from gateway.labels import packing_slip, parcel_label, pdf, png, zpl
from gateway.labels.drawing import Drawing
from gateway.labels.sheet import Slip

FORMATS = ("pdf", "png", "zpl")


class Paper(enum.StrEnum):
    PACKING_SLIP = "packing_slip"
    PARCEL_LABEL = "parcel_label"


class NoPage(Exception):
    """`pages` is how many there are."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        super().__init__(f"there are {pages} pages")


def printed(paper: Paper, slip: Slip, form: str, page: int | None = None) -> bytes:
    """`page`, the first is 1, picks one for PNG, which else has all of them one below the other. Raises NoPage."""
    drawing = _PAPERS[paper](slip)
    if form == "png":
        if page is not None and page > len(drawing.pages):
            raise NoPage(len(drawing.pages))
        return png.write(drawing, page)
    return pdf.write(drawing) if form == "pdf" else zpl.write(drawing)


_PAPERS: Mapping[Paper, Callable[[Slip], Drawing]] = {
    Paper.PACKING_SLIP: packing_slip.draw,
    Paper.PARCEL_LABEL: parcel_label.draw,
}
