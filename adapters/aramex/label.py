"""The label of a waybill, as a PDF inside the answer.

WSDL of the shipping service (A): report type RPT brings the bytes, URL an address; only the first is asked for, so that nothing
has to be fetched elsewhere. The report number is the account's (9201 in the carrier's own samples, B).
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.aramex import wire
from adapters.contract.carrier import Access, Booking, Document, Operation, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused

_REPORT = "9201"


class ShipmentLabel(msgspec.Struct, frozen=True, rename="pascal"):
    label_file_contents: bytes = b""


class Reply(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    shipment_number: str = ""
    shipment_label: ShipmentLabel = ShipmentLabel()


def build(booking: Booking, access: Access, so_far: SoFar) -> httpx.Request:
    fields = {
        **wire.head(access, (booking.carrier_reference,)),
        "ShipmentNumber": booking.awb,
        "ProductGroup": _group(booking),
        "OriginEntity": booking.handles.get("entity") or wire.setting(access.settings, "account_entity"),
        "LabelInfo": {"ReportID": _report(access), "ReportType": "RPT"},
    }
    return wire.SHIPPING.request(wire.address(access, "Shipping"), "PrintLabel", fields)


def _group(booking: Booking) -> str:
    if "group" not in booking.handles:
        raise Refused(RefusalKind.WRONG_STATE, "", "the waybill's product group was not kept with the booking")
    return booking.handles["group"]


def _report(access: Access) -> int:
    report = access.settings.get("label_report", "").strip() or _REPORT
    if not report.isdecimal():
        raise Refused(RefusalKind.ACCOUNT, "", "the setting label_report is no number")
    return int(report)


def parse(response: httpx.Response, booking: Booking, so_far: SoFar) -> Document:
    reply = wire.SHIPPING.read(response, "PrintLabel", Reply)
    wire.judge(reply, (booking.carrier_reference,))
    if reply.shipment_number != booking.awb:
        raise Misread("the label of another waybill")
    content = reply.shipment_label.label_file_contents
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
        raise Misread("not a whole PDF")
    return Document(content=content, format="pdf")


LABEL: Operation[Booking, Document] = Operation(
    steps=(Step(build=build, parse=parse),), repeatable=True, reads_server_errors=True, timeout=30.0
)
