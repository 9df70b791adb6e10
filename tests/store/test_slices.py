"""Bit slices say of columns what going through them row by row says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.slices import between, chosen_of, counted, every, grouped, sliced, total

NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 20)
COLUMNS = st.lists(st.tuples(NUMBERS, st.booleans()), max_size=70)


@given(rows=COLUMNS, low=NUMBERS, high=NUMBERS)
def test_a_range_holds_the_chosen_rows_within_it(rows: list[tuple[int, bool]], low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    values, chosen = [value for value, _ in rows], chosen_of([one for _, one in rows])
    assert between(sliced(values), low, high, chosen) == chosen_of([one and low <= value < high for value, one in rows])


@given(rows=COLUMNS)
def test_a_total_is_the_sum_of_the_chosen_rows(rows: list[tuple[int, bool]]) -> None:
    chosen = chosen_of([one for _, one in rows])
    assert total(sliced([value for value, _ in rows]), chosen) == sum(value for value, one in rows if one)


@given(rows=COLUMNS)
def test_groups_are_the_numbers_among_the_chosen_rows_with_their_rows(rows: list[tuple[int, bool]]) -> None:
    chosen = chosen_of([one for _, one in rows])
    there = sorted({value for value, one in rows if one})
    assert grouped(sliced([value for value, _ in rows]), chosen) == [
        (value, chosen_of([one and mine == value for mine, one in rows])) for value in there
    ]


@given(runs=st.lists(st.lists(st.booleans(), min_size=1, max_size=9), min_size=1, max_size=9))
def test_runs_are_counted_one_by_one(runs: list[list[bool]]) -> None:
    chosen = chosen_of([one for run in runs for one in run])
    assert counted(chosen, [len(run) for run in runs]) == [sum(run) for run in runs]


def test_the_first_row_is_the_highest_bit() -> None:
    assert (chosen_of([True, False, False]), chosen_of([]), sliced([2, 1, 3])) == (0b100, 0, [0b011, 0b101])


def test_every_row_is_chosen_and_none_of_none() -> None:
    assert (every(3), every(0), sliced([]), grouped([], 0)) == (0b111, 0, [], [])
