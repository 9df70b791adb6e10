"""One account's trouble stays its own: places, buckets, budgets and circuits around a call."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt

import pytest

from adapters.contract.carrier import Quota
from adapters.contract.errors import CarrierError, Refused, Throttled, Unreachable
from gateway.carriers.bulkheads import PLACES, Bulkhead, Full, RetryBudgets
from gateway.carriers.isolation import Held, Isolation, Question
from gateway.carriers.limits import LONGEST_CLOSED, Away, Limiter
from tests.carriers.asking import run

TEN = Quota(calls=10, seconds=60)


class Watch:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def question(operation: str = "quote", account: str = "cac_1", *, quota: Quota | None = None, again: bool = False) -> Question:
    return Question(account_id=account, operation=operation, quota=quota, again=again)


async def tried(isolation: Isolation, asked: Question, error: CarrierError | None = None) -> str:
    """What comes of a call that ends so: sent, or the words it was held with."""
    try:
        async with isolation.call(asked):
            if error:
                raise error
    except Held as held:
        return str(held)
    except CarrierError:
        return "sent"
    return "sent"


# --- places ----------------------------------------------------------------------------------------


def test_a_quote_that_finds_no_place_is_turned_away_at_once_and_a_booking_waits() -> None:
    async def work() -> list[str]:
        bulkhead, told, release = Bulkhead(places=2, for_quick=2), [], asyncio.Event()

        async def hang() -> None:
            async with bulkhead.place(quick=False):
                await release.wait()

        async def book() -> None:
            async with bulkhead.place(quick=False):
                told.append("booked")

        tasks = [asyncio.create_task(hang()) for _ in range(2)]
        await asyncio.sleep(0)
        with contextlib.suppress(Full):
            async with bulkhead.place(quick=True):
                told.append("quoted")
        told.append("turned away")
        tasks.append(asyncio.create_task(book()))
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*tasks)
        return told

    assert run(work()) == ["turned away", "booked"]


def test_quotes_leave_a_quarter_of_the_places_to_bookings() -> None:
    async def work() -> tuple[int, str]:
        isolation, hanging = Isolation(), asyncio.Event()

        async def hang() -> bool:
            try:
                async with isolation.call(question()):
                    await hanging.wait()
            except Held:
                return False
            return True

        tasks = [asyncio.create_task(hang()) for _ in range(2 * PLACES)]
        await asyncio.sleep(0.01)
        booked = await tried(isolation, question("book"))
        hanging.set()
        return sum(await asyncio.gather(*tasks)), booked

    assert run(work()) == (PLACES * 3 // 4, "sent")


def test_one_accounts_full_places_are_not_anothers() -> None:
    async def work() -> list[str]:
        isolation, hanging = Isolation(), asyncio.Event()

        async def hang() -> None:
            async with isolation.call(question()):
                await hanging.wait()

        tasks = [asyncio.create_task(hang()) for _ in range(PLACES * 3 // 4)]
        await asyncio.sleep(0.01)
        found = [await tried(isolation, question(account=account)) for account in ("cac_1", "cac_2")]
        hanging.set()
        await asyncio.gather(*tasks)
        return found

    assert run(work()) == ["as many calls at once as the account is allowed", "sent"]


def test_a_call_that_is_cancelled_gives_its_place_back() -> None:
    async def work() -> list[str]:
        isolation = Isolation()
        for _ in range(3 * PLACES):
            task = asyncio.create_task(_forever(isolation))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        return [await tried(isolation, question()) for _ in range(2)]

    assert run(work()) == ["sent", "sent"]


async def _forever(isolation: Isolation) -> None:
    async with isolation.call(question()):
        await asyncio.Event().wait()


# --- circuits --------------------------------------------------------------------------------------


def test_an_open_circuit_sends_nothing_says_why_and_is_told_to_the_choice() -> None:
    async def work() -> list[str]:
        isolation = Isolation(clock=Watch())
        for _ in range(20):
            await tried(isolation, question(), Unreachable("x"))
        return [await tried(isolation, question()), isolation.unavailable("cac_1", ("sign_in", "quote", "book"))]

    assert run(work()) == [
        "quote is not asked for 30 s: it was not answered lately",
        "quote was not answered lately; it is asked again in 30 s",
    ]


def test_being_held_is_not_held_against_the_carrier() -> None:
    async def work() -> str:
        isolation = Isolation(clock=Watch())
        for _ in range(60):
            await tried(isolation, question(quota=Quota(calls=1, seconds=3600)))
        return isolation.unavailable("cac_1", ("quote",))

    assert run(work()) == ""


# --- buckets ---------------------------------------------------------------------------------------


def test_too_fast_closes_the_bucket_until_the_time_the_carrier_names() -> None:
    async def work() -> list[str]:
        watch = Watch()
        isolation = Isolation(clock=watch)
        told = [await tried(isolation, question("book"), Throttled(retry_after=dt.timedelta(seconds=40)))]
        for pause in (39.0, 1.0):
            watch.time += pause
            told.append(await tried(isolation, question("book")))
        return told

    assert run(work()) == ["sent", "the carrier's quota for book is used up", "sent"]


def test_a_carrier_that_names_a_day_is_asked_again_after_an_hour() -> None:
    async def work() -> dt.timedelta | None:
        limiter = Limiter(clock=Watch())
        await limiter.close("cac_1", "book", None, dt.timedelta(days=1))
        return await limiter.take("cac_1", "book", None)

    assert run(work()) == LONGEST_CLOSED


class Shared:
    """Buckets of all processes that answer, or do not."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.asked = 0
        self.closed: list[dt.timedelta] = []

    async def take(self, account_id: str, operation: str, quota: Quota) -> dt.timedelta | None:
        self.asked += 1
        if self.away:
            raise Away
        return None

    async def close(self, account_id: str, operation: str, quota: Quota, pause: dt.timedelta) -> None:
        if self.away:
            raise Away
        self.closed.append(pause)

    async def aclose(self) -> None:
        self.away = True


def test_without_redis_the_process_keeps_its_own_buckets_and_leaves_redis_alone_for_a_while() -> None:
    async def work() -> tuple[list[bool], int]:
        watch, shared = Watch(), Shared(away=True)
        limiter = Limiter(shared, watch)
        taken = [await limiter.take("cac_1", "quote", TEN) is None for _ in range(12)]
        watch.time += 5
        await limiter.take("cac_1", "quote", TEN)
        return taken, shared.asked

    assert run(work()) == ([True] * 10 + [False] * 2, 2)


def test_what_was_learnt_is_shared_and_an_operation_without_a_quota_asks_nobody() -> None:
    async def work() -> tuple[list[dt.timedelta], int]:
        shared = Shared()
        limiter = Limiter(shared, Watch())
        await limiter.take("cac_1", "cancel", None)
        await limiter.close("cac_1", "quote", TEN, dt.timedelta(seconds=9))
        return shared.closed, shared.asked

    assert run(work()) == ([dt.timedelta(seconds=9)], 0)


# --- the retry budget ------------------------------------------------------------------------------


def test_what_is_asked_again_is_at_most_a_tenth_of_what_is_asked() -> None:
    budgets = RetryBudgets(Watch())
    first = sum(budgets.spend("cac_1") for _ in range(1000))
    for _ in range(1000):
        budgets.first("cac_1")
        budgets.spend("cac_1")
    spent = 0
    for _ in range(1000):
        budgets.first("cac_1")
        spent += budgets.spend("cac_1")
    assert (first, 99 <= spent <= 101) == (20, True)


def test_an_account_that_saved_for_long_has_saved_twenty_and_no_more() -> None:
    budgets = RetryBudgets(Watch())
    for _ in range(10_000):
        budgets.first("cac_1")
    assert sum(budgets.spend("cac_1") for _ in range(100)) == 20


def test_a_repeat_beyond_the_budget_is_held_and_a_first_call_is_not() -> None:
    async def work() -> list[str]:
        isolation = Isolation(clock=Watch())
        for _ in range(20):
            await tried(isolation, question("find", again=True), Unreachable("away"))
        return [await tried(isolation, question("book", again=again)) for again in (True, False)]

    assert run(work()) == ["book was asked again too often lately", "sent"]


def test_hundreds_of_doubts_are_asked_about_at_once_where_the_carrier_answers_and_a_few_where_it_does_not() -> None:
    async def asked_again(error: CarrierError | None) -> int:
        isolation = Isolation(clock=Watch())
        told = [await tried(isolation, question("find", again=True), error) for _ in range(500)]
        return told.count("sent")

    assert [run(asked_again(error)) for error in (None, Refused(None), Unreachable("away"))] == [500, 500, 20]


@pytest.mark.parametrize("error", [Unreachable("x"), Throttled(), ZeroDivisionError()])
def test_a_calls_own_error_comes_through(error: Exception) -> None:
    async def work() -> None:
        async with Isolation().call(question()):
            raise error

    with pytest.raises(type(error)) as raised:
        run(work())
    assert raised.value is error


def test_an_account_that_asks_nothing_else_may_ask_again_after_a_while() -> None:
    watch = Watch()
    budgets = RetryBudgets(watch)
    while budgets.spend("cac_1"):
        pass
    watch.time += 5
    assert [budgets.spend("cac_1") for _ in range(2)] == [True, False]
