"""Asking a carrier: the one place it happens.

A step is built and read by the adapter's pure functions; here it gets its token, its time, its wire, and its failures get
their meaning: a lost answer is an unknown outcome only where the step commits or cancels, elsewhere the question is simply asked
again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import msgspec

from adapters.contract.carrier import Access, Carrier, Later, Next, Operation, SoFar, Step, Token
from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, Pending, RefusalKind, Refused, Unreachable
from adapters.contract.reading import read
from gateway import ids, metrics
from gateway.carriers import registry
from gateway.carriers.exchanges import private_words, request_text, response_text, scrub
from gateway.carriers.isolation import Isolation, Question
from gateway.carriers.tokens import Tokens
from gateway.carriers.transport import open_pool, send
from gateway.values import Account, Exchange, Mode

A = TypeVar("A")

_MOST_POOLS = 200
_LAB_SECONDS = 30.0

Witness = Callable[[Exchange], None]
Told = Callable[[Account, str, Refused], Awaitable[None]]


class NoLab(RuntimeError):
    """A test account needs the lab, and none is running."""


class Unsupported(LookupError):
    """The carrier cannot be asked this; callers look at the `Carrier` first, so this is a bug."""


class Carriers:
    """All clients of one process; lives on one event loop.

    `lab` gives the lab's address (raises NoLab). Pools are kept for the 200 accounts used last, tokens as long as they hold.
    `on_unauthorized` is told, before the caller is, of credentials a carrier does not take: (account, operation, why).
    """

    def __init__(
        self,
        lab: Callable[[], str],
        open_pool: Callable[[], httpx.AsyncBaseTransport] = open_pool,
        longest_call: float = 180.0,
        tokens: Tokens | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        self._lab = lab
        self._open_pool = open_pool
        self._pools: dict[str, httpx.AsyncBaseTransport] = {}
        self._tokens = tokens or Tokens()
        self._longest_call = longest_call
        self._retiring: set[asyncio.Task[None]] = set()
        self._isolation = isolation or Isolation()
        self.on_unauthorized: Told | None = None

    async def ask(
        self, account: Account, name: str, question: Any, *, now: dt.datetime, witness: Witness | None = None, again: bool = False
    ) -> Any:
        """All steps of an operation that need no ledger in between. Raises CarrierError; Pending where the answer comes later."""
        step = 0
        so_far: dict[str, str] = {}
        while True:
            answer = await self.step(account, name, step, question, so_far, now=now, witness=witness, again=again)
            if isinstance(answer, Later):
                raise Pending(f"{name} answers at {answer.at:%H:%M:%S}")
            if not isinstance(answer, Next):
                return answer
            step, so_far = step + 1, so_far | dict(answer.so_far)

    async def step(
        self,
        account: Account,
        name: str,
        index: int,
        question: Any,
        so_far: SoFar,
        *,
        now: dt.datetime,
        witness: Witness | None = None,
        again: bool = False,
    ) -> Any:
        """One step: the answer, Next or Later. Raises CarrierError, with `exchange` where bytes went over the wire.

        `again`: it was asked before, so it is taken from the account's retry budget. Held is raised where it may not go out now.
        """
        call = _call(account, name, index, question, so_far, now, witness, again)
        if call.step.when and not call.step.when(question, self._access(call)):
            return Next(so_far={})
        try:
            return await self._signed_in(call) if call.carrier.sign_in and name != "sign_in" else await self._once(call, "")
        except Refused as refusal:
            if refusal.kind is RefusalKind.UNAUTHORIZED and self.on_unauthorized:
                await self.on_unauthorized(account, name, refusal)
            raise

    async def steer_lab(self, path: str, body: bytes) -> httpx.Response:
        """One call to the lab's own steering (`/_lab/...`), not to a carrier. Raises NoLab where it does not answer."""
        request = httpx.Request("POST", self._lab() + path, content=body, headers={"content-type": "application/json"})
        try:
            return await send(self._pool("_lab"), request, _LAB_SECONDS)
        except CarrierError as error:
            raise NoLab(f"the lab does not answer: {error}") from error

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        await self._tokens.close()
        await self._isolation.close()

    def unavailable(self, account: Account, operations: tuple[str, ...]) -> str:
        """Which of these the account is not asked for now, as its circuit is open, in words; or ""."""
        return self._isolation.unavailable(account.id, operations)

    async def _signed_in(self, call: _Call) -> Any:
        """With the token in hand; where that is not taken, once with a fresh one."""

        async def sign_in() -> Token:
            token: Token = await self.ask(call.account, "sign_in", None, now=call.now)
            return token

        token = await self._tokens.of(call.account, sign_in)
        try:
            return await self._once(call, token)
        except Refused as refusal:
            if refusal.kind is not RefusalKind.UNAUTHORIZED:
                raise
        await self._tokens.refused(call.account, token)
        return await self._once(call, await self._tokens.of(call.account, sign_in))

    async def _once(self, call: _Call, token: str) -> Any:
        """One call, where the account's circuit, bucket and places let it out. Raises Held where they do not."""
        quota = call.carrier.limits.quotas.get(call.name)
        question = Question(account_id=call.account.id, operation=call.name, quota=quota, again=call.again)
        async with self._isolation.call(question):
            return await self._sent(call, token)

    async def _sent(self, call: _Call, token: str) -> Any:
        access = msgspec.structs.replace(self._access(call), token=token)
        request = call.step.build(call.question, access, call.so_far)
        wire = _Wire(call, access.token, request)
        try:
            response = await send(self._pool(call.account.id), request, call.operation.timeout)
            wire.answered(response)
            answer = read(call.operation, call.step, response, call.question, call.so_far, call.now)
            wire.outcome = "ok"
            return answer
        except CarrierError as error:
            raise wire.failed(error) from error
        finally:
            wire.tell()

    def _access(self, call: _Call) -> Access:
        account, carrier = call.account, call.carrier
        base = account.base_url or (f"{self._lab()}/{carrier.code}" if account.mode is Mode.TEST else carrier.live_url)
        return Access(base_url=base, secrets=account.secrets, settings=account.settings, now=call.now)

    def _pool(self, account_id: str) -> httpx.AsyncBaseTransport:
        """The account's pool, moved to the end of the queue of those that may be closed."""
        pool = self._pools.pop(account_id, None) or self._open_pool()
        self._pools[account_id] = pool
        if len(self._pools) > _MOST_POOLS:
            self._retire(self._pools.pop(next(iter(self._pools))))
        return pool

    def _retire(self, pool: httpx.AsyncBaseTransport) -> None:
        """Close it once every call that may still be in flight on it has ended."""

        async def close() -> None:
            await asyncio.sleep(self._longest_call)
            await pool.aclose()

        task = asyncio.get_running_loop().create_task(close())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    account: Account
    carrier: Carrier
    name: str
    operation: Operation[Any, Any]
    step: Step[Any, Any]
    question: Any
    so_far: SoFar
    now: dt.datetime
    witness: Witness | None
    again: bool


def _call(
    account: Account, name: str, index: int, question: Any, so_far: SoFar, now: dt.datetime, witness: Witness | None, again: bool
) -> _Call:
    carrier = registry.carrier(account.carrier)
    operation = carrier.operation(name)
    if operation is None:
        raise Unsupported(f"{carrier.code} has no {name}")
    return _Call(
        account=account,
        carrier=carrier,
        name=name,
        operation=operation,
        step=operation.steps[index],
        question=question,
        so_far=so_far,
        now=now,
        witness=witness,
        again=again,
    )


class _Wire:
    """One exchange: what went out, what came back, told to the witness when it is over."""

    def __init__(self, call: _Call, token: str, request: httpx.Request) -> None:
        self._id = ""
        self._call, self._token, self._request = call, token, request
        self._started = time.monotonic()
        self._answer = ""
        self._status: int | None = None
        self.outcome = "bug"

    def answered(self, response: httpx.Response) -> None:
        self._status = response.status_code
        if self._call.witness:
            self._answer = response_text(response)

    def failed(self, error: CarrierError) -> CarrierError:
        """The error by its consequence: a lost answer where nothing is changed is the same as never asked."""
        self._answer = self._answer or str(error)
        if not self._changes and isinstance(error, OutcomeUnknown) and not isinstance(error, Misread):
            error = Unreachable(str(error))
        error.exchange = self._named()
        self.outcome = type(error).__name__
        return error

    @property
    def _changes(self) -> bool:
        """Whether the carrier's books may differ afterwards: by a step that commits, by a cancel though it may be repeated."""
        return self._call.name == "cancel" or (self._call.step.commits and not self._call.operation.repeatable)

    def _named(self) -> str:
        """Its id, made when somebody asks."""
        self._id = self._id or ids.new("xch")
        return self._id

    def tell(self) -> None:
        metrics.asked(self._call.carrier.code, self._call.name, self.outcome, time.monotonic() - self._started)
        if self._call.witness is None:
            return
        words = private_words(self._call.account, self._token, self._call.question)
        self._call.witness(
            Exchange(
                id=self._named(),
                operation=self._call.name,
                request=scrub(request_text(self._request), words),
                response=scrub(self._answer, words),
                status=self._status,
                milliseconds=round((time.monotonic() - self._started) * 1000),
            )
        )
