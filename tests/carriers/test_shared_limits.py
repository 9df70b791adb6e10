"""The buckets in a real Valkey: one script, shared by whoever looks, by the server's own clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from adapters.contract.carrier import Quota
from gateway.carriers.limits import Away, InRedis, Limiter
from gateway.processes import valkey
from gateway.settings import Settings
from tests.processes.running import eventually

HOUR = Quota(calls=3, seconds=3600)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("limits") / ("long" * 30))
    settings.data_dir.mkdir()
    valkey.make_room(settings)
    with subprocess.Popen(valkey.command(settings)) as server:
        eventually(settings.redis_socket.exists)
        yield settings.redis
        server.terminate()
    shutil.rmtree(settings.redis_socket.parent, ignore_errors=True)


def test_two_processes_share_one_bucket(url: str) -> None:
    async def work() -> list[bool]:
        here, there = InRedis(url), InRedis(url)
        taken = [await one.take("cac_1", "quote", HOUR) is None for one in (here, there, here, there, here)]
        await here.aclose()
        await there.aclose()
        return taken

    assert asyncio.run(work()) == [True] * 3 + [False] * 2


def test_what_one_learns_closes_it_for_all_until_then(url: str) -> None:
    async def work() -> dt.timedelta | None:
        here, there = InRedis(url), InRedis(url)
        await here.close("cac_2", "quote", HOUR, dt.timedelta(seconds=500))
        await here.close("cac_2", "quote", HOUR, dt.timedelta(seconds=5))  # a shorter one shortens nothing
        wait = await there.take("cac_2", "quote", HOUR)
        await here.aclose()
        await there.aclose()
        return wait

    wait = asyncio.run(work())
    assert wait is not None and dt.timedelta(seconds=490) < wait <= dt.timedelta(seconds=500)


def test_after_it_was_closed_it_is_empty_and_fills_up_from_then_on(url: str) -> None:
    async def work() -> dt.timedelta | None:
        buckets = InRedis(url)
        await buckets.close("cac_3", "quote", HOUR, dt.timedelta(milliseconds=5))
        await asyncio.sleep(0.01)
        wait = await buckets.take("cac_3", "quote", HOUR)
        await buckets.aclose()
        return wait

    wait = asyncio.run(work())
    assert wait is not None and dt.timedelta(minutes=19) < wait <= dt.timedelta(minutes=20)


def test_a_server_that_is_not_there_is_away_and_the_process_helps_itself() -> None:
    async def work() -> tuple[bool, list[bool]]:
        nowhere = InRedis("unix:///nowhere/valkey.sock")
        with pytest.raises(Away):
            await nowhere.take("cac_1", "quote", HOUR)
        limiter = Limiter(nowhere)
        taken = [await limiter.take("cac_1", "quote", HOUR) is None for _ in range(4)]
        await limiter.aclose()
        return True, taken

    assert asyncio.run(work()) == (True, [True] * 3 + [False])
