"""What would it cost, and how long does it take?

Vendor documentation and recordings (A). A shipment is made and not bought: that costs nothing. Its rates are the labels' prices;
what the visit costs is told only once a label is bought, and estimated here. The days of a quote are the mover's own. TAT is
another source: SmartRate, the business days (A) in which 85 % of such parcels came to their last van. It knows the USA only and
is paid after 500 calls, so offers are made of it only where the account's setting `smartrate` says so.
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.contract.carrier import Access, Enquiry, Next, Operation, PriceLine, Quote, SoFar, Step, Tat, one_step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.easypost import services, shipment, wire
from adapters.easypost.shipment import Rate, Shipment


def build_shipment(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return shipment.for_enquiry(enquiry, access)


# --- prices ---------------------------------------------------------------------------------------------


def parse_quotes(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> tuple[Quote, ...]:
    found = _priced(response)
    quotes = tuple(_quote(code, rate) for code, rate in shipment.offered(found).items())
    if not quotes:
        raise shipment.nothing_offered(found)
    return quotes


def _priced(response: httpx.Response) -> Shipment:
    found = shipment.read(response)
    if found.tracking_code:
        raise Misread("a shipment that nobody has bought")
    return found


def _quote(code: str, rate: Rate) -> Quote:
    mover = services.mover_of(rate.carrier)
    known = mover in services.PICKUP_FEES
    fee = services.pickup_fee(mover, rate.currency)
    return Quote(
        service=code,
        price=rate.price + fee,
        lines=(
            PriceLine(code="base", amount=rate.price),
            PriceLine(code="pickup", amount=fee, detail="an estimate until booked" if known else "a guess until booked"),
        ),
        tat_days=rate.days,
        due_if_not_collected=fee,  # the label itself is given back unused
        rate=rate.id,
        moved_by=mover,
    )


QUOTE = one_step(build_shipment, parse_quotes, repeatable=True, timeout=30.0)


# --- days -----------------------------------------------------------------------------------------------


SMARTRATE = "EasyPost SmartRate, 85 of 100 parcels"


class TimeInTransit(msgspec.Struct, frozen=True):
    percentile_85: int | None = None


class SmartRate(msgspec.Struct, frozen=True):
    carrier: str
    service: str
    shipment_id: str
    time_in_transit: TimeInTransit | None = None


class Prediction(msgspec.Struct, frozen=True):
    result: list[SmartRate]


def build_priced(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    if "US" not in (enquiry.lane.origin_country, enquiry.lane.destination_country):
        said = "SmartRate knows the USA only"
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message=said, field="/lane/origin_country")
    return shipment.for_enquiry(enquiry, access)


def parse_priced(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Next:
    return Next(so_far={"shipment": _priced(response).id})


def build_smartrate(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return wire.get(access, shipment.path(so_far["shipment"], "/smartrate"))


def parse_smartrate(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Tat:
    """By then a parcel of each service has come, 85 times in a hundred."""
    found = wire.read(response, Prediction).result
    if any(one.shipment_id != so_far["shipment"] for one in found):
        raise Misread("a prediction for another shipment")
    foretold = ((services.code_of(one.carrier, one.service), _days(one)) for one in found)
    days = {code: days for code, days in foretold if code and days is not None}
    if not days:
        raise Refused(RefusalKind.REFUSED, raw_message="no prediction for a service that is offered here")
    return Tat(days=max(days.values()), by_service=days, source=SMARTRATE)


def _days(one: SmartRate) -> int | None:
    return one.time_in_transit.percentile_85 if one.time_in_transit else None


TAT: Operation[Enquiry, Tat] = Operation(
    steps=(
        Step(name="shipment", build=build_priced, parse=parse_priced),
        Step(name="smartrate", build=build_smartrate, parse=parse_smartrate),
    ),
    repeatable=True,
    timeout=30.0,
)
