"""A small PDF writer (ISO 32000-1): a drawing's pages as vectors.

Only what a label needs. Fonts are embedded as subsets cut by HarfBuzz, text can be searched and copied. The same
drawing gives the same bytes: no clock, no random id.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
import uharfbuzz as hb

from gateway.labels import typeface
from gateway.labels.drawing import Bars, Box, Drawing, Frame, Mark, Slanted, Text
from gateway.labels.typeface import Face, Pen, Run

_FLAGS = hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE
_NEEDLESS = [int.from_bytes(tag, "big") for tag in (b"GSUB", b"GPOS", b"GDEF", b"OS/2", b"cmap", b"gasp", b"name", b"post")]
STROKE = 0.015  # of the size; more fills the counters of dense letters at print size


class Used(msgspec.Struct, kw_only=True):
    """A face as one document uses it: its name there, and for each glyph the text it stands for."""

    name: str
    face: Face
    glyphs: dict[int, str]


def write(drawing: Drawing) -> bytes:
    """The drawing as a PDF."""
    fonts = _Fonts()
    streams = ["\n".join(_marks(page.marks, drawing.height, fonts)).encode("ascii") for page in drawing.pages]
    return _file(drawing, streams, fonts)


def of_picture(mode: str, dots: tuple[int, int], content: bytes, size: tuple[float, float]) -> bytes:
    """One page of `size` points that is a picture: mode 1, L or RGB, its rows from the top, each of whole bytes."""
    objects = _Objects()
    colours, bits = {"1": ("DeviceGray", 1), "L": ("DeviceGray", 8), "RGB": ("DeviceRGB", 8)}[mode]
    shape = f"/Width {dots[0]} /Height {dots[1]} /ColorSpace /{colours} /BitsPerComponent {bits}"
    picture = objects.stream(content, f" /Type /XObject /Subtype /Image {shape}")
    wide, high = map(_n, size)
    shown = objects.stream(f"q {wide} 0 0 {high} 0 0 cm /I Do Q".encode("ascii"))
    tree = objects.reserve()
    resources = f"/Resources << /XObject << /I {picture} 0 R >> >>"
    page = objects.add(f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {wide} {high}] {resources} /Contents {shown} 0 R >>")
    objects.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    return objects.file(objects.add(f"<< /Type /Catalog /Pages {tree} 0 R >>"), info=objects.add("<< >>"))


class _Fonts:
    """The faces a document uses, so that what is shown is embedded."""

    def __init__(self) -> None:
        self.used: dict[str, Used] = {}

    def use(self, run: Run) -> str:
        """Note the glyphs of a run; the name of its font in the document."""
        used = self.used.setdefault(run.face.name, Used(name=f"F{len(self.used)}", face=run.face, glyphs={}))
        for glyph, text in _spelt(run):
            used.glyphs[glyph] = used.glyphs.get(glyph) or text
        return used.name


def _file(drawing: Drawing, pages: list[bytes], used: _Fonts) -> bytes:
    objects = _Objects()
    fonts = " ".join(f"/{one.name} {_font(objects, one)} 0 R" for one in used.used.values())
    resources = objects.add(f"<< /Font << {fonts} >> >>")
    tree = objects.reserve()
    box = f"/MediaBox [0 0 {_n(drawing.width)} {_n(drawing.height)}]"
    sheet = f"/Type /Page /Parent {tree} 0 R {box} /Resources {resources} 0 R"
    streams = [objects.stream(page) for page in pages]
    kids = " ".join(f"{objects.add(f'<< {sheet} /Contents {stream} 0 R >>')} 0 R" for stream in streams)
    objects.put(tree, f"<< /Type /Pages /Count {len(streams)} /Kids [{kids}] >>")
    root = objects.add(f"<< /Type /Catalog /Pages {tree} 0 R /Lang (en) >>")
    return objects.file(root, info=objects.add(f"<< /Title {_utf16(drawing.title)} >>"))


# --- a page's marks as operators (8, 9) -------------------------------------------------------------


def _marks(marks: Iterable[Mark], height: float, fonts: _Fonts) -> Iterator[str]:
    for mark in marks:
        match mark:
            case Text():
                yield from _line(mark.runs, mark.x, height - mark.y, mark.pen, mark.squeeze, fonts)
            case Slanted():
                yield f"q .7071 .7071 -.7071 .7071 {_n(mark.x)} {_n(height - mark.y)} cm"
                yield from _line(mark.runs, 0, 0, mark.pen, 1, fonts)
                yield "Q"
            case Box():
                yield f"{_n(mark.grey)} g {_rectangle(mark.x, height - mark.y - mark.high, mark.wide, mark.high)} f"
            case Frame():
                yield f"{_n(mark.line)} w 0 G {_rectangle(mark.x, height - mark.y - mark.high, mark.wide, mark.high)} S"
            case Bars():
                yield _bars(mark, height)


def _bars(mark: Bars, height: float) -> str:
    """One path, so that no seam shows between rows."""
    bars = (
        _rectangle(mark.x + column * mark.module, height - mark.y - (row + 1) * mark.high, length * mark.module, mark.high)
        for column, row, length in mark.symbol.bars
    )
    return f"0 g {' '.join(bars)} f"


def _rectangle(x: float, y: float, wide: float, high: float) -> str:
    return f"{_n(x)} {_n(y)} {_n(wide)} {_n(high)} re"


def _line(runs: Iterable[Run], x: float, y: float, pen: Pen, squeeze: float, fonts: _Fonts) -> Iterator[str]:
    for run in runs:
        grey = _n(pen.grey)
        stroke = f"2 Tr {_n(pen.size * STROKE)} w {grey} G " if run.stroked else ""
        start = f"/{fonts.use(run)} {_n(pen.size)} Tf {_n(100 * squeeze)} Tz {_n(x)} {_n(y)} Td"
        shown = f"q {grey} g {stroke}BT {start} {_shown(run, pen.size)} ET Q"
        yield shown if run.text.isascii() else f"/Span << /ActualText {_utf16(run.text)} >> BDC {shown} EMC"
        x += run.advance * pen.size / typeface.UNITS * squeeze


class _Objects:
    """The numbered objects of a file."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []

    def reserve(self) -> int:
        self._bodies.append(b"")
        return len(self._bodies)

    def put(self, number: int, body: str) -> None:
        self._bodies[number - 1] = body.encode("ascii")

    def add(self, body: str) -> int:
        number = self.reserve()
        self.put(number, body)
        return number

    def stream(self, content: bytes, more: str = "") -> int:
        packed = zlib.compress(content)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode{more} >>\nstream\n".encode("ascii")
        self._bodies.append(head + packed + b"\nendstream")
        return len(self._bodies)

    def file(self, root: int, info: int) -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self._bodies, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        table = "".join(f"{place:010} 00000 n \n" for place in places)
        size = len(places) + 1
        trailer = f"trailer\n<< /Size {size} /Root {root} 0 R /Info {info} 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
        return bytes(out) + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


def _font(objects: _Objects, used: Used) -> int:
    """Embed a face as a composite font whose character codes are the face's glyph ids."""
    face, name = used.face, f"LABELS+{used.face.name}"
    program = _subset(face, used.glyphs)
    file = objects.stream(program, f" /Length1 {len(program)}")
    extents = face.font.get_font_extents("ltr")
    bounds = " ".join(map(str, struct.unpack(">4h", face.face.reference_table("head").data[36:44])))
    metrics = (
        f"/Ascent {extents.ascender} /Descent {extents.descender} /CapHeight 714 /ItalicAngle 0 /StemV 80 /FontBBox [{bounds}]"
    )
    descriptor = objects.add(f"<< /Type /FontDescriptor /FontName /{name} /Flags 4 {metrics} /FontFile2 {file} 0 R >>")
    widths = " ".join(f"{glyph} [{face.font.get_glyph_h_advance(glyph)}]" for glyph in sorted(used.glyphs))
    system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /CIDToGIDMap /Identity"
    descendant = objects.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} {system} /FontDescriptor {descriptor} 0 R /W [{widths}] >>"
    )
    spelling = objects.stream(_spelling(used.glyphs))
    return objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
        f" /DescendantFonts [{descendant} 0 R] /ToUnicode {spelling} 0 R >>"
    )


def _subset(face: Face, glyphs: Iterable[int]) -> bytes:
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(glyphs)
    wanted.drop_table_tag_set.update(_NEEDLESS)
    wanted.flags = _FLAGS
    program: bytes = hb.subset(face.face, wanted).blob.data
    return program


def _spelling(glyphs: dict[int, str]) -> bytes:
    """The ToUnicode map (9.10.3)."""
    lines = [f"<{glyph:04X}> {_utf16(text, mark='')}" for glyph, text in sorted(glyphs.items()) if text]
    blocks = (lines[i : i + 100] for i in range(0, len(lines), 100))
    maps = "\n".join(f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar" for block in blocks)
    return f"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
{maps}
endcmap CMapName currentdict /CMap defineresource pop end end""".encode("ascii")


def _spelt(run: Run) -> Iterator[tuple[int, str]]:
    """Each glyph with its text: a cluster's first glyph carries the cluster's characters, the others none."""
    if run.text.isascii() and len(run.glyphs) == len(run.text):
        yield from ((glyph.id, run.text[glyph.index - run.start]) for glyph in run.glyphs)
        return
    ordered = sorted(run.glyphs, key=lambda glyph: glyph.index)
    starts = [(index, [glyph.id for glyph in glyphs]) for index, glyphs in groupby(ordered, key=lambda glyph: glyph.index)]
    ends = [index for index, _ in starts[1:]] + [run.start + len(run.text)]
    for (index, ids), end in zip(starts, ends, strict=True):
        yield ids[0], run.text[index - run.start : end - run.start]
        yield from ((glyph, "") for glyph in ids[1:])


def _shown(run: Run, size: float) -> str:
    """The glyphs as text-showing operators: a number in the array moves the pen back, `Ts` lifts a mark."""
    out: list[str] = []
    pen = wanted = rise = 0
    for glyph in run.glyphs:
        if glyph.y != rise:
            rise = glyph.y
            out.append(f"] TJ {_n(rise * size / typeface.UNITS)} Ts [")
        back = pen - wanted - glyph.x
        out.append(f"{back}<{glyph.id:04X}>" if back else f"<{glyph.id:04X}>")
        pen += run.face.font.get_glyph_h_advance(glyph.id) - back
        wanted += glyph.advance
    return f"[{''.join(out)}] TJ"


def _utf16(text: str, mark: str = "FEFF") -> str:
    return f"<{mark}{text.encode('utf-16-be').hex().upper()}>"


def _n(value: float) -> str:
    """A number as short as three decimals allow."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
