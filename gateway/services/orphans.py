"""Orphans: a carrier speaks of an AWB under a merchant's account that no booking of ours has.

Each is a case in its merchant's queue, opened once however often it is scanned, and closed where a booking turns out to have that
number, or by hand. An AWB of a booking that we call cancelled is another matter: see `following` and `overlapping`.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from adapters.contract.scans import Fault, Milestone, Tracked
from gateway import ids
from gateway.services import pausing
from gateway.services.notifying import ORPHAN
from gateway.store import tables
from gateway.store.accounts import ACCOUNTS, CarrierAccount
from gateway.store.ledger import BOOKINGS, EXCEPTIONS, PickupException
from gateway.store.merchants import MERCHANTS

# An account that other software books with too would fill the queue: what is more is only logged.
MOST_OPEN = 100
_OVER = frozenset({Milestone.CANCELLED, Milestone.DELIVERED, Milestone.RETURNED_TO_SENDER})

_log = structlog.get_logger()


def note(tx: sa.Connection, account: CarrierAccount, tracked: Tracked, wall: dt.datetime) -> bool:
    """Open the case of this AWB, unless there is or was one, or it is over already; whether it was opened."""
    awb = tracked.awb.replace("\0", "")[:60]
    last = tracked.scans[-1] if tracked.scans else None
    if not awb or (last and last.milestone in _OVER) or _known(tx, account, awb):
        return False
    _log.warning("scan.orphan", carrier=account.carrier, account=account.id, awb=awb)
    if _open(tx, account.id) >= MOST_OPEN:
        return False
    case = PickupException(
        id=ids.new("exc"),
        merchant_id=account.merchant_id,
        mode=account.mode,
        pickup_id=_pickup(tx, account.id, tracked.carrier_reference),
        account_id=account.id,
        awb=awb,
        reason=ORPHAN,
        fault=Fault.UNKNOWN,
        state="needs_decision",
        detail=_words(account, awb, tracked),
        raw_code=last.code[:80].replace("\0", "") if last else "",
        opened_at=MERCHANTS.one(tx, account.merchant_id).now(account.mode, wall),
    )
    opened = _insert(tx, case)
    if opened:
        pausing.tell(tx, account, "exception.opened", {"exception": _told(case)}, wall)
    return opened


def adopted(tx: sa.Connection, account_id: str, awb: str, wall: dt.datetime) -> None:
    """A booking has this number: it was no orphan."""
    orphan = next(iter(EXCEPTIONS.found(tx, _CASE, account_id=account_id, awb=awb)), None)
    if orphan:
        _resolve(tx, orphan, "adopted", orphan.note, wall)


def close(tx: sa.Connection, case: PickupException, note: str, wall: dt.datetime) -> None:
    """Sorted out by hand."""
    _resolve(tx, case, "closed", note or case.note, wall)


def assign(tx: sa.Connection, case: PickupException, assignee: str, note: str) -> None:
    EXCEPTIONS.update(tx, case.id, assignee=assignee, note=note or case.note, version=case.version + 1)


def _resolve(tx: sa.Connection, case: PickupException, how: str, note: str, wall: dt.datetime) -> None:
    """Closing what is closed changes nothing."""
    now = MERCHANTS.one(tx, case.merchant_id).now(case.mode, wall)
    still_open = tables.exceptions.c.state != "resolved"
    changes = {"state": "resolved", "resolution": how, "resolved_at": now, "version": case.version + 1, "note": note}
    if EXCEPTIONS.update(tx, case.id, still_open, **changes):
        account = ACCOUNTS.one(tx, case.account_id or "")
        pausing.tell(tx, account, "exception.resolved", {"exception": _told(case) | {"resolution": how}}, wall)


# Run for every booking, so put together once.
_CASE = EXCEPTIONS.select.where(
    tables.exceptions.c.account_id == sa.bindparam("account_id"), tables.exceptions.c.awb == sa.bindparam("awb")
)


def _known(tx: sa.Connection, account: CarrierAccount, awb: str) -> bool:
    """There is a case of it already, or it was booked here for somebody who shares the contract."""
    table = tables.bookings.c
    booked = BOOKINGS.first(tx, table.carrier == account.carrier, table.awb == awb)
    return booked is not None or bool(EXCEPTIONS.found(tx, _CASE, account_id=account.id, awb=awb))


def _open(tx: sa.Connection, account_id: str) -> int:
    table = tables.exceptions.c
    mine = sa.select(sa.func.count()).where(table.account_id == account_id, table.state != "resolved")
    return int(tx.scalar(mine) or 0)


def _pickup(tx: sa.Connection, account_id: str, reference: str) -> str | None:
    """The pickup whose booking bears this reference, under another AWB."""
    table = tables.bookings.c
    found = BOOKINGS.first(tx, table.account_id == account_id, table.carrier_reference == reference) if reference else None
    return found.pickup_id if found else None


def _words(account: CarrierAccount, awb: str, tracked: Tracked) -> str:
    last = tracked.scans[-1] if tracked.scans else None
    seen = f"{last.milestone} at {last.at:%Y-%m-%d %H:%M} UTC" if last else "it in its list"
    return f"{account.carrier} reports {seen} for {awb}, which no booking of this account has"


def _insert(tx: sa.Connection, case: PickupException) -> bool:
    """Whether it was the first."""
    make = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    row = make(tables.exceptions).values(**msgspec.structs.asdict(case))
    return bool(tx.execute(row.on_conflict_do_nothing()).rowcount)


def _told(case: PickupException) -> dict[str, str | None]:
    return {"id": case.id, "reason": case.reason, "fault": case.fault, "booking": None, "awb": case.awb, "code": case.raw_code}
