"""Changes by API, recorded in the audit log in their own transaction: by which key, through which operation, of which object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Request, Response

from gateway.services.recording import Author, Change, recorded
from gateway.store.audit import Chain, chain_of
from gateway.web.access import Call
from gateway.web.problems import request_id

_MOST_FIELDS = 60


class _Named(msgspec.Struct):
    id: str = ""


class _Item(msgspec.Struct):
    pickup: _Named | None = None


class _Answer(_Named):
    """As much of an answer as says what it is about: a thing, or a batch of them."""

    data: list[_Item] = []


class Noted:
    """A change under way. What it is about is in the address, else in the answer."""

    def __init__(self, change: Change) -> None:
        self._change = change

    def about(self, object_id: str) -> None:
        self._change.object_id = object_id

    def answered(self, answer: Response[Any]) -> Response[Any]:
        """The same answer; the object it names is the change's, where the address names none."""
        if not self._change.object_id:
            found = _read(answer.content)
            self._change.object_id = found.id
            several = [item.pickup.id for item in found.data if item.pickup]
            self._change.more = {"objects": several} if several else {}
        return answer


@contextmanager
def noted(call: Call, tx: sa.Connection, object_id: str = "") -> Iterator[Noted]:
    """Around the changes of one transaction, innermost; about `object_id`, or what the address names."""
    who = author(call.request, chain_of(call.owner), call.key.id)
    with recorded(tx, who, object_id or addressed(call.request), call.wall) as change:
        yield Noted(change)


def author(request: Request[Any, Any, Any], chain: Chain, actor: str) -> Author:
    handler = request.scope["route_handler"]
    return Author(
        chain=chain,
        actor=actor,
        action=str(getattr(handler, "operation_id", "")),
        request_id=request_id(request.scope),
        fields=outer_fields(request.scope["state"].get("content", b"")),
    )


def addressed(request: Request[Any, Any, Any]) -> str:
    """The id in the address, or ""."""
    return next((str(value) for value in request.path_params.values()), "")


def outer_fields(content: bytes) -> tuple[str, ...]:
    """The names of a JSON object's outer fields: by now the body was read and has no names but ours."""
    try:
        body = msgspec.json.decode(content) if content else {}
    except (msgspec.DecodeError, RecursionError):
        return ()  # a sheet or a file
    return tuple(sorted(body))[:_MOST_FIELDS] if isinstance(body, dict) else ()


def _read(content: Any) -> _Answer:
    try:
        return msgspec.json.decode(content, type=_Answer) if isinstance(content, bytes) else _Answer()
    except msgspec.MsgspecError:
        return _Answer()
