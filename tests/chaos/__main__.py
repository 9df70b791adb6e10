"""Book returns, break the wires, kill the parts, wait, and hold the carriers' books against the ledger.

Prints what was lost, doubled and orphaned. Exits with 1 where anything was, and with 2 where the run was too tame to show it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.settings import Settings
from tests import ledgers, servers
from tests.chaos.auditor import Findings
from tests.chaos.ledger import Ledger
from tests.chaos.parts import House
from tests.chaos.run import Run, Tally
from tests.processes.running import free_port

_SHOWN = 10


def main(arguments: list[str]) -> int:
    asked = _arguments(arguments)
    started = time.monotonic()
    with _ledger_url(asked.db) as url, tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data_dir=Path(asked.keep or folder).resolve(), port=free_port(), database_url=url)
        with House(settings) as house, contextlib.closing(Ledger(settings)) as ledger:
            run = Run(house, ledger, asked.n, asked.kills, asked.seed, lambda text: _say(time.monotonic() - started, text))
            return _tell(*run.through())


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="returns to book (200)")
    parser.add_argument("--kills", type=int, default=10, help="kill -9 and FLUSHALL, spread over the booking (10)")
    parser.add_argument(
        "--db", choices=("sqlite", "postgres"), default="sqlite", help=f"postgres: {ledgers.SERVER}, or one started here"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the lab's dice and of the victims (1)")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="the data folder, kept for a look")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _ledger_url(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    with contextlib.ExitStack() as stack:
        if not ledgers.on_postgresql():
            os.environ[ledgers.SERVER] = stack.enter_context(servers.postgresql())
        url = ledgers.bare(Path())
        stack.callback(ledgers.drop, url)
        yield url


def _say(seconds: float, text: str) -> None:
    print(f"{seconds:6.1f} s  {text}", flush=True)


def _tell(findings: Findings, tally: Tally) -> int:
    for kind in ("lost", "doubled", "orphans"):
        for one in getattr(findings, kind)[:_SHOWN]:
            print(f"{kind}: {one}")
    for reference, why in list(tally.refused.items())[:_SHOWN]:
        print(f"refused: {reference}: {why}")
    print(
        f"accepted {findings.accepted} ended {findings.ended} lost {len(findings.lost)} doubled {len(findings.doubled)} "
        f"orphans {len(findings.orphans)} unknown {tally.unknown} kills {tally.kills}"
    )
    print(f"kills while sending {tally.while_sending}, committed without reply {tally.committed_without_reply}")
    for why in tally.tame:
        print(f"too tame: {why}")
    return 1 if not findings.clean else 2 if tally.tame else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
