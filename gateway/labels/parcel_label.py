"""Our own parcel label, 4 x 6 inch, for a thermal printer: the codes large, where to, from whom; one page per parcel.

It is not the carrier's: where the carrier gives a label, that one belongs on the parcel.
"""

from __future__ import annotations

from adapters.contract.orders import Parcel
from gateway.labels import flow
from gateway.labels.drawing import Drawing
from gateway.labels.flow import Strip
from gateway.labels.sheet import BOTTOM, LEFT, ROOM, Sheet, Slip, address, bound, high, measures, rows, when
from gateway.labels.typeface import Pen

_TITLE = "RETURN LABEL"
_QR_SIDE = 72.0
_FACTS, _BARS = 84.0, 66.0  # points: how high both blocks are; under the bars the AWB in figures
_BARS_TOP = BOTTOM - _BARS - 22
_FACTS_TOP = _BARS_TOP - 8 - _FACTS
_HEAD = 12.0  # above an address: what it is
_SIZES = ((13.0, 10.0), (12.0, 9.5), (11.0, 9.0), (10.0, 8.5), (9.0, 8.0), (8.0, 7.5), (7.0, 7.0), (6.3, 6.3))  # to, from
_IN_FULL = 7.6


def draw(slip: Slip) -> Drawing:
    """The same slip gives the same drawing. Raises ValueError without a parcel to stick it on."""
    if not slip.parcels:
        raise ValueError("a label is stuck on a parcel: the slip has none")
    sheets: list[Sheet] = []
    rest: list[Strip] = []
    for number, parcel in enumerate(slip.parcels, 1):
        sheet = Sheet(slip, _TITLE, f"{number} of {len(slip.parcels)}")
        _parties(sheet, slip)
        _facts(sheet, slip, parcel)
        _bars(sheet, slip)
        rest = sheet.in_full(_IN_FULL)
        sheets.append(sheet)
    return bound(sheets, slip, _TITLE, rest)


def _parties(sheet: Sheet, slip: Slip) -> None:
    """Where to, large, and from whom, below it; as large as both fit above the facts."""
    room = _FACTS_TOP - sheet.y - 2 * _HEAD - 6
    to, whence = address(slip.consignee, LEFT, ROOM), address(slip.shipper, LEFT, ROOM)
    sizes = next((pair for pair in _SIZES if high(to, pair[0]) + high(whence, pair[1]) <= room), _SIZES[-1])
    blocks = [rows(to, sizes[0]), rows(whence, sizes[1])]
    talls = _shares(flow.height(blocks[0]), flow.height(blocks[1]), room)
    for name, cells, block, tall in zip(("To: warehouse", "From: customer"), (to, whence), blocks, talls, strict=True):
        sheet.rule()
        sheet.label(name, LEFT, sheet.y + 9)
        sheet.address(name, cells, block, sheet.y + _HEAD, tall)
        sheet.y += _HEAD + tall + (room - sum(talls)) / 2 + 3


def _shares(first: float, second: float, room: float) -> tuple[float, float]:
    """How high two blocks may be: what one does not need, the other has."""
    upper = min(first, max(room / 2, room - second))
    return upper, min(second, room - upper)


def _facts(sheet: Sheet, slip: Slip, parcel: Parcel) -> None:
    sheet.y = top = _FACTS_TOP
    sheet.rule()
    room = sheet.qr(slip.reference, _QR_SIDE, top + 6) - 10 - LEFT
    half = room / 2
    day, hours = when(slip.window)
    sheet.label("Reference", LEFT, top + 9)
    sheet.short("Reference", slip.reference, LEFT, top + 23, Pen(size=13, bold=True), room)
    sheet.label("Collection", LEFT, top + 35)
    sheet.short("Collection", f"{day}, {hours}", LEFT, top + 45, Pen(size=8.5), room)
    sheet.label("Parcel", LEFT, top + 57)
    sheet.short("Parcel", measures(parcel), LEFT, top + 67, Pen(size=8.5), room if not slip.pickup_token else half - 4)
    if slip.pickup_token:
        sheet.label("Pickup number", LEFT + half, top + 57)
        sheet.short("Pickup number", slip.pickup_token, LEFT + half, top + 67, Pen(size=9, bold=True), half)


def _bars(sheet: Sheet, slip: Slip) -> None:
    sheet.y = _BARS_TOP - 8
    sheet.rule()
    sheet.y = _BARS_TOP
    sheet.barcode(slip.awb, _BARS)
