"""Prices and reach: what every carrier would ask for a lane, all asked at once; nothing is booked."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from adapters.contract.carrier import Enquiry
from adapters.contract.orders import Direction, Parcel
from adapters.contract.places import Lane
from adapters.contract.units import Length, Money, Weight
from gateway.services import quoting
from gateway.store.ledger import Wanted
from gateway.web import facts, shapes, views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.addresses import zone_of
from gateway.web.bodies import JsonBody
from gateway.web.contract import REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.problems import ErrorItem, ProblemError
from gateway.web.repeats import attempt_of, once_over_carriers
from gateway.web.surroundings import about

_SECONDS = 2.0
# Only the places matter to serviceability; carriers that answer it with a price are asked about this parcel.
_SIDE = Length(100)

Code = Annotated[str, QueryParameter(max_length=12)]
CountryCode = Annotated[str | None, QueryParameter(pattern="^[A-Z]{2}$", description="Left out: your own country.")]


class _Asked(msgspec.Struct, frozen=True):
    enquiry: Enquiry
    wanted: Wanted
    seconds: float


class Toward(enum.StrEnum):
    """Reverse: from the customer to the warehouse."""

    REVERSE = "reverse"
    FORWARD = "forward"


class Quotes(Controller):
    path = "/quotes"
    tags = ["Prices"]

    @post(
        "/",
        operation_id="createQuotes",
        summary="Compare all carriers for a pickup",
        status_code=200,
        opt=scope("pickups:read", "pickups:write"),
        responses=refusals(*WITH_BODY, *WITH_KEY, "lab_not_running", "no_policy"),
        response_headers=[REPLAYED],
    )
    async def create(
        self, call: NamedDependency[Call], data: JsonBody[shapes.QuoteRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[views.Quotes]:
        """Offers in the order they would be asked, each with its price, the chance that the first visit collects and what a
        collected return costs all in; and every carrier that was left out, with the cause. Carriers that do not answer within
        `within_seconds` are left out. The body of a pickup is taken as it is.
        """
        attempt = attempt_of(call, idempotency_key, data.content)

        async def work(asked: _Asked) -> Response[Any]:
            choice = await quoting.decide(
                call.kit, call.owner, call.merchant, asked.enquiry, asked.wanted, seconds=asked.seconds, now=call.now
            )
            return answered(views.quotes(choice))

        return await once_over_carriers(call, attempt, lambda tx: _read(call, tx, data), work)


def _read(call: Call, tx: sa.Connection, data: Any) -> _Asked:
    known = about(call, tx)
    request: shapes.QuoteRequest = data.read(shapes.QuoteRequest, known)
    wanted = shapes.to_wanted(request, zone_of(msgspec.structs.asdict(request.shipper)))
    enquiry = Enquiry(
        lane=shapes.to_lane(request, known),
        direction=Direction.REVERSE,
        parcels=wanted.parcels,
        declared_value=shapes.declared_value(request),
        quality_checks=len(wanted.quality_checks),
        ready_at=max(wanted.window.opens, call.now) if wanted.window else call.now,
    )
    return _Asked(enquiry, wanted, request.within_seconds)


class Serviceability(Controller):
    path = "/serviceability"
    tags = ["Prices"]

    @get(
        "/",
        operation_id="getServiceability",
        summary="Which carriers serve a lane",
        opt=scope("pickups:read", "pickups:write"),
        responses=refusals("lab_not_running"),
    )
    async def get(
        self,
        call: NamedDependency[Call],
        origin: Annotated[str, QueryParameter(name="from", max_length=12, description="The shipper's postal code.")],
        destination: Annotated[str, QueryParameter(name="to", max_length=12, description="The consignee's postal code.")],
        direction: Annotated[Toward, QueryParameter(description="reverse: a pickup.")] = Toward.REVERSE,
        weight_g: Annotated[int, QueryParameter(ge=1, le=1_000_000, description="What the parcel weighs.")] = 500,
        from_country: CountryCode = None,
        to_country: CountryCode = None,
    ) -> Response[views.Serviceability]:
        """Each of your carrier accounts' word on the lane, all asked at once."""
        lane = Lane(
            origin=origin,
            destination=destination,
            origin_country=from_country or call.merchant.country,
            destination_country=to_country or call.merchant.country,
        )
        _check(lane)
        enquiry = _enquiry(lane, Direction(direction), weight_g, call)
        found = await quoting.serviceability(call.kit, call.owner, call.merchant, enquiry, seconds=_SECONDS, now=call.now)
        given = views.LaneView(origin=origin, destination=destination)
        words = [views.pick(views.Reachable, reach) for reach in found]
        return answered(views.Serviceability(lane=given, direction=direction, data=words))


def _check(lane: Lane) -> None:
    ends = (("from", lane.origin, lane.origin_country), ("to", lane.destination, lane.destination_country))
    errors = []
    for name, code, country in ends:
        if country not in facts.countries():
            errors.append(ErrorItem(parameter=f"{name}_country", code="unknown_country", detail=f"{country} is no country"))
        elif fault := facts.postal_code_fault(code, country):
            errors.append(ErrorItem(parameter=name, code="invalid_postal_code", detail=fault))
    if errors:
        raise ProblemError("invalid_parameter", errors=errors)


def _enquiry(lane: Lane, direction: Direction, weight_g: int, call: Call) -> Enquiry:
    parcel = Parcel(dead_weight=Weight(weight_g), length=_SIDE, width=_SIDE, height=_SIDE)
    return Enquiry(
        lane=lane, direction=direction, parcels=(parcel,), declared_value=Money(0, call.merchant.currency), ready_at=call.now
    )
