"""`python -m tests.clients`: see the package. The exit code is 0 where every promise was kept."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests import ledgers
from tests.clients.run import through


def main() -> int:
    asked = _asked()
    with ledgers.of_kind(asked.db) as database, tempfile.TemporaryDirectory(prefix="clients-") as folder:
        wrong = through(Path(folder) / "data", database, asked.keys, asked.clients, lambda text: print(text, flush=True))
    for sentence in wrong:
        print(f"BROKEN: {sentence}")
    print("every promise was kept" if not wrong else f"promises broken: {len(wrong)}")
    return 1 if wrong else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.clients", description=__doc__)
    parser.add_argument("--keys", type=int, default=1000, help="how many requests, each with a key of its own (1000)")
    parser.add_argument("--clients", type=int, default=64, help="how many ask each of them at once (64)")
    parser.add_argument(
        "--db", choices=("sqlite", "postgres"), default="sqlite", help=f"postgres: {ledgers.SERVER}, or one started here"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
