"""The packing slip: a link, and the small PDF behind it."""

from __future__ import annotations

import hashlib

from adapters.delhivery.lab.replies import json_reply
from adapters.lab.paper import A4, LABEL, pdf
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
    box = LABEL if call.query.get("size") == "4R" else A4
    return Reply(body=pdf(f"LAB packing slip {awb}", box), content_type="application/pdf")


def _signature(awb: str) -> str:
    return hashlib.blake2b(awb.encode(), key=b"lab slip", digest_size=16).hexdigest()
