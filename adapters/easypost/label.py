"""The label, as a PDF.

Vendor documentation and recordings (A): EasyPost turns the bought label into a PDF when asked, and answers with a link into its
file store, which opens without a key and is fetched without one, from these hosts only.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from adapters.contract.carrier import Access, Booking, Document, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.easypost import shipment

# Both writings of the same store were recorded.
FILE_HOSTS = ("easypost-files.s3.us-west-2.amazonaws.com", "easypost-files.s3-us-west-2.amazonaws.com")


def shipment_of(booking: Booking) -> str:
    """EasyPost's id of the booking's shipment. Raises Refused where none is known."""
    found = booking.handles.get("shipment", "")
    if not found:
        raise Refused(RefusalKind.WRONG_STATE, raw_message="no shipment was made for this booking", field="/handles/shipment")
    return found


def build_link(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    return shipment.as_pdf(shipment_of(booking), access)


def parse_link(response: httpx.Response, booking: Booking, so_far: SoFar) -> Next:
    found = shipment.named(shipment.read(response), shipment_of(booking), booking.carrier_reference)
    if found.tracking_code != booking.awb or found.postage_label is None or not found.postage_label.label_pdf_url:
        raise Misread("no link to this booking's label")
    return Next(so_far={"link": found.postage_label.label_pdf_url})


def build_file(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    link = so_far["link"]
    if not _may_fetch(link, access.base_url):
        raise Misread(f"a label on a host that is not EasyPost's: {urlsplit(link).hostname}")
    return httpx.Request("GET", link, headers={"Accept": "application/pdf"})


def _may_fetch(link: str, base_url: str) -> bool:
    """Known hosts by https; the account's own address (the lab's) as it is."""
    there, here = urlsplit(link), urlsplit(base_url)
    if (there.scheme, there.netloc) == (here.scheme, here.netloc):
        return True
    host = there.hostname or ""
    return there.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in FILE_HOSTS)


def parse_file(response: httpx.Response, booking: Booking, so_far: SoFar) -> Document:
    content = response.content
    if not response.is_success or not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
        raise Misread(f"not a whole PDF: HTTP {response.status_code}")
    return Document(content=content, format="pdf")


LABEL: Operation[Booking, Document] = Operation(
    steps=(
        Step(name="link", build=build_link, parse=parse_link),
        Step(name="file", build=build_file, parse=parse_file),
    ),
    repeatable=True,
    timeout=30.0,
)
