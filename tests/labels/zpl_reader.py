"""A printer for the little ZPL that labels are made of: reads it strictly and gives the picture, and what its codes say.

Independent of the writer: graphics by their counts, encoding and checksum; Code 128 by its start codes and changes of subset. A
code is drawn by zxing at the given place and size, so that the picture can be scanned as the label could.
"""

from __future__ import annotations

import base64
import re
import zlib
from typing import cast

import msgspec
import zxingcpp
from PIL import Image, ImageChops

_COMMAND = re.compile(r"\^([A-Z][A-Z0-9@])([^^]*)")
_KNOWN = {"XA", "XZ", "CI", "PW", "LL", "LH", "FO", "GF", "FS", "BY", "BC", "BQ", "FH", "FD", "PQ"}


class Printed(msgspec.Struct):
    """`picture` is black on white; `graphic` and `codes` are the layers it was put together from, ink 255."""

    picture: Image.Image
    graphic: Image.Image
    codes: Image.Image
    said: list[tuple[str, str]]


def labels(source: bytes) -> list[Printed]:
    text = source.decode("ascii")
    assert re.fullmatch(r"(\^XA[^~]*?\^XZ\n)+", text)
    return [_label(one) for one in re.findall(r"\^XA.*?\^XZ", text, re.DOTALL)]


def _label(text: str) -> Printed:
    commands = [(name, rest.rstrip("\n")) for name, rest in _COMMAND.findall(text)]
    assert {name for name, _ in commands} <= _KNOWN
    assert "".join(f"^{name}{rest}" for name, rest in commands) == text.replace("\n", "")
    settings = dict(commands)
    size = int(settings["PW"]), int(settings["LL"])
    found = Printed(Image.new("1", size, 255), Image.new("1", size), Image.new("1", size), [])
    field: dict[str, str] = {}
    for name, rest in commands:
        field[name] = rest
        if name == "FS":
            _field(found, field)
            field = {}
    found.picture = ImageChops.invert(ImageChops.logical_or(found.graphic, found.codes))
    return found


def _field(found: Printed, field: dict[str, str]) -> None:
    left, top = map(int, field["FO"].split(","))
    if "GF" in field:
        _put(found.graphic, _graphic(field["GF"]), left, top)
    elif "BC" in field:
        module, _, _ = map(int, field["BY"].split(","))
        turned, high, *lines = field["BC"].split(",")
        assert (turned, lines, "FH" in field) == ("N", ["N", "N", "N"], False)
        said = _code128(field["FD"])
        found.said.append(("Code128", said))
        bars = _drawn(said, zxingcpp.BarcodeFormat.Code128)
        bars = bars.crop((0, 0, bars.width, 1))
        _put(found.codes, ImageChops.invert(bars).resize((bars.width * module, int(high))), left, top)
    else:
        assert field["BQ"].split(",")[:2] == ["N", "2"]
        switches, said = field["FD"].split(",", 1)
        assert switches == "MA"
        said = re.sub("_([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), said) if "FH" in field else said
        found.said.append(("QRCode", said))
        module = int(field["BQ"].split(",")[2])
        assert 1 <= module <= 10
        square = _drawn(said, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        _put(found.codes, ImageChops.invert(square).resize((square.width * module, square.height * module)), left, top)


def _put(sheet: Image.Image, shape: Image.Image, left: int, top: int) -> None:
    """Ink it. What is not on the label is a fault, and so is what is inked a second time: it would hide a code or a letter."""
    inked = shape.getbbox() or (0, 0, 0, 0)
    assert left >= 0 and top >= 0 and left + inked[2] <= sheet.width and top + inked[3] <= sheet.height
    box = (left, top, min(sheet.width, left + shape.width), min(sheet.height, top + shape.height))
    there, added = sheet.crop(box), shape.crop((0, 0, box[2] - left, box[3] - top))
    assert ImageChops.logical_and(there, added).getbbox() is None
    sheet.paste(ImageChops.logical_or(there, added), box)


def _graphic(rest: str) -> Image.Image:
    kind, total, used, row, data = rest.split(",", 4)
    encoded = re.fullmatch(":Z64:([A-Za-z0-9+/=]+):([0-9A-F]{4})", data)
    assert encoded and kind == "A" and total == used
    assert _crc(encoded[1].encode()) == int(encoded[2], 16)
    dots = zlib.decompress(base64.b64decode(encoded[1], validate=True))
    assert len(dots) == int(total) and len(dots) % int(row) == 0
    return Image.frombytes("1", (8 * int(row), len(dots) // int(row)), dots)


def _crc(data: bytes) -> int:
    """CRC-16/XMODEM, bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1 & 0xFFFF
    return crc


def _code128(data: str) -> str:
    """What the symbols say: subset B as it is, C in pairs of digits."""
    said, subset = "", "B"
    for start, change, escaped, pair, plain in re.findall(r">([:;])|>([56])|>([0<=])|(\d\d)|(.)", data):
        if start or change:
            subset = {":": "B", ";": "C", "5": "C", "6": "B"}[start or change]
        elif subset == "C":
            assert pair, "subset C takes pairs of digits"
            said += pair
        else:
            assert plain not in (">", "^", "~")
            said += {"0": ">", "<": "^", "=": "~"}[escaped] if escaped else pair or plain
    return said


def _drawn(text: str, form: zxingcpp.BarcodeFormat, **options: str) -> Image.Image:
    image = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, form, **options), scale=1, add_quiet_zones=False)
    high, wide = image.shape
    return Image.frombytes("L", (wide, high), memoryview(cast("bytes", image)).tobytes()).convert("1")
