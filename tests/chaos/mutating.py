"""Planted bugs: each patch takes one safety out of a copy of this tree, and the chaos must find it there.

`python -m tests.chaos.mutating [--patches FOLDER] [--minutes N] [NAME...]`. A patch is what `git apply` takes; a line `chaos: ...`
before its first file says with which arguments it is run. Exits with 1 where one survives, does not apply or was not run in time,
or where the tree itself does not pass.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

_ROOT = Path(__file__).parents[2]
_PATCHES = Path(__file__).parent / "mutants"
_LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "cassettes", "docs")
_USUAL = "-n 200 --kills 10"
_AT_ONCE = 2
_PATIENCE = 600.0  # seconds for one
_TOLD = 60  # lines of a run that came out otherwise
_SUMMARY = re.compile(r"^accepted \d+ ended \d+ lost ", re.MULTILINE)
_FIGURES = re.compile(r"^(?:accepted|kills while sending) .*", re.MULTILINE)
_FINDING = re.compile(r"^(lost|doubled|orphans|untold|unsent|crowded): ", re.MULTILINE)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`good`: as it should be. `log` is what the run printed."""

    good: bool
    words: str
    log: str = ""


Judge = Callable[[float], Verdict]  # in so many seconds


def main(arguments: list[str]) -> int:
    asked = _arguments(arguments)
    patches = [one for one in sorted(asked.patches.glob("*.patch")) if not asked.names or one.stem in asked.names]
    if not patches:
        print(f"there is no such patch in {asked.patches}", file=sys.stderr)
        return 2
    judges: list[tuple[str, Judge]] = [] if asked.names else [("(the tree as it is)", _unharmed)]
    judges += [(one.stem, functools.partial(_mutated, one)) for one in patches]
    until = time.monotonic() + asked.minutes * 60
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [pool.submit(_tell, name, judge, until) for name, judge in judges]
    verdicts = [one.result() for one in running]
    good = sum(verdict.good for verdict in verdicts)
    print(f"{good} of {len(verdicts)} as it should be")
    return 0 if good == len(verdicts) else 1


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos.mutating", description=__doc__)
    parser.add_argument("--patches", type=Path, default=_PATCHES, metavar="FOLDER", help="other people's patches")
    parser.add_argument("--minutes", type=float, default=60, help="after which the rest counts as survived (60)")
    parser.add_argument("names", nargs="*", help="these only, without the tree as it is")
    return parser.parse_args(arguments)


def _tell(name: str, judge: Judge, until: float) -> Verdict:
    started = time.monotonic()
    left = min(_PATIENCE, until - started)
    verdict = judge(left) if left > 0 else Verdict(good=False, words="not run: the time is over")
    print(f"{name:<42} {verdict.words} ({time.monotonic() - started:.0f} s)", flush=True)
    if not verdict.good:
        print("\n".join(f"    {line}" for line in verdict.log.splitlines()[-_TOLD:]), flush=True)
    return verdict


def _unharmed(seconds: float) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        code, log = _chaos(_copied(folder), shlex.split(_USUAL), seconds)
    good = code in (0, 2) and bool(_SUMMARY.search(log))
    return Verdict(good=good, words=f"passes: {', '.join(_FIGURES.findall(log))}" if good else "does not pass", log=log)


def _mutated(patch: Path, seconds: float) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = _copied(folder)
        applied = subprocess.run(["git", "apply", "-C1", str(patch.resolve())], cwd=tree, capture_output=True, text=True)
        if applied.returncode:
            return Verdict(good=False, words="DOES NOT APPLY to this tree", log=applied.stderr)
        return judged(*_chaos(tree, _wanted(patch.read_text()), seconds))


def judged(code: int, log: str) -> Verdict:
    kinds = ", ".join(dict.fromkeys(_FINDING.findall(log)))
    if code == 1 and kinds and _SUMMARY.search(log):
        return Verdict(good=True, words=f"caught: {kinds}")
    return Verdict(good=False, words="SURVIVED" if _SUMMARY.search(log) else "SURVIVED: the run came to no end", log=log)


def _wanted(patch: str) -> Sequence[str]:
    """The arguments it names."""
    found = re.search(r"^chaos: (.*)$", patch.partition("\ndiff ")[0], re.MULTILINE)
    return shlex.split(found[1] if found else _USUAL)


def _copied(folder: str) -> Path:
    tree = Path(folder) / "tree"
    shutil.copytree(_ROOT, tree, ignore=_LEFT_BEHIND)
    return tree


def _chaos(tree: Path, arguments: Sequence[str], seconds: float) -> tuple[int, str]:
    """Exit code and output. Its data folders go with the tree; where it comes to no end it goes with all its parts."""
    log = tree.parent / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.chaos", "--impatient", *arguments]
        environment = {**os.environ, "TMPDIR": str(tree.parent)}
        run = subprocess.Popen(command, cwd=tree, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    return run.returncode, log.read_text(errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
