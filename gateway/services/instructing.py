"""Instructions to the carrier of a live booking: come again, or what was corrected.

Whether another visit was taken is in doubt after a lost answer, as with a booking. It is asked for again; a carrier that has taken
it then refuses ("Package should be in Canceled status"), and is asked where the parcel stands before its no is believed.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract import carrier as contract
from adapters.contract.carrier import Act, Acted, Later, Next
from adapters.contract.errors import CarrierError, Refused, Throttled
from adapters.contract.scans import Milestone
from gateway import ids
from gateway.carriers.isolation import Held
from gateway.services.cancelling import at_carrier, milestone_at_carrier
from gateway.services.kit import Kit
from gateway.services.notifying import emit, restate
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.ledger import EXCEPTIONS, INSTRUCTIONS, PICKUPS, Booking, Instruction
from gateway.values import Account

_ANOTHER_VISIT = frozenset({Act.REATTEMPT, Act.RESCHEDULE})
_COMES = frozenset({Milestone.PICKUP_SCHEDULED, Milestone.OUT_FOR_PICKUP})
_ASK_AGAIN = dt.timedelta(minutes=2)
_MOST_TRIES = 4


def new_instruction(
    case: Case, booking: Booking, act: Act, day: dt.date | None, send_at: dt.datetime, wall: dt.datetime
) -> Instruction:
    return Instruction(
        id=ids.new("ins"),
        merchant_id=case.pickup.merchant_id,
        mode=case.pickup.mode,
        pickup_id=case.pickup.id,
        booking_id=booking.id,
        act=act,
        state="planned",
        day=day,
        send_at=send_at,
        created_at=wall,
    )


def asked_again(case: Case, booking: Booking) -> bool:
    """Whether this carrier may have taken a wish for another visit: then what it reported before does not end the booking."""
    return any(one.tries and one.act in _ANOTHER_VISIT for one in case.instructions if one.booking_id == booking.id)


def drop_unsent(tx: sa.Connection, case: Case, booking: Booking) -> None:
    """A wish for another visit that waits to be said is replaced by the newer one: a carrier is not told twice."""
    for one in case.instructions:
        if one.booking_id == booking.id and one.act in _ANOTHER_VISIT and one.state == "planned" and not one.tries:
            INSTRUCTIONS.update(tx, one.id, state="dropped")


class Instruct(msgspec.Struct, frozen=True):
    """Tell the carrier; said twice it does no harm. Another visit is confirmed, too, by a parcel that turns out to be scheduled."""

    booking: Booking
    instruction: Instruction

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        INSTRUCTIONS.update(tx, self.instruction.id, state="sending", tries=self.instruction.tries + 1)

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        said = self.instruction
        question = contract.Instruction(
            booking=at_carrier(self.booking), date=said.day, party=case.people.shipper, instructions=case.pickup.body.instructions
        )
        try:
            return await kit.carriers.step(account, said.act, said.step, question, said.so_far, now=now, witness=witness)
        except CarrierError as error:
            if self._over(error) and asked_again(case, self.booking) and await self._comes(kit, account, now):
                return Acted()
            raise

    def _over(self, outcome: Any) -> bool:
        """Whether it is not said again."""
        return isinstance(outcome, Refused) or self.instruction.tries >= _MOST_TRIES

    async def _comes(self, kit: Kit, account: Account, now: dt.datetime) -> bool:
        return self.instruction.act in _ANOTHER_VISIT and await milestone_at_carrier(kit, account, self.booking, now) in _COMES

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        said, now = self.instruction, case.now(wall)
        if isinstance(outcome, Acted):
            INSTRUCTIONS.update(tx, said.id, state="confirmed", answer=outcome.receipt)
            _confirmed(tx, case, said, wall)
        elif isinstance(outcome, Next | Later):
            INSTRUCTIONS.update(tx, said.id, state="planned", **_onward(said, outcome, now))
        elif isinstance(outcome, Held):
            send_at = now + outcome.retry_after
            INSTRUCTIONS.update(tx, said.id, state="planned", send_at=send_at, tries=said.tries, answer=_words(outcome))
        elif self._over(outcome):
            INSTRUCTIONS.update(tx, said.id, state="refused", answer=str(outcome)[:300])
            _decide_anew(tx, case, said)
        else:
            pause = outcome.retry_after if isinstance(outcome, Throttled) else _ASK_AGAIN
            INSTRUCTIONS.update(tx, said.id, state="planned", send_at=now + pause, answer=_words(outcome))
        restate(tx, case.pickup.id, wall)


def _onward(said: Instruction, outcome: Next | Later, now: dt.datetime) -> dict[str, Any]:
    """The next step at once, or the same later: a carrier that answers uses up no try."""
    so_far = {**said.so_far, **outcome.so_far}
    if isinstance(outcome, Next):
        return {"so_far": so_far, "step": said.step + 1, "send_at": now}
    return {"so_far": so_far, "send_at": outcome.at, "tries": said.tries}


def _words(outcome: Any) -> str:
    return str(outcome)[:300] if isinstance(outcome, CarrierError) else ""


def _confirmed(tx: sa.Connection, case: Case, said: Instruction, wall: dt.datetime) -> None:
    if said.act in _ANOTHER_VISIT:
        told = {"booking": said.booking_id, "date": said.day}
        emit(tx, PICKUPS.one(tx, case.pickup.id), "pickup.rescheduled", told, case.now(wall), wall)


def _decide_anew(tx: sa.Connection, case: Case, said: Instruction) -> None:
    """The carrier will not come again: the exception it was for is met by what is left."""
    if said.act not in _ANOTHER_VISIT:
        return
    for exception in case.open_exceptions:
        if exception.booking_id == said.booking_id:
            EXCEPTIONS.update(tx, exception.id, step=None, state="new", version=exception.version + 1)
