"""EasyPost: recordings of real clients, every exchange of an operation we use replayed through the adapter.

Where a recorder's client made the same call, our request has to be the one recorded, field by field. What the answer has to come
to is worked out here from the recorded text, not by the adapter's own tables.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Access, AwbList, Booking, Cancelled, Sought, Step, Tat
from adapters.contract.errors import CarrierError, Misread, RefusalKind, Refused
from adapters.contract.orders import Parcel
from adapters.contract.places import Party
from adapters.contract.reading import read
from adapters.contract.scans import Milestone, Tracked
from adapters.contract.units import Length, Weight
from adapters.easypost import CARRIER
from adapters.easypost.quote import SMARTRATE
from tests.adapters.easypost import examples
from tests.conformance.conftest import Counted
from tests.conformance.recordings import Recorded, every, exchanges

RECORDED = every(Path(os.environ.get("REFERENCE", "")) / "easypost")
ACCESS = Access(base_url=CARRIER.live_url, secrets=examples.SECRETS, settings={}, now=examples.NOW)
CODES = {service.code for service in CARRIER.services}
MOVERS = {"upsdap": "ups", "uspsship": "usps", "fedexdefault": "fedex"}

Question = tuple[Any, Mapping[str, str]]  # with what is known so far


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Which recorded calls are ours, what we ask in their place, what of our answer is looked at, and what it has to be.

    `wanted` may be an answer, a kind of refusal, or an error's type. `same_call`: our request has to be the recorded one.
    """

    operation: str
    step: str = ""
    call: tuple[str, str]
    question: Callable[[Recorded], Question]
    wanted: Callable[[Recorded], Any]
    shown: Callable[[Any], Any] = lambda answer: answer
    when: Callable[[Recorded], bool] = lambda recorded: True
    same_call: bool = True

    @property
    def label(self) -> str:
        return ".".join(filter(None, ("easypost", self.operation, self.step)))

    @property
    def found_step(self) -> Step[Any, Any]:
        operation = CARRIER.operation(self.operation)
        assert operation
        return next(step for step in operation.steps if step.name == self.step)

    def takes(self, recorded: Recorded) -> bool:
        method, pattern = self.call
        return recorded.method == method and bool(re.fullmatch(f"/v2/{pattern}", recorded.path)) and self.when(recorded)


# --- the recorded questions in our words --------------------------------------------------------------------


def party(fields: Mapping[str, Any]) -> Party:
    """Raises KeyError for an address that is none of the USA or Canada."""
    known = {name: value for name, value in fields.items() if value and value != "<REDACTED>"}
    return Party(
        name=known.get("name", ""),
        company=known.get("company", ""),
        phone=known.get("phone", "4155550142"),
        email=known.get("email", ""),
        line1=known["street1"],
        line2=known.get("street2", ""),
        city=known["city"],
        state=known["state"],
        postal_code=known["zip"],
        country=known["country"],
    )


def parcel(fields: Mapping[str, Any]) -> Parcel:
    sides = {side: Length(int(float(fields[side]) * 25.4)) for side in ("length", "width", "height")}
    return Parcel(dead_weight=Weight(int(float(fields["weight"]) * 28.349523125)), **sides)


def order(recorded: Recorded) -> Question:
    """The order behind a recorded shipment; ours where it cannot be told."""
    try:
        asked = recorded.sent["shipment"]
        start, goal, measured = party(asked["from_address"]), party(asked["to_address"]), parcel(asked["parcel"])
    except (KeyError, TypeError, AttributeError):
        return examples.shipment(carrier_reference=reference(recorded)), {}
    fields = {"carrier_reference": reference(recorded), "parcels": (measured,)}
    if asked.get("is_return") is True:
        return examples.pickup(shipper=goal, consignee=start, **fields), {}
    return examples.shipment(shipper=start, consignee=goal, **fields), {}


def reference(recorded: Recorded) -> str:
    return (recorded.reply or {}).get("reference") or examples.REFERENCE


def named(recorded: Recorded) -> str:
    """The id in the path."""
    return recorded.path.split("/")[3]


def ordered(recorded: Recorded, **so_far: str) -> Question:
    return examples.pickup(carrier_reference=reference(recorded)), so_far


def purchase(recorded: Recorded) -> Question:
    """Of a shipment by its id; where label and shipment came together, of that one."""
    rate = (recorded.sent or {}).get("rate") or recorded.reply.get("selected_rate") or examples.rate()
    shipment = named(recorded) if recorded.path.endswith("/buy") else recorded.reply["id"]
    return ordered(recorded, shipment=shipment, rate=rate["id"])


def visit(recorded: Recorded) -> Question:
    asked = (recorded.sent or {}).get("pickup", {})
    shipment = (asked.get("shipment") or {}).get("id", "shp_1")
    rates = recorded.reply.get("pickup_rates") or [{}]
    known = {"shipment": shipment, "mover": rates[0].get("carrier", "USPS").lower()}
    try:
        door = party(asked["address"])
    except (KeyError, TypeError):
        return ordered(recorded, **known)
    return examples.pickup(carrier_reference=reference(recorded), shipper=door), known


def bought_visit(recorded: Recorded) -> Question:
    asked = recorded.sent or {"carrier": "USPS", "service": "NextDay"}
    return ordered(recorded, pickup=named(recorded), pickup_carrier=asked["carrier"], pickup_service=asked["service"])


def sought_shipment(recorded: Recorded) -> Question:
    visit = {"pickup": "pickup_1", "confirmation": ""}
    return Sought(carrier_reference=reference(recorded), sent_at=examples.NOW, handles={"shipment": named(recorded)}), visit


def sought_visit(recorded: Recorded) -> Question:
    handles = {"shipment": examples.SHIPMENT, "pickup": named(recorded)}
    return Sought(carrier_reference=reference(recorded), sent_at=examples.NOW, handles=handles), {}


def booking(recorded: Recorded, kind: str) -> Question:
    awb = recorded.reply.get("tracking_code") or examples.AWB
    return Booking(awb=awb, carrier_reference=reference(recorded), handles={kind: named(recorded)}), {}


def as_bought(recorded: Recorded) -> Question:
    """A booking with this label, or one that ended before it had any."""
    asked, so_far = booking(recorded, "shipment")
    return replace(asked, awb=recorded.reply.get("tracking_code") or ""), so_far


def door(recorded: Recorded) -> Question:
    try:
        return examples.pickup(shipper=party(recorded.sent["address"])), {}
    except (KeyError, TypeError):
        return examples.pickup(), {}


def codes(recorded: Recorded) -> Question:
    told = [tracker["tracking_code"] for tracker in recorded.reply.get("trackers", ())]
    asked = (recorded.sent or {}).get("tracking_codes") or dict.fromkeys(told)
    return AwbList(awbs=tuple(asked)), {}


# --- what their answers say -----------------------------------------------------------------------------------


def cents(amount: str | float) -> int:
    return round(float(amount) * 100)


def known_rates(recorded: Recorded) -> dict[str, dict[str, Any]]:
    """The cheapest rate of each service we offer."""
    found: dict[str, dict[str, Any]] = {}
    for rate in sorted(recorded.reply["rates"], key=lambda rate: float(rate["rate"])):
        mover = rate["carrier"].lower()
        code = f"{MOVERS.get(mover, mover)}/{rate['service']}"
        if code in CODES:
            found.setdefault(code, rate)
    return found


def cheapest(recorded: Recorded) -> Any:
    rates = known_rates(recorded)
    if not rates:
        return RefusalKind.NOT_SERVICEABLE
    code, rate = next(iter(rates.items()))
    return {"shipment": recorded.reply["id"], "rate": rate["id"], "mover": code.split("/")[0]}


def prices(recorded: Recorded) -> Any:
    rates = known_rates(recorded)
    return {code: cents(rate["rate"]) for code, rate in rates.items()} or RefusalKind.NOT_SERVICEABLE


def given_back(recorded: Recorded) -> Any:
    """Nothing is left to do where the refund runs, or where nothing was bought."""
    runs = recorded.reply["refund_status"] in ("submitted", "refunded", "not_applicable")
    return Cancelled() if runs or not recorded.reply["tracking_code"] else {}


def slowest(recorded: Recorded) -> Any:
    times = [one for one in recorded.reply["result"] if f"{one['carrier'].lower()}/{one['service']}" in CODES]
    days = {f"{one['carrier'].lower()}/{one['service']}": one["time_in_transit"]["percentile_85"] for one in times}
    known = {code: days for code, days in days.items() if days is not None}
    return Tat(days=max(known.values()), by_service=known, source=SMARTRATE) if known else RefusalKind.REFUSED


def priced_visit(recorded: Recorded) -> Any:
    rates = recorded.reply["pickup_rates"]
    if not rates:
        return "refused"
    best = min(rates, key=lambda rate: float(rate["rate"]))
    fee = f"{cents(best['rate'])} {best['currency']}"
    return {
        "pickup": recorded.reply["id"],
        "pickup_carrier": best["carrier"],
        "pickup_service": best["service"],
        "pickup_fee": fee,
    }


def learnt(answer: Any) -> Any:
    """What a step stores; a visit that is not to be had is remembered as a refusal."""
    return "refused" if "refused" in answer.so_far else dict(answer.so_far)


def scheduled(recorded: Recorded) -> Any:
    reply = recorded.reply
    return {"pickup": reply["id"], "confirmation": reply["confirmation"] or ""} if reply["status"] == "scheduled" else None


def bought(recorded: Recorded) -> Any:
    reply = recorded.reply
    return reply["tracking_code"] if reply["tracking_code"] and not reply["refund_status"] else None


def words(tracker: Mapping[str, Any]) -> list[str]:
    """Of each line, or of the tracker itself where it has none."""
    lines = tracker["tracking_details"] or [tracker]
    told = ["/".join(filter(None, (one["status"], one["status_detail"], one.get("carrier_code")))) for one in lines]
    return [word for word in told if not word.startswith("unknown/") or tracker["tracking_details"]]


def told(recorded: Recorded) -> Any:
    oldest_first = sorted(recorded.reply["trackers"], key=lambda tracker: str(tracker["created_at"]))
    return {tracker["tracking_code"]: words(tracker) for tracker in oldest_first}


def read_words(answer: Mapping[str, Tracked | CarrierError]) -> Any:
    return {awb: scanned(one) if isinstance(one, Tracked) else one for awb, one in answer.items()}


def scanned(tracked: Tracked) -> list[str]:
    assert all(scan.milestone is not Milestone.UNKNOWN or "unknown" in scan.code or "error" in scan.code for scan in tracked.scans)
    return [scan.code for scan in tracked.scans]


def verdict(recorded: Recorded) -> Any:
    return None if recorded.reply["verifications"]["delivery"]["success"] else RefusalKind.INVALID_ADDRESS


def link(recorded: Recorded) -> Any:
    url = recorded.reply["postage_label"]["label_pdf_url"]
    return {"link": url} if url else Misread  # a client that asked for another format


# --- which recorded calls are ours ----------------------------------------------------------------------------


def failed(recorded: Recorded) -> bool:
    return not isinstance(recorded.reply, dict) or "error" in recorded.reply


def bought_at_once(recorded: Recorded) -> bool:
    """With a service, creating a shipment buys its label: a call that we do not make."""
    return not failed(recorded) and bool(recorded.reply["tracking_code"])


def priced(recorded: Recorded) -> bool:
    return not bought_at_once(recorded)


def is_verified(recorded: Recorded) -> bool:
    asked = bool(recorded.sent and {"verify", "verify_strict"} & set(recorded.sent))
    return asked if failed(recorded) else "delivery" in recorded.reply["verifications"]


SHIPMENTS, ONE_SHIPMENT, ONE_PICKUP = "shipments", "shipments/[^/]+", "pickups/[^/]+"
REPLAYS = (
    Replay(operation="book", step="shipment", call=("POST", SHIPMENTS), question=order, wanted=cheapest, shown=learnt, when=priced),
    Replay(
        operation="quote",
        call=("POST", SHIPMENTS),
        question=lambda recorded: (examples.enquiry(), {}),
        wanted=prices,
        shown=lambda quotes: {quote.service: quote.lines[0].amount.minor for quote in quotes},
        when=priced,
        same_call=False,
    ),
    Replay(
        operation="tat",
        step="shipment",
        call=("POST", SHIPMENTS),
        question=lambda recorded: (examples.enquiry(), {}),
        wanted=lambda recorded: {"shipment": recorded.reply["id"]},
        shown=learnt,
        when=priced,
        same_call=False,
    ),
    Replay(
        operation="tat",
        step="smartrate",
        call=("GET", f"{ONE_SHIPMENT}/smartrate"),
        question=lambda recorded: (examples.enquiry(), {"shipment": named(recorded)}),
        wanted=slowest,
    ),
    Replay(
        operation="book",
        step="label",
        call=("POST", f"{ONE_SHIPMENT}/buy"),
        question=purchase,
        wanted=lambda recorded: {"awb": recorded.reply["tracking_code"]},
        shown=learnt,
    ),
    Replay(
        operation="book",
        step="label",
        call=("POST", SHIPMENTS),
        question=purchase,
        wanted=lambda recorded: {"awb": recorded.reply["tracking_code"]},
        shown=learnt,
        when=bought_at_once,
        same_call=False,
    ),
    Replay(operation="book", step="pickup", call=("POST", "pickups"), question=visit, wanted=priced_visit, shown=learnt),
    Replay(
        operation="book",
        step="visit",
        call=("POST", f"{ONE_PICKUP}/buy"),
        question=bought_visit,
        wanted=lambda recorded: {"confirmation": recorded.reply["confirmation"] or ""},
        shown=learnt,
    ),
    Replay(
        operation="find",
        step="shipment",
        call=("GET", ONE_SHIPMENT),
        question=sought_shipment,
        wanted=bought,
        shown=lambda answer: answer and answer.awb,
    ),
    Replay(
        operation="find",
        step="pickup",
        call=("GET", ONE_PICKUP),
        question=sought_visit,
        wanted=scheduled,
        shown=lambda answer: answer and learnt(answer),
    ),
    Replay(
        operation="label",
        step="link",
        call=("GET", f"{ONE_SHIPMENT}/label"),
        question=lambda recorded: booking(recorded, "shipment"),
        wanted=link,
        shown=learnt,
    ),
    Replay(
        operation="cancel",
        step="look",
        call=("GET", ONE_SHIPMENT),
        question=as_bought,
        wanted=given_back,
        shown=lambda answer: answer if isinstance(answer, Cancelled) else learnt(answer),
    ),
    Replay(
        operation="cancel",
        step="refund",
        call=("POST", f"{ONE_SHIPMENT}/refund"),
        question=lambda recorded: booking(recorded, "shipment"),
        wanted=lambda recorded: Cancelled(),
    ),
    Replay(
        operation="cancel",
        step="visit",
        call=("POST", f"{ONE_PICKUP}/cancel"),
        question=lambda recorded: booking(recorded, "pickup"),
        wanted=lambda recorded: {},
        shown=learnt,
    ),
    Replay(operation="track", call=("POST", "trackers/batch"), question=codes, wanted=told, shown=read_words),
    Replay(operation="track", call=("GET", "trackers"), question=codes, wanted=told, shown=read_words, same_call=False),
    Replay(operation="validate", call=("POST", "addresses"), question=door, wanted=verdict, when=is_verified),
)

TAKEN = [(replay, recorded) for recorded in RECORDED for replay in REPLAYS if replay.takes(recorded)]


# --- the replay -------------------------------------------------------------------------------------------------


def outcome(replay: Replay, recorded: Recorded) -> Any:
    """What the adapter makes of it: the part of the answer that is looked at, the kind of a refusal, or an error's type."""
    question, so_far = replay.question(recorded)
    operation, step = CARRIER.operation(replay.operation), replay.found_step
    assert operation
    response = over_the_wire(replay, recorded, question, so_far)
    try:
        return replay.shown(read(operation, step, response, question, so_far, examples.NOW))
    except Refused as refusal:
        return refusal.kind
    except CarrierError as error:
        return type(error)


def over_the_wire(replay: Replay, recorded: Recorded, question: Any, so_far: Mapping[str, str]) -> httpx.Response:
    """Our request is held against the recorded one, where it is one, and gets the recorded answer."""
    try:
        request = replay.found_step.build(question, ACCESS, so_far)
    except Refused:  # a client may ask what we do not: the answer is read all the same
        return recorded.response()

    def answer(asked: httpx.Request) -> httpx.Response:
        if replay.same_call:
            assert (asked.method, asked.url.path) == (recorded.method, recorded.path)
        if replay.same_call and not failed(recorded):  # what EasyPost refused is no model
            assert unlike(json.loads(asked.content or b"null"), recorded.sent) == []
        return recorded.response()

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        return client.send(request)


# Fields of ours that a client may leave out, and those that are not to be compared: when the visit is, who is rung up.
MAY_BE_MISSING = {"is_return", "reference", "is_account_address", "verify", "phone"}
OURS_ALONE = {"min_datetime", "max_datetime", "phone", "email", "reference"}


def unlike(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where ours says something that theirs does not; nothing, where theirs speaks by ids or sends no JSON."""
    name = path.rpartition("/")[2]
    if theirs is None or name in OURS_ALONE:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if set(theirs) == {"id"} != set(ours):
            return []
        missing = [f"{path}/{key} is not theirs" for key in ours if key not in theirs and key not in MAY_BE_MISSING]
        return missing + [fault for key in ours if key in theirs for fault in unlike(ours[key], theirs[key], f"{path}/{key}")]
    if isinstance(ours, float):
        return [] if abs(ours - float(theirs)) < 0.11 else [f"{path}: {ours}, theirs {theirs}"]
    return [] if ours == theirs else [f"{path}: {ours!r}, theirs {theirs!r}"]


def is_a_no(wanted: Any) -> bool:
    return isinstance(wanted, RefusalKind | type) or wanted == "refused"


@pytest.mark.parametrize(("replay", "recorded"), TAKEN, ids=lambda one: getattr(one, "label", None) or one.name)
def test_a_recorded_exchange(counted: Counted, replay: Replay, recorded: Recorded) -> None:
    wanted = None if failed(recorded) else replay.wanted(recorded)
    counted(replay.label, "refused" if failed(recorded) or is_a_no(wanted) else "read")
    found = outcome(replay, recorded)
    if failed(recorded):
        assert found == "refused" or isinstance(found, RefusalKind | type)
    else:
        assert found == wanted


def test_nothing_of_an_operation_we_use_is_passed_over(reference: Path) -> None:
    """Except addresses that were made without being verified: that is a call we do not make."""
    assert (reference / "easypost").is_dir()
    calls = {replay.call for replay in REPLAYS}
    ours = [one for one in RECORDED if any(matches(one, call) for call in calls)]
    passed = {one.name for one in ours} - {recorded.name for _, recorded in TAKEN}
    assert ours
    assert {one.path for one in ours if one.name in passed} <= {"/v2/addresses"}


def matches(recorded: Recorded, call: tuple[str, str]) -> bool:
    return recorded.method == call[0] and bool(re.fullmatch(f"/v2/{call[1]}", recorded.path))


def test_every_call_of_the_adapter_is_recorded_or_known_not_to_be() -> None:
    """The file behind a label's link stands on another host; the label is read back by the call that fetches it."""
    steps = {(name, step.name) for name, operation in operations() for step in operation.steps}
    replayed = {(replay.operation, replay.step) for replay, _ in TAKEN}
    assert steps - replayed == {("label", "file"), ("book", "outcome")}


def operations() -> Iterator[tuple[str, Any]]:
    for name in ("tat", "quote", "validate", "book", "find", "label", "cancel", "track"):
        yield name, CARRIER.operation(name)


# --- pushes, and refusals of every call -------------------------------------------------------------------------

TRACKERS = [
    (f"{one.name}/{number}", tracker)
    for one in RECORDED
    if one.path.startswith("/v2/trackers") and isinstance(one.reply, dict)
    for number, tracker in enumerate(one.reply.get("trackers", [one.reply]))
    if tracker.get("object") == "Tracker"
]


@pytest.mark.parametrize(("name", "tracker"), TRACKERS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_recorded_tracker_as_it_is_pushed(counted: Counted, name: str, tracker: dict[str, Any]) -> None:
    counted("easypost.push")
    assert CARRIER.read_callback
    body = json.dumps({"object": "Event", "description": "tracker.updated", "result": tracker}).encode()
    (tracked,) = CARRIER.read_callback({}, body, {}).tracked
    assert (tracked.awb, scanned(tracked)) == (tracker["tracking_code"], words(tracker))


REFUSED = [one for one in RECORDED if "//api.easypost.com/" in one.url and isinstance(one.reply, dict) and "error" in one.reply]
ASKED: Mapping[str, Any] = {
    "quote": examples.enquiry(),
    "label": examples.booking(),
    "cancel": examples.booking(),
    "track": examples.AWBS,
    "validate": examples.pickup(),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("recorded", REFUSED, ids=lambda one: one.name)
def test_a_recorded_error_is_a_refusal_whatever_was_asked(counted: Counted, recorded: Recorded, name: str) -> None:
    counted("easypost.error", "refused")
    operation = CARRIER.operation(name)
    assert operation
    with pytest.raises(Refused) as caught:
        read(operation, operation.steps[0], recorded.response(), ASKED[name], {}, examples.NOW)
    assert caught.value.raw_code == recorded.reply["error"]["code"]


# --- the checks themselves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"zip": "94118"}, "/zip: '94117', theirs '94118'"),
        ({"country": "CA"}, "/country: 'US', theirs 'CA'"),
    ],
)
def test_a_request_that_is_not_theirs_is_seen(change: dict[str, str], fault: str) -> None:
    theirs = examples.CUSTOMER_WRITTEN | change
    assert unlike(examples.CUSTOMER_WRITTEN, theirs) == [fault]
    assert unlike(examples.CUSTOMER_WRITTEN | {"planet": "Earth"}, theirs | change)[0] == "/planet is not theirs"


def test_a_recording_that_says_otherwise_is_seen() -> None:
    replay = next(one for one in REPLAYS if one.label == "easypost.book.label")
    bought = examples.bought(tracking_code="123456")
    recorded = Recorded(
        name="", method="POST", url="https://x/v2/shipments/shp_1/buy", sent=None, status=200, content=json.dumps(bought).encode()
    )
    assert (outcome(replay, recorded), replay.wanted(recorded)) == ({"awb": "123456"}, {"awb": "123456"})
    lost = replace(recorded, content=json.dumps(bought | {"postage_label": None}).encode())
    assert outcome(replay, lost) is Misread


ASKS, ANSWERS = {"method": "GET", "uri": "U"}, {"status": {"code": 200}, "body": {"string": "{}"}}
SHAPES = {
    "VCR of Python": {"interactions": [{"request": {**ASKS, "body": None}, "response": ANSWERS}]},
    "VCR of Ruby": {"http_interactions": [{"request": {**ASKS, "method": "get", "body": {"string": ""}}, "response": ANSWERS}]},
    "VCR of PHP": [{"request": {"method": "GET", "url": "U"}, "response": {"status": {"code": "200"}, "body": "{}"}}],
    "go-vcr": {"interactions": [{"request": {"method": "GET", "url": "U", "body": ""}, "response": {"code": 200, "body": "{}"}}]},
    "EasyVCR": [{"Request": {"Method": "GET", "Uri": "U", "Body": ""}, "Response": {"Status": {"Code": 200}, "Body": "{}"}}],
    "HAR": {"log": {"entries": [{"request": ASKS, "response": {"status": 200, "content": {"text": "{}"}}}]}},
}


@pytest.mark.parametrize("recorder", SHAPES)
def test_every_recorders_way_of_writing_is_read(recorder: str) -> None:
    (found,) = exchanges("a", json.dumps(SHAPES[recorder]))
    assert found == Recorded(name="a:0", method="GET", url="U", sent=None, status=200, content=b"{}")


def test_a_body_written_as_bytes_is_read() -> None:
    (found,) = exchanges(
        "a",
        "http_interactions: [{request: {method: get, uri: U}, response: {status: {code: 200}, body: {string: !binary e30=}}}]",
    )
    assert found.reply == {}
