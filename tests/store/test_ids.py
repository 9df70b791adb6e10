from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import ids


@pytest.mark.parametrize("kind", ["pck", "bkg", "vis", "xch"])
def test_an_id_names_its_kind_and_is_twenty_characters_that_nobody_mistakes(kind):
    assert re.fullmatch(rf"{kind}_[0-9abcdefghjkmnpqrstvwxyz]{{20}}", ids.new(kind))


def test_no_two_ids_are_the_same():
    assert len({ids.new("pck") for _ in range(20_000)}) == 20_000


def test_ids_sort_by_the_time_of_making():
    made = []
    for _ in range(5):
        made.append(ids.new("pck"))
        time.sleep(0.002)
    assert made == sorted(made)


def test_ids_sort_by_the_order_of_making_also_where_the_clock_is_set_back(monkeypatch):
    now = time.time_ns()
    seconds = iter([-10, -10, -40, -39, -39, -9])
    monkeypatch.setattr(time, "time_ns", lambda: now + next(seconds) * 10**9)
    made = [ids.new("bkg") for _ in range(6)]
    assert made == sorted(made)


def test_an_id_tells_its_millisecond():
    before = time.time_ns() // 1_000_000
    number = 0
    for character in ids.new("pck").removeprefix("pck_"):
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    assert before <= number >> 52 <= time.time_ns() // 1_000_000


def test_a_carrier_reference_is_22_capitals_and_digits():
    assert re.fullmatch(r"GW[0-9A-Z]{20}", ids.carrier_reference(ids.new("bkg")))


@given(st.lists(st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=20, max_size=20), unique=True, min_size=2, max_size=6))
def test_two_bookings_never_share_a_reference(tails):
    assert len({ids.carrier_reference(f"bkg_{tail}") for tail in tails}) == len(tails)
