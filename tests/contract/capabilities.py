"""What each carrier can be asked, as a table drawn from the code: between two marks in the README and in each adapter's.

`python -m tests.contract.capabilities` draws them anew; the suite only compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from adapters.contract.carrier import OPERATIONS, Carrier
from gateway.carriers import registry

ROOT = Path(__file__).parent.parent.parent
BEGIN, END = "<!-- capabilities -->", "<!-- /capabilities -->"

_YES, _NO = "✓", "—"
_BLOCK = re.compile(f"{re.escape(BEGIN)}\n(.*?){re.escape(END)}", re.DOTALL)

# What is told besides the operations.
_FACTS: Mapping[str, Callable[[Carrier], str]] = {
    "pushes": lambda carrier: _YES if carrier.read_callback else _NO,
    "services": lambda carrier: ", ".join(service.code for service in carrier.services),
    "visits by itself": lambda carrier: _spread(service.own_visits for service in carrier.services),
    "questions at the door": lambda carrier: _spread(service.quality_checks for service in carrier.services),
    "AWBs in one tracking call": lambda carrier: str(carrier.limits.track_batch),
    "refuses a second booking by": lambda carrier: ", ".join(carrier.dedupes_by) or _NO,
    "a cancel leaves behind": lambda carrier: carrier.leaves_behind or _NO,
    "offers are made of": lambda carrier: ", ".join(carrier.offers_from),
}


def table(carriers: Iterable[Carrier]) -> str:
    """Markdown: a column per carrier, a row per operation and fact."""
    columns = tuple(carriers)
    rows = [["", *(carrier.name for carrier in columns)], ["---"] * (len(columns) + 1)]
    rows += [[name, *(_YES if carrier.operation(name) else _NO for carrier in columns)] for name in OPERATIONS]
    rows += [[label, *(fact(carrier) for carrier in columns)] for label, fact in _FACTS.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _spread(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(set(numbers))))


def readmes() -> dict[Path, str]:
    """Each README with the table it has to show."""
    own = {ROOT / "adapters" / carrier.code / "README.md": table([carrier]) for carrier in registry.every()}
    return {ROOT / "README.md": table(registry.every()), **own}


def shown(path: Path) -> str | None:
    """The table between the marks; None where there are no marks, or no README."""
    found = _BLOCK.search(path.read_text()) if path.exists() else None
    return found[1] if found else None


def redraw() -> None:
    for path, drawn in readmes().items():
        if shown(path) is None:
            print(f"{path.relative_to(ROOT)}: no {BEGIN} ... {END}")
        else:
            before, rest = path.read_text().split(BEGIN, 1)
            path.write_text(f"{before}{BEGIN}\n{drawn}{END}{rest.split(END, 1)[1]}")


if __name__ == "__main__":
    redraw()
