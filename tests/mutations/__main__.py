"""`python -m tests.mutations N SEED [CARRIER...]` (or `make mutations N=10000 SEED=1`): N mutants of each carrier's good replies.

Prints how each operation's mutants were taken, and every one that was taken for what it is not. Ends with 1 if there was any.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Sequence

from gateway.carriers import registry
from tests.mutations.judging import OUTCOMES
from tests.mutations.running import Failure, Report, run

_KINDS = (*OUTCOMES, "failed")
_STEP = 500


def main(arguments: Sequence[str]) -> int:
    logging.disable()  # zeep tells of every value that it cannot convert
    number, seed = (int(text) for text in (*arguments, "10000", "1")[:2])
    failed = 0
    for carrier in arguments[2:] or registry.codes():
        report = run(carrier, number, seed, functools.partial(_tell, carrier, number))
        _summarise(carrier, report)
        failed += len(report.failures)
    print(f"{failed} failed, seed {seed}")
    return 1 if failed else 0


def _tell(carrier: str, number: int, done: int) -> None:
    if done % _STEP == 0 or done == number:
        print(f"\r{carrier} {done}/{number}", end="" if done < number else "\n", file=sys.stderr, flush=True)


def _summarise(carrier: str, report: Report) -> None:
    print(f"{carrier:14}" + "".join(f"{kind:>10}" for kind in _KINDS))
    for operation in sorted({operation for _, operation, _ in report.counts}):
        counts = "".join(f"{report.counts[carrier, operation, kind]:>10}" for kind in _KINDS)
        print(f"  {operation:12}{counts}")
    for failure in report.failures:
        _show(failure)


def _show(failure: Failure) -> None:
    print(f"  mutant {failure.number} of {failure.carrier} {failure.operation}, {failure.how}: {failure.what}")
    print(f"    {failure.body[:300]!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
