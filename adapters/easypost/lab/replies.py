"""What every endpoint answers with, and how it refuses."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from adapters.lab.side import Call, Desk, Reply

T = TypeVar("T")
Handler = Callable[[Call, Desk], Reply]


class Refusal(Exception):
    def __init__(self, code: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.reply = failure(status, code, message)


def refusing(handle: Handler) -> Handler:
    """The handler, its refusals put into the error body."""

    @functools.wraps(handle)
    def answer(call: Call, desk: Desk) -> Reply:
        try:
            return handle(call, desk)
        except Refusal as refusal:
            return refusal.reply

    return answer


def body(call: Call, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(call.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("PARAMETER.REQUIRED", f"lab: {error}") from error


def answer(value: object, status: int = 200) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(value))


def failure(status: int, code: str, message: str) -> Reply:
    return answer({"error": {"code": code, "message": message, "errors": []}}, status)


def not_found() -> Refusal:
    return Refusal("NOT_FOUND", "lab: there is no such thing", 404)


def unauthorized(call: Call) -> Reply:
    return failure(401, "UNAUTHORIZED", "lab: no such key")


_FAULTS = {200: "BAD_REQUEST", 404: "NOT_FOUND", 429: "RATE_LIMITED"}


def error(status: int) -> Reply:
    """A fault's words. No refusal of EasyPost's with HTTP 200 is known: the usual body then comes with it."""
    usual = "INTERNAL_SERVER_ERROR" if status >= 500 else "BAD_REQUEST"
    return failure(status, _FAULTS.get(status, usual), "a fault of the lab")


def new_id(desk: Desk, prefix: str) -> str:
    """EasyPost's kind of id: a prefix and 32 hexadecimal digits."""
    return f"{prefix}_{digest(desk.account, prefix, str(desk.next_number(prefix)))}"


def digest(*parts: str) -> str:
    return hashlib.blake2b("|".join(parts).encode(), digest_size=16).hexdigest()


def stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
