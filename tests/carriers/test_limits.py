from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.carrier import Quota
from gateway.carriers.limits import Buckets

THREE = Quota(calls=3, seconds=30)


class Watch:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_full_bucket_gives_its_calls_at_once_and_then_says_how_long_to_wait(watch):
    buckets = Buckets(watch)
    assert [buckets.take("cac_1", "quote", THREE) for _ in range(4)] == [None, None, None, dt.timedelta(seconds=10)]


def test_after_the_wait_there_is_one_more(watch):
    buckets = Buckets(watch)
    for _ in range(3):
        buckets.take("cac_1", "quote", THREE)
    watch.time += 10
    assert [buckets.take("cac_1", "quote", THREE) is None for _ in range(2)] == [True, False]


def test_asking_in_vain_costs_nothing(watch):
    buckets = Buckets(watch)
    for _ in range(9):
        buckets.take("cac_1", "quote", THREE)
    watch.time += 10
    assert buckets.take("cac_1", "quote", THREE) is None


def test_a_long_rest_fills_the_bucket_and_no_more(watch):
    buckets = Buckets(watch)
    buckets.take("cac_1", "quote", THREE)
    watch.time += 10_000
    assert [buckets.take("cac_1", "quote", THREE) is None for _ in range(4)] == [True, True, True, False]


def test_accounts_and_operations_have_buckets_of_their_own(watch):
    buckets = Buckets(watch)
    one = Quota(calls=1, seconds=60)
    takers = [("cac_1", "quote"), ("cac_2", "quote"), ("cac_1", "tat")]
    assert [buckets.take(account, operation, one) for account, operation in takers] == [None] * 3


@given(st.integers(1, 20), st.integers(1, 300), st.lists(st.floats(0, 60), max_size=60))
def test_never_more_than_the_bucket_and_what_has_dripped_in_since(calls, seconds, pauses):
    watch = Watch()
    buckets, quota = Buckets(watch), Quota(calls=calls, seconds=seconds)
    given_out = 0
    for pause in pauses:
        watch.time += pause
        given_out += buckets.take("cac_1", "quote", quota) is None
        assert given_out <= calls + watch.time * calls / seconds + 1e-6
