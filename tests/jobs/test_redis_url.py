"""Any REDIS_URL: a password, TLS that is verified, a socket, a database of its own; and what is said where it does not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.jobs.queue import NoRedis, connect
from gateway.settings import Settings
from tests import servers
from tests.jobs import tls
from tests.processes.running import Run, free_port


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def locked(port: int) -> Iterator[servers.Queue]:
    """One that asks for a password, on a socket and on a port."""
    with servers.queue("--requirepass", "p@ss/word", "--port", str(port), "--bind", "127.0.0.1") as server:
        yield server


def connected(tmp_path: Path, url: str) -> redis.Redis:
    return connect(Settings(data_dir=tmp_path, redis_url=url))


def refusal(tmp_path: Path, url: str) -> str:
    with pytest.raises(NoRedis) as told:
        connected(tmp_path, url)
    return str(told.value)


def test_a_password_opens_it_over_a_port_and_over_a_socket(tmp_path: Path, locked: servers.Queue, port: int) -> None:
    connected(tmp_path, f"redis://:p%40ss%2Fword@127.0.0.1:{port}/0").set("over", "port")
    assert connected(tmp_path, f"unix://default:p%40ss%2Fword@{locked.socket}").get("over") == b"port"


def test_a_database_has_its_own_keys(tmp_path: Path, port: int, locked: servers.Queue) -> None:
    one, other = (connected(tmp_path, f"redis://:p%40ss%2Fword@127.0.0.1:{port}/{number}") for number in (1, 2))
    one.set("held:advance:pck_1", "queued")
    assert (one.dbsize(), other.dbsize()) == (1, 0)


@pytest.mark.parametrize(
    ("user", "number", "told"),
    [
        ("", 0, "Redis at {place} asks for another user or password than REDIS_URL gives: redis://user:password@host/0"),
        (":hush@", 0, "Redis at {place} asks for another user or password than REDIS_URL gives: redis://user:password@host/0"),
        (":p%40ss%2Fword@", 99, "Redis at {place} refuses: DB index is out of range; see REDIS_URL"),
    ],
)
def test_what_it_refuses_is_told_in_one_line_without_the_password(
    tmp_path: Path, locked: servers.Queue, port: int, user: str, number: int, told: str
) -> None:
    said = refusal(tmp_path, f"redis://{user}127.0.0.1:{port}/{number}")
    assert said == told.format(place=f"127.0.0.1:{port}")


def test_tls_is_verified_by_the_authority_that_is_named(tmp_path: Path) -> None:
    files = tls.certificate(tmp_path, "localhost")
    with servers.queue() as server, tls.in_front_of(server.socket, files) as port:
        assert connected(tmp_path, f"rediss://localhost:{port}/0?ssl_ca_certs={files[0]}").ping()
        assert refusal(tmp_path, f"rediss://localhost:{port}/0").startswith(
            f"Redis at localhost:{port}: the TLS connection failed ("
        )
        other_name = refusal(tmp_path, f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={files[0]}")
    assert "certificate is not valid for '127.0.0.1'" in other_name


@pytest.mark.parametrize("part", ["work", "relay"])
def test_a_part_without_redis_ends_with_one_line(tmp_path: Path, part: str) -> None:
    Run(tmp_path / "data", "db", "upgrade").process.wait(30)
    run = Run(tmp_path / "data", part, environment={"REDIS_URL": "redis://:hush@127.0.0.1:1/0"})
    assert run.process.wait(30) == 1
    assert run.said == "gateway: no Redis at 127.0.0.1:1: start `gateway serve`, or set REDIS_URL to one that runs\n"
