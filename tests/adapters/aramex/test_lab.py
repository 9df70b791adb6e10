"""The adapter against its own simulated side, through the lab's transport."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.aramex import CARRIER, wire
from adapters.aramex.lab import SIDE
from adapters.contract.carrier import AwbList, Booked, Cancelled, Document, Next, Sought
from adapters.contract.errors import OutcomeUnknown, RefusalKind, Refused, Throttled
from adapters.contract.scans import Milestone, Reason
from adapters.lab.engine import Lab

from . import examples
from .examples import CUSTOMER, GUID, IN_DUBAI, REFERENCE, WAREHOUSE, booking, enquiry, pickup, window
from .shop import Shop

UNSERVED = "999009"  # a magic postal code of the lab: every carrier stays away
COLLECTS, FAILS_ONCE, FAILS_ALWAYS, SILENT = (f"98000000{ending}" for ending in ("00", "01", "08", "10"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab({"aramex": SIDE}, wall=lambda: examples.NOW)
    yield lab
    lab.close()


@pytest.fixture
def shop(lab: Lab) -> Shop:
    return Shop(lab)


def order(phone: str = COLLECTS, reference: str = REFERENCE, **changes: Any) -> Any:
    return pickup(carrier_reference=reference, shipper=replace(CUSTOMER, phone=phone), **changes)


def rule(shop: Shop, kind: str, **more: Any) -> None:
    body = json.dumps({"carrier": "aramex", "kind": kind, "times": 1, **more}).encode()
    assert shop.lab.answer("POST", "http://lab/_lab/faults", body=body).status == 200


def lives(shop: Shop) -> list[str]:
    return [consignment.awb for _, _, consignment in shop.lab.books.consignments()]


# --- the good way ---------------------------------------------------------------------------------


def test_a_price_follows_the_world(shop: Shop) -> None:
    (before,) = shop.ask("quote", enquiry())
    world = {"carrier": "aramex", "zone": "560", "price": 2}
    shop.lab.answer("POST", "http://lab/_lab/world", body=json.dumps(world).encode())
    (after,) = shop.ask("quote", enquiry())
    assert (before.service, sum(line.amount.minor for line in before.lines)) == ("express", before.price.minor)
    assert 1.9 < after.price.minor / before.price.minor < 2.1


def test_both_services_have_their_price(lab: Lab) -> None:
    quotes = Shop(lab, domestic_economy_product="PEC").ask("quote", enquiry())
    assert [quote.service for quote in quotes] == ["express", "economy"]
    assert quotes[0].price.minor > quotes[1].price.minor


def test_a_pickup_from_booking_to_delivery(shop: Shop) -> None:
    booked = shop.ask("book", order())
    assert isinstance(booked, Booked)
    assert (booked.awb, booked.pickup_token) == ("47000000001", "K000001")
    assert set(booked.handles) == {"pickup", "guid", "group", "entity"}
    assert shop.codes(booked.awb) == ["SH014", "SH308"]
    shop.wait(days=10)
    assert shop.codes(booked.awb) == ["SH014", "SH308", "SH012", "SH022", "SH003", "SH005"]


def test_a_pickup_in_the_gulf_has_no_postal_code(shop: Shop) -> None:
    there = replace(WAREHOUSE, city="Ajman", postal_code="", country="AE", phone="+971600000000")
    booked = shop.ask("book", pickup(shipper=IN_DUBAI, consignee=there))
    (scan, *_) = shop.tracked(booked.awb).scans
    assert (scan.place, scan.at) == ("Dubai, United Arab Emirates", examples.NOW)


def test_the_label_is_a_pdf(shop: Shop) -> None:
    label = shop.ask("label", shop.book(order()))
    assert isinstance(label, Document)
    assert b"47000000001" in label.content


def test_unknown_waybills_are_told_apart(shop: Shop) -> None:
    booked = shop.book(order())
    answer = shop.ask("track", AwbList(awbs=(booked.awb, "47000000009")))
    assert [type(one).__name__ for one in answer.values()] == ["Tracked", "Refused"]


# --- what riders do, and nobody says --------------------------------------------------------------


def test_a_failed_visit_is_heard_of_only_as_a_new_plan(shop: Shop) -> None:
    booked = shop.book(order(FAILS_ONCE))
    shop.wait(days=10)
    assert shop.codes(booked.awb)[:5] == ["SH014", "SH308", "SH312", "SH012", "SH022"]


def test_after_its_last_visit_the_carrier_is_silent(shop: Shop) -> None:
    booked = shop.book(order(FAILS_ALWAYS))
    shop.wait(days=14)
    assert shop.codes(booked.awb) == ["SH014", "SH308", "SH312"]
    (truth,) = shop.lab.books.consignments()
    assert (truth[2].visits, truth[2].events[-1].milestone) == (2, Milestone.PICKUP_FAILED)


def test_nobody_comes_and_nobody_says_so(shop: Shop) -> None:
    booked = shop.book(order(SILENT))
    shop.wait(days=14)
    assert shop.codes(booked.awb) == ["SH014", "SH308"]


# --- cancelling -----------------------------------------------------------------------------------


def test_a_collection_is_cancelled_once_and_again(shop: Shop) -> None:
    booked = shop.book(order())
    assert [shop.ask("cancel", booked), shop.ask("cancel", booked)] == [Cancelled(), Cancelled()]
    last = shop.tracked(booked.awb).scans[-1]
    assert (last.code, last.milestone, last.reason) == ("SH313", Milestone.CANCELLED, Reason.UNKNOWN)


def test_what_is_collected_is_not_cancelled(shop: Shop) -> None:
    booked = shop.book(order())
    shop.wait(days=3)
    assert shop.refused("cancel", booked)[:2] == (Refused, RefusalKind.TOO_LATE)


def test_the_waybill_outlives_its_collection(shop: Shop) -> None:
    booked = shop.book(order())
    shop.ask("cancel", booked)
    assert isinstance(shop.ask("label", booked), Document)
    assert CARRIER.leaves_behind == "the waybill"


def test_a_collection_nobody_knows_is_not_cancelled(shop: Shop) -> None:
    strange = booking(handles={"pickup": "K999999", "guid": GUID, "group": "DOM"})
    assert shop.refused("cancel", strange)[:3] == (Refused, RefusalKind.REFUSED, "ERR52")


# --- lost answers ---------------------------------------------------------------------------------


def lose(shop: Shop, operation: str, kind: str = "timeout_booked") -> None:
    """Ask for a booking whose answer to `operation` gets lost."""
    rule(shop, kind, operation=operation)
    with pytest.raises(httpx.TransportError):
        shop.ask("book", order())


def look(shop: Shop) -> Booked | None:
    operation = CARRIER.find
    assert operation
    sought = Sought(carrier_reference=REFERENCE, sent_at=shop.now, handles=shop.so_far)
    response = shop.send(operation.steps[0].build(sought, shop.access(), {}))
    found: Any = operation.steps[0].parse(response, sought, {})
    assert found is None or isinstance(found, Booked)
    return found


@pytest.mark.parametrize("kind", ["timeout_booked", "timeout_unbooked", "drop_before_commit", "drop_after_commit", "truncated"])
def test_a_waybill_whose_answer_is_lost_is_asked_for_again_and_made_once(shop: Shop, kind: str) -> None:
    lose(shop, "waybill", kind)
    assert shop.so_far == {"number": "47000000001", "group": "DOM"}
    assert look(shop) is None
    assert isinstance(shop.take("book", 1, order()), Next)
    booked = shop.take("book", 2, order())
    assert (booked.awb, lives(shop)) == ("47000000001", ["47000000001"])


def test_a_collection_whose_answer_is_lost_is_found_by_its_waybill(shop: Shop) -> None:
    lose(shop, "book")
    found = look(shop)
    assert found is not None
    assert (found.awb, found.handles, lives(shop)) == ("47000000001", {"group": "DOM", "entity": "BEN"}, ["47000000001"])


def test_one_that_was_never_ordered_is_not_found_and_ordered_again(shop: Shop) -> None:
    lose(shop, "book", "drop_before_commit")
    assert look(shop) is None
    assert shop.take("book", 2, order()).awb == "47000000001"


def test_ordering_it_a_second_time_adopts_the_first(shop: Shop) -> None:
    lose(shop, "book")
    adopted = shop.take("book", 2, order())
    assert (adopted.pickup_token, "guid" in adopted.handles, len(lives(shop))) == ("K000001", False, 1)


# --- refusals at both levels ----------------------------------------------------------------------


def test_a_city_that_is_none_is_the_shipments_own_error(shop: Shop) -> None:
    nowhere = pickup(shipper=replace(CUSTOMER, city="Nowhere"))
    assert shop.refused("book", nowhere)[:3] == (Refused, RefusalKind.INVALID_ADDRESS, "ERR52")
    assert lives(shop) == []


def test_where_the_carrier_does_not_go(shop: Shop) -> None:
    away = replace(CUSTOMER, postal_code=UNSERVED)
    assert shop.refused("book", pickup(shipper=away))[:3] == (Refused, RefusalKind.REFUSED, "ERR52")
    lane = replace(enquiry().lane, origin=UNSERVED)
    assert shop.refused("quote", enquiry(lane=lane))[:3] == (Refused, RefusalKind.NOT_SERVICEABLE, "ERR61")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (window("06:00", "09:00"), "ERR37"),
        (window("10:00", "12:00", day="2026-03-30"), "ERR37"),
        (window("08:00", "11:00", day="2026-03-11"), "ERR38"),
    ],
)
def test_a_window_that_does_not_suit(shop: Shop, asked: Any, code: str) -> None:
    assert shop.refused("book", order(window=asked))[:3] == (Refused, RefusalKind.WINDOW_UNAVAILABLE, code)
    assert lives(shop) == []


@pytest.mark.parametrize(("username", "password"), [("kestrel", "lab_sesame"), ("lab_kestrel", "sesame")])
def test_only_lab_credentials_are_let_in(lab: Lab, username: str, password: str) -> None:
    assert Shop(lab, username, password).refused("quote", enquiry())[:3] == (Refused, RefusalKind.UNAUTHORIZED, "ERR01")


@pytest.mark.parametrize("kind", ["refuse", "error_in_200"])
@pytest.mark.parametrize("operation", ["number", "waybill", "book"])
def test_a_refusal_comes_with_http_200(shop: Shop, operation: str, kind: str) -> None:
    rule(shop, kind, operation=operation)
    assert shop.refused("book", order())[:3] == (Refused, RefusalKind.REFUSED, "ERR52")


def test_a_servers_fault_leaves_the_outcome_open(shop: Shop) -> None:
    rule(shop, "server_error", operation="book")
    assert shop.refused("book", order())[0] is OutcomeUnknown


def test_too_fast_is_said_as_such(shop: Shop) -> None:
    rule(shop, "throttle", retry_after=7)
    assert shop.refused("quote", enquiry())[0] is Throttled


def test_an_act_on_every_lost_parcel_is_left_to_a_person(shop: Shop) -> None:
    booked = shop.book(order("9800000014"))
    shop.wait(days=10)
    assert shop.tracked(booked.awb).scans[-1].milestone is Milestone.UNKNOWN


# --- strict in what it takes ----------------------------------------------------------------------


def posted(shop: Shop, change: Any) -> httpx.Response:
    """The answer to a price request after `change` of its text."""
    assert CARRIER.quote
    request = CARRIER.quote.steps[-1].build(enquiry(), shop.access(), {})
    text = change(request.content.decode())
    headers = {name: request.headers[name] for name in ("content-type", "soapaction")}
    return shop.send(httpx.Request("POST", request.url, content=text.encode(), headers=headers))


def swapped(text: str) -> str:
    city = "<ns0:City>Bengaluru</ns0:City>"
    return text.replace(city, "").replace("<ns0:Line1/>", city + "<ns0:Line1/>", 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("?>", "?><!DOCTYPE x>", 1),
        swapped,
        lambda text: text.replace("<ns0:City>Bengaluru</ns0:City>", ""),
        lambda text: text.replace("<ns0:NumberOfPieces>1<", "<ns0:NumberOfPieces>one<"),
        lambda text: text.replace("ns0:City>", "ns0:Town>"),
        lambda text: text.replace("RateCalculatorRequest", "RateRequest"),
        lambda text: text[:-20],
    ],
    ids=["a DOCTYPE", "out of order", "a missing element", "a wrong type", "an unknown element", "another request", "cut"],
)
def test_what_the_description_does_not_allow_is_a_fault(shop: Shop, change: Any) -> None:
    response = posted(shop, change)
    assert (response.status_code, b"DeserializationFailed" in response.content) == (500, True)


def test_what_it_allows_is_answered(shop: Shop) -> None:
    response = posted(shop, lambda text: text)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/xml; charset=utf-8")


def test_an_action_nobody_serves_is_not_found(shop: Shop) -> None:
    request = httpx.Request("POST", wire.address(shop.access(), "Shipping"), headers={"soapaction": '"HoldShipments"'})
    assert shop.send(request).status_code == 404


def test_a_reference_is_no_id_of_a_collection(shop: Shop) -> None:
    shop.book(order())
    assert CARRIER.cancel
    look = CARRIER.cancel.steps[0]
    asked = booking(handles={"pickup": REFERENCE, "guid": GUID, "group": "DOM"})
    response = shop.send(look.build(asked, shop.access(), {}))
    assert b"ERR52" in response.content
    assert look.parse(response, asked, {}) == Next(so_far={})


def test_a_number_of_somebody_elses_is_no_number(shop: Shop) -> None:
    shop.so_far = {"number": "47000000099", "group": "DOM"}
    with pytest.raises(Refused) as caught:
        shop.take("book", 1, order())
    assert caught.value.raw_code == "ERR52"


def test_times_are_told_as_the_place_has_them(shop: Shop) -> None:
    booked = shop.book(order())
    assert CARRIER.track
    response = shop.send(CARRIER.track.steps[0].build(AwbList(awbs=(booked.awb,)), shop.access(), {}))
    local = (examples.NOW + dt.timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S")
    assert f"<UpdateDateTime>{local}</UpdateDateTime>".encode() in response.content
