"""One call at the lab's door, whatever carries it: the request as sent, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from adapters.lab.faults import Ending
from adapters.lab.side import Reply


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request; `target` is path and query as sent, header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the carrier of the call shall do: `delay` seconds later, reply, or end in another way."""

    reply: Reply
    ending: Ending = Ending.REPLY
    delay: float = 0.0


class Handler(Protocol):
    def handle(self, request: Request) -> Outcome: ...


class SocketFault(Exception):
    """The call got no whole answer; `ending` says how it ended."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.name.lower())
        self.ending = ending
