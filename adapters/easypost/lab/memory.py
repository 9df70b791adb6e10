"""The lab's memory of shipments: by id, by the reference they were made with, by tracking code."""

from __future__ import annotations

import msgspec

from adapters.easypost.lab.replies import not_found
from adapters.easypost.lab.shapes import Made
from adapters.lab.side import Desk


def keep(desk: Desk, made: Made) -> None:
    desk.remember(f"shipment/{made.id}", msgspec.to_builtins(made))


def find(desk: Desk, name: str) -> Made:
    """By its id, or by the reference it was made with."""
    kept = desk.recall(f"shipment/{desk.recall(f'reference/{name}') or name}")
    if kept is None:
        raise not_found()
    return msgspec.convert(kept, Made)


def every(desk: Desk) -> list[Made]:
    """All shipments, the newest first."""
    made = [msgspec.convert(kept, Made) for kept in desk.recall_below("shipment/")]
    return sorted(made, key=lambda one: (one.at, one.id), reverse=True)


def of_code(desk: Desk, code: str) -> Made | None:
    found = desk.recall(f"code/{code}")
    return find(desk, found) if found else None
