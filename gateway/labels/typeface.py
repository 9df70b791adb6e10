"""Lines of text in the scripts customers write, as glyphs in the order they are drawn.

Noto Sans (`fonts/`), shaped by HarfBuzz: conjuncts, matras and joined letters come out right. A face is read once per
process, when a text first needs it. Only Latin, Greek and Cyrillic have a bold face; the others are drawn bold by a
stroke. A character of no face is Noto's empty box: seen, not dropped.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uharfbuzz as hb

from gateway.labels import bidi

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
UNITS = 1000  # per em, in every face

# By Unicode block of 128 characters; whatever is not here is looked for in REGULAR and BOLD.
_SCRIPTS = {
    0x0580 >> 7: "NotoSansHebrew-Regular",
    0x0600 >> 7: "NotoSansArabic-Regular",
    0x0680 >> 7: "NotoSansArabic-Regular",
    0x0900 >> 7: "NotoSansDevanagari-Regular",
    0x0980 >> 7: "NotoSansBengali-Regular",
    0x0A00 >> 7: "NotoSansGurmukhi-Regular",
    0x0A80 >> 7: "NotoSansGujarati-Regular",
    0x0B00 >> 7: "NotoSansOriya-Regular",
    0x0B80 >> 7: "NotoSansTamil-Regular",
    0x0C00 >> 7: "NotoSansTelugu-Regular",
    0x0C80 >> 7: "NotoSansKannada-Regular",
    0x0D00 >> 7: "NotoSansMalayalam-Regular",
}
_FOLLOWERS = frozenset(" \u0964\u0965\u200c\u200d")  # space, dandas and joiners stay in the script they stand in


class Pen(msgspec.Struct, frozen=True, kw_only=True):
    """How a text is written: size in points, `grey` from 0 (black) to 1 (white)."""

    size: float
    bold: bool = False
    grey: float = 0.0


class Face(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    face: hb.Face
    font: hb.Font
    covers: frozenset[int]


class Glyph(msgspec.Struct, frozen=True):
    """One glyph of a run; all but `index` (where its characters begin in the line) in units of the em."""

    id: int
    index: int
    advance: int
    x: int
    y: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a line in one face and direction, `advance` wide. `stroked`: bold is asked for and the face has none."""

    text: str
    start: int
    level: int
    face: Face
    stroked: bool
    glyphs: tuple[Glyph, ...]
    advance: int


@functools.lru_cache(512)  # a text is tried at several sizes
def clean(text: str) -> str:
    """The text as it can be printed: one line, composed, without control and format characters (joiners stay).

    Of the marks on one letter the first five are kept: more is no writing, and would climb off the page.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    composed = unicodedata.normalize("NFC", text)
    kept: list[str] = []
    for marks, group in itertools.groupby(composed, key=_is_mark):
        kept += itertools.islice(group, 5 if marks else None)
    return " ".join("".join(kept if composed.isprintable() else map(_printable, kept)).split())


def line(text: str, *, bold: bool = False) -> tuple[Run, ...]:
    """The runs of one line in the order they are drawn, left to right."""
    return tuple(bidi.visual(list(_runs(text, bold)), level=lambda run: run.level))


def width(text: str, pen: Pen) -> float:
    """How wide a line is, in points."""
    return ems(text, pen.bold) * pen.size


@functools.lru_cache(512)
def ems(text: str, bold: bool) -> float:
    """How wide a line is, in its size."""
    return sum(run.advance for run in _runs(text, bold)) / UNITS


def wrap(text: str, pen: Pen, room: float) -> list[str]:
    """The lines of a text in `room` points: broken at spaces, inside a word only where it is wider than the room."""
    if width(text, pen) <= room:
        return [text.rstrip()]
    lines, start, gap, used, since_gap = [], 0, 0, 0.0, 0.0
    for index, advance in _advances(text, pen):
        space = text[index] == " "
        gap, since_gap = (index + 1, 0.0) if space else (gap, since_gap + advance)
        used += advance
        if used > room and index > start and not space:
            start, used, broken = (gap, since_gap, start) if gap > start else (index, advance, start)
            lines.append(text[broken:start].rstrip())
    return [*lines, text[start:].rstrip()]


@functools.cache
def load(name: str) -> Face:
    """One of the shipped faces."""
    face = hb.Face(hb.Blob.from_file_path(str(FONTS / f"{name}.ttf")))
    return Face(name=name, face=face, font=hb.Font(face), covers=frozenset(face.unicodes))


@functools.lru_cache(1024)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _printable(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cs":
            return "\ufffd"
        case "Cf" if character not in _FOLLOWERS:
            return ""
    return character


def _advances(text: str, pen: Pen) -> Iterator[tuple[int, float]]:
    """Where each cluster (what must not be broken) begins, and its width in points; in the order of reading."""
    clusters: dict[int, int] = {}
    for run in _runs(text, pen.bold):
        for glyph in run.glyphs:
            clusters[glyph.index] = clusters.get(glyph.index, 0) + glyph.advance
    return ((index, clusters[index] * pen.size / UNITS) for index in sorted(clusters))


@functools.lru_cache(512)  # a line is measured before it is drawn, and most of a label's words are on every label
def _runs(text: str, bold: bool) -> tuple[Run, ...]:
    """In the order of reading."""
    if not text:
        return ()
    if text.isascii():
        return (_run(text, 0, BOLD if bold else REGULAR, 0, bold),)
    kinds = list(zip(_faces(text, bold), bidi.levels(text), strict=True))
    changes = [index for index in range(1, len(text)) if kinds[index] != kinds[index - 1]]
    spans = itertools.pairwise((0, *changes, len(text)))
    return tuple(_run(text[start:end], start, *kinds[start], bold) for start, end in spans)


def _faces(text: str, bold: bool) -> list[str]:
    """The face of each character."""
    first = last = BOLD if bold else REGULAR
    names: list[str] = []
    for character in text:
        own = _SCRIPTS.get(ord(character) >> 7, first)
        if own != last and not (last != first and _follows(character, last)):
            last = own
        names.append(last)
    return names


def _follows(character: str, name: str) -> bool:
    """Whether it stays in the face of what it follows."""
    return (character in _FOLLOWERS or unicodedata.combining(character) > 0) and ord(character) in load(name).covers


def _run(text: str, start: int, name: str, level: int, bold: bool) -> Run:
    face = load(name)
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction = "rtl" if level % 2 else "ltr"
    buffer.language = "en"  # else HarfBuzz asks the process's locale
    buffer.guess_segment_properties()
    hb.shape(face.font, buffer)
    glyphs: list[Glyph] = []
    advance = 0
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        x, y, wide, _ = place.position
        glyphs.append(Glyph(info.codepoint, start + info.cluster, wide, x, y))
        advance += wide
    stroked = bold and name != BOLD
    return Run(text=text, start=start, level=level, face=face, stroked=stroked, glyphs=tuple(glyphs), advance=advance)
