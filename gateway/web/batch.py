"""Many pickups in one request: each is judged as if it had been posted alone, and has a result of its own.

Those that are sound are accepted in one transaction with the answer to the request's key, so that asking again gives that answer
and never a second pickup; a pickup that is refused leaves nothing behind and stops none of the others.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta

from gateway.services.accepting import DuplicateReference
from gateway.services.batching import Asked, accept_each
from gateway.store.ledger import Pickup
from gateway.web import shapes, views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.addresses import About, Shape
from gateway.web.bodies import JsonBody, Raw, read_part
from gateway.web.contract import REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.pickup_views import pickups
from gateway.web.pickups import to_asked
from gateway.web.problems import Problem, ProblemError, document
from gateway.web.repeats import attempt_of, once
from gateway.web.surroundings import about

MOST = 100


class BatchRequest(Shape, frozen=True, kw_only=True):
    """Pickups as they would be posted alone, each with a reference of its own."""

    pickups: Annotated[tuple[shapes.PickupRequest, ...], Meta(min_length=1, max_length=MOST)]


class _Unread(Shape, frozen=True, kw_only=True):
    """The same, each pickup still to be read."""

    pickups: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=MOST)]


class BatchItem(views.View, frozen=True, kw_only=True):
    """What became of one of them: `status` is that of the answer it would have had alone (202, 409, 422).

    `pickup` where it was accepted, else `problem`, whose pointers begin at the whole body: `/pickups/3/shipper/phone`.
    """

    index: int
    status: int
    pickup: views.Pickup | None
    problem: Problem | None


class Batch(views.View, frozen=True, kw_only=True):
    """One result for each pickup of the request, in its order."""

    accepted: int
    refused: int
    data: list[BatchItem]


class PickupBatches(Controller):
    path = "/pickups/batch"
    tags = ["Pickups"]

    @post(
        "/",
        operation_id="createPickups",
        summary="Book many reverse pickups",
        status_code=200,
        opt=scope("pickups:write"),
        responses={
            207: ResponseSpec(Batch, generate_examples=False, description="Some, or all, were refused; the others are accepted."),
            **refusals(*WITH_BODY, *WITH_KEY, "missing_idempotency_key"),
        },
        response_headers=[REPLAYED],
        sync_to_thread=True,
    )
    def create(
        self, call: NamedDependency[Call], data: JsonBody[BatchRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[Batch]:
        """Up to 100, each as if posted alone. 200: all were accepted; 207: look at each `status`. The header Idempotency-Key is
        needed and stands for the whole request. To correct what was refused, send it again under a fresh key: those accepted
        before are then refused as duplicates of their reference.
        """
        attempt = attempt_of(call, idempotency_key, data.content)
        if attempt is None:
            raise ProblemError("missing_idempotency_key")
        return once(call, attempt, lambda tx: _read(call, tx, data), lambda tx, read: _work(tx, call, read))


def _read(call: Call, tx: sa.Connection, data: Raw[BatchRequest]) -> list[Asked | ProblemError]:
    """Each pickup, or what is wrong with it. Raises ProblemError where the whole is no batch."""
    bodies = Raw[_Unread](data.content, data.content_type).read(_Unread).pickups
    known = about(call, tx)
    return [_read_one(body, place, known) for place, body in enumerate(bodies)]


def _read_one(body: Any, place: int, known: About) -> Asked | ProblemError:
    try:
        return to_asked(read_part(body, shapes.PickupRequest, known, f"/pickups/{place}"), known)
    except ProblemError as problem:
        return problem


def _work(tx: sa.Connection, call: Call, read: list[Asked | ProblemError]) -> Response[Any]:
    became = iter(accept_each(tx, call.owner, call.merchant, [one for one in read if isinstance(one, Asked)], call.wall))
    found = [one if isinstance(one, ProblemError) else next(became) for one in read]
    shown = iter(pickups(tx, [one for one in found if isinstance(one, Pickup)]))
    items = [_item(call, place, one, shown) for place, one in enumerate(found)]
    refused = sum(item.pickup is None for item in items)
    whole = Batch(accepted=len(items) - refused, refused=refused, data=items)
    return answered(whole, 207 if refused else 200)


def _item(call: Call, place: int, one: Pickup | DuplicateReference | ProblemError, shown: Any) -> BatchItem:
    if isinstance(one, Pickup):
        return BatchItem(index=place, status=202, pickup=next(shown), problem=None)
    problem = one if isinstance(one, ProblemError) else ProblemError("duplicate_reference", str(one), existing=one.pickup_id)
    return BatchItem(index=place, status=problem.kind.status, pickup=None, problem=document(call.request, problem))
