"""Answers that hold for a while: serviceability, TAT, prices. Per process, least recently used out first."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from typing import Any

import msgspec


class Memory:
    """`size` 0 remembers nothing."""

    def __init__(self, size: int = 50_000) -> None:
        self._size = size
        self._kept: OrderedDict[bytes, tuple[float, Any]] = OrderedDict()

    def get(self, key: bytes) -> Any | None:
        until, answer = self._kept.get(key, (0.0, None))
        if time.monotonic() >= until:
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: bytes, answer: Any, seconds: float) -> None:
        self._kept[key] = (time.monotonic() + seconds, answer)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)


def key_of(account_id: str, operation: str, question: Any) -> bytes:
    """The same question to the same account, as a key."""
    return hashlib.blake2b(msgspec.msgpack.encode((account_id, operation, question)), digest_size=16).digest()
