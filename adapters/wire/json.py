"""Carriers' JSON, read leniently into the fields we use and refused in any other shape."""

from __future__ import annotations

from typing import TypeVar

import httpx
import msgspec

from adapters.contract.errors import Misread

T = TypeVar("T")


def read(response: httpx.Response, shape: type[T]) -> T:
    """The body as `shape`; numbers may come as text. Raises Misread with the place that does not fit."""
    return decode(response.content, shape)


def decode(body: bytes, shape: type[T]) -> T:
    """As `read`, for a push's raw body."""
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misread(f"not the documented JSON: {error}") from error
