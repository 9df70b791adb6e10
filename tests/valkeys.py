"""A Valkey for tests that need a real one: started from the wheel, on a socket in a folder of its own."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import redis

from gateway.processes import valkey
from gateway.settings import Settings
from tests.processes.running import eventually


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its URL; it is ended with the block."""
    settings = Settings(data_dir=folder)
    valkey.make_room(settings)
    with subprocess.Popen(valkey.command(settings)) as server:
        try:
            eventually(settings.redis_socket.exists)
            yield settings.redis
        finally:
            server.terminate()


def empty(url: str) -> redis.Redis:
    """A client of it, all that it held gone."""
    client: redis.Redis = redis.Redis.from_url(url)
    client.flushall()
    return client
