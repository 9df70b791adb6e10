"""Files as carriers could send them, the hostile ones too: small PDFs and PNGs, put together by hand."""

from __future__ import annotations

import struct
import zlib

LABEL = (288.0, 432.0)


def pdf(*objects: str | bytes, trailer: str = "") -> bytes:
    """Numbered from 1, the first is the catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        body = content.encode() if isinstance(content, str) else content
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
    return out + f"{table}trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{len(out)}\n%%EOF\n".encode()


def stream(content: bytes, head: str = "") -> bytes:
    return f"<< /Length {len(content)} {head} >>\nstream\n".encode() + content + b"\nendstream"


def one_page(drawn: bytes, box: tuple[float, float] = LABEL, resources: str = "", *more: str | bytes, head: str = "") -> bytes:
    """`drawn` is the page's content; `more` objects begin at number 5."""
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {box[0]} {box[1]}] /Resources << {resources} >> /Contents 4 0 R >>"
    tree = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return pdf("<< /Type /Catalog /Pages 2 0 R >>", tree, page, stream(drawn, head), *more)


def in_a_font_not_there(first_letter: str) -> bytes:
    """`A` stands for the letter of this code point, if any."""
    spelt = f"1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <41> <{first_letter}> endbfchar"
    spelling = stream(f"/CMapName /X def begincmap {spelt} endcmap".encode()) if first_letter else "null"
    font = f"<< /Type /Font /Subtype /Type1 /BaseFont /Nowhere {'/ToUnicode 6 0 R' if first_letter else ''} >>"
    return one_page(b"BT /F 20 Tf 20 400 Td (ABC) Tj ET", LABEL, "/Font << /F 5 0 R >>", font, spelling)


def many_pages(count: int) -> bytes:
    kids = " ".join(f"{number} 0 R" for number in range(3, count + 3))
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] >>"
    return pdf("<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {count} >>", *[page] * count)


def locked() -> bytes:
    """With a password nobody knows."""
    secret = "<" + "5a" * 32 + ">"
    encrypt = f"<< /Filter /Standard /V 1 /R 2 /O {secret} /U {secret} /P -4 >>"
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] >>"
    objects = ("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, encrypt)
    return pdf(*objects, trailer="/Encrypt 4 0 R /ID [<00> <00>]")


def endless() -> bytes:
    """A page tiled with ten thousand million specks."""
    tile = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep .003 /YStep .003 /Resources << >>"
    drawn = b"/Pattern cs /P scn 0 0 288 432 re f"
    return one_page(drawn, LABEL, "/Pattern << /P 5 0 R >>", stream(b"0 0 .01 .01 re f", tile))


def nested() -> bytes:
    """Twelve drawings, each of which draws the next twelve times."""
    forms = []
    for number in range(5, 17):
        again = f"/Resources << /XObject << /F {number + 1} 0 R >> >>" if number < 16 else ""
        drawn = b"/F Do " * 12 if number < 16 else b"0 0 288 432 re f "
        forms.append(stream(drawn, f"/Type /XObject /Subtype /Form /BBox [0 0 288 432] {again}"))
    return one_page(b"/F Do", LABEL, "/XObject << /F 5 0 R >>", *forms)


def bomb(megabytes: int = 2000) -> bytes:
    """White space that unpacks to gigabytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(megabytes)) + packer.flush()
    return one_page(zlib.compress(packed, 9), head="/Filter [/FlateDecode /FlateDecode]")


def huge_picture() -> bytes:
    shape = "/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceRGB /BitsPerComponent 8"
    pixels = zlib.compress(bytes(2**20), 9)
    return one_page(b"288 0 0 432 0 0 cm /I Do", LABEL, "/XObject << /I 5 0 R >>", stream(pixels, f"{shape} /Filter /FlateDecode"))


def deep() -> bytes:
    return one_page(b"[" * 500_000)


def png(width: int, height: int, pixels: bytes = b"", dpi: int = 0) -> bytes:
    """One byte of grey a pixel."""
    per_metre = round(dpi / 0.0254)
    physical = _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)) if dpi else b""
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + physical + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
