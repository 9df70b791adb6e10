"""The packing slip: a link, and the small PDF behind it."""

from __future__ import annotations

import hashlib

from adapters.delhivery.lab.replies import json_reply
from adapters.lab.side import Call, Desk, Reply


def packing_slip(call: Call, desk: Desk) -> Reply:
    awb = call.query.get("wbns", "")
    if desk.by_awb(awb) is None:
        return json_reply({"packages": [], "packages_found": 0})
    size = call.query.get("pdf_size", "A4")
    if call.query.get("pdf", "").casefold() != "true":
        return json_reply({"packages": [{"wbn": awb}], "packages_found": 1})
    link = f"http://{call.host}/packing-slip/{awb}.pdf?X-Amz-Signature={_signature(awb)}&size={size}"
    return json_reply({"packages": [{"wbn": awb, "pdf_download_link": link, "pdf_encoding": ""}], "packages_found": 1})


def slip_file(call: Call, desk: Desk) -> Reply:
    """Behind the link: opened by its signature, not by a token."""
    awb = call.params["name"].removesuffix(".pdf")
    if call.query.get("X-Amz-Signature") != _signature(awb) or "authorization" in call.headers:
        return Reply(status=403, body=b"<Error><Code>AccessDenied</Code></Error>", content_type="application/xml")
    return Reply(body=_pdf(f"LAB packing slip {awb}", call.query.get("size", "A4")), content_type="application/pdf")


def _signature(awb: str) -> str:
    return hashlib.blake2b(awb.encode(), key=b"lab slip", digest_size=16).hexdigest()


def _pdf(line: str, size: str) -> bytes:
    """One page with one line."""
    box = "0 0 288 432" if size == "4R" else "0 0 595 842"
    text = f"BT /F1 12 Tf 20 400 Td ({line}) Tj ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()
