"""Scoring: each visit that ends teaches the estimates, once; what was learnt from it can be taken back.

Cells are keyed by text: `all`, `service/{moved_by}/{service}`, `zone/{moved_by}/{service}/{zone}`, `later/{n}/{same|other}`,
`slip/{moved_by}/{service}/{collected|failed}`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.services.promising import first_day
from gateway.store import tables
from gateway.store.cases import Case
from gateway.store.ledger import VISITS, Booking, Visit
from gateway.store.rows import Owner, whose
from rates.estimates import (
    Cell,
    Days,
    Prior,
    counts,
    estimate,
    factor,
    observe,
    observe_days,
    prior_of,
    take_back,
    take_back_days,
    visit_key,
)
from rates.zones import zone

_CELLS = sa.select(tables.cells.c.key, tables.cells.c.successes, tables.cells.c.exposure).where(
    whose(tables.cells), tables.cells.c.key.in_(sa.bindparam("keys", expanding=True))
)
_LATER = tuple((visit, same) for visit in (2, 3, 4) for same in (True, False))


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """What the estimates took from a visit: each cell with the weight the visit had in it."""

    at: dt.datetime
    collected: bool
    cells: dict[str, float]
    slip: int
    slip_cell: str


def score(tx: sa.Connection, case: Case, booking: Booking, visit: Visit, now: dt.datetime) -> None:
    """Let the estimates learn from the visit as it now stands, in place of what they learnt from it before."""
    take_back_visit(tx, case.owner, visit)
    scored = _scored(tx, case, booking, visit, now)
    if scored:
        _learn(tx, case.owner, scored)
    VISITS.update(tx, visit.id, scored=scored)


def take_back_visit(tx: sa.Connection, owner: Owner, visit: Visit) -> None:
    """As if the visit had never been counted."""
    if visit.scored:
        _unlearn(tx, owner, msgspec.convert(visit.scored, Scored))


def _scored(tx: sa.Connection, case: Case, booking: Booking, visit: Visit, now: dt.datetime) -> Scored | None:
    if visit.outcome == "out":
        return None
    collected = visit.outcome == "collected"
    if not collected and (visit.reason is None or not counts(visit.reason, disputed=visit.disputed)):
        return None
    at = visit.ended_at or now
    return Scored(
        at=at,
        collected=collected,
        cells=_weights(tx, case, booking, visit, at),
        slip=max((visit.day - first_day(case, booking, booking.booked_at or case.pickup.business_created_at)).days, 0)
        if visit.number == 1
        else 0,
        slip_cell=slip_key(booking.moved_by, booking.service, collected=collected),
    )


def _weights(tx: sa.Connection, case: Case, booking: Booking, visit: Visit, at: dt.datetime) -> dict[str, float]:
    """A later visit weighs less: the easy customers are gone. How much less is itself learnt, against the first-visit chance."""
    place = zone(case.people.shipper.postal_code, case.people.shipper.country)
    service, here = service_key(booking.moved_by, booking.service), zone_key(booking.moved_by, booking.service, place)
    known = read(tx, case.owner, ("all", service, here, *(later_key(*key) for key in _LATER)))
    number, same = _position(case, booking, visit)
    weights = dict.fromkeys(("all", service, here), factor(number, same, later_cells(known), at))
    key = visit_key(number, same)
    if key:
        weights[later_key(*key)] = estimate(known[service], known[here], prior_of(known["all"], at, Prior()), at).p
    return weights


def _position(case: Case, booking: Booking, visit: Visit) -> tuple[int, bool]:
    """The visit's number among those that tell of the customer, and whether the one before was by the same carrier."""
    carriers = {one.id: one.moved_by for one in case.bookings}
    before = sorted(
        (one for one in case.visits if one.id != visit.id and one.day <= visit.day and one.tells_of_the_customer),
        key=lambda one: one.day,
    )
    return len(before) + 1, bool(before) and carriers[before[-1].booking_id] == booking.moved_by


def _learn(tx: sa.Connection, owner: Owner, scored: Scored) -> None:
    for key, cell in read(tx, owner, scored.cells).items():
        write(tx, owner, key, observe(cell, scored.collected, scored.cells[key], scored.at))
    days = _days(read(tx, owner, (scored.slip_cell,))[scored.slip_cell])
    write(tx, owner, scored.slip_cell, observe_days(days, scored.slip, scored.at))


def _unlearn(tx: sa.Connection, owner: Owner, scored: Scored) -> None:
    for key, cell in read(tx, owner, scored.cells).items():
        write(tx, owner, key, take_back(cell, scored.collected, scored.cells[key], scored.at))
    days = _days(read(tx, owner, (scored.slip_cell,))[scored.slip_cell])
    write(tx, owner, scored.slip_cell, take_back_days(days, scored.slip, scored.at))


def _days(cell: Cell) -> Days:
    """Slip cells keep (total, count) in the two columns."""
    return Days(cell.successes, cell.exposure)


def service_key(moved_by: str, service: str) -> str:
    return f"service/{moved_by}/{service}"


def zone_key(moved_by: str, service: str, place: str) -> str:
    return f"zone/{moved_by}/{service}/{place}"


def later_key(visit: int, same: bool) -> str:
    return f"later/{visit}/{'same' if same else 'other'}"


def slip_key(moved_by: str, service: str, *, collected: bool) -> str:
    return f"slip/{moved_by}/{service}/{'collected' if collected else 'failed'}"


def later_cells(cells: Mapping[str, Cell]) -> dict[tuple[int, bool], Cell]:
    return {key: cells.get(later_key(*key), Cell()) for key in _LATER}


def read(tx: sa.Connection, owner: Owner, keys: Iterable[str]) -> dict[str, Cell]:
    """The cells by key; one that has seen nothing is an empty one."""
    wanted = list(keys)
    rows = tx.execute(_CELLS, {"merchant_id": owner.merchant_id, "mode": owner.mode, "keys": wanted})
    found = {row.key: Cell(int(row.successes), int(row.exposure)) for row in rows}
    return {key: found.get(key, Cell()) for key in wanted}


def write(tx: sa.Connection, owner: Owner, key: str, cell: Cell | Days) -> None:
    first, second = msgspec.structs.astuple(cell)
    values: dict[str, Any] = {"successes": str(first), "exposure": str(second)}
    mine = (tables.cells.c.merchant_id == owner.merchant_id) & (tables.cells.c.mode == owner.mode) & (tables.cells.c.key == key)
    if not tx.execute(tables.cells.update().where(mine).values(**values)).rowcount:
        tx.execute(tables.cells.insert().values(merchant_id=owner.merchant_id, mode=owner.mode, key=key, **values))
