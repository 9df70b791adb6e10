"""How often a key may ask: a bucket per key in Redis, for all processes together; and one in the process while Redis is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.limits import Away, Drawn, Left, Meter, Quota, RedisBuckets, draw
from gateway.web.problems import ProblemError
from tests import valkeys
from tests.web.shop import Shop

TWO = Quota(requests=2, seconds=3600)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkeys.running(tmp_path_factory.mktemp("limits")) as url:
        yield url


@pytest.fixture
def redis_url(server: str) -> str:
    valkeys.empty(server)
    return server


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gone:
    """Shared buckets that do not answer, until told; it counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.back = False

    def take(self, key_id: str, quota: Quota) -> Drawn:
        self.asked += 1
        if not self.back:
            raise Away("gone")
        return Drawn(True, 41.0)


# --- the bucket --------------------------------------------------------------------------------------


def test_a_bucket_fills_up_with_time_and_never_over() -> None:
    five = Quota(requests=5, seconds=10)
    assert [draw(0.0, 1.0, five), draw(0.0, 2.0, five), draw(4.0, 3600.0, five)] == [
        Drawn(False, 0.5),
        Drawn(True, 0.0),
        Drawn(True, 4.0),
    ]


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert draw(2.0, -50.0, TWO) == Drawn(True, 1.0)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 20))
def test_no_more_pass_than_the_bucket_held_and_what_flowed_in(pauses: list[float], requests: int, seconds: int) -> None:
    quota = Quota(requests, seconds)
    level, passed = float(requests), 0
    for pause in pauses:
        drawn = draw(level, pause, quota)
        level, passed = drawn.level, passed + drawn.taken
    assert passed <= requests + sum(pauses) * requests / seconds + 1e-6


def test_what_is_left_is_told_in_whole_requests_and_seconds() -> None:
    left = Left(Quota(requests=10, seconds=60), 3.5)
    assert left.headers == {"RateLimit-Policy": '"key";q=10;w=60', "RateLimit": '"key";r=3;t=39'}
    assert (left.retry_after, Left(Quota(requests=10, seconds=60), 0.5).retry_after) == (1, 3)


# --- one process -------------------------------------------------------------------------------------


def test_each_key_has_a_bucket_of_its_own() -> None:
    meter = Meter(Quota(requests=1, seconds=10), now=Clock())
    assert [meter.take("a").level, meter.take("b").level] == [0.0, 0.0]
    with pytest.raises(ProblemError, match="too_many_requests") as raised:
        meter.take("a")
    assert raised.value.headers == {"Retry-After": "10", "RateLimit-Policy": '"key";q=1;w=10', "RateLimit": '"key";r=0;t=10'}


def test_who_waited_as_told_is_let_through() -> None:
    clock = Clock()
    meter = Meter(Quota(requests=1, seconds=10), now=clock)
    meter.take("a")
    clock.now += 10
    assert meter.take("a").level == 0.0


def test_while_the_shared_buckets_are_away_the_process_has_its_own_and_asks_again_after_a_while() -> None:
    clock, gone = Clock(), Gone()
    meter = Meter(TWO, gone, clock)
    assert [meter.take("a").level, meter.take("a").level, gone.asked] == [1.0, 0.0, 1]
    gone.back = True
    clock.now += 5
    assert (meter.take("a").level, gone.asked) == (41.0, 2)


# --- all processes -----------------------------------------------------------------------------------


def test_two_processes_draw_from_one_bucket(redis_url: str) -> None:
    one, other = (Meter(TWO, RedisBuckets(redis_url)) for _ in range(2))
    one.take("a")
    other.take("a")
    with pytest.raises(ProblemError, match="too_many_requests"):
        one.take("a")


def test_a_flushed_redis_is_a_full_bucket(redis_url: str) -> None:
    meter = Meter(TWO, RedisBuckets(redis_url))
    meter.take("a")
    valkeys.empty(redis_url)
    assert 0.99 < meter.take("a").level < 1.01


def test_a_bucket_is_not_kept_longer_than_it_takes_to_fill_up(redis_url: str) -> None:
    client = valkeys.empty(redis_url)
    RedisBuckets(redis_url).take("a", Quota(requests=5, seconds=10))
    assert 9_000 < client.pttl("rate:a") <= 11_000


def test_nobody_at_the_address_is_away() -> None:
    with pytest.raises(Away):
        RedisBuckets("redis://127.0.0.1:1/0").take("a", TWO)


# --- over the API ------------------------------------------------------------------------------------


def test_the_limit_is_a_setting(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(rate_limit=(7, 90))
    assert shop.call("GET", "/v1/pickups").headers["ratelimit-policy"] == '"key";q=7;w=90'


def test_refusals_tell_what_is_left_too(shop: Shop) -> None:
    reader = shop.new_key("pickups:read")
    refused = [
        shop.call("POST", "/v1/locations", key=reader),
        shop.call("GET", "/v1/pickups/pck_none"),
        shop.call("GET", "/v1/pickups?x=1"),
    ]
    assert [(one.status_code, "ratelimit" in one.headers) for one in refused] == [(403, True), (404, True), (400, True)]
