"""Tokens of carriers that one signs in to: fetched once, however many calls, threads and processes wait for one.

They are shared in Redis, sealed, under a lease that one process at a time signs in by; whoever does not get it waits for what the
other fetches. Where Redis does not answer each process signs in for itself. A token belongs to the credentials it was fetched
with: when those are corrected it is not used any more.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from adapters.contract.carrier import Token
from gateway.values import Account

# redis is imported where it is first asked: processes that ask no carrier are spared it.
if TYPE_CHECKING:
    from redis.asyncio import Redis

SignIn = Callable[[], Awaitable[Token]]

_MARGIN = 60.0  # seconds: a token that is about to run out is not used
_LEASE = 30.0  # seconds: longer than a carrier may take to sign us in
_LOOK_EVERY = 0.05
_PATIENCE = 1.0
_AWAY = 5.0  # seconds Redis is left alone after it did not answer

_REMOVE_SAME = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Seal(Protocol):
    """What the vault does: a record opens only for the account it was sealed for. `open` raises ValueError."""

    def seal(self, values: Mapping[str, str], merchant: str, account: str) -> bytes: ...

    def open(self, record: bytes, merchant: str, account: str) -> dict[str, str]: ...


class Held(msgspec.Struct, frozen=True):
    """A token in hand: for which credentials, and until when (wall time, in seconds)."""

    value: str
    until: float
    of: str

    def good_for(self, account: Account) -> bool:
        return self.of == credentials(account) and time.time() < self.until


class Shared(Protocol):
    """Where processes leave tokens for each other."""

    async def fetch(self, account: Account, sign_in: SignIn) -> Held: ...

    async def drop(self, account: Account, value: str) -> None: ...

    async def close(self) -> None: ...


class Tokens:
    """Those of one process, on one event loop; `shared` with others where that is given."""

    def __init__(self, shared: Shared | None = None) -> None:
        self._shared = shared
        self._held: dict[str, Held] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def of(self, account: Account, sign_in: SignIn) -> str:
        """The token in hand, or a fresh one. Raises CarrierError where the carrier does not let us in."""
        async with self._turns.setdefault(account.id, asyncio.Lock()):
            held = self._held.get(account.id)
            if held is None or not held.good_for(account):
                held = await (self._shared.fetch(account, sign_in) if self._shared else fresh(account, sign_in))
                self._held[account.id] = held
            return held.value

    async def refused(self, account: Account, value: str) -> None:
        """The carrier does not take this token any more: it is forgotten, here and by the others."""
        held = self._held.get(account.id)
        if held is not None and held.value == value:
            del self._held[account.id]
        if self._shared:
            await self._shared.drop(account, value)

    async def close(self) -> None:
        if self._shared:
            await self._shared.close()


async def fresh(account: Account, sign_in: SignIn) -> Held:
    token = await sign_in()
    return Held(token.value, time.time() + token.expires_in.total_seconds() - _MARGIN, credentials(account))


def credentials(account: Account) -> str:
    """What a token was fetched with, as a digest that is never stored in the clear."""
    known = (account.base_url, sorted(account.settings.items()), sorted(account.secrets.items()))
    return hashlib.blake2b(msgspec.msgpack.encode(known), digest_size=16).hexdigest()


class InRedis:
    """Tokens in Redis, sealed for their account; on one event loop."""

    def __init__(self, url: str, seal: Seal) -> None:
        self._url = url
        self._seal = seal
        self._client: Redis | None = None
        self._away_until = 0.0

    async def fetch(self, account: Account, sign_in: SignIn) -> Held:
        """Another process's token, or one that all of them get. Where Redis is away, one for this process."""
        import redis

        if time.monotonic() < self._away_until:
            return await fresh(account, sign_in)
        try:
            return await self._fetch(account, sign_in)
        except redis.RedisError:
            self._away_until = time.monotonic() + _AWAY
            return await fresh(account, sign_in)

    async def drop(self, account: Account, value: str) -> None:
        import redis

        try:
            record = await self._redis().get(_token_key(account))
            held = self._opened(account, record)
            if record is not None and held is not None and held.value == value:
                await self._redis().eval(_REMOVE_SAME, 1, _token_key(account), record)
        except redis.RedisError:
            self._away_until = time.monotonic() + _AWAY

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _fetch(self, account: Account, sign_in: SignIn) -> Held:
        """Raises RedisError only before anything was asked of the carrier."""
        mine = secrets.token_hex(8)
        while True:
            held = self._opened(account, await self._redis().get(_token_key(account)))
            if held is not None and held.good_for(account):
                return held
            if await self._redis().set(_lease_key(account), mine, nx=True, px=round(_LEASE * 1000)):
                return await self._fetch_for_all(account, sign_in, mine)
            await asyncio.sleep(_LOOK_EVERY)

    async def _fetch_for_all(self, account: Account, sign_in: SignIn, mine: str) -> Held:
        """The lease is ours: sign in, unless somebody did just before; what is fetched is left for the others."""
        try:
            held = self._opened(account, await self._redis().get(_token_key(account)))
            if held is None or not held.good_for(account):
                held = await fresh(account, sign_in)
                await self._leave(account, held)
            return held
        finally:
            await self._try(self._redis().eval(_REMOVE_SAME, 1, _lease_key(account), mine))

    async def _leave(self, account: Account, held: Held) -> None:
        seconds = held.until - time.time()
        if seconds > 0:
            values = {"value": held.value, "until": str(held.until), "of": held.of}
            record = self._seal.seal(values, account.merchant_id, _bound(account))
            await self._try(self._redis().set(_token_key(account), record, px=round(seconds * 1000)))

    async def _try(self, work: Awaitable[Any]) -> None:
        """What the others miss if Redis goes away now is no loss to us."""
        import redis

        try:
            await work
        except redis.RedisError:
            self._away_until = time.monotonic() + _AWAY

    def _opened(self, account: Account, record: bytes | str | None) -> Held | None:
        """None also for what was sealed with another master key: it is signed in anew."""
        if not isinstance(record, bytes):
            return None
        try:
            values = self._seal.open(record, account.merchant_id, _bound(account))
            return Held(values["value"], float(values["until"]), values["of"])
        except ValueError:
            return None

    def _redis(self) -> Redis:
        if self._client is None:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            self._client = Redis.from_url(
                self._url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 1)
            )
        return self._client


def _token_key(account: Account) -> str:
    return f"token:{account.id}"


def _lease_key(account: Account) -> str:
    return f"signing-in:{account.id}"


def _bound(account: Account) -> str:
    return f"{account.id}/token"
