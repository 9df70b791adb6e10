"""The header Idempotency-Key: the same request asked again gets the first answer, and nothing is done twice.

A key stands for one body at one address; `Prefer` is no part of it. A request that is refused leaves its key free.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from litestar import Response

from gateway.store import idempotency
from gateway.store.idempotency import Attempt, InFlight, Kept, OtherRequest
from gateway.web.access import LONGEST_KEY, Call
from gateway.web.noting import noted
from gateway.web.problems import ErrorItem, ProblemError

T = TypeVar("T")


def attempt_of(call: Call, key: str | None, content: bytes) -> Attempt | None:
    """What is remembered of this request, or None: it has no key. Raises ProblemError for a key that cannot be one."""
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        words = f"1 to {LONGEST_KEY} printable ASCII characters"
        error = ErrorItem(parameter="Idempotency-Key", code="invalid_format", detail=f"must be {words}")
        raise ProblemError("invalid_parameter", errors=[error])
    scope = call.request.scope
    digest = hashlib.sha256(scope["path"].encode() + b"\0" + content).digest()
    return Attempt(owner=call.owner, route=f"{scope['method']} {scope['path_template']}"[:120], key=key, digest=digest)


def once(
    call: Call, attempt: Attempt | None, read: Callable[[sa.Connection], T], work: Callable[[sa.Connection, T], Response[Any]]
) -> Response[Any]:
    """Read the body, then work in one transaction; or the first answer, where there is one."""
    question = call.read(lambda tx: _replayed(call, tx, attempt) or read(tx))
    if isinstance(question, Response):
        return question
    try:
        return _in_one(call, attempt, lambda tx: work(tx, question))
    except sa.exc.IntegrityError:  # somebody was faster, which now can be seen; or the key's claim has lapsed
        first = call.read(lambda tx: _replayed(call, tx, attempt))
        return first or _in_one(call, attempt, lambda tx: work(tx, question), lapsed=True)


def _in_one(
    call: Call, attempt: Attempt | None, work: Callable[[sa.Connection], Response[Any]], *, lapsed: bool = False
) -> Response[Any]:
    """Claim, work and keep in one transaction: all of it or nothing. `lapsed`: an earlier claim may have to go first."""
    with call.kit.db.write() as tx, noted(call, tx) as change:
        if attempt is None:
            return change.answered(work(tx))
        if lapsed:
            idempotency.strike_lapsed(tx, attempt, call.wall)
        idempotency.claim(tx, attempt, call.wall)
        answer = change.answered(work(tx))
        idempotency.keep(tx, call.kit.vault, attempt, _kept(answer), call.wall)
        return answer


async def once_over_carriers(
    call: Call, attempt: Attempt | None, read: Callable[[sa.Connection], T], work: Callable[[T], Awaitable[Response[Any]]]
) -> Response[Any]:
    """The same where carriers are asked: the key is in flight meanwhile, and free again where the work fails."""
    question = await asyncio.to_thread(call.read, lambda tx: _replayed(call, tx, attempt) or read(tx))
    if isinstance(question, Response):
        return question
    if attempt is None:
        return await work(question)
    await asyncio.to_thread(_claim, call, attempt)
    try:
        answer = await work(question)
    except BaseException:
        await asyncio.to_thread(_forget, call, attempt)
        raise
    await asyncio.to_thread(keep, call, attempt, answer)
    return answer


def _replayed(call: Call, tx: sa.Connection, attempt: Attempt | None) -> Response[Any] | None:
    """The first answer to this request. Raises ProblemError while it is in flight, and for another request under its key."""
    try:
        kept = idempotency.earlier(tx, call.kit.vault, attempt, call.wall) if attempt else None
    except InFlight as error:
        raise ProblemError("in_flight", headers={"Retry-After": "1"}) from error
    except OtherRequest as error:
        raise ProblemError("key_reused") from error
    if kept is None:
        return None
    headers = {**kept.headers, "Idempotency-Replayed": "true"}
    return Response(kept.body.encode(), status_code=kept.status, headers=headers, media_type="application/json")


def keep(call: Call, attempt: Attempt, answer: Response[Any]) -> None:
    """From now on this is the answer to the request."""
    with call.kit.db.write() as tx:
        idempotency.keep(tx, call.kit.vault, attempt, _kept(answer), call.wall)


def _claim(call: Call, attempt: Attempt) -> None:
    try:
        with call.kit.db.write() as tx:
            idempotency.strike_lapsed(tx, attempt, call.wall)
            idempotency.claim(tx, attempt, call.wall)
    except sa.exc.IntegrityError as error:
        raise ProblemError("in_flight", headers={"Retry-After": "1"}) from error


def _forget(call: Call, attempt: Attempt) -> None:
    with call.kit.db.write() as tx:
        idempotency.forget(tx, attempt)


def _kept(answer: Response[Any]) -> Kept:
    return Kept(status=answer.status_code or 200, headers=dict(answer.headers), body=answer.content.decode())
