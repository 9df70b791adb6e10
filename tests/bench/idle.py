"""Resident memory of a gateway that has just started and does nothing: each process of `gateway serve`.

`python -m tests.bench.idle` runs it alone.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.measuring import Broken
from tests.processes.running import command, family, resident_megabytes, serving

API, WORKER = 130, 90  # megabytes
_SETTLED = 3.0  # seconds
_PARTS = ("api", "work", "relay", "lab")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, serving(Path(folder) / "data") as run:
        time.sleep(_SETTLED)
        found = {"supervisor": resident_megabytes(run.process.pid)}
        found |= {_name(pid): resident_megabytes(pid) for pid in family(run.process.pid)}
    if not {"api", "work"} <= set(found):
        raise Broken(f"gateway serve has {', '.join(found)}")
    print(f"idle memory of gateway serve: {', '.join(f'{name} {size:.0f} MB' for name, size in found.items())}")
    _tell("API, its server within", found["api"], API)
    _tell("worker", found["work"], WORKER)


def _name(pid: int) -> str:
    """Of its part; of a program that is not ours, its file's."""
    words = command(pid).split()
    return words[-1] if words and words[-1] in _PARTS else Path(words[0]).name if words else "gone"


def _tell(what: str, size: float, budget: float) -> None:
    print(f"  {'kept' if size <= budget else 'MISSED'}: {what} {size:.0f} MB, budget {budget} MB")


if __name__ == "__main__":
    main()
