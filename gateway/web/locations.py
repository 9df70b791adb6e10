"""Locations: the merchant's warehouses, named by their id in pickups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway import ids
from gateway.store import tables
from gateway.store.accounts import LOCATIONS, Location
from gateway.web import paging, setup_views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.addresses import to_party
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, LOCATION, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.noting import noted
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once
from gateway.web.setup_shapes import LocationRequest
from gateway.web.views import page_info

_ADMIN, _READ = scope(), scope("pickups:read", "pickups:write")


class Locations(Controller):
    path = "/locations"
    tags = ["Settings"]

    @post(
        "/",
        operation_id="createLocation",
        summary="Add a warehouse",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, *WITH_KEY),
        response_headers=[LOCATION, REPLAYED],
        sync_to_thread=True,
    )
    def create(
        self, call: NamedDependency[Call], data: JsonBody[LocationRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[setup_views.LocationView]:
        """Its id may stand as the consignee of pickups and quotes."""
        attempt = attempt_of(call, idempotency_key, data.content)
        return once(call, attempt, lambda _: data.read(LocationRequest), lambda tx, request: _create(tx, call, request))

    @get(
        "/",
        operation_id="listLocations",
        summary="List warehouses",
        opt=_READ,
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        call: NamedDependency[Call],
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[setup_views.LocationList]:
        """Newest first."""
        page = call.read(lambda tx: paging.page_of(tx, call, LOCATIONS, [], limit, after, before))
        found = setup_views.LocationList(data=[setup_views.location(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get(
        "/{location_id:str}",
        operation_id="getLocation",
        summary="Read a warehouse",
        opt=_READ,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def one(self, call: NamedDependency[Call], location_id: FromPath[str]) -> Response[setup_views.LocationView]:
        return answered(setup_views.location(call.read(lambda tx: _owned(tx, call, location_id))))

    @put(
        "/{location_id:str}",
        operation_id="replaceLocation",
        summary="Replace a warehouse",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "not_found"),
        sync_to_thread=True,
    )
    def replace(
        self, call: NamedDependency[Call], location_id: FromPath[str], data: JsonBody[LocationRequest]
    ) -> Response[setup_views.LocationView]:
        """For pickups to come; those accepted before keep the address they were accepted with."""
        request = data.read(LocationRequest)
        with call.kit.db.write() as tx, noted(call, tx):
            row = _owned(tx, call, location_id)
            changed = LOCATIONS.replace(tx, row, name=request.name, party=to_party(request.party), updated_at=call.wall)
        return answered(setup_views.location(changed))

    @delete(
        "/{location_id:str}",
        operation_id="deleteLocation",
        summary="Remove a warehouse",
        opt=_ADMIN,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def delete(self, call: NamedDependency[Call], location_id: FromPath[str]) -> None:
        """Pickups on their way to it keep its address."""
        with call.kit.db.write() as tx, noted(call, tx):
            row = _owned(tx, call, location_id)
            tx.execute(tables.locations.delete().where(tables.locations.c.id == row.id))


def _create(tx: sa.Connection, call: Call, request: LocationRequest) -> Response[Any]:
    row = Location(
        id=ids.new("loc"),
        merchant_id=call.owner.merchant_id,
        mode=call.mode,
        name=request.name,
        party=to_party(request.party),
        created_at=call.wall,
        updated_at=call.wall,
    )
    LOCATIONS.insert(tx, row)
    return answered(setup_views.location(row), 201, {"Location": f"/v1/locations/{row.id}"})


def _owned(tx: sa.Connection, call: Call, location_id: str) -> Location:
    row = LOCATIONS.get(tx, call.owner, location_id)
    if row is None:
        raise ProblemError("not_found", f"there is no location {location_id}")
    return row
