"""Signing in once for all processes: tokens left in Redis, sealed, and what becomes of it when Redis or the token goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from adapters.contract.errors import RefusalKind, Refused
from gateway.carriers.client import Carriers
from gateway.carriers.tokens import InRedis, Tokens
from gateway.store.vault import Vault
from tests import valkeys
from tests.carriers.asking import LAB, NOW, PINCODE, STOP, Pool, account, run, token

KEY, OTHER_KEY = bytes(32), bytes([1] * 32)
EKART = account("ekart")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkeys.running(tmp_path_factory.mktemp("tokens")) as url:
        yield url


@pytest.fixture
def redis_url(server: str) -> str:
    valkeys.empty(server)
    return server


class Door:
    """A carrier that hands out tok1, tok2..., and serves those who bring one that it has not taken back."""

    def __init__(self) -> None:
        self.handed_out = 0
        self.taken_back: set[str] = set()
        self.shut = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "auth/token" in str(request.url):
            self.handed_out += 1
            return httpx.Response(401) if self.shut else token(f"tok{self.handed_out}")
        known = {f"Bearer tok{number}" for number in range(1, self.handed_out + 1)} - {f"Bearer {one}" for one in self.taken_back}
        return httpx.Response(200, json=PINCODE) if request.headers.get("authorization") in known else httpx.Response(401)


def process(door: Door, redis_url: str = "", key: bytes = KEY) -> Carriers:
    """The carriers' client of one process."""
    tokens = Tokens(InRedis(redis_url, Vault(key))) if redis_url else Tokens()
    return Carriers(lambda: LAB, lambda: Pool(door), longest_call=0.0, tokens=tokens)


async def ask(one: Carriers, asked: Any = EKART) -> Any:
    return await one.ask(asked, "serviceability", STOP, now=NOW)


def test_many_processes_sign_in_once(redis_url: str) -> None:
    door = Door()

    async def work() -> None:
        processes = [process(door, redis_url) for _ in range(4)]
        await asyncio.gather(*(ask(one) for one in processes for _ in range(5)))
        for one in processes:
            await one.close()

    run(work())
    assert door.handed_out == 1


def test_without_redis_each_process_signs_in_for_itself() -> None:
    door = Door()

    async def work() -> None:
        for _ in range(2):
            one = process(door, "redis://127.0.0.1:1/0")
            await asyncio.gather(ask(one), ask(one))
            await one.close()

    run(work())
    assert door.handed_out == 2


def test_a_process_that_starts_later_uses_the_token_that_is_there(redis_url: str) -> None:
    door = Door()

    async def work() -> None:
        for _ in range(3):
            one = process(door, redis_url)
            await ask(one)
            await one.close()

    run(work())
    assert door.handed_out == 1


def test_a_flushed_redis_costs_a_new_process_one_sign_in(redis_url: str) -> None:
    door = Door()

    async def work() -> None:
        first, second = process(door, redis_url), process(door, redis_url)
        await ask(first)
        await asyncio.to_thread(valkeys.empty, redis_url)
        await ask(first)
        await ask(second)
        await first.close()
        await second.close()

    run(work())
    assert door.handed_out == 2


def test_a_token_taken_back_is_replaced_once_for_all(redis_url: str) -> None:
    door = Door()

    async def work() -> None:
        first, second = process(door, redis_url), process(door, redis_url)
        await ask(first)
        await ask(second)
        door.taken_back.add("tok1")
        await ask(first)
        await ask(second)
        await first.close()
        await second.close()

    run(work())
    assert door.handed_out == 2


def test_corrected_credentials_are_signed_in_with_at_once(redis_url: str) -> None:
    door = Door()

    async def work() -> None:
        one = process(door, redis_url)
        await ask(one)
        await ask(one, account("ekart", secrets={"client_id": "EKART_1", "username": "rider", "password": "another"}))
        await one.close()

    run(work())
    assert door.handed_out == 2


def test_refused_credentials_leave_the_lease_to_the_next(redis_url: str) -> None:
    door = Door()
    door.shut = True

    async def work() -> None:
        one = process(door, redis_url)
        for _ in range(2):
            with pytest.raises(Refused) as raised:
                await ask(one)
            assert raised.value.kind is RefusalKind.UNAUTHORIZED
        door.shut = False
        await ask(one)
        await one.close()

    run(work())
    assert door.handed_out == 3


def test_no_token_stands_in_redis_in_the_clear_and_another_master_key_does_not_open_it(redis_url: str) -> None:
    door = Door()

    async def work() -> None:
        for key in (KEY, OTHER_KEY):
            one = process(door, redis_url, key)
            await ask(one)
            await one.close()

    run(work())
    client: redis.Redis = redis.Redis.from_url(redis_url)
    kept = b"".join(bytes(str(client.get(name)), "latin-1") for name in client.keys("token:*"))
    assert (door.handed_out, kept != b"", b"tok" in kept) == (2, True, False)


def test_who_refuses_credentials_is_told_before_the_caller() -> None:
    door, told = Door(), []
    door.shut = True

    async def note(which: Any, operation: str, refusal: Refused) -> None:
        told.append((which.id, operation, refusal.kind))

    async def work() -> None:
        one = process(door)
        one.on_unauthorized = note
        with pytest.raises(Refused):
            await ask(one)

    run(work())
    assert told == [("cac_1", "sign_in", RefusalKind.UNAUTHORIZED), ("cac_1", "serviceability", RefusalKind.UNAUTHORIZED)]
