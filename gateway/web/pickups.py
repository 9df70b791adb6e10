"""Reverse pickups: booked, followed, changed.

Accepting one stores the key, the pickup and its wake-up in one transaction and asks no carrier; what the carriers say is the
pickup's state, never an error of the request.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter

from gateway.life.pickup import PickupState
from gateway.services import accepting, commanding, validating
from gateway.services.batching import Asked
from gateway.store import cases, searching, tables
from gateway.store.cases import Case
from gateway.store.keyset import Order
from gateway.store.ledger import BOOKINGS, DECISIONS, EVENTS, PICKUPS, VISITS, Pickup
from gateway.web import paging, shapes, views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.addresses import About
from gateway.web.bodies import JsonBody, Raw
from gateway.web.contract import LINK, LOCATION, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.paging import words
from gateway.web.pickup_views import EXPANDABLE, pickup, pickups, read_expand
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, keep, once
from gateway.web.surroundings import about

_LONGEST_WAIT = 10
_LOOK_EVERY = 0.05
_VALIDATE_SECONDS = 2.0
_UNSETTLED = frozenset({PickupState.REQUESTED, PickupState.BOOKING})
_SORTS = paging.Sorts(
    {
        f"{sign}{name}": Order(columns=(tables.pickups.c[name], tables.pickups.c.id), falling=bool(sign))
        for name in ("created_at", "updated_at", "reference")
        for sign in ("-", "")
    }
)
_WRITE, _READ = scope("pickups:write"), scope("pickups:read", "pickups:write")

Prefer = Annotated[
    str | None, HeaderParameter(name="Prefer", description="wait=5: answer when a carrier has said something, at most 10 seconds.")
]
ExpandParameter = Annotated[
    str | None,
    QueryParameter(
        description="Comma-separated: bookings, visits, decision, events, label.",
        max_length=120,
        schema_extra=paging.listed(EXPANDABLE),
    ),
]


class Pickups(Controller):
    path = "/pickups"
    tags = ["Pickups"]

    @post(
        "/",
        operation_id="createPickup",
        summary="Book a reverse pickup",
        status_code=202,
        opt=_WRITE,
        responses={
            201: ResponseSpec(views.Pickup, generate_examples=False, description="A carrier has answered within `Prefer: wait`."),
            **refusals(*WITH_BODY, *WITH_KEY, "missing_idempotency_key", "duplicate_reference"),
        },
        response_headers=[LOCATION, REPLAYED],
    )
    async def create(
        self,
        call: NamedDependency[Call],
        data: JsonBody[shapes.PickupRequest],
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> Response[views.Pickup]:
        """The carrier is chosen by expected cost unless `carrier` says otherwise. The header Idempotency-Key is needed: asked again
        with it, nothing is booked twice. The answer comes at once, in state `requested`; with `Prefer: wait=n` when the state has
        left requested and booking, then as 201.
        """
        first = await asyncio.to_thread(_accept, call, data, idempotency_key)
        seconds = wait_seconds(prefer)
        if not seconds or "Idempotency-Replayed" in first.headers:
            return first
        return await _settled(call, first, attempt_of(call, idempotency_key, data.content), seconds)

    @post(
        "/validate",
        operation_id="validatePickup",
        summary="Try a pickup on for size",
        status_code=200,
        opt=_READ,
        responses=refusals(*WITH_BODY, "lab_not_running", "no_policy"),
    )
    async def validate(self, call: NamedDependency[Call], data: JsonBody[shapes.PickupRequest]) -> Response[views.Validation]:
        """The same body as for booking, and nothing is booked: which carriers would be asked in which order, and which fields
        whose carrier would refuse.
        """
        asked = await asyncio.to_thread(call.read, lambda tx: _read(call, tx, data))
        given = (call.kit, call.owner, call.merchant, asked.people, asked.wanted)
        choice = await validating.prices(*given, seconds=_VALIDATE_SECONDS, now=call.now)
        about = (call.kit, call.owner, asked.reference, asked.people, asked.wanted)
        found = await validating.objections(*about, seconds=_VALIDATE_SECONDS, now=call.now)
        return answered(_validation(views.quotes(choice), found))

    @get(
        "/",
        operation_id="listPickups",
        summary="List pickups",
        opt=_READ,
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        call: NamedDependency[Call],
        states: Annotated[
            str | None,
            QueryParameter(
                name="state", max_length=400, description="Comma-separated states.", schema_extra=paging.listed(PickupState)
            ),
        ] = None,
        carrier: Annotated[
            str | None, QueryParameter(max_length=200, description="Comma-separated: asked for it at least once.")
        ] = None,
        service: Annotated[str | None, QueryParameter(max_length=200, description="Comma-separated services.")] = None,
        account: Annotated[str | None, QueryParameter(max_length=400, description="Comma-separated carrier accounts.")] = None,
        reference: Annotated[str | None, QueryParameter(max_length=120, description="Yours, exactly.")] = None,
        postal_code: Annotated[str | None, QueryParameter(max_length=200, description="Comma-separated: collected there.")] = None,
        q: paging.Search = None,
        since: paging.CreatedSince = None,
        later: paging.CreatedAfter = None,
        until: paging.CreatedUntil = None,
        earlier: paging.CreatedBefore = None,
        sort: Annotated[
            str | None,
            QueryParameter(max_length=40, schema_extra={"enum": _SORTS.names}, description="The first unless given."),
        ] = None,
        expand: ExpandParameter = None,
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[views.PickupList]:
        """Newest first, unless sorted otherwise; a minus turns the order round. What changes while you turn pages moves
        within a list sorted by `updated_at`.
        """
        wanted = read_expand(expand)
        table = tables.pickups.c
        conditions = [
            PICKUPS.owned(call.owner),
            *paging.is_among(table.state, paging.one_of("state", states, PickupState)),
            *searching.asked(table.id, carrier=words(carrier), service=words(service), account_id=words(account)),
            *([table.reference == reference] if reference else []),
            *([searching.collected_at(table.lane, words(postal_code))] if postal_code else []),
            *paging.bounds("created_at", table.created_at, gte=since, gt=later, lte=until, lt=earlier),
            *([table.id.in_(searching.found_by(call.owner, q))] if q else []),
        ]
        with call.kit.db.read() as tx:
            page = _SORTS.page(tx, PICKUPS, conditions, sort=sort, limit=limit, after=after, before=before)
            found = views.PickupList(data=pickups(tx, page.data, wanted), page=views.page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get("/{pickup_id:str}", operation_id="getPickup", summary="Read a pickup", opt=_READ, responses=refusals("not_found"),
         sync_to_thread=True)  # fmt: skip
    def one(self, call: NamedDependency[Call], pickup_id: FromPath[str], expand: ExpandParameter = None) -> Response[views.Pickup]:
        wanted = read_expand(expand)
        return answered(call.read(lambda tx: pickup(tx, owned(tx, call, pickup_id), wanted)))

    @get("/{pickup_id:str}/events", operation_id="listPickupEvents", summary="What happened to a pickup", opt=_READ,
         responses=refusals("not_found"), sync_to_thread=True)  # fmt: skip
    def events(self, call: NamedDependency[Call], pickup_id: FromPath[str]) -> Response[views.EventList]:
        """All of it, oldest first."""

        def read(tx: sa.Connection) -> views.EventList:
            rows = EVENTS.all(tx, tables.events.c.pickup_id == owned(tx, call, pickup_id).id, order=tables.events.c.sequence)
            return views.EventList(data=[views.event(row) for row in rows], page=views.whole(rows))

        return answered(call.read(read))

    @get("/{pickup_id:str}/decision", operation_id="getPickupDecision", summary="Why this carrier was chosen", opt=_READ,
         responses=refusals("not_found"), sync_to_thread=True)  # fmt: skip
    def decision(self, call: NamedDependency[Call], pickup_id: FromPath[str]) -> Response[views.Decision]:
        """The newest decision with all offers, and what was left out and why."""

        def read(tx: sa.Connection) -> views.Decision:
            stored = DECISIONS.get(tx, call.owner, owned(tx, call, pickup_id).decision_id or "")
            if stored is None:
                raise ProblemError("not_found", "no carrier has been chosen yet: look again in a moment")
            return views.decision(stored, full=True)

        return answered(call.read(read))

    @get("/{pickup_id:str}/bookings", operation_id="listPickupBookings", summary="The carriers that were asked", opt=_READ,
         responses=refusals("not_found"), sync_to_thread=True)  # fmt: skip
    def bookings(self, call: NamedDependency[Call], pickup_id: FromPath[str]) -> Response[views.BookingList]:
        """All bookings with their scans, oldest first."""

        def read(tx: sa.Connection) -> views.BookingList:
            rows = BOOKINGS.all(tx, tables.bookings.c.pickup_id == owned(tx, call, pickup_id).id)
            return views.BookingList(data=[views.booking(row, cases.scans(tx, row.id)) for row in rows], page=views.whole(rows))

        return answered(call.read(read))

    @get("/{pickup_id:str}/visits", operation_id="listPickupVisits", summary="When the rider came", opt=_READ,
         responses=refusals("not_found"), sync_to_thread=True)  # fmt: skip
    def visits(self, call: NamedDependency[Call], pickup_id: FromPath[str]) -> Response[views.VisitList]:
        """All visits, oldest first."""

        def read(tx: sa.Connection) -> views.VisitList:
            rows = VISITS.all(tx, tables.visits.c.pickup_id == owned(tx, call, pickup_id).id, order=tables.visits.c.day)
            return views.VisitList(data=[views.visit(row) for row in rows], page=views.whole(rows))

        return answered(call.read(read))

    @post("/{pickup_id:str}/cancel", operation_id="cancelPickup", summary="Cancel a pickup", status_code=200, opt=_WRITE,
          responses=refusals(*WITH_KEY, "not_found", "wrong_state"), response_headers=[REPLAYED], sync_to_thread=True)  # fmt: skip
    def cancel(
        self, call: NamedDependency[Call], pickup_id: FromPath[str], idempotency_key: IdempotencyKey = None
    ) -> Response[views.Pickup]:
        """The carrier is asked; until it has confirmed the state is `cancelling`. A rider who was faster wins."""
        return _command(call, pickup_id, idempotency_key, lambda tx, case: commanding.cancel(tx, case, call.wall))

    @post("/{pickup_id:str}/requeue", operation_id="requeuePickup", summary="Hand a pickup back to automation", status_code=200,
          opt=_WRITE, responses=refusals(*WITH_KEY, "not_found", "wrong_state"), response_headers=[REPLAYED],
          sync_to_thread=True)  # fmt: skip
    def requeue(
        self, call: NamedDependency[Call], pickup_id: FromPath[str], idempotency_key: IdempotencyKey = None
    ) -> Response[views.Pickup]:
        """For a pickup that is `exhausted`: a carrier is chosen anew."""
        return _command(call, pickup_id, idempotency_key, lambda tx, case: commanding.requeue(tx, case, call.wall))

    @post("/{pickup_id:str}/reschedule", operation_id="reschedulePickup", summary="Give a pickup another day", status_code=200,
          opt=_WRITE, responses=refusals(*WITH_BODY, *WITH_KEY, "not_found", "wrong_state"), response_headers=[REPLAYED],
          sync_to_thread=True)  # fmt: skip
    def reschedule(
        self,
        call: NamedDependency[Call],
        pickup_id: FromPath[str],
        data: JsonBody[shapes.RescheduleRequest],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[views.Pickup]:
        """A live booking's carrier is told, where it takes that; else the next booking has the new window."""

        def change(tx: sa.Connection, case: Case) -> None:
            door = shapes.AtTheDoor(now=call.now, zone=case.people.shipper.timezone)
            request = data.read(shapes.RescheduleRequest, door)
            commanding.reschedule(tx, case, shapes.to_window(request.window, door.zone), call.wall)

        return _command(call, pickup_id, idempotency_key, change, data.content)

    @post("/{pickup_id:str}/contact", operation_id="correctPickup", summary="Correct the address, phone or note", status_code=200,
          opt=_WRITE, responses=refusals(*WITH_BODY, *WITH_KEY, "not_found", "wrong_state"), response_headers=[REPLAYED],
          sync_to_thread=True)  # fmt: skip
    def contact(
        self,
        call: NamedDependency[Call],
        pickup_id: FromPath[str],
        data: JsonBody[shapes.ContactRequest],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[views.Pickup]:
        """A live booking's carrier is told, where it takes that; with another postal code a carrier is chosen anew."""

        def change(tx: sa.Connection, case: Case) -> None:
            request = data.read(shapes.ContactRequest, case.people.shipper)
            given = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
            note = given.pop("note")
            commanding.contact(tx, case, msgspec.structs.replace(case.people.shipper, **given), note, call.wall)

        return _command(call, pickup_id, idempotency_key, change, data.content)


# --- booking ---------------------------------------------------------------------------------------


def _accept(call: Call, data: Raw[shapes.PickupRequest], key: str | None) -> Response[Any]:
    attempt = attempt_of(call, key, data.content)
    if attempt is None:
        raise ProblemError("missing_idempotency_key")

    def work(tx: sa.Connection, asked: Asked) -> Response[Any]:
        row = accepting.accept(tx, call.owner, call.merchant, asked.reference, asked.people, asked.wanted, call.wall)
        return answered(pickup(tx, row), 202, {"Location": f"/v1/pickups/{row.id}"})

    return once(call, attempt, lambda tx: _read(call, tx, data), work)


def _read(call: Call, tx: sa.Connection, data: Raw[shapes.PickupRequest]) -> Asked:
    """Raises ProblemError with all that is wrong."""
    known = about(call, tx)
    return to_asked(data.read(shapes.PickupRequest, known), known)


def to_asked(request: shapes.PickupRequest, known: About) -> Asked:
    people = shapes.to_people(request, known)
    return Asked(reference=request.reference, people=people, wanted=shapes.to_wanted(request, people.shipper.timezone))


def wait_seconds(prefer: str | None) -> int:
    """The `wait` of a Prefer header (RFC 7240), at most ten; 0 where there is none that can be read."""
    found = re.search(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,4})', prefer or "", re.IGNORECASE)
    return min(int(found[1]), _LONGEST_WAIT) if found else 0


async def _settled(call: Call, first: Response[Any], attempt: Any, seconds: int) -> Response[Any]:
    """Look again until a carrier has said something; then that is the answer, also to whoever asks again."""
    pickup_id = first.headers["Location"].rpartition("/")[2]
    until = time.monotonic() + seconds
    while await asyncio.to_thread(_unsettled, call, pickup_id):
        if time.monotonic() > until:
            return first
        await asyncio.sleep(_LOOK_EVERY)
    headers = {**first.headers, "Preference-Applied": f"wait={seconds}"}
    row = await asyncio.to_thread(call.read, lambda tx: pickup(tx, owned(tx, call, pickup_id)))
    answer = answered(row, 201, headers)
    await asyncio.to_thread(keep, call, attempt, answer)
    return answer


def _unsettled(call: Call, pickup_id: str) -> bool:
    table = tables.pickups.c
    return call.read(lambda tx: tx.scalar(sa.select(table.state).where(table.id == pickup_id))) in _UNSETTLED


def _validation(found: views.Quotes, objections: list[validating.Objection]) -> views.Validation:
    objected = {(one.account, one.service) for one in objections}
    return views.Validation(
        bookable=any((one.account, one.service) not in objected for one in found.offers) and found.why == "chosen",
        sentence=found.sentence,
        offers=found.offers,
        left_out=found.left_out,
        objections=[views.pick(views.Objection, one) for one in objections],
    )


# --- reading and changing --------------------------------------------------------------------------


def owned(tx: sa.Connection, call: Call, pickup_id: str) -> Pickup:
    """Raises ProblemError `not_found`, also for another merchant's."""
    row = PICKUPS.get(tx, call.owner, pickup_id)
    if row is None:
        raise ProblemError("not_found", f"there is no pickup {pickup_id}")
    return row


def _command(
    call: Call, pickup_id: str, key: str | None, change: Callable[[sa.Connection, Case], None], content: bytes = b""
) -> Response[Any]:
    """Change a pickup, once per key; answer with it as it is then."""

    def work(tx: sa.Connection, _: None) -> Response[Any]:
        change(tx, cases.load(tx, owned(tx, call, pickup_id).id))
        return answered(pickup(tx, PICKUPS.one(tx, pickup_id)))

    return once(call, attempt_of(call, key, content), lambda _: None, work)
