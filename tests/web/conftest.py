from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.shop import Shop


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Shops that are closed at the end, each in a folder of its own."""
    made: list[Shop] = []

    def make(*carriers: str, **more: Any) -> Shop:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Shop(folder, carriers, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    """A merchant without a carrier account."""
    return make_shop()


@pytest.fixture
def running(make_shop: Callable[..., Shop]) -> Shop:
    """A merchant with both carriers at the lab."""
    return make_shop("delhivery", "ekart")
