"""Booking: a label is bought, then a visit for it.

Vendor documentation and recordings of each call (A); that a visit may fetch a return is put together from them (D). EasyPost
finds things by its own ids, so each id is in the ledger before the step that spends money on it. Where the visit is not to be
had, the label is given back and the booking refused. Buying a label twice is refused by the shipment's state; what was bought is
read at the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import httpx
import msgspec

from adapters.contract.carrier import Access, Booked, Later, Next, Operation, SoFar, Step
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.orders import Order
from adapters.contract.units import Money
from adapters.easypost import pickup, refusals, services, shipment, wire
from adapters.easypost.shipment import Rate, Shipment

_PATIENCE = dt.timedelta(seconds=15)
_BEFORE_ASKING_AGAIN = dt.timedelta(minutes=15)
_HANDLES = ("shipment", "rate", "mover", "pickup")


# --- the shipment, with rates ---------------------------------------------------------------------------


def build_shipment(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    pickup.check_window(order, access.now)
    return shipment.for_order(order, access)


def parse_shipment(response: httpx.Response, order: Order, so_far: SoFar) -> Next:
    found = shipment.named(shipment.read(response), "", order.carrier_reference)
    if found.tracking_code:
        raise Misread("a label that nobody has bought yet")
    rate = _chosen(found, order)
    mover = services.mover_of(rate.carrier)
    return Next(
        so_far={"shipment": found.id, "rate": rate.id, "mover": mover},
        price=rate.price + services.pickup_fee(mover, rate.currency),
    )


def _chosen(found: Shipment, order: Order) -> Rate:
    """The rate of the ordered service; where none is ordered, the cheapest."""
    rates = shipment.offered(found)
    rate = rates.get(order.service) if order.service else min(rates.values(), key=lambda one: one.price.minor, default=None)
    if rate is None:
        raise shipment.nothing_offered(found, "/service" if order.service else "")
    return rate


# --- the label --------------------------------------------------------------------------------------------


def build_label(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    _check(order, access)
    return wire.post(access, shipment.path(so_far["shipment"], "/buy"), {"rate": {"id": so_far["rate"]}})


def parse_label(response: httpx.Response, order: Order, so_far: SoFar) -> Next | Later:
    """Bought now, or by an earlier call whose answer was lost."""
    try:
        found = shipment.named(shipment.read(response), so_far["shipment"], order.carrier_reference)
    except Refused as refusal:
        if refusal.raw_code == refusals.IN_PROGRESS:
            return Later(after=_PATIENCE)
        if refusal.kind is RefusalKind.DUPLICATE:
            return Next(so_far={})
        raise
    if not found.bought or found.selected_rate is None or found.selected_rate.id != so_far["rate"]:
        raise Misread("not the label that was to be bought")
    return Next(so_far={"awb": found.tracking_code or ""})


# --- the visit ----------------------------------------------------------------------------------------------


def build_pickup(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    shipment.check(order)
    return pickup.create(order, access, so_far["shipment"])


def parse_pickup(response: httpx.Response, order: Order, so_far: SoFar) -> Next:
    try:
        found = pickup.named(pickup.read(response), "", order.carrier_reference)
        if found.status != pickup.PRICED:
            raise Misread(f"a new pickup that is {found.status}")
        rate = pickup.rate_of(found, so_far["mover"])
    except Refused as refusal:
        return _not_to_be_had(refusal)
    return Next(
        so_far={
            "pickup": found.id,
            "pickup_carrier": rate.carrier,
            "pickup_service": rate.service,
            "pickup_fee": _written(rate.price),
        }
    )


def build_visit(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    shipment.check(order)
    if "refused" in so_far:
        return shipment.refund(so_far["shipment"], access)
    chosen = {"carrier": so_far["pickup_carrier"], "service": so_far["pickup_service"]}
    return wire.post(access, pickup.path(so_far["pickup"], "/buy"), chosen)


def parse_visit(response: httpx.Response, order: Order, so_far: SoFar) -> Next | Later:
    if "refused" in so_far:
        return _given_back(response, so_far)
    try:
        found = pickup.named(pickup.read(response), so_far["pickup"], order.carrier_reference)
    except Refused as refusal:
        if refusal.kind is RefusalKind.WRONG_STATE:  # perhaps bought before: found out by asking
            raise OutcomeUnknown(str(refusal)) from refusal
        return _not_to_be_had(refusal)
    if found.status != pickup.SCHEDULED:
        raise Misread(f"a bought pickup that is {found.status}")
    return Next(so_far={"confirmation": found.confirmation or ""})


# --- what came of it ------------------------------------------------------------------------------------------


def build_outcome(order: Order, access: Access, so_far: SoFar) -> httpx.Request:
    shipment.check(order)
    send = shipment.refund if "refused" in so_far else shipment.as_pdf
    return send(so_far["shipment"], access)


def parse_outcome(response: httpx.Response, order: Order, so_far: SoFar) -> Booked | Later:
    """Everything is bought by now: a no to reading it back is none to the booking."""
    if "refused" in so_far:
        return _given_back(response, so_far)
    try:
        found = shipment.named(shipment.read(response), so_far["shipment"], order.carrier_reference)
    except Refused as refusal:
        raise OutcomeUnknown(f"bought, and not read back: {refusal}") from refusal
    if found.postage_label is None or not found.postage_label.label_pdf_url:
        raise Misread("no link to the label")
    return booked(found, so_far, so_far.get("confirmation", ""))


def booked(found: Shipment, known: Mapping[str, str], confirmation: str) -> Booked:
    """The booking as it stands at EasyPost. Raises Misread where no label was bought, or another one."""
    if not found.bought or found.refund_status or found.tracking_code != known.get("awb", found.tracking_code):
        raise Misread("not the label that was bought")
    return Booked(
        awb=found.tracking_code or "",
        handles={name: known[name] for name in _HANDLES if name in known} | {"shipment": found.id},
        pickup_token=confirmation,
        price=_price(found, known),
        tracking_url=(found.tracker.public_url or "") if found.tracker else "",
    )


def _price(found: Shipment, known: Mapping[str, str]) -> Money | None:
    """Label and visit, both firm now; nothing where they come in two currencies, or the visit's price is not known."""
    fee = _read(known.get("pickup_fee", ""))
    label = found.selected_rate.price if found.selected_rate else None
    return label + fee if label and fee and label.currency == fee.currency else None


def _written(money: Money) -> str:
    return f"{money.minor} {money.currency}"


def _read(text: str) -> Money | None:
    minor, _, currency = text.partition(" ")
    return Money(int(minor), currency) if minor.isdecimal() and currency else None


# --- giving the label back ------------------------------------------------------------------------------------


class _Refusal(msgspec.Struct, frozen=True):
    kind: RefusalKind
    code: str
    text: str
    field: str


def _not_to_be_had(refusal: Refused) -> Next:
    """The visit is refused: that is remembered until the label is given back. Raises it where the key opens nothing any more."""
    if refusal.kind is RefusalKind.UNAUTHORIZED:
        raise refusal
    kept = _Refusal(refusal.kind, refusal.raw_code, refusal.raw_message, refusal.field)
    return Next(so_far={"refused": msgspec.json.encode(kept).decode()})


def _given_back(response: httpx.Response, so_far: SoFar) -> Later:
    """Raises the visit's refusal, with what became of the label. So soon a label may be rejected wrongly: asked once more (A)."""
    kept = msgspec.json.decode(so_far["refused"], type=_Refusal)
    try:
        became = shipment.read(response).refund_status or "not told"
    except Refused as refusal:
        became = str(refusal)
    if became == shipment.REJECTED and "rejected" not in so_far:
        return Later(after=_BEFORE_ASKING_AGAIN, so_far={"rejected": "once"})
    raise Refused(kept.kind, kept.code, f"{kept.text} (the label's refund: {became})", kept.field)


def _check(order: Order, access: Access) -> None:
    shipment.check(order)
    pickup.check_window(order, access.now)


BOOK: Operation[Order, Booked] = Operation(
    steps=(
        Step(name="shipment", build=build_shipment, parse=parse_shipment),
        Step(name="label", build=build_label, parse=parse_label, commits=True),
        Step(name="pickup", build=build_pickup, parse=parse_pickup),
        Step(name="visit", build=build_visit, parse=parse_visit, commits=True),
        # Commits nothing, but an answer lost here must be found and never given up: label and visit are bought.
        Step(name="outcome", build=build_outcome, parse=parse_outcome, commits=True),
    ),
    timeout=60.0,
)
