"""The envelopes as they were when somebody looked at them: `python -m tests.adapters.aramex.golden` writes them anew."""

from collections.abc import Mapping
from pathlib import Path

import httpx
from lxml import etree
from msgspec.structs import replace

from adapters.contract.carrier import AwbList

from .examples import IN_DUBAI, NUMBER, WAREHOUSE, booking, built, enquiry, pickup, shipment, window

FOLDER = Path(__file__).parent / "golden"
ABROAD = replace(WAREHOUSE, country="SA", city="Riyadh", state="", postal_code="11564", phone="+966500000000")

REQUESTS: Mapping[str, httpx.Request] = {
    "number": built("book", pickup(), "number"),
    "waybill": built("book", pickup(order_number="RMA-9", instructions="Ring twice"), "waybill"),
    "waybill_abroad": built("book", pickup(shipper=IN_DUBAI, consignee=ABROAD), "waybill"),
    "waybill_forward": built("book", shipment(), "waybill"),
    "pickup": built("book", pickup(window=window("14:00", "16:00")), "pickup"),
    "pickup_state": built("cancel", booking(), "look"),
    "cancel": built("cancel", booking()),
    "label": built("label", booking()),
    "track": built("track", AwbList(awbs=(NUMBER, "47000000002"))),
    "quote": built("quote", enquiry()),
    "quote_economy": built("quote", enquiry(), "economy", domestic_economy_product="PEC"),
}

_PLAIN = etree.XMLParser(remove_blank_text=True)


def canonical(xml: bytes) -> str:
    """The same for all that differ by white space between elements only."""
    text: str = etree.tostring(etree.fromstring(xml, _PLAIN), method="c14n2").decode()
    return text


def golden(name: str) -> bytes:
    return (FOLDER / f"{name}.xml").read_bytes()


def main() -> None:
    for name, request in REQUESTS.items():
        pretty = etree.tostring(
            etree.fromstring(request.content, _PLAIN), pretty_print=True, xml_declaration=True, encoding="utf-8"
        )
        (FOLDER / f"{name}.xml").write_bytes(pretty)


if __name__ == "__main__":
    main()
