"""Our own packing slip for a reverse pickup: what the customer sticks on the parcel where the carrier gives no label.

Besides the codes and both addresses it tells the items, what the rider checks and what the customer does.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.contract.orders import Parcel, ReturnReason
from gateway.labels import flow
from gateway.labels.drawing import Drawing
from gateway.labels.flow import Cell, Strip
from gateway.labels.sheet import BOTTOM, LEFT, RIGHT, ROOM, Sheet, Slip, address, bound, high, measures, rows, when
from gateway.labels.typeface import Pen

_TITLE = "RETURN PICKUP"
_QR_SIDE = 50.0
_ADDRESS, _TALLEST_ADDRESS = 65.0, 118.0  # points: usual, and at most
_ADDRESS_SIZES = (9.0, 8.5, 8.0, 7.5, 7.0)
_BODY_SIZES = (7.6, 7.2, 6.8, 6.4, 6.0)

_REASONS = {
    ReturnReason.DAMAGED: "Arrived damaged",
    ReturnReason.DEFECTIVE: "Defective",
    ReturnReason.WRONG_ITEM: "Wrong item",
    ReturnReason.NOT_AS_DESCRIBED: "Not as described",
    ReturnReason.POOR_QUALITY: "Poor quality",
    ReturnReason.SIZE_OR_FIT: "Size or fit",
    ReturnReason.CHANGED_MIND: "Changed mind",
    ReturnReason.LATE_DELIVERY: "Came too late",
    ReturnReason.OTHER: "Other",
}


def draw(slip: Slip) -> Drawing:
    """The same slip gives the same drawing. Raises ValueError without a parcel to stick it on."""
    if not slip.parcels:
        raise ValueError("a packing slip is stuck on a parcel: the slip has none")
    sheets, rest = [], []
    for number, parcel in enumerate(slip.parcels, 1):
        sheet = Sheet(slip, _TITLE, f"Parcel {number} of {len(slip.parcels)}")
        sheet.barcode(slip.awb, 38)
        _facts(sheet, slip, parcel)
        _parties(sheet, slip)
        rest = _body(sheet, slip)
        sheets.append(sheet)
    return bound(sheets, slip, _TITLE, rest)


def _facts(sheet: Sheet, slip: Slip, parcel: Parcel) -> None:
    sheet.rule()
    top, half = sheet.y, 100.0
    room = sheet.qr(slip.reference, _QR_SIDE, sheet.y + 4.5) - 8 - LEFT - half
    sheet.label("Collection", LEFT, top + 9)
    day, hours = when(slip.window)
    sheet.short("Collection", day, LEFT, top + 20, Pen(size=10, bold=True), half - 6)
    sheet.short("Collection hours", hours, LEFT, top + 30, Pen(size=8), half - 6)
    sheet.label("Reference", LEFT + half, top + 9)
    sheet.short("Reference", slip.reference, LEFT + half, top + 20, Pen(size=10, bold=True), room)
    sheet.label("Parcel", LEFT, top + 41)
    sheet.short("Parcel", measures(parcel), LEFT, top + 51, Pen(size=8), half - 6)
    if slip.pickup_token:
        sheet.label("Pickup number", LEFT + half, top + 41)
        sheet.short("Pickup number", slip.pickup_token, LEFT + half, top + 51, Pen(size=9, bold=True), room)
    sheet.y += 58


def _parties(sheet: Sheet, slip: Slip) -> None:
    """Both addresses side by side."""
    sheet.rule()
    middle, room = (LEFT + RIGHT) / 2, ROOM / 2 - 8
    columns = (
        ("From: customer", address(slip.shipper, LEFT, room), LEFT),
        ("To: warehouse", address(slip.consignee, middle + 7, room), middle + 7),
    )
    blocks = [rows(cells, _size(cells)) for _, cells, _ in columns]
    tall = min(_TALLEST_ADDRESS, max(_ADDRESS, *map(flow.height, blocks)))
    for (name, cells, x), block in zip(columns, blocks, strict=True):
        sheet.label(name, x, sheet.y + 9)
        sheet.address(name, cells, block, sheet.y + 12, tall)
    sheet.page.box(middle, sheet.y, 0.7, tall + 14)
    sheet.y += tall + 14
    sheet.rule()


def _size(cells: list[Cell]) -> float:
    """The largest that fits the usual block; past the smallest the block grows."""
    return next((size for size in _ADDRESS_SIZES if high(cells, size) <= _ADDRESS), _ADDRESS_SIZES[-1])


# --- the body: what may run on ----------------------------------------------------------------------


def _body(sheet: Sheet, slip: Slip) -> list[Strip]:
    """Draw what there is room for; what is left over."""
    room = BOTTOM - sheet.y - 2
    sections: list[Callable[[Slip, float], list[Strip]]] = [_items, _checks, _customer]
    for size in (*_BODY_SIZES, _BODY_SIZES[0]):  # the last: readable over several pages, rather than small over several
        strips = sheet.in_full(size) + [strip for section in sections for strip in section(slip, size)]
        if flow.height(strips) <= room:
            break
    return sheet.fill(strips)


def _items(slip: Slip, size: float) -> list[Strip]:
    """One row per item: quantity, description with the stock number, reason."""
    strips = [flow.heading("Items to hand over", LEFT, ROOM, size)]
    for item in slip.items:
        what = " · ".join(part for part in (item.description, item.sku) if part)
        cells = (
            Cell(text=f"{item.quantity} pc", x=LEFT, room=24, bold=True),
            Cell(text=what, x=LEFT + 26, room=168),
            Cell(text=_REASONS[item.return_reason], x=LEFT + 200, room=ROOM - 200),
        )
        strips += flow.row(cells, size)
    return strips


def _checks(slip: Slip, size: float) -> list[Strip]:
    if not slip.quality_checks:
        return []
    strips = [flow.heading("The rider checks at the door", LEFT, ROOM, size)]
    for check in slip.quality_checks:
        cells = (
            Cell(text=check.question, x=LEFT + 12, room=182),
            Cell(text=check.expected + ("" if check.mandatory else " (if possible)"), x=LEFT + 200, room=ROOM - 200, bold=True),
        )
        strips += flow.row(cells, size, tick=LEFT)
    return strips


def _customer(slip: Slip, size: float) -> list[Strip]:
    strips = [flow.heading("What you do", LEFT, ROOM, size)]
    for number, text in enumerate(_steps(slip), 1):
        strips += flow.row((Cell(text=f"{number}", x=LEFT, room=10, bold=True), Cell(text=text, x=LEFT + 12, room=ROOM - 12)), size)
    if slip.instructions:
        strips += flow.row((Cell(text=f"Note: {slip.instructions}", x=LEFT + 12, room=ROOM - 12),), size)
    return strips


def _steps(slip: Slip) -> tuple[str, ...]:
    closing = "and leave it open: the rider looks first" if slip.quality_checks else "and close it well"
    pages = "this page" if len(slip.parcels) == 1 else "its own page on each parcel,"
    return (
        f"Pack the items with tags, manuals and accessories, {closing}.",
        f"Stick {pages} flat on the outside; both codes stay uncovered.",
        f"Give it only to the rider of {slip.carrier}, and keep a note of the number under the bars.",
    )
