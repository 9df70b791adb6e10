"""Tables that run down a page, and on to the next where they are longer: strips one line high, cut nowhere else."""

from __future__ import annotations

import functools
from itertools import zip_longest

import msgspec

from gateway.labels import typeface
from gateway.labels.drawing import Page
from gateway.labels.typeface import Pen

LEADING = 1.22
GAP = 0.4  # of the size, between rows


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table: what stands in it, where, and how wide it may be."""

    text: str
    x: float
    room: float
    bold: bool = False


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """One line over all columns. A heading never ends a page; `tick` is where a box to tick stands."""

    cells: tuple[Cell, ...]
    size: float
    height: float
    heading: bool = False
    tick: float | None = None


def heading(text: str, x: float, room: float, size: float) -> Strip:
    cell = Cell(text=text.upper(), x=x, room=room, bold=True)
    return Strip(cells=(cell,), size=size * 0.88, height=size * 1.9, heading=True)


@functools.lru_cache(256)  # most rows of a label are on every label
def row(cells: tuple[Cell, ...], size: float, tick: float | None = None, gap: float = GAP) -> tuple[Strip, ...]:
    """A row of a table, each text wrapped in its own column; `gap` is left below it."""
    columns = [typeface.wrap(typeface.clean(cell.text), Pen(size=size, bold=cell.bold), cell.room) for cell in cells]
    strips: list[Strip] = []
    for texts in zip_longest(*columns, fillvalue=""):
        line = tuple(msgspec.structs.replace(cell, text=text) for cell, text in zip(cells, texts, strict=True))
        strips.append(Strip(cells=line, size=size, height=size * LEADING, tick=None if strips else tick))
    strips[-1] = msgspec.structs.replace(strips[-1], height=size * (LEADING + gap))
    return tuple(strips)


def measured(cells: tuple[Cell, ...] | list[Cell], size: float, gap: float = GAP) -> float:
    """How high these would be, each in a row of its own."""
    return size * (LEADING * sum(_lines(cell, size) for cell in cells) + gap * len(cells))


def _lines(cell: Cell, size: float) -> int:
    text = typeface.clean(cell.text)
    if typeface.ems(text, cell.bold) * size <= cell.room:
        return 1
    return len(typeface.wrap(text, Pen(size=size, bold=cell.bold), cell.room))


def height(strips: list[Strip]) -> float:
    return sum(strip.height for strip in strips)


def fitting(strips: list[Strip], room: float) -> int:
    """How many strips go into `room` points, a heading only together with what it is over."""
    count, used = 0, 0.0
    for strip in strips:
        used += strip.height
        if used > room:
            break
        count += 1
    while 0 < count < len(strips) and strips[count - 1].heading:
        count -= 1
    return count


def draw(page: Page, strips: list[Strip], y: float) -> None:
    """Draw strips from y downward; a rule parts a heading from what stands above it."""
    top = y
    for strip in strips:
        baseline = y + (strip.height - strip.size * 0.35 if strip.heading else strip.size)
        if strip.heading and y > top:
            page.box(strip.cells[0].x, y + strip.height * 0.12, strip.cells[0].room, 0.3)
        if strip.tick is not None:
            page.frame(strip.tick, baseline - strip.size * 0.75, strip.size * 0.8, strip.size * 0.8)
        for cell in strip.cells:
            page.text(cell.x, baseline, cell.text, Pen(size=strip.size, bold=cell.bold or strip.heading), cell.room)
        y += strip.height
