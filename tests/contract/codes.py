"""The code tables of an adapter, found by what they say, and their meanings as written down a second time.

A table is a public constant that gives a Milestone, a Reason or a RefusalKind. Its second writing is codes/<carrier>.toml, to be
made from the carrier's documents; `python -m tests.contract.codes ekart` prints what the code says now, for comparison.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.contract.errors import RefusalKind
from adapters.contract.scans import Milestone, Reason

LISTS = Path(__file__).parent / "codes"

# A table's name within the adapter, a code, what it means.
Tables = dict[str, dict[str, tuple[Any, ...]]]


def tables_of(carrier: str) -> Tables:
    found: Tables = {}
    for module in _modules(carrier):
        for name, constant in vars(module).items():
            rows = dict(_rows(constant)) if re.fullmatch(r"[A-Z][A-Z_]*", name) else {}
            if rows:
                found[f"{module.__name__.removeprefix(f'adapters.{carrier}.')}.{name}"] = rows
    return found


def told(tables: Tables) -> dict[str, dict[str, str]]:
    """The tables as they are written into a list: "pickup_failed: address_incomplete"."""
    return {
        name: {code: ": ".join(part for part in meaning if part) for code, meaning in rows.items()} for name, rows in tables.items()
    }


def written(carrier: str) -> dict[str, dict[str, str]]:
    path = LISTS / f"{carrier}.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


def _modules(carrier: str) -> Iterator[Any]:
    """The adapter's modules; the lab's side is not one of them."""
    package = importlib.import_module(f"adapters.{carrier}")
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.removeprefix(f"{package.__name__}.").startswith("lab"):
            yield importlib.import_module(found.name)


def _rows(constant: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each code with its meaning: from a mapping, or from rows that end in their meaning; nothing from other constants."""
    if isinstance(constant, Mapping):
        rows = [(*_parts(key), value) for key, value in constant.items()]
    else:
        rows = [row for row in constant if isinstance(row, tuple) and row] if isinstance(constant, Sequence) else []
    for *code, meaning in rows:
        said = meaning if isinstance(meaning, tuple) else (meaning,)
        if code and any(isinstance(one, Milestone | Reason | RefusalKind) for one in said):
            yield "/".join(code), said


def _parts(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _toml(tables: Mapping[str, Mapping[str, str]]) -> str:
    return "\n".join(
        "\n".join([f"[{json.dumps(name)}]", *(f"{json.dumps(code)} = {json.dumps(said)}" for code, said in rows.items()), ""])
        for name, rows in tables.items()
    )


if __name__ == "__main__":
    print(_toml(told(tables_of(sys.argv[1]))), end="")
