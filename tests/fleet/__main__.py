"""`python -m tests.fleet`: see the package. The exit code is 0 where every promise was kept."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import ledgers, servers
from tests.fleet.drill import Drill


def main() -> int:
    asked = _asked()
    with contextlib.ExitStack() as stack:
        os.environ[ledgers.SERVER] = asked.database or stack.enter_context(servers.postgresql())
        queue = asked.redis or stack.enter_context(servers.queue()).url
        database = stack.enter_context(_database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        return Drill(
            folder / "data", database, queue, asked.pickups, hurry=asked.hurry, say=lambda text: print(text, flush=True)
        ).run()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    for name, default, words in (
        ("--database", ledgers.SERVER, "a PostgreSQL server on which a database may be made"),
        ("--redis", "TEST_REDIS_URL", "a Redis database, which is emptied"),
    ):
        told = f"{words}; default: {default}, else one of our own"
        parser.add_argument(name, default=os.environ.get(default, ""), metavar="URL", help=told)
    parser.add_argument("--pickups", type=int, default=60, metavar="N", help="how many are booked (60)")
    parser.add_argument("--hurry", action="store_true", help="let the leases of the killed run out as soon as all else is done")
    return parser.parse_args()


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """Made for this run, dropped afterwards."""
    url = ledgers.bare(Path())
    try:
        yield url
    finally:
        ledgers.drop(url)


if __name__ == "__main__":
    sys.exit(main())
