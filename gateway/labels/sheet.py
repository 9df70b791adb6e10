"""What our packing slip and our parcel label have in common: 4 x 6 inch, upright, one page per parcel.

What is printed fits A6 too. The rider scans the AWB (Code 128), the warehouse checks in by the merchant's reference (QR).
Nothing is cut in silence: what does not fit its place ends in an ellipsis there and stands in full below, on further pages
where need be.
"""

from __future__ import annotations

import functools

import msgspec

from adapters.contract.orders import Item, Parcel, QualityCheck
from adapters.contract.places import Party, Window
from gateway.labels import codes, flow, typeface
from gateway.labels.drawing import Drawing, Page
from gateway.labels.flow import Cell, Strip
from gateway.labels.typeface import Pen

WIDTH, HEIGHT = 288.0, 432.0
LEFT, RIGHT, TOP, BOTTOM = 12.0, 276.0, 12.0, 416.0
ROOM = RIGHT - LEFT
DOT = 72 / 203  # of a label printer at 203 dpi; the bars of Code 128 are whole dots
_QR_LEAST = 0.9  # points: the smallest module of the QR code
_HAIR = 0.01  # what rounding may add to a line made to measure
_LAST_LINES = 3  # of an address that is cut: place, region, phone
_TIGHT = 0.08  # of the size, between the lines of an address


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed. `carrier` and `service` are names for people; `instructions` is the merchant's note."""

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


class Sheet:
    """A page while it is drawn: how far down it is filled, and what did not fit its place."""

    def __init__(self, slip: Slip, title: str, right: str) -> None:
        """The head that every page has: a band with a title, the warning of test mode, carrier and service."""
        self.page = Page()
        self.y = TOP
        self.left_out: dict[str, list[str]] = {}
        if slip.simulated:
            self.page.slanted(62, 410, "SIMULATED", Pen(size=38, bold=True, grey=0.88))
        self._band(title, right)
        self._simulated(slip)
        self.short("Carrier", slip.carrier, LEFT, self.y + 18, Pen(size=15, bold=True), 150, least=8)
        self.short("Service", slip.service, LEFT + 156, self.y + 18, Pen(size=9.5), ROOM - 156, align=1)
        self.y += 27

    def short(self, name: str, text: str, x: float, y: float, pen: Pen, room: float, least: float = 6.5, align: float = 0) -> None:
        """One line, made smaller down to `least`, then cut with an ellipsis; `align` 0 is left, 0.5 centred, 1 right."""
        text = typeface.clean(text)
        wide = typeface.width(text, pen)
        if wide > room:
            pen = msgspec.structs.replace(pen, size=max(least, pen.size * room / wide))
            shown = typeface.wrap(text, pen, room + _HAIR)
            if len(shown) > 1:
                self.left_out[name] = [text]
                text = _ellipsis(shown[0], pen, room)
            wide = min(room, typeface.width(text, pen))
        self.page.text(x + (room - wide) * align, y, text, pen, room)

    def label(self, text: str, x: float, y: float) -> None:
        self.page.text(x, y, text.upper(), Pen(size=5.6, bold=True, grey=0.35))

    def rule(self) -> None:
        self.page.box(LEFT, self.y, ROOM, 0.7)

    def barcode(self, awb: str, high: float) -> None:
        """The AWB as bars of at most four and at least two printer dots; as figures alone where that is too wide for the page."""
        symbol = codes.code128(typeface.clean(awb))
        dots = min(4, int((ROOM - 20 * DOT) / DOT / (symbol.width + 20))) if symbol else 0
        if symbol and dots >= 2:
            wide = symbol.width * dots * DOT
            self.page.symbol((WIDTH - wide) / 2, self.y, symbol, dots * DOT, high)
            self.y += high
        self.short("AWB", awb, LEFT, self.y + 14, Pen(size=14, bold=True), ROOM, least=8, align=0.5)
        self.y += 20

    def qr(self, reference: str, side: float, y: float) -> float:
        """The reference for the warehouse's scanner, if it can be read at this size; its left edge."""
        symbol = codes.qr(typeface.clean(reference))
        if not symbol or side / symbol.width < _QR_LEAST:
            return RIGHT
        self.page.symbol(RIGHT - side, y, symbol, side / symbol.width, side / symbol.width)
        return RIGHT - side

    def address(self, name: str, cells: list[Cell], rows: list[Strip], y: float, tall: float) -> None:
        """The lines of an address; what even the tallest block has no room for is cut with an ellipsis and given in full below."""
        if flow.height(rows) > tall:
            self.left_out[name] = [cell.text for cell in cells]
        flow.draw(self.page, _cut(rows, tall), y)

    def in_full(self, size: float) -> list[Strip]:
        """What was cut."""
        strips = []
        for name, texts in self.left_out.items():
            strips.append(flow.heading(f"{name}, in full", LEFT, ROOM, size))
            strips += [strip for text in texts for strip in flow.row((Cell(text=text, x=LEFT, room=ROOM),), size, gap=_TIGHT)]
        return strips

    def fill(self, strips: list[Strip], least: int = 0) -> list[Strip]:
        """Draw what there is room for, and at least so many; what is left over."""
        count = max(least, flow.fitting(strips, BOTTOM - self.y - 2))
        flow.draw(self.page, strips[:count], self.y)
        return strips[count:]

    def _band(self, title: str, right: str) -> None:
        self.page.box(LEFT, self.y, ROOM, 20)
        self.page.text(LEFT + 7, self.y + 14, title, Pen(size=11.5, bold=True, grey=1))
        self.short("Sheet", right, LEFT + 150, self.y + 13.5, Pen(size=9, bold=True, grey=1), ROOM - 157, align=1)
        self.y += 20

    def _simulated(self, slip: Slip) -> None:
        if slip.simulated:
            self.page.frame(LEFT + 0.4, self.y, ROOM - 0.8, 14, line=0.8)
            warning = "SIMULATED: made in test mode. No carrier will come for this parcel."
            self.short("Simulated", warning, LEFT + 5, self.y + 9.7, Pen(size=7.6, bold=True), ROOM - 10, align=0.5)
            self.y += 14


def bound(sheets: list[Sheet], slip: Slip, title: str, rest: list[Strip]) -> Drawing:
    """The parcels' pages, further ones for what they had no room for, all numbered."""
    while rest:
        sheet = Sheet(slip, title, "Continued")
        sheet.short("AWB", f"AWB {slip.awb}", LEFT, sheet.y + 10, Pen(size=11, bold=True), ROOM)
        sheet.y += 16
        rest = sheet.fill(rest, least=1)
        sheets.append(sheet)
    for number, sheet in enumerate(sheets, 1):
        more = f", continued on page {len(slip.parcels) + 1}" if number <= len(slip.parcels) < len(sheets) else ""
        sheet.page.text(LEFT, BOTTOM + 6, f"Page {number} of {len(sheets)}{more}", Pen(size=5.6, grey=0.35), ROOM)
    named = f"{title.capitalize()} {typeface.clean(slip.awb)}"
    return Drawing(width=WIDTH, height=HEIGHT, title=named, pages=tuple(sheet.page for sheet in sheets))


def address(party: Party, x: float, room: float) -> list[Cell]:
    """A line each: who, where, and whom to call."""
    place = f"{party.city} {party.postal_code}"
    region = ", ".join(part for part in (party.state, party.country) if part)
    phones = ", ".join(part for part in (party.phone, party.alternate_phone) if part)
    plain = (party.company, party.line1, party.line2, party.landmark)
    lines = ((party.name, True), *((text, False) for text in plain), (place, True), (region, False), (phones, True))
    return [Cell(text=text, x=x, room=room, bold=bold) for text, bold in lines if text.strip()]


def high(cells: list[Cell], size: float) -> float:
    """How high an address is in that size."""
    return flow.measured(cells, size, _TIGHT)


def rows(cells: list[Cell], size: float) -> list[Strip]:
    """An address in that size."""
    return [row for cell in cells for row in flow.row((cell,), size, gap=_TIGHT)]


@functools.lru_cache(32)
def when(window: Window | None) -> tuple[str, str]:
    if window is None:
        return "No window set", "the carrier tells the time"
    return f"{window.date:%a %d %b %Y}", f"{window.start:%H:%M} to {window.end:%H:%M}, {window.timezone}"


def measures(parcel: Parcel) -> str:
    sides = (parcel.length, parcel.width, parcel.height)
    return f"{parcel.dead_weight.kilograms.normalize():f} kg, {' x '.join(f'{s.centimetres.normalize():f}' for s in sides)} cm"


def _cut(rows: list[Strip], tall: float) -> list[Strip]:
    """What fits: the beginning, an ellipsis, and the last lines, which say the place and the phone."""
    if flow.height(rows) <= tall:
        return rows
    last = rows[-_LAST_LINES:]
    *kept, end = rows[: max(1, flow.fitting(rows, tall - flow.height(last)))]
    (cell,) = end.cells
    text = _ellipsis(cell.text, Pen(size=end.size, bold=cell.bold), cell.room)
    return [*kept, msgspec.structs.replace(end, cells=(msgspec.structs.replace(cell, text=text),)), *last]


def _ellipsis(text: str, pen: Pen, room: float) -> str:
    return typeface.wrap(text, pen, room - typeface.width("…", pen))[0] + "…"
