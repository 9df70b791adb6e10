"""Carriers' JSON, read leniently into the fields we use and refused in any other shape."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx
import msgspec

from adapters.contract.errors import Misread

T = TypeVar("T")


def read(response: httpx.Response, shape: type[T]) -> T:
    """The body as `shape`; numbers may come as text. Raises Misread with the place that does not fit."""
    return decode(response.content, shape)


def read_once(response: httpx.Response, shape: type[T]) -> T:
    """As `read`, for what must not be ambiguous: raises Misread where a field comes twice, of which msgspec takes the last."""
    try:
        json.loads(response.content, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise Misread(f"not JSON: {error}") from error
    return read(response, shape)


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise Misread("a field comes twice")


def decode(body: bytes, shape: type[T]) -> T:
    """As `read`, for a push's raw body."""
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misread(f"not the documented JSON: {error}") from error
