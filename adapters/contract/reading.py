"""Reading a reply: the rules every carrier shares, before the adapter's own `parse` judges the body."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from typing import TypeVar

import httpx
import msgspec

from adapters.contract.carrier import Booked, Later, Next, Operation, SoFar, Step, Tat, Token
from adapters.contract.errors import Misread, OutcomeUnknown, Throttled

Q = TypeVar("Q")
A = TypeVar("A")

_PATIENCE = dt.timedelta(seconds=30)
_AWB = re.compile(r"(?=.*[1-9])[!-~]{5,60}")  # so not "0" or "null"; as long as the ledger's column
_WORD = re.compile(r"[!-~]+")
_LONGEST_WAY = 366  # days


def read(
    operation: Operation[Q, A], step: Step[Q, A], response: httpx.Response, question: Q, so_far: SoFar, now: dt.datetime
) -> A | Next | Later:
    """Judge one reply. Raises Throttled for 429, OutcomeUnknown for a 5xx the adapter does not read, else what `parse` raises.

    An AWB, a token or a number of days that cannot be one is Misread, whatever the adapter made of it.
    """
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled(retry_after=retry_after(response, now))
    if response.status_code >= 500 and not operation.reads_server_errors:
        raise OutcomeUnknown(f"HTTP {response.status_code}")
    answer = step.parse(response, question, so_far)
    if not _plausible(answer):
        raise Misread(f"a {type(answer).__name__} that cannot be one")
    if isinstance(answer, Later):
        return msgspec.structs.replace(answer, at=max(answer.at, now + answer.after))
    return answer


def _plausible(answer: object) -> bool:
    match answer:
        case Booked():
            return _AWB.fullmatch(answer.awb) is not None
        case Token():
            return _WORD.fullmatch(answer.value) is not None
        case Tat():
            return 0 <= answer.days <= _LONGEST_WAY
        case _:
            return True


def retry_after(response: httpx.Response, now: dt.datetime) -> dt.timedelta:
    """The `Retry-After` header, in seconds or as a date (RFC 9110, 10.2.3); 30 s when absent or unreadable."""
    value = response.headers.get("retry-after", "")
    if value.isdecimal():
        return dt.timedelta(seconds=int(value[:6]))
    try:
        return max(email.utils.parsedate_to_datetime(value) - now, dt.timedelta(0))
    except (TypeError, ValueError):
        return _PATIENCE
