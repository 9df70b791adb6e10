"""Redis restarted, empty, or flushed at any time: what was wanted comes later, and nothing is lost. Real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.processes import parts
from gateway.settings import Settings
from tests import servers
from tests.processes.returns import Desk
from tests.processes.running import Run, eventually

_PARTS = ("lab", "relay", "work")


@pytest.fixture
def queue() -> Iterator[servers.Queue]:
    with servers.queue() as server:
        yield server


@pytest.fixture
def running(tmp_path: Path, queue: servers.Queue) -> Iterator[dict[str, Run]]:
    """Lab, relay and worker, each by its own command, on one data folder."""
    data = tmp_path / "data"
    parts.run("prepare", Settings(data_dir=data))
    runs = {part: Run(data, part, environment={"REDIS_URL": queue.url}) for part in _PARTS}
    yield runs
    for run in runs.values():
        run.process.kill()
        run.process.wait()


def test_a_queue_that_is_gone_for_a_while_and_comes_back_empty_loses_nothing(running: dict[str, Run], queue: servers.Queue) -> None:
    desk = Desk(running["work"].data)
    client = redis.Redis.from_url(queue.url)
    assert eventually(lambda: client.scard("rq:workers"))
    pickups = [desk.accept(number) for number in range(4)]
    assert eventually(desk.awbs)
    queue.stop()
    pickups += [desk.accept(number) for number in range(4, 8)]
    running["relay"].until_said("relay.waits")
    queue.start()
    assert eventually(lambda: {desk.pickup(one).state for one in pickups} == {"booked"})
    client.flushall()
    pickups.append(desk.accept(8))
    assert eventually(lambda: desk.pickup(pickups[-1]).state == "booked")
    assert [part for part, run in running.items() if run.process.poll() is not None] == []
    assert "Traceback" not in "".join(run.said for run in running.values())
    assert [run.end() for run in running.values()] == [0, 0, 0]
