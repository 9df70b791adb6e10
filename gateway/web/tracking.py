"""Where any parcel is, in one set of words, whoever booked it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from adapters.contract.carrier import Carrier
from adapters.contract.errors import CarrierError
from adapters.contract.scans import Milestone, Reason
from gateway.carriers import registry
from gateway.carriers.registry import NoSuchCarrier
from gateway.services import tracing
from gateway.services.tracing import Found, NoAccount, Sought, Unknown
from gateway.web import views
from gateway.web.access import Call, answered, scope
from gateway.web.carrier_problems import from_carrier
from gateway.web.contract import refusals
from gateway.web.problems import ProblemError


class Report(views.View, frozen=True, kw_only=True):
    """One line of the carrier's tracking, with its own code and what it means."""

    at: dt.datetime
    code: str
    milestone: Milestone
    reason: Reason | None
    text: str
    place: str


class TrackingView(views.View, frozen=True, kw_only=True):
    """What the carrier says about a parcel, oldest report first; `milestone` is what the last one means, null before the first.

    `moved_by` is who really carries it. `account` is yours that was asked, at `asked_at`; `pickup` where it was booked here.
    """

    carrier: str
    awb: str
    account: str
    moved_by: str
    milestone: Milestone | None
    expected_delivery: dt.datetime | None
    scans: list[Report]
    pickup: str | None
    asked_at: dt.datetime


class Tracking(Controller):
    path = "/tracking"
    tags = ["Tracking"]

    @get(
        "/{carrier:str}/{awb:str}",
        operation_id="trackParcel",
        summary="Where is this parcel?",
        opt=scope("pickups:read", "pickups:write"),
        responses=refusals("not_found", "wrong_state", "carrier_refused", "carrier_unavailable", "lab_not_running"),
    )
    async def one(
        self,
        call: NamedDependency[Call],
        carrier: FromPath[str],
        awb: FromPath[str],
        account: Annotated[str | None, QueryParameter(max_length=40, description="Only this carrier account of yours.")] = None,
    ) -> Response[TrackingView]:
        """Any AWB, also one not booked here: the carrier is asked with your own accounts, and its answer is good for a minute.
        404 where it does not know the parcel, 409 where it refuses the account, 503 where it does not answer.
        """
        known = _known(carrier)
        sought = Sought(carrier=carrier, awb=awb, account=account or "")
        try:
            found = await tracing.trace(call.kit, call.owner, sought, now=call.now, wall=call.wall)
        except NoAccount as error:
            raise ProblemError("not_found", str(error)) from error
        except Unknown as error:
            raise _unknown(known, error) from error
        except CarrierError as error:
            raise from_carrier(known.name, error) from error
        return answered(_view(sought, found))


def _known(code: str) -> Carrier:
    """Raises ProblemError where there is no such carrier, or it cannot be asked where a parcel is."""
    try:
        found = registry.carrier(code)
    except NoSuchCarrier as error:
        raise ProblemError("not_found", str(error)) from error
    if found.track is None:
        raise ProblemError("not_found", f"{found.name} cannot be asked where a parcel is")
    return found


def _unknown(carrier: Carrier, error: Unknown) -> ProblemError:
    return from_carrier(carrier.name, error.refusal, "not_found") if error.refusal else ProblemError("not_found", str(error))


def _view(sought: Sought, found: Found) -> TrackingView:
    tracked = found.tracked
    fields: dict[str, Any] = {"account": found.account_id, "pickup": found.pickup_id, "asked_at": found.asked_at}
    return TrackingView(
        carrier=sought.carrier,
        awb=tracked.awb,
        moved_by=tracked.moved_by or sought.carrier,
        milestone=tracked.scans[-1].milestone if tracked.scans else None,
        expected_delivery=tracked.expected_delivery,
        scans=[views.pick(Report, scan) for scan in tracked.scans],
        **fields,
    )
