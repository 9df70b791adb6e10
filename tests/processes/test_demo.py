"""`gateway demo` from the outside: killed in the middle, started again, and what it leaves to try."""

from __future__ import annotations

import json
import os
import shlex
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.ledger import BOOKINGS, PICKUPS
from tests.processes.running import Run, alive, command, eventually, family


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def left(data: Path) -> list[int]:
    """A demonstration was killed, and all its processes with it, when its first return was booked; their pids."""
    run = Run(data, "demo", "--returns", "2")
    eventually(lambda: _count(data) >= 1)
    everybody = [run.process.pid, *family(run.process.pid)]
    for pid in everybody:
        os.kill(pid, signal.SIGKILL)
    run.process.wait()
    eventually(lambda: not any(alive(pid) for pid in everybody), patience=5)
    return everybody


@pytest.fixture(scope="module")
def again(data: Path, left: list[int]) -> Iterator[Run]:
    """Started again on the same data, and serving when it is done."""
    run = Run(data, "demo", "--returns", "1", "--serve")
    try:
        run.until_said("/v1/pickups?limit=5")
        yield run
    finally:
        run.process.kill()
        run.process.wait()


def _count(data: Path) -> int:
    return len(_pickups(data)) if (data / "demo.json").exists() else 0


def _pickups(data: Path) -> list[tuple[str, bool]]:
    database = Database(Settings(data_dir=data).database)
    with database.read() as tx:
        return [(str(one.state), one.ended) for one in PICKUPS.all(tx)]


def _awbs(data: Path) -> set[str]:
    with Database(Settings(data_dir=data).database).read() as tx:
        return {booking.awb for booking in BOOKINGS.all(tx) if booking.awb}


def _paste(line: str) -> Any:
    """What a curl line of the demonstration does, without curl."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-s"]
    options = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
    body = next((value.encode() for name, value in options if name == "-d"), None)
    with urllib.request.urlopen(urllib.request.Request(words[2], body, headers), timeout=20) as answer:
        return json.load(answer)


def test_what_a_killed_demonstration_left_goes_on_first_and_all_ends(again: Run, data: Path) -> None:
    assert "returns under way: they go on first" in again.said
    assert {ended for _, ended in _pickups(data)} == {True}
    assert len(_pickups(data)) >= 2


def test_the_carriers_hold_no_booking_that_the_ledger_does_not_know(again: Run, data: Path) -> None:
    with urllib.request.urlopen(f"{(data / 'lab.url').read_text()}/_lab/books", timeout=10) as answer:
        assert {line["awb"] for line in json.load(answer)["consignments"]} == _awbs(data)


def test_it_says_that_all_is_simulated_and_sums_up(again: Run) -> None:
    assert again.said.startswith("All of this is simulated")
    assert "By carrier (all simulated)" in again.said
    assert "Traceback" not in again.said


def test_the_three_commands_work_when_pasted(again: Run) -> None:
    lines = [line for line in again.said.splitlines() if line.startswith("curl ")]
    quotes, pickup, listed = [_paste(line) for line in lines]
    assert quotes["offers"][0]["rank"] == 1
    assert (pickup["state"], pickup["decision"]["chosen"]["carrier"]) == ("booked", pickup["bookings"][0]["carrier"])
    assert listed["data"][0]["id"] == pickup["id"]


def test_a_second_demonstration_on_the_same_data_is_refused(again: Run, data: Path) -> None:
    second = Run(data, "demo")
    assert second.process.wait(20) == 1
    assert second.said.startswith(f"gateway: a demonstration runs on {data} already (pid {again.process.pid})")


def test_ctrl_c_ends_it_all(again: Run) -> None:
    everybody = family(again.process.pid)
    assert again.end(signal.SIGINT) == 0
    assert [command(pid) for pid in everybody if alive(pid)] == []
    assert "Traceback" not in again.said
