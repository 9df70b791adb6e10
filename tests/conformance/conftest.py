"""Conformance: our requests and readings against what the carriers themselves publish.

That material is not part of this repository: REFERENCE names its folder (`make conformance REFERENCE=...`). Without REFERENCE
nothing here is collected; with one that is not there, everything fails.
"""

import collections
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

collect_ignore_glob = [] if os.environ.get("REFERENCE") else ["test_*.py"]


class Counted(Protocol):
    def __call__(self, operation: str, outcome: str = "read") -> None: ...


_OUTCOMES = ("read", "refused", "failed")


@pytest.fixture
def reference() -> Path:
    folder = Path(os.environ["REFERENCE"])
    if not folder.is_dir():
        pytest.fail(f"REFERENCE is no folder: {folder}")
    return folder


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Enter this test into the closing count: which operation, and whether its answer is to be read or refused."""

    def count(operation: str, outcome: str = "read") -> None:
        record_property("operation", operation)
        record_property("outcome", outcome)

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = tally(terminalreporter)
    if not counts:
        return
    terminalreporter.section("conformance")
    for operation in sorted({operation for operation, _ in counts}):
        figures = "  ".join(f"{outcome} {counts[operation, outcome]:3}" for outcome in _OUTCOMES)
        terminalreporter.write_line(f"{operation:32} {figures}")


def tally(reporter: pytest.TerminalReporter) -> collections.Counter[tuple[str, str]]:
    """How many exchanges of each operation were read, refused, or failed the test."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    for category in ("passed", "failed", "error"):
        for report in reporter.stats.get(category, ()):
            found = dict(getattr(report, "user_properties", ()))
            if "operation" in found and report.when in ("call", "setup"):
                counts[found["operation"], found["outcome"] if category == "passed" else "failed"] += 1
    return counts
