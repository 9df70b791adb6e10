"""Book returns, break the wires, kill the parts, let days pass, and hold carriers' books and merchant's post against the ledger.

Prints what was lost, doubled, orphaned, not told, not sent, or done by two at once, with the whole story of the first of them, and
keeps the data folder then. Exits with 1 where anything was, and with 2 where the run was too tame to show it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gateway import clock
from gateway.life.booking import BookingState
from gateway.settings import Settings
from tests import ledgers, servers
from tests.chaos import merchant
from tests.chaos.auditor import Findings
from tests.chaos.hours import Hours
from tests.chaos.ledger import ON_THE_WIRE, Ledger
from tests.chaos.parts import House
from tests.chaos.run import Plan, Run, Tally
from tests.chaos.trouble import More
from tests.processes.running import free_port

_SHOWN = 10
_STORIES = 2


def main(arguments: list[str]) -> int:
    asked = _arguments(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the parts end with the run
    started = time.monotonic()
    folder = Path(asked.keep or tempfile.mkdtemp(prefix="chaos-")).resolve()
    with _ledger_url(asked.db) as url, merchant.at_home(asked.seed) as endpoint:
        egress = frozenset({endpoint.place})
        settings = Settings(data_dir=folder, port=free_port(), database_url=url, egress_allow=egress)
        folder.mkdir(parents=True, exist_ok=True)
        hours = Hours(folder)
        clock.wall = hours.wall
        with House(settings, hours) as house, contextlib.closing(Ledger(settings)) as ledger:
            aim = asked.aim or ON_THE_WIRE
            plan = Plan(number=asked.n, kills=asked.kills, seed=asked.seed, more=asked.more, aim=aim, impatient=asked.impatient)
            run = Run(house, ledger, endpoint, plan, lambda text: _say(time.monotonic() - started, text))
            findings, tally = run.through()
            _tell_stories(findings, ledger)
    if findings.clean and not asked.keep:
        shutil.rmtree(folder, ignore_errors=True)
    elif not findings.clean:
        print(f"kept: {folder}")
    return _tell(findings, tally)


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="returns to book (200)")
    parser.add_argument("--kills", type=int, default=10, help="kill -9 and FLUSHALL, most of them spread over the booking (10)")
    parser.add_argument(
        "--db", choices=("sqlite", "postgres"), default="sqlite", help=f"postgres: {ledgers.SERVER}, or one started here"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the lab's dice and of the victims (1)")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="the data folder, kept for a look whatever comes out")
    parser.add_argument("--impatient", action="store_true", help="stop at the first finding that no later day could mend")
    parser.add_argument(
        "--aim",
        type=BookingState,
        action="append",
        metavar="STATE",
        help="kill workers that have a booking in this state in hand (sending, cancelling); may be given again",
    )
    parser.add_argument(
        "--more",
        type=More.read,
        action="append",
        default=[],
        metavar="FAULT=THOUSANDTHS[@OPERATION]",
        help="a fault of the lab that comes more often; may be given again",
    )
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


def _tell_stories(findings: Findings, ledger: Ledger) -> None:
    """Of each kind the first ones: all that the ledger knows of the pickup."""
    by_reference = {one.reference: one.id for one in ledger.pickups()}
    for kind, found in findings.by_kind.items():
        known = [one.partition(":")[0] for one in found if one.partition(":")[0] in by_reference]
        for reference in known[:_STORIES]:
            print(f"--- {kind}: {reference}")
            for line in ledger.story(by_reference[reference]):
                print(f"    {line}")


def _tell(findings: Findings, tally: Tally) -> int:
    for kind, found in findings.by_kind.items():
        for one in found[:_SHOWN]:
            print(f"{kind}: {one}")
    for reference, why in list(tally.refused.items())[:_SHOWN]:
        print(f"refused: {reference}: {why}")
    print(
        f"accepted {findings.accepted} ended {findings.ended} lost {len(findings.lost)} doubled {len(findings.doubled)} "
        f"orphans {len(findings.orphans)} unknown {tally.unknown} kills {sum(tally.kills.values())}"
    )
    print(f"kills while sending {tally.while_sending}, committed without reply {tally.committed_without_reply}")
    print("killed: " + ", ".join(f"{part} {number}" for part, number in sorted(tally.kills.items())))
    print(
        f"webhooks: taken {tally.taken}, of them repeats {tally.repeats}, turned away {sum(tally.turned_away.values())}, "
        f"untold {len(findings.untold)}; unsent {len(findings.unsent)}, crowded {len(findings.crowded)}"
    )
    for why in tally.tame:
        print(f"too tame: {why}")
    return 1 if not findings.clean else 2 if tally.tame else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
