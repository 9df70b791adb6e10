"""One owner per folder: who is told, who waits, who gets it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from gateway.processes.lock import held_by, hold
from gateway.processes.problems import CannotRun


def test_the_first_holds_it_and_the_second_is_told_its_pid(tmp_path: Path) -> None:
    lock = hold(tmp_path / "lock", "a lab")
    told = f"a lab runs on {tmp_path} already (pid {os.getpid()}): stop it, or give this one its own GATEWAY_DATA_DIR"
    with pytest.raises(CannotRun, match=re.escape(told)):
        hold(tmp_path / "lock", "a lab")
    assert held_by(tmp_path / "lock") == os.getpid()
    os.close(lock)


def test_it_is_free_when_its_owner_has_gone(tmp_path: Path) -> None:
    os.close(hold(tmp_path / "lock", "a lab"))
    assert held_by(tmp_path / "lock") == 0
    os.close(hold(tmp_path / "lock", "a lab"))


def test_it_is_not_free_while_a_child_of_its_owner_lives(tmp_path: Path) -> None:
    lock = hold(tmp_path / "lock", "a gateway")
    childs = os.dup(lock)  # as a child inherits it
    os.close(lock)
    assert held_by(tmp_path / "lock") == os.getpid()
    os.close(childs)
    assert held_by(tmp_path / "lock") == 0


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert held_by(tmp_path / "lock") == 0
