"""The driver of a pickup: looks at its case, takes the one next step, and again, until nothing is to be done now.

`plan` is pure and reads the ledger only, so that a driver that dies anywhere is continued by the next one. A step notes its
intent (`begin`), asks the carrier (`perform`) and notes the outcome (`settle`), this in one transaction with the next one's intent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
import structlog

from adapters.contract.errors import CarrierError, Unreachable
from adapters.contract.scans import Milestone
from gateway import clock
from gateway.carriers.client import NoLab
from gateway.life.booking import UNFINISHED, BookingEvent, BookingState, move
from gateway.life.pickup import ENDS, Intent
from gateway.services.booking import Bury, LookUp, Send, Withdraw
from gateway.services.cancelling import Cancel
from gateway.services.deciding import Decide
from gateway.services.giving_back import GiveBack, give_back_by
from gateway.services.instructing import Instruct, asked_again
from gateway.services.kit import Kit
from gateway.services.labelling import FetchLabel
from gateway.services.notifying import ORPHAN, OVERLAP, outlasts, resolve, resolve_of_cancel, restate
from gateway.services.overlapping import unanswered, waits_until
from gateway.services.recovering import NoteSilence, Recover
from gateway.services.renewing import Renew, over
from gateway.services.ripening import ripening, ripens_at
from gateway.services.stalling import stalling, stalls_at
from gateway.store import accounts, cases, exchanges
from gateway.store.accounts import ACCOUNTS
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, INSTRUCTIONS, PICKUPS, Booking, NextAction, PickupException
from gateway.values import Account, Exchange
from rates.recovery import What

_log = structlog.get_logger()
_MOST_STEPS = 60
_REST = dt.timedelta(minutes=5)
S = BookingState


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to do now; look again at `at` (business) or `wall`, if set, or when something is reported."""

    at: dt.datetime | None = None
    wall: dt.datetime | None = None


class Task(Protocol):
    """A step that only writes has `begin` alone; one that asks a carrier has `perform` and `settle` too."""

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None: ...


def advance(kit: Kit, pickup_id: str, wall: Callable[[], dt.datetime] = clock.wall) -> None:
    """Drive one pickup as far as it goes now. Safe to call at any time, twice, and from many places at once."""
    with kit.db.write() as tx:
        owner = cases.claim(tx, pickup_id, wall())
        drive = _Drive(kit, pickup_id, owner, wall) if owner else None
        begun = drive.begin(tx) if drive else None
    if drive:
        drive.on(begun)


class _Begun(msgspec.Struct, frozen=True):
    """A step whose intent is in the ledger, and whose carrier is to be asked now."""

    task: Any
    case: Case
    booking: Booking | None
    account: Account | None


class _Drive:
    """One driver of one pickup. What a step came to and the intent of the next are one transaction."""

    def __init__(self, kit: Kit, pickup_id: str, owner: str, wall: Callable[[], dt.datetime]) -> None:
        self._kit = kit
        self._pickup_id = pickup_id
        self._owner = owner
        self._wall = wall
        self._steps = 0

    def on(self, begun: _Begun | None) -> None:
        """From one step to the next, until nothing is to be done now."""
        try:
            while begun:
                begun = self._step(begun)
        except Exception:  # whatever it is: the next driver goes on from the ledger, and need not wait for the lease to end
            with self._kit.db.write() as tx:
                cases.let_go(tx, self._pickup_id, self._owner)
            raise

    def _step(self, begun: _Begun) -> _Begun | None:
        seen: list[Exchange] = []
        now = begun.case.now(self._wall())
        outcome = self._kit.wait(_outcome(begun.task, self._kit, begun.case, begun.account, seen.append, now))
        try:
            with self._kit.db.write() as tx:
                self._settle(tx, begun, outcome, seen)
                return self.begin(tx) if cases.renew(tx, self._pickup_id, self._owner, self._wall()) else None
        except Exception:  # what the carrier said is not lost for a mistake in what comes after it
            with self._kit.db.write() as tx:
                self._settle(tx, begun, outcome, seen)
            raise

    def _settle(self, tx: sa.Connection, begun: _Begun, outcome: Any, seen: list[Exchange]) -> None:
        begun.task.settle(tx, cases.load(tx, self._pickup_id), outcome, self._wall())
        account_id, booking_id = begun.account.id if begun.account else "", begun.booking.id if begun.booking else None
        exchanges.keep(tx, begun.case.owner, account_id, self._pickup_id, booking_id, seen, self._wall())

    def begin(self, tx: sa.Connection) -> _Begun | None:
        """Note the intent of the next step; of steps that only write, all there are. None: the pickup is let go."""
        while self._steps < _MOST_STEPS:
            self._steps += 1
            case = cases.load(tx, self._pickup_id)
            task = plan(case, self._wall())
            if isinstance(task, Wait):
                cases.release(tx, self._pickup_id, self._owner, task.at, task.wall, next_action=next_action(case))
                return None
            task.begin(tx, case, self._wall())
            if hasattr(task, "perform"):
                return self._begun(tx, task, case)
        _log.error("pickup.restless", pickup=self._pickup_id, steps=_MOST_STEPS)
        cases.release(tx, self._pickup_id, self._owner, None, self._wall() + _REST)
        return None

    def _begun(self, tx: sa.Connection, task: Any, case: Case) -> _Begun:
        booking: Booking | None = getattr(task, "booking", None)
        account = accounts.opened(self._kit.vault, ACCOUNTS.one(tx, booking.account_id)) if booking else None
        return _Begun(task, case, booking, account)


async def _outcome(
    task: Any, kit: Kit, case: Case, account: Account | None, witness: Callable[[Exchange], None], now: dt.datetime
) -> Any:
    """The answer, or the error as a value: both are settled. A lab that is not there is a carrier not reached."""
    try:
        return await task.perform(kit, case, account, witness, now)
    except CarrierError as error:
        return error
    except NoLab as error:
        return Unreachable(str(error))


# --- the plan --------------------------------------------------------------------------------------


def plan(case: Case, wall: dt.datetime) -> Task | Wait:
    """The one next step of a case. Pure: depends on the case and the wall's time only."""
    if case.pickup.state in ENDS and not _left_over(case):
        return ripening(case, case.now(wall)) or Wait(at=ripens_at(case))
    for rule in _RULES:
        task = rule(case, wall)
        if task:
            return task
    return _wait(case, wall)


def _left_over(case: Case) -> bool:
    """Whether an ended pickup still has a booking at a carrier, or something to give back."""
    return any(booking.state in UNFINISHED for booking in case.bookings)


def _died(case: Case, wall: dt.datetime) -> Task | None:
    """We hold the lease, so whoever was sending or cancelling is gone."""
    for booking in case.bookings:
        if booking.state in (S.SENDING, S.CANCELLING):
            return Bury(booking)
    return next((Revive(one.id) for one in case.instructions if one.state == "sending"), None)


def _doubt(case: Case, wall: dt.datetime) -> Task | None:
    return next((LookUp(b) for b in case.bookings if b.state is S.UNKNOWN and b.retry_at and b.retry_at <= wall), None)


def _undo(case: Case, wall: dt.datetime) -> Task | None:
    """Take back what is not wanted any more."""
    unwanted = (booking for booking in case.bookings if _unwanted(case, booking, wall) and _ready(booking, wall))
    return next((_undoing(case, booking) for booking in unwanted), None)


def _unwanted(case: Case, booking: Booking, wall: dt.datetime) -> bool:
    if booking.state not in (S.PLANNED, S.HALF_BOOKED, S.LIVE, S.CANCEL_UNKNOWN):
        return False
    collected = any(one.state is S.DONE for one in case.bookings)
    called_off = booking.overlap or booking.state is S.CANCEL_UNKNOWN or case.pickup.intent is not Intent.COLLECT
    return collected or called_off or _lapsing(booking, case.now(wall))


def _lapsing(booking: Booking, now: dt.datetime) -> bool:
    """Whether nobody has used its label, and it can soon be given back no more."""
    at = give_back_by(booking)
    return booking.state is S.LIVE and at is not None and at <= now


def _undoing(case: Case, booking: Booking) -> Task:
    if booking.state is S.PLANNED or not booking.awb:
        return Withdraw(booking)
    scans = case.scans[booking.id]
    closed = bool(scans) and scans[-1].milestone is Milestone.CANCELLED
    return Close(booking) if closed and not asked_again(case, booking) else Cancel(booking)


def _unanswered(case: Case, wall: dt.datetime) -> Task | None:
    return unanswered(case, case.now(wall))


def _switched(case: Case, wall: dt.datetime) -> Task | None:
    """Once nothing is in force any more a switch leads back to collecting."""
    done = not any(booking.in_force for booking in case.bookings)
    return TurnBack() if case.pickup.intent is Intent.SWITCH and done else None


def _send(case: Case, wall: dt.datetime) -> Task | None:
    wanted = case.pickup.intent is Intent.COLLECT
    ready = [b for b in case.bookings if wanted and b.state in (S.PLANNED, S.HALF_BOOKED) and _ready(b, wall)]
    return next((Renew(b) if over(case, b, wall) else Send(b) for b in ready), None)


def _recover(case: Case, wall: dt.datetime) -> Task | None:
    if case.pickup.intent is not Intent.COLLECT:
        return None
    now = case.now(wall)
    return next((Recover(exception) for exception in case.open_exceptions if _undecided(exception, now)), None)


def _undecided(exception: PickupException, now: dt.datetime) -> bool:
    """New, or the time to answer is over; what only a person can decide is neither."""
    if exception.state == "new":
        return True
    waiting = exception.state == "waiting_customer" and not exception.answer
    return waiting and exception.answer_by is not None and exception.answer_by <= now


def _decide(case: Case, wall: dt.datetime) -> Task | None:
    pickup = case.pickup
    free = not any(booking.in_force or booking.state is S.DONE for booking in case.bookings)
    wanted = pickup.intent is Intent.COLLECT and not pickup.handed_over and not _held_up(case)
    return Decide() if free and wanted and (pickup.retry_at is None or pickup.retry_at <= wall) else None


def _held_up(case: Case) -> bool:
    """Somebody is being asked before anything is booked again."""
    asking = [exception for exception in case.open_exceptions if exception.state in ("waiting_customer", "needs_decision")]
    return any(exception.reason not in (ORPHAN, OVERLAP) for exception in asking)


def _give_back(case: Case, wall: dt.datetime) -> Task | None:
    return next((GiveBack(b) for b in case.bookings if b.state is S.GIVING_BACK and _ready(b, wall)), None)


def _label(case: Case, wall: dt.datetime) -> Task | None:
    return next((FetchLabel(b) for b in _awaited(case) if b.id not in case.labelled), None)


def _instruct(case: Case, wall: dt.datetime) -> Task | None:
    now = case.now(wall)
    for said in case.instructions:
        booking = case.booking(said.booking_id)
        if said.state == "planned" and booking.state is not S.LIVE:
            return Drop(said.id)
        if said.state == "planned" and said.send_at <= now:
            return Instruct(booking, said)
    return None


def _silence(case: Case, wall: dt.datetime) -> Task | None:
    if case.pickup.handed_over or _held_up(case):
        return None
    now = case.now(wall)
    return next((NoteSilence(b) for b in _awaited(case) if b.promised_at and b.promised_at <= now), None)


def _stalled(case: Case, wall: dt.datetime) -> Task | None:
    return stalling(case, case.now(wall))


def _ripe(case: Case, wall: dt.datetime) -> Task | None:
    return ripening(case, case.now(wall))


def _awaited(case: Case) -> list[Booking]:
    return [booking for booking in case.bookings if booking.state is S.LIVE and booking.in_force]


_RULES: tuple[Callable[[Case, dt.datetime], Task | None], ...] = (
    _died, _doubt, _undo, _unanswered, _switched, _send, _recover, _decide, _give_back, _label, _instruct, _silence, _stalled,
    _ripe,
)  # fmt: skip


def _ready(booking: Booking, wall: dt.datetime) -> bool:
    return booking.retry_at is None or booking.retry_at <= wall


def _wait(case: Case, wall: dt.datetime) -> Wait:
    """When the next rule could speak: the earliest time any of them waits for."""
    live = [booking for booking in case.bookings if booking.state is S.LIVE]
    lapses = [give_back_by(booking) for booking in live if not _lapsing(booking, case.now(wall))]
    answers = [one.answer_by for one in case.open_exceptions if one.state == "waiting_customer"]
    instructions = [one.send_at for one in case.instructions if one.state == "planned"]
    silence = [] if case.pickup.handed_over or _held_up(case) else [booking.promised_at for booking in _awaited(case)]
    retries = [booking.retry_at for booking in case.bookings if booking.state in UNFINISHED and _waits(case, booking, wall)]
    overlaps = waits_until(case, case.now(wall))
    business = _earliest([*answers, *instructions, *silence, *lapses, stalls_at(case), ripens_at(case), *overlaps])
    return Wait(at=business, wall=_earliest([*retries, case.pickup.retry_at], after=wall))


def _waits(case: Case, booking: Booking, wall: dt.datetime) -> bool:
    return booking.state is not S.LIVE or _unwanted(case, booking, wall)


def _earliest(times: Iterable[dt.datetime | None], after: dt.datetime | None = None) -> dt.datetime | None:
    return min((time for time in times if time and (after is None or time > after)), default=None)


# --- steps that only write ---------------------------------------------------------------------------


class Revive(msgspec.Struct, frozen=True):
    """An instruction whose sender died is said again: twice does no harm."""

    instruction_id: str

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        INSTRUCTIONS.update(tx, self.instruction_id, state="planned")


class Drop(msgspec.Struct, frozen=True):
    """An instruction whose booking is over."""

    instruction_id: str

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        INSTRUCTIONS.update(tx, self.instruction_id, state="dropped")


class Close(msgspec.Struct, frozen=True):
    """The carrier itself has ended this booking: there is nothing left to cancel."""

    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        state, closed_at = move(self.booking.state, BookingEvent.CLOSED), case.scans[self.booking.id][-1].at
        BOOKINGS.update(tx, self.booking.id, state=state, retry_at=None, cancelled_at=closed_at, updated_at=wall)
        resolve_of_cancel(tx, case, self.booking.id, "cancelled", wall)
        restate(tx, case.pickup.id, wall)


class TurnBack(msgspec.Struct, frozen=True):
    """The old booking is gone: collect again, and choose anew."""

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        PICKUPS.update(tx, case.pickup.id, intent=Intent.COLLECT, updated_at=wall)
        for exception in case.open_exceptions:
            if not outlasts(case, exception):
                resolve(tx, case, exception, "switched", wall)
        restate(tx, case.pickup.id, wall)


# --- what to tell ------------------------------------------------------------------------------------


def next_action(case: Case) -> NextAction | None:
    """What automation does next, when and why: for the screen."""
    if case.pickup.state in ENDS:
        return None
    decided = [exception for exception in case.open_exceptions if exception.step]
    if decided and decided[-1].step:
        exception, step = decided[-1], decided[-1].step
        planned = [one.send_at for one in case.instructions if one.state == "planned"]
        what = step.act if step.what is What.INSTRUCT else str(step.what)
        return NextAction(
            what=what, why=step.why, at=exception.answer_by if exception.state == "waiting_customer" else _earliest(planned)
        )
    doubtful = next((booking for booking in case.bookings if booking.state is S.UNKNOWN), None)
    if doubtful:
        return NextAction(
            what="look_up", why=f"{doubtful.carrier}'s answer was lost: it is found out before anything is asked again."
        )
    live = next(iter(_awaited(case)), None)
    return NextAction(what="await_visit", why=f"{live.carrier} is to come.", at=live.promised_at) if live else None
