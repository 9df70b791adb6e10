"""How long a label takes: `python -m tests.bench.labels`.

CPU time of one label, the smallest mean of several repeats (the machine's noise only adds). Every label is another customer's, with
another AWB, reference and weight; what is the same on all labels of a warehouse is shaped and drawn once per process, as in the
gateway. The floor is what no label can do without: its words shaped by HarfBuzz, then for PDF the fonts cut and for PNG and ZPL the
dots compressed.
The last lines are a carrier's PDF through the sandbox, on the wall, with the sandbox running: no budget is set for it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import zlib
from collections.abc import Callable, Iterator

import msgspec
import uharfbuzz as hb

from adapters.contract.units import Weight
from gateway.labels import parcel_label, raster, typeface
from gateway.labels.converter import Converter
from gateway.labels.drawing import Drawing, Text
from gateway.labels.printing import Paper, printed
from gateway.labels.sheet import Slip
from tests.bench.choice import microseconds
from tests.labels.goods import CUSTOMERS, PARCEL, slip

BUDGETS = {"pdf": 10.0, "png": 8.0, "zpl": 1.0}  # ms
_LETTERS = {"latin": "abcdefghiklmnoprstuvwy", "hindi": "कखगघचजटडतदनपबमयरलवसह"}


def main() -> None:
    print("a label, CPU milliseconds")
    print(f"{'part':44} {'floor':>7} {'ms':>7} {'x floor':>8}  budget")
    for script in _LETTERS:
        for paper in (Paper.PARCEL_LABEL, Paper.PACKING_SLIP):
            for form, budget in BUDGETS.items():
                _row(script, paper, form, budget)
    for wanted in ("png", "zpl"):
        print(f"{f'a carrier PDF as {wanted}, in the sandbox, wall':44} {'':7} {asyncio.run(_sandboxed(wanted)):7.1f}")


def _row(script: str, paper: Paper, form: str, budget: float) -> None:
    goods = customers(script)
    spent = microseconds(lambda: printed(paper, next(goods), form), 40, 7) / 1000
    least = microseconds(floor(parcel_label.draw(next(goods)), form), 40, 7) / 1000
    verdict = f"{budget:g}: {'met' if spent <= budget else 'MISSED'}"
    name = f"{paper.replace('_', ' ')}, {script}, {form}"
    print(f"{name:44} {least:7.2f} {spent:7.2f} {spent / least:8.1f}  {verdict}")


def customers(script: str) -> Iterator[Slip]:
    """No two alike."""
    dice, letters = random.Random(1), _LETTERS[script]
    for number in itertools.count():
        words = ["".join(dice.choices(letters, k=dice.randint(3, 9))).capitalize() for _ in range(9)]
        changes = {
            "name": " ".join(words[:2]),
            "line1": f"{number} {' '.join(words[2:5])}",
            "line2": " ".join(words[5:8]),
            "city": words[8],
            "phone": f"+91 9{dice.randrange(10**4):04} {dice.randrange(10**5):05}",
        }
        shipper = msgspec.structs.replace(CUSTOMERS[script], **changes)
        parcel = msgspec.structs.replace(PARCEL, dead_weight=Weight(dice.randrange(100, 5000)))
        yield slip(awb=f"{dice.randrange(10**12):013}", reference=f"RMA-{number:06}", shipper=shipper, parcels=(parcel,))


def floor(drawing: Drawing, form: str) -> Callable[[], object]:
    """Shaping, then cutting or compressing, on what the parcel label has."""
    (page, *_) = drawing.pages
    lines = [mark for mark in page.marks if isinstance(mark, Text)]
    dots = raster.bitmap(raster.size(drawing), page.marks).rows
    faces: dict[str, set[int]] = {}
    for run in (run for line in lines for run in line.runs):
        faces.setdefault(run.face.name, set()).update(glyph.id for glyph in run.glyphs)

    def least() -> None:
        for run in (run for line in lines for run in line.runs):
            buffer = hb.Buffer()
            buffer.add_str(run.text)
            buffer.guess_segment_properties()
            hb.shape(run.face.font, buffer)
        if form == "pdf":
            for name, glyphs in faces.items():
                wanted = hb.SubsetInput()
                wanted.glyph_set.update(glyphs)
                hb.subset(typeface.load(name).face, wanted)
        else:
            zlib.compress(dots, 2)

    return least


async def _sandboxed(wanted: str, times: int = 7) -> float:
    """Milliseconds, the fastest."""
    converter, content = Converter(), printed(Paper.PARCEL_LABEL, slip(), "pdf")
    await converter.convert(content, "pdf", wanted)
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        await converter.convert(content, "pdf", wanted)
        spent.append((time.perf_counter() - start) * 1000)
    await converter.close()
    return min(spent)


if __name__ == "__main__":
    main()
