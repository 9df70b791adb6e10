"""Daily reconciliation: the ledger held against a carrier's own list of the last days, where the carrier has one.

There and not here: a booking in doubt gets its number, what we call cancelled is cancelled again, what we call refused is a
person's matter, and a number that no booking has is an orphan. Here and not there: the carrier is asked about that very parcel; if
it does not know it, a person looks. Done twice it finds nothing new.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa
import structlog

from adapters.contract.carrier import Listed
from adapters.contract.errors import CarrierError, Refused
from adapters.contract.scans import Fault, Tracked
from gateway import metrics
from gateway.carriers import registry
from gateway.life.booking import BookingState
from gateway.services import day_lists, orphans, overlapping, polling
from gateway.services.following import adopt, find_booking, record
from gateway.services.kit import Kit
from gateway.services.notifying import NOT_AT_CARRIER, ORPHAN, open_exception, restate
from gateway.services.pausing import OF_THE_ACCOUNT
from gateway.store import accounts, cases, outbox, tables
from gateway.store.accounts import ACCOUNTS, CarrierAccount
from gateway.store.cases import Case
from gateway.store.ledger import BOOKINGS, Booking
from gateway.store.merchants import MERCHANTS
from gateway.values import Account

# Whole days in UTC that are gone through, the newest yesterday: a day that could not be asked about is made up for on the next two.
DAYS = 3
# What a line of the list can come to, and besides these what the list has not.
_TAKEN = ("known", "adopted", "cancelled_again", "orphans")
_OUTCOMES = (*_TAKEN, "missing")
S = BookingState

_log = structlog.get_logger()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one account. `complete`: the carrier told its whole list; else nothing is called missing."""

    account: str
    carrier: str
    days: tuple[dt.date, ...]
    listed: int = 0
    known: int = 0
    adopted: int = 0
    cancelled_again: int = 0
    orphans: int = 0
    missing: int = 0
    complete: bool = True


def due_accounts(tx: sa.Connection, wall: dt.datetime) -> list[str]:
    """Accounts in use that were not held against their carrier's list today (business time)."""
    table = tables.carrier_accounts
    found: list[str] = []
    for condition, now in outbox.business_times(tx, table, wall):
        waiting = table.c.reconciled_on.is_(None) | (table.c.reconciled_on < now.date())
        found += tx.scalars(sa.select(table.c.id).where(condition, table.c.enabled.is_(True), waiting))
    return sorted(found)


def daily(kit: Kit, account_id: str, wall: dt.datetime) -> Found | None:
    """Once a day: None where somebody else has done it, or where there is no list."""
    with kit.db.write() as tx:
        row = ACCOUNTS.one(tx, account_id)
        today = _now(tx, row, wall).date()
        before = tables.carrier_accounts.c.reconciled_on
        mine = ACCOUNTS.update(tx, account_id, before.is_(None) | (before < today), reconciled_on=today)
    if not mine or registry.carrier(row.carrier).list_of_day is None:
        return None
    found = reconcile(kit, account_id, wall)
    _log.info("account.reconciled", **{name: getattr(found, name) for name in found.__struct_fields__ if name != "days"})
    return found


def reconcile(kit: Kit, account_id: str, wall: dt.datetime) -> Found:
    """Now, whenever it was done last. Raises Unsupported where the carrier has no list."""
    with kit.db.read() as tx:
        row = ACCOUNTS.one(tx, account_id)
        now = _now(tx, row, wall)
    account = accounts.opened(kit.vault, row)
    days = tuple(now.date() - dt.timedelta(days=back) for back in range(DAYS, 0, -1))
    theirs = day_lists.read(kit, account, days, now)
    outcomes = [_take(kit, row, line, wall) for line in theirs.lines]
    found = Found(
        account=row.id,
        carrier=row.carrier,
        days=days,
        listed=len(outcomes),
        missing=_missing(kit, account, days, theirs.lines, now, wall) if theirs.complete else 0,
        complete=theirs.complete,
        **{name: outcomes.count(name) for name in _TAKEN},
    )
    for outcome in _OUTCOMES:
        metrics.reconciled(found.carrier, outcome, getattr(found, outcome))
    return found


def _now(tx: sa.Connection, row: CarrierAccount, wall: dt.datetime) -> dt.datetime:
    return MERCHANTS.one(tx, row.merchant_id).now(row.mode, wall)


# --- there, and here? ---------------------------------------------------------------------------------


def _take(kit: Kit, row: CarrierAccount, line: Listed, wall: dt.datetime) -> str:
    """What this line comes to: the name of a count in Found."""
    told = Tracked(awb=line.awb, carrier_reference=line.carrier_reference, scans=())
    with kit.db.write() as tx:
        booking = find_booking(tx, row.id, told)
        if booking is None:
            return "orphans" if not line.cancelled and orphans.note(tx, row, told, wall) else "known"
        return (_called_off if line.cancelled else _held)(tx, booking, line, wall)


def _called_off(tx: sa.Connection, booking: Booking, line: Listed, wall: dt.datetime) -> str:
    """The carrier has it no more: where that is news to us, its scans say why."""
    if booking.state is S.LIVE:
        BOOKINGS.update(tx, booking.id, poll_at=cases.load(tx, booking.pickup_id).now(wall))
    return "known"


def _held(tx: sa.Connection, booking: Booking, line: Listed, wall: dt.datetime) -> str:
    """The carrier has it. What changed here since its list was asked for is left for the next day."""
    if booking.updated_at > wall or booking.state not in (S.UNKNOWN, S.CANCELLED, S.REFUSED):
        return "known"
    case = cases.load(tx, booking.pickup_id)
    outcome = _in_doubt(tx, case, booking, line, wall) if booking.state is S.UNKNOWN else _over(tx, case, booking, wall)
    if outcome != "known":
        restate(tx, case.pickup.id, wall)
        outbox.wake(tx, case.pickup.id, wall)
    return outcome


def _in_doubt(tx: sa.Connection, case: Case, booking: Booking, line: Listed, wall: dt.datetime) -> str:
    """A carrier that can be asked about a lost answer is asked, see LookUp; for others the list is the answer."""
    if registry.carrier(booking.carrier).find:
        return "known"
    BOOKINGS.update(tx, booking.id, handles={**booking.handles, **line.handles})
    adopt(tx, case, booking, line.awb, wall)
    return "adopted"


def _over(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> str:
    """For us it is over; told once."""
    if any(one.reason == ORPHAN and one.booking_id == booking.id for one in case.exceptions):
        return "known"
    if booking.state is S.CANCELLED and booking.awb:
        overlapping.alive_after_all(tx, case, booking, "it in its list", wall)
        return "cancelled_again"
    overlapping.open_orphan(tx, case, booking, "it in its list", wall, "needs_decision")
    return "orphans"


# --- here, and there? ---------------------------------------------------------------------------------


def _missing(
    kit: Kit, account: Account, days: Sequence[dt.date], lines: Iterable[Listed], now: dt.datetime, wall: dt.datetime
) -> int:
    """Live bookings of these days that the list does not have are asked about; how many the carrier does not know."""
    listed = {line.awb for line in lines}
    with kit.db.read() as tx:
        doubtful = {one.awb: one for one in _live(tx, account.id, days) if one.awb and one.awb not in listed}
    answers = polling.ask(kit, account, list(doubtful), now)
    return sum(_judge(kit, doubtful[awb], answer, wall) for awb, answer in answers.items())


def _live(tx: sa.Connection, account_id: str, days: Sequence[dt.date]) -> list[Booking]:
    table = tables.bookings.c
    start, end = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in (days[0], days[-1] + dt.timedelta(days=1)))
    booked = (table.booked_at >= start, table.booked_at < end)
    return BOOKINGS.all(tx, table.account_id == account_id, table.state == S.LIVE, *booked)


def _judge(kit: Kit, booking: Booking, answer: Tracked | CarrierError, wall: dt.datetime) -> bool:
    """Whether the carrier does not know the parcel."""
    gone = isinstance(answer, Refused) and answer.kind not in OF_THE_ACCOUNT
    with kit.db.write() as tx:
        if isinstance(answer, Tracked):
            record(tx, booking.id, answer, "poll", wall)
        elif gone:
            _open(tx, cases.load(tx, booking.pickup_id), booking, wall)
    return gone


def _open(tx: sa.Connection, case: Case, booking: Booking, wall: dt.datetime) -> None:
    """Once."""
    if any(one.reason == NOT_AT_CARRIER and one.booking_id == booking.id for one in case.exceptions):
        return
    why = f"{booking.carrier} knows no {booking.awb}, nor has its list: nobody will come for it"
    open_exception(
        tx, case, wall, reason=NOT_AT_CARRIER, fault=Fault.CARRIER, state="needs_decision", booking_id=booking.id, detail=why
    )
    restate(tx, case.pickup.id, wall)
