"""A small PDF writer (ISO 32000-1): pages of shaped text, boxes and barcodes, as vectors.

Only what a packing slip needs. Fonts are embedded as subsets cut by HarfBuzz, text can be searched and copied. The same
drawing gives the same bytes: no clock, no random id. A page's origin is its top left corner, y runs down, all in points.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
import uharfbuzz as hb

from gateway.labels import typeface
from gateway.labels.codes import Symbol
from gateway.labels.typeface import Face, Pen, Run

_FLAGS = hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE
_NEEDLESS = [int.from_bytes(tag, "big") for tag in (b"GSUB", b"GPOS", b"GDEF", b"OS/2", b"cmap", b"gasp", b"name", b"post")]
_STROKE = 0.015  # of the size; more fills the counters of dense letters at print size


class Used(msgspec.Struct, kw_only=True):
    """A face as one document uses it: its name there, and for each glyph the text it stands for."""

    name: str
    face: Face
    glyphs: dict[int, str]


class Page:
    """Draw on it in any order; what comes later lies on top."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.marks: list[str] = []

    def text(self, x: float, y: float, text: str, pen: Pen, room: float = float("inf")) -> None:
        """One line with its baseline at y; squeezed where it is wider than `room`, so that it never runs over."""
        runs = typeface.line(text, bold=pen.bold)
        wide = sum(glyph.advance for run in runs for glyph in run.glyphs) * pen.size / typeface.UNITS
        squeeze = min(1.0, room / wide) if wide else 1.0
        for run in runs:
            self.marks.append(self._run(run, x, y, pen, squeeze))
            x += sum(glyph.advance for glyph in run.glyphs) * pen.size / typeface.UNITS * squeeze

    def slanted(self, x: float, y: float, text: str, pen: Pen) -> None:
        """One line rising at 45 degrees from (x, y), as a watermark."""
        self.marks.append(f"q .7071 .7071 -.7071 .7071 {_n(x)} {_n(self._up(y))} cm")
        self.text(0, self._document.height, text, pen)
        self.marks.append("Q")

    def box(self, x: float, y: float, wide: float, high: float, grey: float = 0.0) -> None:
        """A filled rectangle."""
        self.marks.append(f"{_n(grey)} g {self._rectangle(x, y, wide, high)} f")

    def frame(self, x: float, y: float, wide: float, high: float, line: float = 0.6) -> None:
        """An empty rectangle."""
        self.marks.append(f"{_n(line)} w 0 G {self._rectangle(x, y, wide, high)} S")

    def symbol(self, x: float, y: float, symbol: Symbol, module: float, high: float) -> None:
        """A barcode whose modules are `module` wide and `high` high; one path, so that no seam shows between rows."""
        bars = (self._rectangle(x + column * module, y + row * high, length * module, high) for column, row, length in symbol.bars)
        self.marks.append(f"0 g {' '.join(bars)} f")

    def _rectangle(self, x: float, y: float, wide: float, high: float) -> str:
        return f"{_n(x)} {_n(self._up(y + high))} {_n(wide)} {_n(high)} re"

    def _up(self, y: float) -> float:
        return self._document.height - y

    def _run(self, run: Run, x: float, y: float, pen: Pen, squeeze: float) -> str:
        used = self._document.use(run)
        grey = _n(pen.grey)
        stroke = f"2 Tr {_n(pen.size * _STROKE)} w {grey} G " if run.stroked else ""
        start = f"/{used.name} {_n(pen.size)} Tf {_n(100 * squeeze)} Tz {_n(x)} {_n(self._up(y))} Td"
        shown = f"q {grey} g {stroke}BT {start} {_shown(run, pen.size)} ET Q"
        return shown if run.text.isascii() else f"/Span << /ActualText {_utf16(run.text)} >> BDC {shown} EMC"


class Document:
    """Pages of one size, in points."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._pages: list[Page] = []
        self._used: dict[str, Used] = {}

    def page(self) -> Page:
        self._pages.append(Page(self))
        return self._pages[-1]

    def use(self, run: Run) -> Used:
        """Note the glyphs of a run, so that they are embedded."""
        used = self._used.setdefault(run.face.name, Used(name=f"F{len(self._used)}", face=run.face, glyphs={}))
        for glyph, text in _spelt(run):
            used.glyphs[glyph] = used.glyphs.get(glyph) or text
        return used

    def write(self) -> bytes:
        """The finished file."""
        objects = _Objects()
        fonts = " ".join(f"/{used.name} {_font(objects, used)} 0 R" for used in self._used.values())
        resources = objects.add(f"<< /Font << {fonts} >> >>")
        tree = objects.reserve()
        sheet = f"/Type /Page /Parent {tree} 0 R /MediaBox [0 0 {_n(self.width)} {_n(self.height)}] /Resources {resources} 0 R"
        streams = [objects.stream("\n".join(page.marks).encode("ascii")) for page in self._pages]
        kids = " ".join(f"{objects.add(f'<< {sheet} /Contents {stream} 0 R >>')} 0 R" for stream in streams)
        objects.put(tree, f"<< /Type /Pages /Count {len(streams)} /Kids [{kids}] >>")
        root = objects.add(f"<< /Type /Catalog /Pages {tree} 0 R /Lang (en) >>")
        return objects.file(root, info=objects.add(f"<< /Title {_utf16(self.title)} >>"))


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
    face, name = used.face, f"SLIPAA+{used.face.name}"
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
