"""The same path without a ledger: `python -m tests.bench.plain api`, and `work`, both set up as the gateway is.

The API is the gateway's own, but what it takes goes straight into RQ. A job asks all carriers, books and fetches the label in one
go, and writes down at the end, in one transaction, what the gateway would: decision, booking, label, events and exchanges. Nothing
is written before a carrier is asked and nothing between two calls: who dies there leaves a booking that nobody knows about.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any

import msgspec
import uvloop

from gateway import clock, ids, settings
from gateway.carriers import registry
from gateway.jobs import work, worker
from gateway.jobs.queue import Wakes, connect
from gateway.life.booking import BookingState
from gateway.processes.parts import serve_api
from gateway.services.booking import Send, order_of, priced_by_card
from gateway.services.deciding import Decide
from gateway.services.kit import Kit
from gateway.services.labelling import FetchLabel
from gateway.store import accounts, cases, exchanges
from gateway.store.accounts import ACCOUNTS
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, Booking
from gateway.store.outbox import ADVANCE, AUDIT
from gateway.values import Account, Exchange
from gateway.web.app import create_app
from rates.decisions import Decision
from tests.bench.measuring import Broken


class _Asked(msgspec.Struct, frozen=True):
    """What the carriers said: the decision, the booking as it was asked for, their answers to it, and the exchanges."""

    decision: Decision
    booking: Booking
    booked: Any
    label: Any
    seen: list[Exchange]


def book(pickup_id: str) -> None:
    """The job."""
    kit = work.kit()
    with kit.db.read() as tx:
        case = cases.load(tx, pickup_id)
        opened = {row.id: accounts.opened(kit.vault, row) for row in ACCOUNTS.of_owner(tx, case.owner)}
    asked = kit.wait(_ask(kit, case, opened))
    booking_id = _keep(kit, case, asked)
    if priced_by_card(registry.carrier(asked.booking.carrier)):
        _wakes().enqueue([(AUDIT, booking_id)])


async def _ask(kit: Kit, case: Case, opened: dict[str, Account]) -> _Asked:
    now, seen = case.now(clock.wall()), list[Exchange]()
    decision = await Decide().perform(kit, case, None, seen.append, now)
    booking = _booking(case, decision)
    account = opened[booking.account_id]
    booked = await kit.carriers.ask(account, "book", order_of(case, booking), now=now, witness=seen.append)
    live = msgspec.structs.replace(booking, awb=booked.awb, handles=booked.handles)
    return _Asked(decision, booking, booked, await FetchLabel(live).perform(kit, case, account, seen.append, now), seen)


def _booking(case: Case, decision: Decision) -> Booking:
    """Of whom was chosen."""
    if decision.chosen is None:
        raise Broken(decision.sentence)
    chosen, booking_id, now = decision.of(decision.chosen), ids.new("bkg"), clock.wall()
    return Booking(
        id=booking_id,
        merchant_id=case.pickup.merchant_id,
        mode=case.pickup.mode,
        pickup_id=case.pickup.id,
        account_id=chosen.account,
        carrier=chosen.carrier,
        service=chosen.service,
        moved_by=chosen.moved_by,
        carrier_reference=ids.carrier_reference(booking_id),
        state=BookingState.PLANNED,
        created_at=now,
        updated_at=now,
    )


def _keep(kit: Kit, case: Case, asked: _Asked) -> str:
    """The booking's id. By the gateway's own steps; its row gets the reference that the carrier was given."""
    wall = clock.wall()
    with kit.db.write() as tx:
        Decide().settle(tx, case, asked.decision, wall)
        send = Send(_row(tx, case))
        BOOKINGS.update(tx, send.booking.id, carrier_reference=asked.booking.carrier_reference)
        send.begin(tx, cases.load(tx, case.pickup.id), wall)
        send.settle(tx, cases.load(tx, case.pickup.id), asked.booked, wall)
        live = _row(tx, case)
        FetchLabel(live).settle(tx, cases.load(tx, case.pickup.id), asked.label, wall)
        exchanges.keep(tx, case.owner, live.account_id, case.pickup.id, live.id, asked.seen, wall)
    return live.id


def _row(tx: Any, case: Case) -> Booking:
    (booking,) = cases.load(tx, case.pickup.id).bookings
    return booking


def _queueing(api: Any) -> Any:
    """ASGI: the gateway's API, each accepted pickup queued before the caller is told."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        async def queue_first(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 202:
                location = dict(message["headers"])[b"location"].decode()
                await asyncio.to_thread(_wakes().enqueue, [(ADVANCE, location.rpartition("/")[2])])
            await send(message)

        await api(scope, receive, queue_first)

    return call


@functools.cache
def _wakes() -> Wakes:
    return Wakes(connect(settings.from_environment()))


def _api() -> None:
    known = settings.from_environment()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_api(_queueing(create_app(known)), known))


def _work() -> None:
    """The gateway's worker, with another job."""
    work.advance = book
    worker.run(settings.from_environment())


if __name__ == "__main__":
    {"api": _api, "work": _work}[sys.argv[1]]()
