"""An offer that no longer holds is not booked at yesterday's price: the choice is made anew, at most twice.

It no longer holds when its time or the wished window is over before anything was sent, or when the carrier names a price more than
5 % above the quote or above the cap while nothing is committed yet. The new decision names the one before it, and a window that is
over is asked for no more. A price that is told only with the booking is kept beside the quoted one, and told; nothing is cancelled
for it. How long a carrier's quoted price is booked by is assumed (`quoting.HOLDS`); a rate card's price holds as long as the card.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from adapters.contract.errors import RefusalKind
from adapters.contract.units import Money
from gateway.life.booking import BookingEvent, BookingState, move
from gateway.services.notifying import emit, restate
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, DECISIONS, PICKUPS, Booking, Refusal
from rates.choice import ANEW_AT_MOST, Outdated, outdated
from rates.decisions import Decision
from rates.filters import cap_of, names

_KINDS = {why: f"quote_{why}" for why in Outdated}
_RISEN = frozenset({_KINDS[Outdated.PRICE_ROSE], _KINDS[Outdated.OVER_CAP]})


def over(case: Case, booking: Booking, wall: dt.datetime) -> bool:
    """Whether its window is over with nothing sent, or its offer has expired and the choice was not made anew too often already."""
    unsent = booking.state is BookingState.PLANNED and not booking.step and not booking.so_far
    expires, now = booking.quote_expires_at, case.now(wall)
    expired = expires is not None and expires <= now and _may_renew(case)
    return unsent and (expired or _too_late(booking, now))


def _too_late(booking: Booking, now: dt.datetime) -> bool:
    return booking.window is not None and booking.window.closes <= now


def _may_renew(case: Case) -> bool:
    return len([one for one in case.bookings if one.refusal and one.refusal.kind in _KINDS.values()]) < ANEW_AT_MOST


def risen(case: Case) -> frozenset[str]:
    """Accounts that named a higher price than they had quoted for this pickup."""
    return frozenset(one.account_id for one in case.bookings if one.refusal and one.refusal.kind in _RISEN)


class Renew(msgspec.Struct, frozen=True):
    """Withdraw the booking; the driver then chooses anew."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        _withdraw(tx, self.booking, _why(self.booking, case.now(wall)), wall)
        restate(tx, case.pickup.id, wall)


def _why(booking: Booking, now: dt.datetime) -> Refusal:
    if _too_late(booking, now):
        return Refusal(kind=RefusalKind.WINDOW_UNAVAILABLE, raw_message="the window was over before it was sent")
    told = f"the offer held until {booking.quote_expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return Refusal(kind=_KINDS[Outdated.EXPIRED], raw_message=told)


def left(tx: sa.Connection, case: Case, booking: Booking, price: Money, wall: dt.datetime) -> bool:
    """The carrier says what it comes to while nothing is committed: whether that is too much, and the booking is given up.

    After two new choices a risen price is taken; one above the cap never is: the service is left out for this pickup.
    """
    why = _too_much(tx, case, booking, price)
    if why is None or not (_may_renew(case) or why is Outdated.OVER_CAP):
        return False
    refusal = Refusal(kind=_KINDS[why], raw_message=f"the price is {price} now, {booking.quoted_price} was quoted")
    if _may_renew(case):
        _withdraw(tx, msgspec.structs.replace(booking, state=move(booking.state, BookingEvent.STEP_DONE)), refusal, wall)
    else:
        BOOKINGS.update(tx, booking.id, state=move(booking.state, BookingEvent.REFUSED), refusal=refusal, updated_at=wall)
    return True


def _withdraw(tx: sa.Connection, booking: Booking, refusal: Refusal, wall: dt.datetime) -> None:
    state = move(booking.state, BookingEvent.WITHDRAW)
    BOOKINGS.update(tx, booking.id, state=state, refusal=refusal, retry_at=None, updated_at=wall)


def price_booked(tx: sa.Connection, case: Case, booking: Booking, price: Money | None, wall: dt.datetime) -> None:
    """It is booked, and only now the price is known: tell the merchant if it is too much."""
    why = _too_much(tx, case, booking, price) if price else None
    if price and booking.quoted_price and why:
        told = {"booking": booking.id, "quoted_price": booking.quoted_price.told(), "price": price.told(), "reason": str(why)}
        emit(tx, PICKUPS.one(tx, case.pickup.id), "pickup.price_changed", told, case.now(wall), wall)


def _too_much(tx: sa.Connection, case: Case, booking: Booking, price: Money) -> Outdated | None:
    """Against the offer that was chosen; a price in another currency than it was quoted in is no riddle to be solved here."""
    stored = DECISIONS.one(tx, booking.decision_id) if booking.decision_id else None
    decision = msgspec.convert(stored.body, Decision) if stored else None
    if decision is None or decision.chosen is None:
        return None
    offer = decision.of(decision.chosen)
    if offer.price.currency != price.currency:
        return None
    called = names(offer.account, offer.carrier, offer.service, offer.moved_by)
    cap = cap_of(decision.policy, case.pickup.body.max_price, called)
    cap_as_quoted = Money(cap.minor * offer.price.minor // offer.price_minor, price.currency) if cap and offer.price_minor else None
    return outdated(msgspec.structs.replace(offer, expires_at=None), decision.at, price, cap_as_quoted)
