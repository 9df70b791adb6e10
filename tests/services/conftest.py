from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.carriers import CARRIERS, WideWorld
from tests.world import World

_MEMORY = Path("/dev/shm")


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Worlds that are closed at the end; each in a folder of its own."""
    made: list[World] = []

    def make(*carriers: str, **more: Any) -> World:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(World(folder, carriers or ("delhivery", "ekart"), **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def make_wide() -> Iterator[Callable[..., WideWorld]]:
    """The same with all four carriers, each on a lane of its own country; in memory where the system has such files."""
    made: list[WideWorld] = []
    with contextlib.ExitStack() as stack:

        def make(*carriers: str, **more: Any) -> WideWorld:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None))
            made.append(WideWorld(Path(folder), carriers or CARRIERS, **more))
            return made[-1]

        yield make
        for one in made:
            one.close()
