"""rates/README.md: its example runs and says what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

import rates


def test_the_example_of_learning_and_choosing_runs():
    readme = Path(rates.__path__[0]) / "README.md"
    found = doctest.testfile(str(readme), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE, encoding="utf-8")
    assert (found.failed, found.attempted) == (0, 9)
