"""The carriers that are installed, and what each can be asked: read off the adapters' own descriptions."""

from __future__ import annotations

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.carriers import registry
from gateway.web import setup_views
from gateway.web.access import Call, answered, scope
from gateway.web.contract import refusals
from gateway.web.problems import ProblemError
from gateway.web.views import whole

_READ = scope("pickups:read", "pickups:write", "exceptions:write", "analytics:read")


class Carriers(Controller):
    path = "/carriers"
    tags = ["Carriers"]

    @get("/", operation_id="listCarriers", summary="The capability matrix", opt=_READ, responses=refusals(), sync_to_thread=True)
    def list(self, call: NamedDependency[Call]) -> Response[setup_views.CarrierList]:
        """Every carrier with its services, what it can be asked, and the fields of an account with it."""
        found = [setup_views.carrier(one) for one in registry.every()]
        return answered(setup_views.CarrierList(data=found, page=whole(found)))

    @get(
        "/{code:str}",
        operation_id="getCarrier",
        summary="What one carrier can be asked",
        opt=_READ,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def one(self, call: NamedDependency[Call], code: FromPath[str]) -> Response[setup_views.CarrierView]:
        if code not in registry.codes():
            raise ProblemError("not_found", f"no carrier {code} is installed: there are {', '.join(registry.codes())}")
        return answered(setup_views.carrier(registry.carrier(code)))
