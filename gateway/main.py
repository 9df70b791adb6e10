"""`gateway serve`: everything in one tree of processes on one data folder.

Valkey (unless REDIS_URL), the API, workers, the relay and the lab; what dies is started again, nothing outlives this process,
and a second one on the same data is refused. The API loads while the schema is brought up to date, and takes requests before
the others are there: what it accepts waits in the ledger.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from gateway.processes import parts, valkey
from gateway.processes.folder import data_folder
from gateway.processes.lock import held_by, hold
from gateway.processes.port import check_free, ready
from gateway.processes.tree import Hopeless, Part, Tree
from gateway.settings import Settings

_LOOK = 0.02
_LONG = 3600.0


def serve(settings: Settings) -> int:
    """Run until SIGTERM, SIGINT or SIGHUP; the exit code. Raises CannotRun, BadSetting."""
    lock = hold(data_folder(settings) / "lock", "a gateway")
    check_free(settings)
    tree = Tree(_complain, os.EX_CONFIG)
    try:
        if _started(tree, settings, lock):
            print(f"ready in {_age():.1f} s: {settings.api_url}", flush=True)
            _start_workers(tree, settings, lock)
            while tree.attend(_LONG):
                pass
    except Hopeless:
        return 1
    finally:
        tree.end()
    return 0


def _started(tree: Tree, settings: Settings, lock: int) -> bool:
    """Whether the API answers; False: told to end before it did."""
    if not held_by(settings.data_dir / "lab.lock"):
        settings.lab_address.unlink(missing_ok=True)  # of a lab that was killed
    if not settings.redis_url:
        valkey.make_room(settings)
        tree.start(Part(name="valkey", command=valkey.command(settings), environment=os.environ, rank=4, keep_open=(lock,)))
    gate, opener = os.pipe()
    tree.start(_part("api", 1, (lock, gate), {parts.GATE: str(gate)}))
    if not _prepared(tree, lock):
        return False
    os.close(opener)
    while not ready(settings):
        if not tree.attend(_LOOK):
            return False
    return True


def _start_workers(tree: Tree, settings: Settings, lock: int) -> None:
    tree.start(_part("lab", 3, (lock,)))
    tree.start(_part("relay", 1, (lock,), _metrics(settings, 0)))
    for number in range(settings.workers):
        tree.start(_part("work", 2, (lock,), _metrics(settings, number + 1), patience=10))


def _metrics(settings: Settings, place: int) -> Mapping[str, str]:
    """The relay's port for its figures, and the next ones for the workers; the API tells its own beside what it serves."""
    return {"GATEWAY_METRICS_PORT": str(settings.metrics_port + place)} if settings.metrics_port else {}


def _prepared(tree: Tree, lock: int) -> bool:
    """Whether the ledger is ready; False: told to end. Raises Hopeless; why, it has told itself."""
    code = tree.run(_part("prepare", 0, (lock,)))
    if code:
        raise Hopeless("prepare")
    return code == 0


def _part(
    name: str, rank: int, keep_open: tuple[int, ...], environment: Mapping[str, str] | None = None, patience: float = 5
) -> Part:
    return Part(
        name=name,
        command=(sys.executable, "-P", "-m", "gateway.processes", name),
        environment={**os.environ, **(environment or {})},
        rank=rank,
        patience=patience,
        keep_open=keep_open,
    )


def _age() -> float:
    """Seconds since this process was started, to the hundredth (proc(5), field 22)."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _complain(text: str) -> None:
    print(f"gateway: {text}", file=sys.stderr, flush=True)
