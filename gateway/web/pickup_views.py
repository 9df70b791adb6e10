"""Pickups with what belongs to them, read for a whole page in a handful of questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import UNSET

from gateway.life.booking import BookingState
from gateway.life.pickup import ENDS
from gateway.store import cases, tables
from gateway.store.ledger import BOOKINGS, DECISIONS, EVENTS, VISITS, Booking, Pickup
from gateway.store.rows import Rows
from gateway.web import views
from gateway.web.problems import ErrorItem, ProblemError

EXPANDABLE = ("bookings", "visits", "decision", "events", "label")
Expand = frozenset[str]


def read_expand(text: str | None) -> Expand:
    """Raises ProblemError for what cannot be expanded."""
    wanted = frozenset((text or "").split(",")) - {""}
    strange = sorted(wanted - set(EXPANDABLE))
    if strange:
        words = f"{', '.join(strange)}: there are {', '.join(EXPANDABLE)}"
        raise ProblemError("invalid_parameter", errors=[ErrorItem(parameter="expand", code="not_one_of", detail=words)])
    return wanted


def pickup(tx: sa.Connection, row: Pickup, expand: Expand = frozenset()) -> views.Pickup:
    return pickups(tx, [row], expand)[0]


def pickups(tx: sa.Connection, rows: Sequence[Pickup], expand: Expand = frozenset()) -> list[views.Pickup]:
    """The rows as they are answered, in their order."""
    found = _Found(tx, rows, expand)
    return [found.view(row) for row in rows]


class _Found:
    """What belongs to some pickups."""

    def __init__(self, tx: sa.Connection, rows: Sequence[Pickup], expand: Expand) -> None:
        ids = [row.id for row in rows]
        decided = [row.id for row in rows if row.decision_id]  # before that, no carrier was asked for anything
        self._expand = expand
        self._bookings = _by_pickup(tx, BOOKINGS, decided) if decided else {}
        asked = [one.id for found in self._bookings.values() for one in found]
        self._scans = cases.scans_of(tx, asked) if "bookings" in expand else {}
        self._visits = _by_pickup(tx, VISITS, ids) if "visits" in expand else {}
        self._events = _by_pickup(tx, EVENTS, ids) if "events" in expand else {}
        wanted = [row.decision_id for row in rows if row.decision_id]
        self._decisions = {one.id: one for one in DECISIONS.all(tx, tables.decisions.c.id.in_(wanted))} if wanted else {}
        self._labels = _labels(tx, decided, content="label" in expand) if decided else {}

    def view(self, row: Pickup) -> views.Pickup:
        asked = self._bookings.get(row.id, [])
        stored, label = self._decisions.get(row.decision_id or ""), self._labels.get(row.id)
        full = "decision" in self._expand
        return views.Pickup(
            id=row.id,
            mode=row.mode,
            state=row.state,
            reference=row.reference,
            lane=views.lane(row.lane),
            window=views.window(row.body.window),
            decision=views.decision(stored, full=full) if stored else None,
            bookings=[self._booking(one) for one in asked],
            next_action=views.next_action(row),
            instructions=instructions(row, asked, label),
            label=label,
            tracking_url=next((one.tracking_url for one in reversed(asked) if one.tracking_url), ""),
            parent=row.parent,
            metadata=row.body.metadata,
            created_at=row.created_at,
            updated_at=row.updated_at,
            visits=[views.visit(one) for one in self._visits.get(row.id, [])] if "visits" in self._expand else UNSET,
            events=[views.event(one) for one in self._events.get(row.id, [])] if "events" in self._expand else UNSET,
        )

    def _booking(self, row: Booking) -> views.Booking:
        return views.booking(row, self._scans.get(row.id))


def _by_pickup(tx: sa.Connection, rows: Rows[Any], ids: Iterable[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for one in rows.found(tx, _OF_PICKUPS[rows.table.name], ids=list(ids)):
        found[one.pickup_id].append(one)
    return found


def _labels(tx: sa.Connection, ids: Iterable[str], *, content: bool) -> dict[str, views.Label]:
    """The newest label of each pickup, its content only if wanted."""
    rows = tx.execute(_WHOLE_LABELS if content else _LABELS, {"ids": list(ids)})
    return {
        row.pickup_id: views.Label(
            id=row.id,
            url=f"/v1/pickups/{row.pickup_id}/label",
            format=row.format,
            source=row.source,
            booking=row.booking_id,
            created_at=row.created_at,
            content=row.content if content else UNSET,
        )
        for row in rows
    }


def _of_pickups(select: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    return select.where(table.c.pickup_id.in_(sa.bindparam("ids", expanding=True))).order_by(table.c.id)


# Put together once: that costs more than running them, and every answer about a pickup needs them.
_OF_PICKUPS = {rows.table.name: _of_pickups(rows.select, rows.table) for rows in (BOOKINGS, VISITS, EVENTS)}
_LABELS = _of_pickups(
    sa.select(*(tables.labels.c[name] for name in ("id", "pickup_id", "booking_id", "format", "source", "created_at"))),
    tables.labels,
)
_WHOLE_LABELS = _LABELS.add_columns(tables.labels.c.content)

_PACKED = "Have everything packed and closed before the rider comes."
_CHECKED = "Have the items ready to be looked at, and the packing beside them: the rider checks them first."


def instructions(row: Pickup, asked: Sequence[Booking], label: views.Label | None) -> list[str]:
    """What the customer at the door should know and do."""
    if row.state in ENDS or not any(one.state is BookingState.LIVE for one in asked):
        return []
    said = [_CHECKED if row.body.quality_checks else _PACKED]
    if label and label.source == "carrier":
        said.append("Print the label and stick it on the outside.")
    elif label:
        said.append("Put the packing slip inside if you can print it; the carrier gave no label to stick on.")
    return said
