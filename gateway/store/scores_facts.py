"""Facts: what each booking came to, one row each, for the scorecards to read (in blocks: `scores_blocks`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store import tables
from gateway.store.rows import Owner
from gateway.store.tables import MEASURES
from gateway.values import Mode
from rates.scorecards import Sums


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision said of the chosen offer, and its policy's prices; amounts in minor units of the merchant's currency."""

    price: int = 0
    due: int = 0
    quoted: int = 0
    quoted_currency: str = ""
    index: int | None = None
    elapsed_days: float = 0.0
    failed_visit_cost: int = 0
    cost_per_day: int = 0
    deadline_days: int = 0
    deadline_penalty: int = 0


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One booking: when, with whom, where from and to, what it carries, how it was chosen, and what it came to.

    `day` is when it was booked; days are local at the customer's door. `window` is that of the visit ("10:00-18:00"), if one was
    agreed on.
    """

    booking_id: str
    merchant_id: str
    mode: Mode
    pickup_id: str
    day: dt.date
    account_id: str
    carrier: str
    moved_by: str
    service: str
    zone: str
    postal_code: str
    destination: str
    weight_g: int
    quality_check: bool
    return_reason: str
    chosen_by: str
    booked_at: dt.datetime
    waiting: bool
    hours: int
    chance: int
    given: Given
    sums: Sums
    requested_day: dt.date | None = None
    visited_day: dt.date | None = None
    collected_day: dt.date | None = None
    delivered_day: dt.date | None = None
    window: str = ""

    @property
    def week(self) -> dt.date:
        return self.day - dt.timedelta(days=self.day.weekday())


AMOUNTS = tuple(name for name in MEASURES if name.startswith(("cost", "all_in")) or name == "forecast")
COUNTS = tuple(name for name in MEASURES if name not in AMOUNTS)
MOST_COUNTED = 511  # of anything at one booking: a carrier that scans without end counts no further

_PLAIN = tuple(name for name in Fact.__struct_fields__ if name != "sums")
_COLUMNS = [tables.facts.c[name] for name in (*_PLAIN, *MEASURES)]
_OF_PICKUP = sa.select(*_COLUMNS).where(tables.facts.c.pickup_id == sa.bindparam("pickup_id"))
_SILENT = (
    sa.select(tables.silences.c.booking_id, tables.silences.c.day)
    .join(tables.bookings, tables.bookings.c.id == tables.silences.c.booking_id)
    .where(tables.bookings.c.pickup_id == sa.bindparam("pickup_id"))
)


def of_pickup(tx: sa.Connection, pickup_id: str) -> dict[str, Fact]:
    """The facts of a pickup's bookings, by booking."""
    return {row.booking_id: _fact(row) for row in tx.execute(_OF_PICKUP, {"pickup_id": pickup_id})}


def silent_days(tx: sa.Connection, pickup_id: str) -> dict[str, list[dt.date]]:
    """Promised days of which nothing was heard and that count as failed, by booking."""
    found: dict[str, list[dt.date]] = {}
    for row in tx.execute(_SILENT, {"pickup_id": pickup_id}):
        found.setdefault(row.booking_id, []).append(row.day)
    return found


def _fact(row: sa.Row[Any]) -> Fact:
    plain = dict(zip(_PLAIN, row[: len(_PLAIN)], strict=True))
    plain["given"] = msgspec.convert(plain["given"], Given)
    plain["mode"] = Mode(plain["mode"])
    return Fact(**plain, sums=Sums(**dict(zip(MEASURES, row[len(_PLAIN) :], strict=True))))


# --- keeping ---------------------------------------------------------------------------------------

_CHANGING = ("waiting", "hours", "requested_day", "visited_day", "collected_day", "delivered_day", "window", *MEASURES)


def _putting(into: Any) -> Any:
    """As a row, or in place of what the row says the booking came to."""
    return into.on_conflict_do_update(index_elements=["booking_id"], set_={name: into.excluded[name] for name in _CHANGING})


INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_PUT = {name: _putting(insert(tables.facts)) for name, insert in INSERTS.items()}
_LOOSEN = {name: insert(tables.loose_facts).on_conflict_do_nothing() for name, insert in INSERTS.items()}


def put(tx: sa.Connection, fact: Fact) -> None:
    """Store the fact in place of what is known of the booking; whatever a block says of it counts no more."""
    tx.execute(_PUT[tx.dialect.name], _row(fact))
    loosen(tx, Owner(fact.merchant_id, fact.mode), [fact.booking_id])


def loosen(tx: sa.Connection, owner: Owner, bookings: Iterable[str]) -> None:
    """Let the facts count as their rows say, until they are packed again."""
    who = msgspec.structs.asdict(owner)
    tx.execute(_LOOSEN[tx.dialect.name], [{**who, "booking_id": booking} for booking in bookings])


def _row(fact: Fact) -> dict[str, Any]:
    plain = {name: getattr(fact, name) for name in _PLAIN}
    more = {"week": fact.week, "weekday": fact.day.isoweekday(), "booked_hour": hour_of(fact.booked_at)}
    return {**plain, **more, **_counted(fact.sums)}


def _counted(sums: Sums) -> dict[str, int]:
    return msgspec.structs.asdict(sums) | {name: min(getattr(sums, name), MOST_COUNTED) for name in COUNTS}


def hour_of(at: dt.datetime) -> int:
    """Whole hours since 1970."""
    return int(at.timestamp()) // 3600
