from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests import ledgers, servers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", action="store_true", help="ledgers on PostgreSQL: TEST_DATABASE_URL's, else one from a wheel")


def pytest_configure(config: pytest.Config) -> None:
    """Before the workers of xdist are started: they inherit the address."""
    if config.getoption("--postgres") and not ledgers.on_postgresql():
        os.environ[ledgers.SERVER] = _started(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    ledgers.drop_template()


def _started(config: pytest.Config) -> str:
    """The address of a server of our own, ended with the tests."""
    running = contextlib.ExitStack()
    config.add_cleanup(running.close)
    return running.enter_context(servers.postgresql())


@pytest.fixture(autouse=True)
def _logs_as_they_come() -> Iterator[None]:
    """A test that sets up a process's logs does so for itself alone."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty ledger."""
    url = ledgers.fresh(tmp_path)
    yield url
    ledgers.drop(url)
