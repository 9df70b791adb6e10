"""The merchant's word on a failed visit: it was as the carrier says, or it was not. The estimates count it accordingly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.services import judging
from gateway.services.commanding import WrongState
from gateway.services.notifying import restate
from gateway.store import cases
from gateway.store.cases import Case
from gateway.store.ledger import VISITS, Visit
from gateway.web import views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.contract import REPLAYED, WITH_KEY, refusals
from gateway.web.pickups import owned
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once

_WRITE = scope("pickups:write", "exceptions:write")


class Visits(Controller):
    path = "/pickups/{pickup_id:str}/visits/{visit_id:str}"
    tags = ["Pickups"]

    @post("/dispute", operation_id="disputeVisit", summary="Deny what the carrier says of a visit", status_code=200, opt=_WRITE,
          responses=refusals(*WITH_KEY, "not_found", "wrong_state"), response_headers=[REPLAYED], sync_to_thread=True)  # fmt: skip
    def dispute(
        self,
        call: NamedDependency[Call],
        pickup_id: FromPath[str],
        visit_id: FromPath[str],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[views.Visit]:
        """The customer was there: the failed visit counts as the carrier's doing, whatever reason it gave."""
        return _judged(call, pickup_id, visit_id, idempotency_key, judging.dispute)

    @post("/confirm", operation_id="confirmVisit", summary="Confirm what the carrier says of a visit", status_code=200, opt=_WRITE,
          responses=refusals(*WITH_KEY, "not_found", "wrong_state"), response_headers=[REPLAYED], sync_to_thread=True)  # fmt: skip
    def confirm(
        self,
        call: NamedDependency[Call],
        pickup_id: FromPath[str],
        visit_id: FromPath[str],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[views.Visit]:
        """It was the customer's or your own doing: the failed visit says nothing of the carrier and leaves its estimates."""
        return _judged(call, pickup_id, visit_id, idempotency_key, judging.confirm)


def _judged(call: Call, pickup_id: str, visit_id: str, key: str | None, verdict: Callable[..., None]) -> Response[Any]:
    def work(tx: sa.Connection, _: None) -> Response[Any]:
        case = cases.load(tx, owned(tx, call, pickup_id).id)
        verdict(tx, case, _failed(case, visit_id), call.wall)
        restate(tx, pickup_id, call.wall)
        return answered(views.visit(VISITS.one(tx, visit_id)))

    return once(call, attempt_of(call, key, b""), lambda _: None, work)


def _failed(case: Case, visit_id: str) -> Visit:
    """Raises ProblemError `not_found`, WrongState for a visit that did not fail."""
    visit = next((one for one in case.visits if one.id == visit_id), None)
    if visit is None:
        raise ProblemError("not_found", f"the pickup has no visit {visit_id}")
    if visit.outcome != "failed":
        raise WrongState(f"the visit is {visit.outcome}: only a failed one can be disputed or confirmed")
    return visit
