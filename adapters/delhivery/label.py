"""The packing slip: a link, then the file behind it.

Developer portal, generate shipping label (2026-07): a signed S3 link good for a day; p99 62 s. The link's own signature opens it,
so it is fetched without our token and only from the hosts we know. A reverse pickup needs no label from the customer.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import msgspec

from adapters.contract.carrier import Access, Booking, Document, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.delhivery import wire
from adapters.wire import json

FILE_HOSTS = ("amazonaws.com",)
SIZES = ("A4", "4R")


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    wbn: str | int | None = None
    pdf_download_link: str | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    packages: list[Slip]
    packages_found: int | None = None


def build_link(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    size = access.settings.get("label_size") or SIZES[0]
    if size not in SIZES:
        raise Refused(RefusalKind.ACCOUNT, "", f"the setting label_size is none of {', '.join(SIZES)}")
    return wire.get(access, "/api/p/packing_slip", {"wbns": booking.awb, "pdf": "true", "pdf_size": size})


def parse_link(response: httpx.Response, booking: Booking, so_far: SoFar) -> Next:
    """A wrong or unknown waybill is an empty list with HTTP 200."""
    wire.screen(response)
    slips = json.read(response, Reply).packages
    wire.positive(response)
    if not slips:
        raise Refused(RefusalKind.WRONG_STATE, "", "no packing slip: this waybill is not (yet) manifested")
    slip = slips[0]
    if str(slip.wbn) != booking.awb or not slip.pdf_download_link:
        raise Misread("no link to this waybill's slip")
    return Next(so_far={"link": slip.pdf_download_link})


def build_file(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    link = so_far["link"]
    if not _may_fetch(link, access.base_url):
        raise Misread(f"a slip on a host that is not Delhivery's: {urlsplit(link).hostname}")
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
    return Document(content=response.content, format="pdf")


LABEL: Operation[Booking, Document] = Operation(
    steps=(
        Step(name="link", build=build_link, parse=parse_link),
        Step(name="file", build=build_file, parse=parse_file),
    ),
    repeatable=True,
    timeout=65.0,
)
