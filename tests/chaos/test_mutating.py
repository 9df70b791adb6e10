"""The planted bugs fit this tree, and one that does not is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.chaos import mutating

ROOT = Path(__file__).parents[2]
PLANTED = sorted((Path(__file__).parent / "mutants").glob("*.patch"))

FOR_ANOTHER_TREE = """\
diff --git a/gateway/clock.py b/gateway/clock.py
--- a/gateway/clock.py
+++ b/gateway/clock.py
@@ -1,2 +1,2 @@
 What stands nowhere
-and is not to be found
+is not to be changed either.
"""


@pytest.mark.parametrize("patch", PLANTED, ids=lambda patch: patch.stem)
def test_a_planted_bug_fits_this_tree(patch):
    assert subprocess.run(["git", "apply", "--check", "-C1", str(patch)], cwd=ROOT, check=False).returncode == 0


def test_a_patch_that_does_not_apply_is_told_and_is_no_success(tmp_path, capsys):
    (tmp_path / "elsewhere.patch").write_text(FOR_ANOTHER_TREE)
    code = mutating.main(["--patches", str(tmp_path), "elsewhere"])
    assert (code, "DOES NOT APPLY" in capsys.readouterr().out) == (1, True)


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (1, "lost: RMA-1: booking\naccepted 1 ended 0 lost 1", "caught: lost"),
        (0, "accepted 1 ended 1 lost 0", "SURVIVED"),
        (2, "accepted 1 ended 1 lost 0\ntoo tame: no booking was ever in doubt", "SURVIVED"),
        (1, "Traceback (most recent call last):", "SURVIVED: the run came to no end"),
    ],
)
def test_only_what_the_auditor_names_counts_as_caught(code, log, words):
    assert mutating.judged(code, log).words == words
