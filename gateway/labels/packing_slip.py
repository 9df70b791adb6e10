"""Our own packing slip for a reverse pickup: what the customer sticks on the parcel where the carrier gives no label.

4 x 6 inch, upright, one page per parcel; what is printed fits A6 too. The rider scans the AWB (Code 128), the warehouse
checks in by the merchant's reference (QR). Nothing is cut in silence: what does not fit its place ends in an ellipsis
there and stands in full below, on further pages where need be.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from adapters.contract.orders import Item, Parcel, QualityCheck, ReturnReason
from adapters.contract.places import Party, Window
from gateway.labels import codes, flow, typeface
from gateway.labels.flow import Cell, Strip
from gateway.labels.pdf import Document, Page
from gateway.labels.typeface import Pen

WIDTH, HEIGHT = 288.0, 432.0
LEFT, RIGHT, TOP, BOTTOM = 12.0, 276.0, 12.0, 416.0
ROOM = RIGHT - LEFT
_DOT = 72 / 203  # of a label printer at 203 dpi; the bars of Code 128 are whole dots
_QR_SIDE, _QR_LEAST = 50.0, 0.9  # points: the symbol, and its smallest module
_ADDRESS, _TALLEST_ADDRESS = 65.0, 118.0  # points: usual, and at most
_TIGHT = 0.08  # of the size, between the lines of an address
_HAIR = 0.01  # what rounding may add to a line made to measure
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


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """What a packing slip says. `carrier` and `service` are names for people; `instructions` is the merchant's note."""

    awb: str
    carrier: str
    service: str
    reference: str
    shipper: Party
    consignee: Party
    items: tuple[Item, ...]
    parcels: tuple[Parcel, ...]
    window: Window | None = None
    quality_checks: tuple[QualityCheck, ...] = ()
    pickup_token: str = ""
    instructions: str = ""
    simulated: bool = False


def packing_slip(slip: Slip) -> bytes:
    """The slip as PDF; the same slip gives the same bytes. Raises ValueError without a parcel to stick it on."""
    if not slip.parcels:
        raise ValueError("a packing slip is stuck on a parcel: the slip has none")
    document = Document(WIDTH, HEIGHT, f"Packing slip {typeface.clean(slip.awb)}")
    pages = []
    rest: list[Strip] = []
    for number in range(1, len(slip.parcels) + 1):
        sheet = _parcel_page(document, slip, number)
        rest = _body(sheet, slip)
        pages.append(sheet.page)
    while rest:
        page, rest = _further_page(document, slip, rest)
        pages.append(page)
    _number(pages, slip)
    return document.write()


class _Sheet:
    """A parcel's page while it is drawn: how far down it is filled, and what did not fit its place."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.y = TOP
        self.left_out: dict[str, list[str]] = {}

    def short(self, name: str, text: str, x: float, y: float, pen: Pen, room: float, least: float = 6.5, align: float = 0) -> None:
        """One line, made smaller down to `least`, then cut with an ellipsis; `align` 0 is left, 0.5 centred, 1 right."""
        text = typeface.clean(text)
        wide = typeface.width(text, pen)
        fitted = msgspec.structs.replace(pen, size=max(least, min(pen.size, pen.size * room / wide))) if wide else pen
        shown = typeface.wrap(text, fitted, room + _HAIR)
        if len(shown) > 1:
            self.left_out[name] = [text]
            shown = [_ellipsis(shown[0], fitted, room)]
        slack = room - min(room, typeface.width(shown[0], fitted))
        self.page.text(x + slack * align, y, shown[0], fitted, room)

    def label(self, text: str, x: float, y: float) -> None:
        self.page.text(x, y, text.upper(), Pen(size=5.6, bold=True, grey=0.35))

    def rule(self) -> None:
        self.page.box(LEFT, self.y, ROOM, 0.7)


def _parcel_page(document: Document, slip: Slip, number: int) -> _Sheet:
    sheet = _Sheet(document.page())
    _watermark(sheet.page, slip)
    _band(sheet, f"Parcel {number} of {len(slip.parcels)}")
    _simulated(sheet, slip)
    _carrier(sheet, slip)
    _barcode(sheet, slip)
    _facts(sheet, slip, slip.parcels[number - 1])
    _parties(sheet, slip)
    return sheet


def _further_page(document: Document, slip: Slip, strips: list[Strip]) -> tuple[Page, list[Strip]]:
    """A page for what the parcels' pages had no room for, and what it has no room for either."""
    sheet = _Sheet(document.page())
    _watermark(sheet.page, slip)
    _band(sheet, "Continued")
    _simulated(sheet, slip)
    _carrier(sheet, slip)
    sheet.short("AWB", f"AWB {slip.awb}", LEFT, sheet.y + 10, Pen(size=11, bold=True), ROOM)
    sheet.y += 16
    count = max(1, flow.fitting(strips, BOTTOM - sheet.y))
    flow.draw(sheet.page, strips[:count], sheet.y)
    return sheet.page, strips[count:]


# --- the head of a page ---------------------------------------------------------------------------


def _watermark(page: Page, slip: Slip) -> None:
    if slip.simulated:
        page.slanted(62, 410, "SIMULATED", Pen(size=38, bold=True, grey=0.88))


def _band(sheet: _Sheet, right: str) -> None:
    page = sheet.page
    page.box(LEFT, sheet.y, ROOM, 20)
    page.text(LEFT + 7, sheet.y + 14, "RETURN PICKUP", Pen(size=11.5, bold=True, grey=1))
    sheet.short("Sheet", right, LEFT + 150, sheet.y + 13.5, Pen(size=9, bold=True, grey=1), ROOM - 157, align=1)
    sheet.y += 20


def _simulated(sheet: _Sheet, slip: Slip) -> None:
    if slip.simulated:
        sheet.page.frame(LEFT + 0.4, sheet.y, ROOM - 0.8, 14, line=0.8)
        warning = "SIMULATED: made in test mode. No carrier will come for this parcel."
        sheet.short("Simulated", warning, LEFT + 5, sheet.y + 9.7, Pen(size=7.6, bold=True), ROOM - 10, align=0.5)
        sheet.y += 14


def _carrier(sheet: _Sheet, slip: Slip) -> None:
    sheet.short("Carrier", slip.carrier, LEFT, sheet.y + 18, Pen(size=15, bold=True), 150, least=8)
    sheet.short("Service", slip.service, LEFT + 156, sheet.y + 18, Pen(size=9.5), ROOM - 156, align=1)
    sheet.y += 27


def _barcode(sheet: _Sheet, slip: Slip) -> None:
    """The AWB as bars of at most four and at least two printer dots; as figures alone where that is too wide for the page."""
    symbol = codes.code128(typeface.clean(slip.awb))
    dots = min(4, int((ROOM - 20 * _DOT) / _DOT / (symbol.width + 20))) if symbol else 0
    if symbol and dots >= 2:
        wide = symbol.width * dots * _DOT
        sheet.page.symbol((WIDTH - wide) / 2, sheet.y, symbol, dots * _DOT, 38)
        sheet.y += 38
    sheet.short("AWB", slip.awb, LEFT, sheet.y + 14, Pen(size=14, bold=True), ROOM, least=8, align=0.5)
    sheet.y += 20


def _facts(sheet: _Sheet, slip: Slip, parcel: Parcel) -> None:
    sheet.rule()
    top, half = sheet.y, 100.0
    room = _qr(sheet, slip) - 8 - LEFT - half
    sheet.label("Collection", LEFT, top + 9)
    day, hours = _when(slip.window)
    sheet.short("Collection", day, LEFT, top + 20, Pen(size=10, bold=True), half - 6)
    sheet.short("Collection hours", hours, LEFT, top + 30, Pen(size=8), half - 6)
    sheet.label("Reference", LEFT + half, top + 9)
    sheet.short("Reference", slip.reference, LEFT + half, top + 20, Pen(size=10, bold=True), room)
    sheet.label("Parcel", LEFT, top + 41)
    sheet.short("Parcel", _measures(parcel), LEFT, top + 51, Pen(size=8), half - 6)
    if slip.pickup_token:
        sheet.label("Pickup number", LEFT + half, top + 41)
        sheet.short("Pickup number", slip.pickup_token, LEFT + half, top + 51, Pen(size=9, bold=True), room)
    sheet.y += 58


def _qr(sheet: _Sheet, slip: Slip) -> float:
    """The reference for the warehouse's scanner, if it can be read at this size; its left edge."""
    symbol = codes.qr(typeface.clean(slip.reference))
    if not symbol or _QR_SIDE / symbol.width < _QR_LEAST:
        return RIGHT
    sheet.page.symbol(RIGHT - _QR_SIDE, sheet.y + 4.5, symbol, _QR_SIDE / symbol.width, _QR_SIDE / symbol.width)
    return RIGHT - _QR_SIDE


def _parties(sheet: _Sheet, slip: Slip) -> None:
    """Both addresses side by side; what even the tallest block has no room for is cut with an ellipsis and given in full below."""
    sheet.rule()
    middle = (LEFT + RIGHT) / 2
    columns = (
        ("From: customer", _address(slip.shipper, LEFT), LEFT),
        ("To: warehouse", _address(slip.consignee, middle + 7), middle + 7),
    )
    blocks = [_fitted(cells) for _, cells, _ in columns]
    tall = min(_TALLEST_ADDRESS, max(_ADDRESS, *map(flow.height, blocks)))
    for (name, cells, x), rows in zip(columns, blocks, strict=True):
        sheet.label(name, x, sheet.y + 9)
        if flow.height(rows) > tall:
            sheet.left_out[name] = [cell.text for cell in cells]
        flow.draw(sheet.page, _cut(rows, tall), sheet.y + 12)
    sheet.page.box(middle, sheet.y, 0.7, tall + 14)
    sheet.y += tall + 14
    sheet.rule()


def _fitted(cells: list[Cell]) -> list[Strip]:
    """An address in the largest size that fits the usual block; past that the block grows."""
    for size in (9.0, 8.5, 8.0, 7.5, 7.0):
        rows = [row for cell in cells for row in flow.row((cell,), size, gap=_TIGHT)]
        if flow.height(rows) <= _ADDRESS:
            break
    return rows


def _cut(rows: list[Strip], tall: float) -> list[Strip]:
    kept = rows[: flow.fitting(rows, tall)]
    if len(kept) == len(rows):
        return rows
    (cell,) = kept[-1].cells
    text = _ellipsis(cell.text, Pen(size=kept[-1].size, bold=cell.bold), cell.room)
    return [*kept[:-1], msgspec.structs.replace(kept[-1], cells=(msgspec.structs.replace(cell, text=text),))]


def _ellipsis(text: str, pen: Pen, room: float) -> str:
    return typeface.wrap(text, pen, room - typeface.width("…", pen))[0] + "…"


def _address(party: Party, x: float) -> list[Cell]:
    """A line each: who, where, and whom to call."""
    place = f"{party.city} {party.postal_code}"
    region = ", ".join(part for part in (party.state, party.country) if part)
    phones = ", ".join(part for part in (party.phone, party.alternate_phone) if part)
    plain = (party.company, party.line1, party.line2, party.landmark)
    lines = ((party.name, True), *((text, False) for text in plain), (place, True), (region, False), (phones, True))
    return [Cell(text=text, x=x, room=ROOM / 2 - 8, bold=bold) for text, bold in lines if text.strip()]


def _when(window: Window | None) -> tuple[str, str]:
    if window is None:
        return "No window set", "the carrier tells the time"
    return f"{window.date:%a %d %b %Y}", f"{window.start:%H:%M} to {window.end:%H:%M}, {window.timezone}"


def _measures(parcel: Parcel) -> str:
    sides = (parcel.length, parcel.width, parcel.height)
    return f"{parcel.dead_weight.kilograms.normalize():f} kg, {' x '.join(f'{s.centimetres.normalize():f}' for s in sides)} cm"


# --- the body: what may run on ----------------------------------------------------------------------


def _body(sheet: _Sheet, slip: Slip) -> list[Strip]:
    """Draw what there is room for; what is left over."""
    room = BOTTOM - sheet.y - 2
    sections: list[Callable[[Slip, float], list[Strip]]] = [_items, _checks, _customer]
    for size in (*_BODY_SIZES, _BODY_SIZES[0]):  # the last: readable over several pages, rather than small over several
        strips = _in_full(sheet.left_out, size) + [strip for section in sections for strip in section(slip, size)]
        if flow.height(strips) <= room:
            break
    count = flow.fitting(strips, room)
    flow.draw(sheet.page, strips[:count], sheet.y)
    return strips[count:]


def _in_full(left_out: dict[str, list[str]], size: float) -> list[Strip]:
    strips = []
    for name, texts in left_out.items():
        strips.append(flow.heading(f"{name}, in full", LEFT, ROOM, size))
        strips += [strip for text in texts for strip in flow.row((Cell(text=text, x=LEFT, room=ROOM),), size, gap=_TIGHT)]
    return strips


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


def _number(pages: list[Page], slip: Slip) -> None:
    for number, page in enumerate(pages, 1):
        more = f", continued on page {len(slip.parcels) + 1}" if number <= len(slip.parcels) < len(pages) else ""
        page.text(LEFT, BOTTOM + 6, f"Page {number} of {len(pages)}{more}", Pen(size=5.6, grey=0.35), ROOM)
