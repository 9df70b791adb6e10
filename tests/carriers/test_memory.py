from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers.memory import Memory, key_of
from tests.contract import examples


def test_what_was_put_is_got_as_long_as_it_holds():
    memory = Memory()
    memory.put(b"a", "answer", 60)
    assert (memory.get(b"a"), memory.get(b"b")) == ("answer", None)


@pytest.mark.parametrize("seconds", [0, -1])
def test_what_has_run_out_is_not_got(seconds):
    memory = Memory()
    memory.put(b"a", "answer", seconds)
    assert memory.get(b"a") is None


def test_a_newer_answer_takes_the_place_of_the_older():
    memory = Memory()
    memory.put(b"a", "old", 60)
    memory.put(b"a", "new", 60)
    assert memory.get(b"a") == "new"


def test_what_was_used_longest_ago_is_forgotten_first():
    memory = Memory(2)
    memory.put(b"a", 1, 60)
    memory.put(b"b", 2, 60)
    memory.get(b"a")
    memory.put(b"c", 3, 60)
    assert [memory.get(key) for key in (b"a", b"b", b"c")] == [1, None, 3]


def test_a_memory_of_no_size_remembers_nothing():
    memory = Memory(0)
    memory.put(b"a", "answer", 60)
    assert memory.get(b"a") is None


@given(st.integers(0, 5), st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40))
def test_a_memory_never_holds_more_than_its_size(size, uses):
    memory = Memory(size)
    for number, puts in uses:
        key = bytes([number])
        if puts:
            memory.put(key, number, 60)
        else:
            assert memory.get(key) in (None, number)
    assert len([number for number in range(10) if memory.get(bytes([number])) is not None]) <= size


def test_the_same_question_to_the_same_account_has_the_same_key():
    assert key_of("cac_1", "tat", examples.enquiry()) == key_of("cac_1", "tat", examples.enquiry())


def test_another_account_operation_or_question_has_another_key():
    keys = {
        key_of("cac_1", "tat", examples.enquiry()),
        key_of("cac_2", "tat", examples.enquiry()),
        key_of("cac_1", "quote", examples.enquiry()),
        key_of("cac_1", "tat", examples.enquiry(quality_checks=1)),
        key_of("cac_1", "tat", examples.stop()),
    }
    assert len(keys) == 5
