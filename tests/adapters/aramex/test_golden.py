"""Every envelope is the one that was looked at."""

import pytest

from .golden import FOLDER, REQUESTS, canonical, golden


@pytest.mark.parametrize("name", REQUESTS)
def test_an_envelope_is_the_golden_one(name):
    assert canonical(REQUESTS[name].content) == canonical(golden(name))


def test_no_golden_envelope_is_left_over():
    assert {path.stem for path in FOLDER.glob("*.xml")} == set(REQUESTS)
