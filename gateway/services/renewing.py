"""An offer that is over before it could be booked is not booked at yesterday's price: the choice is made anew, at most twice.

The new decision names the one before it. How long a carrier's quoted price is booked by is assumed
(`quoting.HOLDS`); a rate card's price holds as long as the card.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from gateway.life.booking import BookingEvent, BookingState, move
from gateway.services.notifying import restate
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, Booking, Refusal
from rates.choice import ANEW_AT_MOST, Outdated

_KIND = f"quote_{Outdated.EXPIRED}"


def over(case: Case, booking: Booking, wall: dt.datetime) -> bool:
    """Whether its offer has expired with nothing sent, and the choice was not made anew too often already."""
    unsent = booking.state is BookingState.PLANNED and not booking.step and not booking.so_far
    expires = booking.quote_expires_at
    renewed = len([one for one in case.bookings if one.refusal and one.refusal.kind == _KIND])
    return unsent and expires is not None and expires <= case.now(wall) and renewed < ANEW_AT_MOST


class Renew(msgspec.Struct, frozen=True):
    """Withdraw the booking; the driver then chooses anew."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        why = Refusal(kind=_KIND, raw_message=f"the offer held until {self.booking.quote_expires_at:%Y-%m-%dT%H:%M:%SZ}")
        state = move(self.booking.state, BookingEvent.WITHDRAW)
        BOOKINGS.update(tx, self.booking.id, state=state, refusal=why, retry_at=None, updated_at=wall)
        restate(tx, case.pickup.id, wall)
