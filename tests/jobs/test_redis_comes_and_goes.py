"""Redis restarted, empty, flushed or restored from an old backup: nothing is lost, nothing doubled. Real processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from gateway.processes import parts
from gateway.settings import Settings
from tests import servers
from tests.processes.returns import ACCOUNT, Desk
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


def test_a_queue_restored_from_an_old_backup_loses_nothing_and_books_nothing_twice(
    running: dict[str, Run], queue: servers.Queue
) -> None:
    """It holds wake-ups of what is long booked, and knows nothing of what was accepted since."""
    desk = Desk(running["work"].data)
    client = redis.Redis.from_url(queue.url)
    assert eventually(lambda: client.scard("rq:workers"))
    with no_worker(running, queue):
        old = [desk.accept(number) for number in range(4)]
        assert eventually(lambda: client.llen("rq:queue:pickups") == 4)
        queue.back_up()
    assert eventually(lambda: {desk.pickup(one).state for one in old} == {"booked"})
    with no_worker(running, queue):
        new = [desk.accept(number) for number in range(4, 8)]
        assert eventually(lambda: client.llen("rq:queue:pickups") >= 4)
        queue.stop()
        queue.put_back()
        queue.start()
        assert client.llen("rq:queue:pickups") >= 4
    assert eventually(lambda: {desk.pickup(one).state for one in old + new} == {"booked"})
    assert eventually(lambda: client.llen("rq:queue:pickups") == 0)
    lab = Settings(data_dir=running["lab"].data).lab_address.read_text()
    books = httpx.get(f"{lab}/_lab/books", params={"account": ACCOUNT}).raise_for_status().json()["consignments"]
    assert {line["awb"] for line in books} == desk.awbs()
    assert len(books) == len({line["reference"] for line in books}) == 8


@contextlib.contextmanager
def no_worker(running: dict[str, Run], queue: servers.Queue) -> Iterator[None]:
    """The worker ends, and another one is started afterwards."""
    assert running["work"].end() == 0
    yield
    running["work"] = Run(running["work"].data, "work", environment={"REDIS_URL": queue.url})
