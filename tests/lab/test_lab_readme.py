"""The README's tables say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.lab import admin, faults
from adapters.lab.faults import EVERY_TIME, PHONES, POSTAL_CODES, WIRE, Ending

README = (Path(admin.__file__).parent / "README.md").read_text()
MAGIC = README.split("## Magic values")[1].split("## Admin calls")[0]


def test_every_kind_of_fault_has_its_row():
    assert set(re.findall(r"^(?:\| )?`(\w+)`(?: \||.* acts on days)", README, re.MULTILINE)) == set(faults.Kind)


def test_the_wire_faults_rows_say_whether_the_work_is_done():
    rows = re.findall(r"^\| `(\w+)` \| (\*\*yes\*\*|no) \|", README, re.MULTILINE)
    assert {kind: done != "no" for kind, done in rows} == {kind: wire.works for kind, wire in WIRE.items()}


def test_the_time_outs_are_the_documented_ones():
    documented = {
        kind: int(ms.replace(",", "")) for kind, ms in re.findall(r"^\| `(\w+)` .*`delay_ms` \(([\d,]+)\)", README, re.MULTILINE)
    }
    defaults = {kind: wire.delay_ms for kind, wire in WIRE.items() if wire.delay_ms and kind != "timeout_booked"}
    assert documented == defaults
    assert WIRE[faults.Kind.TIMEOUT_BOOKED] == faults.Wire(
        works=True, ending=Ending.SILENCE, delay_ms=documented["timeout_unbooked"]
    )


def test_every_magic_phone_and_postal_code_has_its_cell():
    phones, postal_codes = MAGIC.split("A postal code")
    cells = dict(re.findall(r"\| (\d\d) \| ([^|]+) ", phones))
    assert cells.keys() == PHONES.keys()
    wired = {n: f"`{f.kind}`{', every time' if f.kind in EVERY_TIME else ''}" for n, f in PHONES.items() if f.kind in WIRE}
    assert {n: text.strip() for n, text in cells.items() if n in wired} == wired
    reasons = {n: f.reason for n, f in PHONES.items() if f.reason}
    assert [n for n, reason in reasons.items() if reason not in cells[n]] == []
    served = {n: text.strip() for n, text in re.findall(r"\| (\d\d) \| ([^|]+) ", postal_codes) if n != faults.NOT_SERVED}
    assert served == {n: f"`{f.kind}`" for n, f in POSTAL_CODES.items()}
