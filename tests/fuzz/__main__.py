"""`python -m tests.fuzz`: see the package. The exit code is 0 where nothing was found."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import stage

_CONFIG = Path(__file__).with_name("schemathesis.toml")


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, stage.running(Path(folder)) as run:
        keys = stage.set_up(run, asked.seed)
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG), "run", f"{run.url}/openapi.json"]
        told = ["--seed", str(asked.seed), "--max-examples", str(asked.examples), *asked.more]
        environment = {**os.environ, **keys, "EXAMPLES": str(asked.examples)}
        found = subprocess.run([*command, *told], env=environment).returncode
        return found or _stumbled(run.said)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=40, help="random requests to each operation, and chains of calls (40)")
    parser.add_argument("--seed", type=int, default=1, help="of Schemathesis and of the lab's dice (1)")
    parser.add_argument("more", nargs="*", help="for Schemathesis, after --, such as --phases stateful")
    return parser.parse_args(arguments)


def _stumbled(log: str) -> int:
    """1 where the gateway tells of a mistake of its own, wherever it was made."""
    lines = [line for line in log.splitlines() if "request.failed" in line or "Traceback" in line or "level=error" in line]
    print(*lines[:20], sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
