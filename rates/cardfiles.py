"""Rate cards as files a merchant can write: TOML, or CSV as a spreadsheet saves it.

Both hold the same: settings, one row per slab (zone, up_to_g, price, per_g) and, if needed, one row per lane rule
(origin, destination, zone). In CSV the settings are rows of name and value; a row beginning "zone" heads the slabs, one
beginning "origin" the lane rules; rows beginning "#" are remarks. A faulty file is answered with all its errors, each
with its line and its cure. `tomllib` gives no lines, so they are found again in the text.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from adapters.contract.units import Money, Weight, exponent
from rates.cards import LaneRule, Per, RateCard, Slab
from rates.zones import LaneClass, normal

S = TypeVar("S", bound=msgspec.Struct)

_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,59}$")]
_Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
_Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}([.][0-9]{1,3})?$")]
_Percent = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,2}([.][0-9]{1,4})?$")]
_Grams = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
_Prefix = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9 -]{0,10}$")]


class CardError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong on a line, and how to put it right."""

    line: int
    field: str
    problem: str
    cure: str


class CardErrors(msgspec.Struct, frozen=True, kw_only=True):
    """All that is wrong with a card, in the order of its lines."""

    errors: tuple[CardError, ...]


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    carrier: _Name
    service: _Name
    currency: _Currency
    valid_from: dt.date
    divisor: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    slab_g: _Grams
    valid_to: dt.date | None = None
    fuel_percent: _Percent = "0"
    tax_percent: _Percent = "0"
    quality_check_fee: _Amount = "0"
    quality_check_fee_per: Per = Per.PICKUP
    failed_visit_fee: _Amount = "0"
    minimum: _Amount = "0"


class _SlabRow(msgspec.Struct, frozen=True, kw_only=True):
    zone: _Name
    up_to_g: _Grams
    price: _Amount
    per_g: _Grams | None = None


class _LaneRow(msgspec.Struct, frozen=True, kw_only=True):
    zone: _Name
    origin: _Prefix = ""
    destination: _Prefix = ""


_CURES = {
    "carrier": "write the carrier's code, such as delhivery",
    "service": "write the service's code, such as surface",
    "currency": "write an ISO 4217 code in capitals, such as INR",
    "valid_from": "write the first day as 2026-01-31",
    "valid_to": "write the last day as 2026-12-31, or leave the line out",
    "divisor": "write how many cubic centimetres make a kilogram, such as 5000",
    "slab_g": "write the billing step in grams, such as 500",
    "fuel_percent": "write per cent without a sign, such as 18.5",
    "tax_percent": "write per cent without a sign, such as 18",
    "quality_check_fee": "write an amount such as 15.00",
    "quality_check_fee_per": "write pickup or question",
    "failed_visit_fee": "write an amount such as 12.00",
    "minimum": "write an amount such as 30.00",
    "zone": "name the class of the lane, such as within_city, within_state, metro, rest or special",
    "up_to_g": "write the heaviest weight of this slab in grams, such as 500",
    "price": "write an amount such as 46.00",
    "per_g": "write the step in grams this price is for, or leave it empty for a flat price",
    "origin": "write the first characters of a postal code, or leave it empty for any",
    "destination": "write the first characters of a postal code, or leave it empty for any",
    "slab": "add at least one slab with zone, up_to_g and price",
    "lane": "write lane rules as [[lane]] with origin, destination and zone",
}


class _Entry(msgspec.Struct, frozen=True):
    text: str
    line: int


class _Row(msgspec.Struct, frozen=True):
    """The entries of the settings, of one slab or of one lane rule, with the line they begin on."""

    line: int
    entries: Mapping[str, _Entry]

    def line_of(self, name: str) -> int:
        entry = self.entries.get(name)
        return entry.line if entry else self.line

    def text(self, name: str) -> str:
        entry = self.entries.get(name)
        return entry.text if entry else ""


class _Sheet(msgspec.Struct, frozen=True):
    """A file taken apart, nothing judged yet but `errors` of its form."""

    head: _Row
    slabs: list[_Row]
    lanes: list[_Row]
    errors: list[CardError]


def read_toml(text: str) -> RateCard | CardErrors:
    """A rate card from TOML: settings at the top, then `[[slab]]` and `[[lane]]` tables."""
    try:
        sheet = _toml_sheet(tomllib.loads(text, parse_float=Decimal), _TomlLines(text))
    except (ValueError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        return _one_error(int(line[1]) if line else max(text.count("\n"), 1), f"not TOML: {error}", "see toml.io for its form")
    return _card(sheet)


def read_csv(text: str) -> RateCard | CardErrors:
    """A rate card from CSV with commas."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        return _one_error(reader.line_num, f"not CSV: {error}", "save the sheet as comma-separated values, UTF-8")
    return _card(_csv_sheet([(line, cells) for line, cells in rows if any(cells) and not cells[0].startswith("#")]))


def _one_error(line: int, problem: str, cure: str) -> CardErrors:
    return CardErrors(errors=(CardError(line=line, field="", problem=problem, cure=cure),))


# --- taking a file apart --------------------------------------------------------------------------


class _TomlLines:
    """Where each key of each table stands: (table, its number, key) -> line; key "" is the table's own heading."""

    _HEADING = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]")
    _KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, int, str], int] = {}
        table, number = "", 0
        for line, written in enumerate(text.splitlines(), 1):
            if heading := self._HEADING.match(written):
                table, number = heading[1], sum(1 for name, _, key in self._lines if name == heading[1] and not key)
                self._lines[table, number, ""] = line
            elif key := self._KEY.match(written):
                self._lines.setdefault((table, number, key[1]), line)

    def of(self, table: str, number: int, key: str) -> int:
        """The line of a key, else of its table, else of the key that holds the table inline, else 1."""
        places = ((table, number, key), (table, number, ""), ("", 0, table))
        return next((self._lines[place] for place in places if place in self._lines), 1)


def _toml_sheet(content: Mapping[str, object], lines: _TomlLines) -> _Sheet:
    errors: list[CardError] = []
    settings = {name: value for name, value in content.items() if name not in ("slab", "lane")}
    return _Sheet(
        _toml_row(settings, "", 0, lines),
        list(_toml_tables(content, "slab", lines, errors)),
        list(_toml_tables(content, "lane", lines, errors)),
        errors,
    )


def _toml_tables(content: Mapping[str, object], name: str, lines: _TomlLines, errors: list[CardError]) -> Iterator[_Row]:
    tables = content.get(name, [])
    for number, table in enumerate(tables if isinstance(tables, list) else [tables]):
        if isinstance(table, dict):
            yield _toml_row(table, name, number, lines)
        else:
            errors.append(_error(lines.of(name, number, ""), name, f"{table!r} is no table"))


def _toml_row(table: Mapping[str, object], name: str, number: int, lines: _TomlLines) -> _Row:
    entries = {key: _Entry(str(value), lines.of(name, number, key)) for key, value in table.items()}
    return _Row(lines.of(name, number, ""), entries)


def _csv_sheet(rows: Iterable[tuple[int, list[str]]]) -> _Sheet:
    settings: dict[str, _Entry] = {}
    sheet = _Sheet(_Row(1, settings), [], [], [])
    section, header = None, list[str]()
    for line, cells in rows:
        if cells[0] in ("zone", "origin"):
            section, header = (sheet.slabs if cells[0] == "zone" else sheet.lanes), cells
        elif section is not None:
            section.append(_Row(line, {name: _Entry(cell, line) for name, cell in zip(header, cells, strict=False) if name}))
        elif cells[0] in settings:
            sheet.errors.append(CardError(line=line, field=cells[0], problem="is set twice", cure="keep one of the two lines"))
        else:
            settings[cells[0]] = _Entry(cells[1] if len(cells) > 1 else "", line)
    return sheet


# --- judging it -----------------------------------------------------------------------------------


def _card(sheet: _Sheet) -> RateCard | CardErrors:
    errors = list(sheet.errors)
    head = _read(sheet.head, _Head, errors)
    slabs = [(row, slab) for row in sheet.slabs if (slab := _read(row, _SlabRow, errors))]
    lanes = [(row, rule) for row in sheet.lanes if (rule := _read(row, _LaneRow, errors))]
    if not sheet.slabs:
        errors.append(_error(sheet.head.line, "slab", "the card has no prices"))
    errors += [*_check_head(sheet.head), *_check_slabs(slabs, sheet.head), *_check_zones(sheet)]
    if errors or head is None:
        return CardErrors(errors=tuple(sorted(errors, key=lambda error: error.line)))
    return _build(head, [slab for _, slab in slabs], [rule for _, rule in lanes])


def _read(row: _Row, shape: type[S], errors: list[CardError]) -> S | None:
    """The row as `shape`, or None with each of its errors added."""
    fields = {field.name: field for field in msgspec.structs.fields(shape)}
    given = {name: entry.text for name, entry in row.entries.items() if name in fields and entry.text}
    found = [_unknown(entry.line, name, fields) for name, entry in row.entries.items() if name not in fields]
    for name, field in fields.items():
        if name not in given:
            found += [_error(row.line, name, "is missing")] if field.required else []
        elif not _fits(given[name], field.type):
            found.append(_error(row.line_of(name), name, f"cannot be {given[name][:40]!r}"))
    errors += found
    return None if found else msgspec.convert(given, shape, strict=False)


def _fits(text: str, kind: object) -> bool:
    try:
        msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _error(line: int, field: str, problem: str) -> CardError:
    return CardError(line=line, field=field, problem=problem, cure=_CURES[field])


def _unknown(line: int, name: str, fields: Iterable[str]) -> CardError:
    return CardError(line=line, field=name[:40], problem="is not a known setting", cure=f"use one of: {', '.join(fields)}")


# The checks across fields read the settings' text themselves: they hold also where another setting is faulty.


def _check_head(head: _Row) -> Iterator[CardError]:
    first, last = head.text("valid_from"), head.text("valid_to")
    if _fits(first, dt.date) and _fits(last, dt.date) and last < first:
        yield _error(head.line_of("valid_to"), "valid_to", f"is before the first day, {first}")
    for name in ("quality_check_fee", "failed_visit_fee", "minimum"):
        yield from _check_decimals(head, name, head)


def _check_decimals(row: _Row, name: str, head: _Row) -> Iterator[CardError]:
    amount, currency = row.text(name), head.text("currency")
    if _fits(amount, _Amount) and _fits(currency, _Currency) and len(amount.partition(".")[2]) > exponent(currency):
        yield _error(row.line_of(name), name, f"{amount} has more decimals than {currency} ({exponent(currency)})")


def _check_slabs(slabs: Iterable[tuple[_Row, _SlabRow]], head: _Row) -> Iterator[CardError]:
    step = int(head.text("slab_g")) if _fits(head.text("slab_g"), _Grams) else 1
    last: dict[str, int] = {}
    for row, slab in slabs:
        yield from _check_decimals(row, "price", head)
        for name, grams in (("up_to_g", slab.up_to_g), ("per_g", slab.per_g or 0)):
            if grams % step:
                yield _error(row.line_of(name), name, f"{grams} is no multiple of slab_g, {step}")
        if slab.up_to_g <= last.get(slab.zone, 0):
            yield _error(row.line_of("up_to_g"), "up_to_g", f"is not above the slab before it, {last[slab.zone]}")
        last[slab.zone] = slab.up_to_g


def _check_zones(sheet: _Sheet) -> Iterator[CardError]:
    """Every zone must be reached (a usual class, or named by a lane rule), and every rule must lead to prices."""
    priced, reached = ({row.text("zone") for row in rows} for rows in (sheet.slabs, sheet.lanes))
    for row in sheet.lanes:
        if row.text("zone") not in priced | {""}:
            yield _error(row.line_of("zone"), "zone", f"{row.text('zone')[:40]!r} has no slabs on this card")
    for row in sheet.slabs:
        if row.text("zone") not in reached | set(LaneClass) | {""}:
            yield _error(
                row.line_of("zone"), "zone", f"no lane leads to {row.text('zone')[:40]!r}: no usual class, and no lane rule"
            )


def _build(head: _Head, slabs: Iterable[_SlabRow], lanes: Iterable[_LaneRow]) -> RateCard:
    zones: dict[str, tuple[Slab, ...]] = {}
    for row in slabs:
        per = Weight(row.per_g) if row.per_g else None
        slab = Slab(up_to=Weight(row.up_to_g), price=Money.of(row.price, head.currency), per=per)
        zones[row.zone] = (*zones.get(row.zone, ()), slab)
    return RateCard(
        carrier=head.carrier,
        service=head.service,
        currency=head.currency,
        valid_from=head.valid_from,
        valid_to=head.valid_to,
        divisor=head.divisor,
        slab=Weight(head.slab_g),
        zones=zones,
        lanes=tuple(LaneRule(zone=row.zone, origin=normal(row.origin), destination=normal(row.destination)) for row in lanes),
        fuel_percent=Decimal(head.fuel_percent),
        tax_percent=Decimal(head.tax_percent),
        quality_check_fee=Money.of(head.quality_check_fee, head.currency),
        quality_check_fee_per=head.quality_check_fee_per,
        failed_visit_fee=Money.of(head.failed_visit_fee, head.currency),
        minimum=Money.of(head.minimum, head.currency),
    )
