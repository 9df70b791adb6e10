"""How long reading a tracking answer takes: `python -m tests.bench.soap`.

The answer tells of ten waybills, eight updates each. CPU time, the smallest mean of several repeats (the machine's noise only
adds). The floor is lxml by hand: parsed, the fields picked, nothing guarded. Limit: 1.3 times the floor. zeep is shown to tell
why it is left out.
"""

from __future__ import annotations

import httpx
from lxml import etree

from adapters.aramex import wire
from adapters.aramex.track import Answer, Update, parse, read
from adapters.contract.carrier import AwbList
from tests.bench.choice import microseconds
from tests.bench.measuring import Broken

LIMIT = 1.3
WAYBILLS = tuple(f"470000000{number:02}" for number in range(10))
UPDATES = 8

_ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_CODES = ("SH014", "SH308", "SH012", "SH047", "SH022", "SH222", "SH003", "SH005")


class ByZeep(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    tracking_results: dict[str, list[dict[str, object]]]


def main() -> None:
    content = answer()
    response = httpx.Response(200, content=content, headers={"content-type": "text/xml; charset=utf-8"})
    question = AwbList(awbs=WAYBILLS)
    if by_hand(content) != read(response):
        raise Broken("the floor and the adapter read something else")
    floor = microseconds(lambda: by_hand(content), calls=200)
    size = f"{len(WAYBILLS)} waybills, {len(content) / 1024:.0f} KiB"
    print(f"tracking of {size}, CPU microseconds; the floor, lxml by hand: {floor:.0f}")
    print(f"{'part':58} {'us':>7} {'x floor':>8}")
    for name, spent in (
        (f"guarded and read (limit {LIMIT} x floor)", microseconds(lambda: read(response), calls=200)),
        ("and made scans: codes, times, places", microseconds(lambda: parse(response, question, {}), calls=200)),
        ("by zeep, behind the same guard", microseconds(lambda: wire.TRACKING.read(response, "TrackShipments", ByZeep), 20, 5)),
    ):
        print(f"{name:58} {spent:7.0f} {spent / floor:8.2f}")


def by_hand(content: bytes) -> Answer:
    """What one would write for this answer alone."""
    root, found = etree.fromstring(content), {}
    for entry in root.iter(f"{{{_ARRAYS}}}KeyValueOfstringArrayOfTrackingResultmFAkxlpY"):
        found[entry[0].text] = [_update(result) for result in entry[1]]
    unknown = root.find(f".//{wire.NAMESPACE}NonExistingWaybills")
    return Answer(found, frozenset(one.text for one in unknown))


def _update(result: etree._Element) -> Update:
    text = {child.tag: child.text or "" for child in result}
    return Update(
        text[f"{wire.NAMESPACE}WaybillNumber"],
        text[f"{wire.NAMESPACE}UpdateCode"],
        text[f"{wire.NAMESPACE}ProblemCode"],
        text[f"{wire.NAMESPACE}UpdateDescription"],
        text[f"{wire.NAMESPACE}UpdateDateTime"],
        text[f"{wire.NAMESPACE}UpdateLocation"],
    )


def answer() -> bytes:
    """As the service writes it: pretty-printed nowhere, namespaces declared where they are used."""
    results = "".join(_entry(waybill) for waybill in WAYBILLS)
    body = (
        '<ShipmentTrackingResponse xmlns="http://ws.aramex.net/ShippingAPI/v1/">'
        '<Transaction xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
        "<Notifications/><HasErrors>false</HasErrors>"
        f'<TrackingResults xmlns:a="{_ARRAYS}">{results}</TrackingResults><NonExistingWaybills/></ShipmentTrackingResponse>'
    )
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def _entry(waybill: str) -> str:
    updates = "".join(_result(waybill, number) for number in range(UPDATES))
    tag = "a:KeyValueOfstringArrayOfTrackingResultmFAkxlpY"
    return f"<{tag}><a:Key>{waybill}</a:Key><a:Value>{updates}</a:Value></{tag}>"


def _result(waybill: str, number: int) -> str:
    return (
        f"<TrackingResult><WaybillNumber>{waybill}</WaybillNumber><UpdateCode>{_CODES[number]}</UpdateCode>"
        "<UpdateDescription>Something has happened to it</UpdateDescription>"
        f"<UpdateDateTime>2026-03-1{number}T17:17:00</UpdateDateTime>"
        "<UpdateLocation>Riyadh, Saudi Arabia</UpdateLocation><Comments>POS: delivery update</Comments><ProblemCode/>"
        "<GrossWeight>0.48</GrossWeight><ChargeableWeight>0.5</ChargeableWeight><WeightUnit>KG</WeightUnit></TrackingResult>"
    )


if __name__ == "__main__":
    main()
