"""Deciding which carrier to ask: all are quoted, the cheapest reliable one is chosen, its booking planned, the decision kept."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.scans import Fault
from gateway import ids
from gateway.life.booking import GIVEN_UP, BookingState
from gateway.services import quoting, renewing, scoring
from gateway.services.kit import Kit
from gateway.services.notifying import emit, open_exception, restate
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.ledger import BOOKINGS, DECISIONS, PICKUPS, Booking, StoredDecision
from gateway.values import Account
from rates.decisions import Decision, Key, Row, Situation, Why
from rates.filters import Cause
from rates.zones import zone

_DEADLINE = 10.0
_MOST_TRIES = 3
_RETRY, _LONGEST_RETRY = dt.timedelta(seconds=15), dt.timedelta(minutes=5)
# Causes that may be gone in a moment.
_PASSING = frozenset({Cause.QUOTE_FAILED, Cause.QUOTE_TIMED_OUT, Cause.CIRCUIT_OPEN})


class Decide(msgspec.Struct, frozen=True):
    """Quote all carriers and choose."""

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        """Nothing to note: asking for prices twice does no harm."""

    async def perform(self, kit: Kit, case: Case, account: Account | None, witness: Witness, now: dt.datetime) -> Any:
        return await quoting.decide(
            kit,
            case.owner,
            case.merchant,
            quoting.enquiry_of(case.people.shipper, case.people.consignee, case.pickup.body, now),
            case.pickup.body,
            seconds=_DEADLINE,
            now=now,
            situation=situation_of(case, now),
            failed=scoring.failed(case),
            excluded=_excluded(case),
            refused_by=_refused(case),
            anew=renewing.risen(case),
            dice=random.random(),
        )

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        if any(booking.in_force for booking in case.bookings):
            return  # a carrier we had given up has it after all
        if isinstance(outcome, Decision):
            _keep(tx, case, outcome, wall)
        else:
            _try_later(tx, case, wall)
        restate(tx, case.pickup.id, wall)


def situation_of(case: Case, now: dt.datetime) -> Situation:
    """Where the pickup stands when a carrier is chosen for it."""
    return Situation(
        elapsed_days=max((now - case.pickup.business_created_at).total_seconds() / 86400, 0.0),
        current=_current(case),
        visits=_visits(case),
        zone=zone(case.people.shipper.postal_code, case.people.shipper.country),
        follows=case.pickup.decision_id or "",
    )


def _current(case: Case) -> Key | None:
    """Who held it last, if anybody did: leaving it has a cost."""
    held = [booking for booking in case.bookings if booking.awb]
    return (held[-1].account_id, held[-1].moved_by, held[-1].service) if held else None


def _visits(case: Case) -> int:
    return len([visit for visit in case.visits if visit.outcome != "out"])


def _excluded(case: Case) -> dict[str, str]:
    return {booking.moved_by: f"left after {booking.carrier} did not collect" for booking in case.bookings if booking.avoid}


def _refused(case: Case) -> dict[str, str]:
    """Accounts and services that refused this very pickup, with their words."""
    return {
        f"{booking.account_id}/{booking.service}": f"refused this pickup: {booking.refusal.raw_code} {booking.refusal.raw_message}"
        for booking in case.bookings
        if booking.state in GIVEN_UP and booking.refusal
    }


def _keep(tx: sa.Connection, case: Case, decision: Decision, wall: dt.datetime) -> None:
    stored = StoredDecision(
        id=ids.new("dec"),
        merchant_id=case.pickup.merchant_id,
        mode=case.pickup.mode,
        pickup_id=case.pickup.id,
        body=msgspec.to_builtins(decision),
        created_at=wall,
    )
    DECISIONS.insert(tx, stored)
    pickup = PICKUPS.replace(tx, case.pickup, decision_id=stored.id, retry_at=None, updated_at=wall)
    if decision.chosen:
        PICKUPS.update(tx, pickup.id, tries=0)
        _plan(tx, case, decision, decision.chosen, stored.id, wall)
        told = {"decision": stored.id, "sentence": decision.sentence}
        emit(tx, pickup, "pickup.failed_over" if _current(case) else "pickup.carrier_selected", told, case.now(wall), wall)
    elif _worth_another_try(case, decision):
        _try_later(tx, case, wall)
    else:
        _nobody(tx, case, decision, wall)


def _plan(tx: sa.Connection, case: Case, decision: Decision, row: Row, decision_id: str, wall: dt.datetime) -> None:
    """The booking's row: from here on the pickup is this carrier's, or nobody's."""
    chosen, booking_id = decision.of(row), ids.new("bkg")
    BOOKINGS.insert(
        tx,
        Booking(
            id=booking_id,
            merchant_id=case.pickup.merchant_id,
            mode=case.pickup.mode,
            pickup_id=case.pickup.id,
            account_id=chosen.account,
            decision_id=decision_id,
            carrier=chosen.carrier,
            service=chosen.service,
            moved_by=chosen.moved_by,
            carrier_reference=ids.carrier_reference(booking_id),
            state=BookingState.PLANNED,
            price=chosen.price,
            quoted_price=chosen.price,
            quote_expires_at=chosen.expires_at,
            due_if_not_collected=chosen.due_if_not_collected,
            window=case.pickup.body.window_ahead(case.now(wall)),
            created_at=wall,
            updated_at=wall,
        ),
    )


def _worth_another_try(case: Case, decision: Decision) -> bool:
    passing = any(barred.cause in _PASSING for barred in decision.barred)
    waiting = any(barred.cause is Cause.CIRCUIT_OPEN for barred in decision.barred)  # for a carrier that will be asked again
    return passing and decision.why is Why.NO_CANDIDATE and (waiting or case.pickup.tries < _MOST_TRIES)


def _try_later(tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
    pause = min(_RETRY * (case.pickup.tries + 1), _LONGEST_RETRY)
    PICKUPS.update(tx, case.pickup.id, tries=case.pickup.tries + 1, retry_at=wall + pause)


def _nobody(tx: sa.Connection, case: Case, decision: Decision, wall: dt.datetime) -> None:
    """No carrier to ask, or none worth its cost: a person decides."""
    PICKUPS.update(tx, case.pickup.id, handed_over=True)
    open_exception(tx, case, wall, reason="no_carrier", fault=Fault.NOBODY, state="needs_decision", detail=decision.sentence)
