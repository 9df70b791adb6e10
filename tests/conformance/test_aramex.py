"""Aramex: our descriptions and envelopes against the carrier's own, its codes and its recorded answer through the adapter."""

import datetime as dt
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

import adapters.aramex
from adapters.aramex import CARRIER, goods, wire
from adapters.aramex.codes import CODES, NOTES
from adapters.aramex.lab import SIDE, envelopes
from adapters.contract.carrier import AwbList
from adapters.contract.orders import Direction
from adapters.contract.scans import Milestone, Scan, Tracked
from adapters.lab.engine import Lab
from tests.adapters.aramex import examples, golden
from tests.adapters.aramex.shop import Shop
from tests.conformance import wsdl
from tests.conformance.conftest import Counted

OURS = Path(adapters.aramex.__file__).parent

# Our description: the carrier's, what a later schema of the same service has otherwise, and the operations used.
DESCRIPTIONS = {
    "shipping": (
        "shipping_v2.wsdl",
        "",
        (),
        ("ReserveShipmentNumberRange", "CreateShipments", "CreatePickup", "CancelPickup", "PrintLabel"),
    ),
    "rates": ("rates_v2.wsdl", "rates.xsd", ("RateCalculatorResponse", "RateDetails"), ("CalculateRate",)),
    "tracking": ("tracking_v2_dev.wsdl", "tracking.xsd", ("PickupTrackingResponse",), ("TrackShipments", "TrackPickup")),
}
SERVICES = {"Shipping": "shipping", "RateCalculator": "rates", "Tracking": "tracking"}
SH570 = "SH570"  # in the table without a word


@pytest.fixture
def folder(reference: Path) -> Path:
    return reference / "aramex"


def whole(folder: Path, name: str) -> dict[wsdl.Key, str]:
    description, later, names, _ = DESCRIPTIONS[name]
    parts = wsdl.meanings((folder / "wsdl" / description).read_bytes())
    if later:
        newer = wsdl.meanings((folder / "xsd" / later).read_bytes())
        parts |= {key: meaning for key, meaning in newer.items() if key[0] != "schema" and key[2] in names}
    return parts


def ours(name: str) -> bytes:
    return (OURS / f"{name}.wsdl").read_bytes()


# --- descriptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_our_description_is_a_part_of_theirs(folder: Path, counted: Counted, name: str) -> None:
    counted(f"aramex.{name} description")
    assert wsdl.faults(ours(name), whole(folder, name), DESCRIPTIONS[name][3]) == []


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_every_single_damage_is_seen(folder: Path, name: str) -> None:
    theirs, operations = whole(folder, name), DESCRIPTIONS[name][3]
    unseen = [what for what, damaged in wsdl.damages(ours(name)) if not wsdl.faults(damaged, theirs, operations)]
    assert unseen == []


# --- envelopes ------------------------------------------------------------------------------------


def their_schema(folder: Path, request: httpx.Request) -> etree.XMLSchema:
    description, *_ = DESCRIPTIONS[SERVICES[request.url.path.split("/")[-2]]]
    return envelopes.schema_of((folder / "wsdl" / description).read_bytes())


def body(xml: bytes) -> etree._Element:
    return etree.fromstring(xml)[0][0]


@pytest.mark.parametrize("name", golden.REQUESTS)
def test_an_envelope_is_valid_by_their_schema(folder: Path, counted: Counted, name: str) -> None:
    counted(f"aramex.{name} request")
    schema = their_schema(folder, golden.REQUESTS[name])
    assert schema.validate(body(golden.golden(name))), schema.error_log.last_error
    assert schema.validate(body(golden.REQUESTS[name].content)), schema.error_log.last_error


def test_the_check_of_envelopes_finds_faults(folder: Path) -> None:
    request = golden.REQUESTS["waybill"]
    element = body(request.content)
    number = element.find(f".//{wire.NAMESPACE}NumberOfPieces")
    number.getparent().remove(number)
    assert not their_schema(folder, request).validate(element)


# --- codes ----------------------------------------------------------------------------------------


def listed(folder: Path, name: str) -> set[str]:
    return {line.split("\t")[0] for line in (folder / "codes" / f"{name}.tsv").read_text().splitlines()}


def test_every_listed_update_code_is_mapped(folder: Path) -> None:
    assert listed(folder, "tracking_update_codes") - {SH570} == CODES.keys() | NOTES


def test_products_payments_and_services_are_the_carriers(folder: Path) -> None:
    domestic, abroad = listed(folder, "Domesticmethods"), listed(folder, "Internationalmethods")
    lanes = {("IN", "IN"): domestic, ("AE", "AE"): domestic, ("AE", "IN"): abroad}
    for lane, products in lanes.items():
        product = goods.product(goods.EXPRESS, *lane, examples.access())
        assert product
        assert product.type in products
        assert product.group in listed(folder, "Productgroup")
    for kind in ("3", "C", "P"):
        paid = goods.payment(Direction.REVERSE, examples.access(return_payment=kind))
        assert paid.type in listed(folder, "Defaultpaymenttype")
        assert paid.services in listed(folder, "DomesticAdditionalServices") & listed(folder, "InternationalAdditionalServices")


# --- answers --------------------------------------------------------------------------------------


def test_their_recorded_tracking_is_read(folder: Path, counted: Counted) -> None:
    counted("aramex.track reply")
    content = (folder / "samples" / "usgm_tracking_response_ascii.xml").read_bytes()
    response = httpx.Response(200, content=content, headers={"content-type": "text/xml; charset=utf-8"})
    assert CARRIER.track
    assert CARRIER.track.steps[0].parse(response, AwbList(awbs=("30793916823",)), {}) == {
        "30793916823": Tracked(
            awb="30793916823",
            scans=(
                Scan(
                    code="SH006",
                    at=dt.datetime(2017, 4, 18, 14, 17, tzinfo=dt.UTC),
                    milestone=Milestone.DELIVERED,
                    text="Collected by Consignee",
                    place="Al Silay - exit 16 Riyadh, Saudi Arabia",
                ),
            ),
        )
    }


class Listening(Shop):
    """Keeps what went over the wire."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.heard: list[tuple[httpx.Request, httpx.Response]] = []

    def send(self, request: httpx.Request) -> httpx.Response:
        response = super().send(request)
        self.heard.append((request, response))
        return response


def test_what_the_lab_answers_is_valid_by_their_schema(folder: Path, counted: Counted) -> None:
    counted("aramex.lab replies")
    shop = Listening(Lab({"aramex": SIDE}, wall=lambda: examples.NOW))
    booked = shop.book(examples.pickup())
    asked: list[tuple[str, Any]] = [
        ("quote", examples.enquiry()),
        ("label", booked),
        ("track", AwbList(awbs=(booked.awb, "1"))),
        ("cancel", booked),
        ("cancel", booked),
    ]
    for name, question in asked:
        shop.ask(name, question)
    wrong = [request.headers["soapaction"] for request, response in shop.heard if not _valid(folder, request, response)]
    assert (wrong, len(shop.heard)) == ([], 10)


def _valid(folder: Path, request: httpx.Request, response: httpx.Response) -> bool:
    """By the description and, for what a later schema adds, after the addition is taken away."""
    element = body(response.content)
    for added in ("RateDetails", "CollectedWaybills"):
        for one in element.findall(f"{wire.NAMESPACE}{added}"):
            element.remove(one)
    return bool(their_schema(folder, request).validate(element))
