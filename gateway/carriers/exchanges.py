"""What went over the wire, as operators may see it: secrets and people blotted out before it is kept."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import httpx
import msgspec

from adapters.contract.places import Party
from gateway.values import Account

_LONGEST = 4000
_LOOKED_AT = 64 * 1024  # so much is read to keep the beginning: nothing private may be half cut off
_BLOT = "***"


def scrub(text: str, words: Iterable[str]) -> str:
    """The beginning of `text` without any of `words`, however they are written."""
    forms = {form for word in words for form in _writings(word)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, _BLOT)
    return text[:_LONGEST]


def _writings(word: str) -> Iterator[str]:
    """As it is or on one line; within JSON or XML; and any of these in an address or a form."""
    for plain in {word, " ".join(word.split())}:
        for inner in {plain, json.dumps(plain)[1:-1], _in_json(plain), html.escape(plain), html.escape(plain, quote=False)}:
            yield from (inner, quote(inner), quote(inner, safe=""), quote_plus(inner))


def _in_json(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)[1:-1]


def private_words(account: Account, token: str, *questions: object) -> frozenset[str]:
    """Everything that must not be kept: the account's secrets, its token, and the people in the question."""
    people = (field for party in _parties(questions) for field in _personal(party))
    return frozenset(word for word in (*account.secrets.values(), token, *people) if len(word) > 2)


def _parties(values: Iterable[object]) -> Iterable[Party]:
    for value in values:
        if isinstance(value, Party):
            yield value
        elif isinstance(value, msgspec.Struct):
            yield from _parties(getattr(value, name) for name in value.__struct_fields__)


def _personal(party: Party) -> tuple[str, ...]:
    named = (party.name, party.phone, party.alternate_phone, party.email, party.line1, party.line2, party.landmark, party.company)
    return (*named, *(form for number in (party.phone, party.alternate_phone) for form in _dialled(number)))


def _dialled(number: str) -> tuple[str, str]:
    """The digits alone, with and without what stands before the last ten."""
    digits = re.sub(r"\D", "", number)
    return digits, digits[-10:]


def request_text(request: httpx.Request) -> str:
    """Method, address and body; headers are left out: they carry credentials and nothing else of use."""
    return f"{request.method} {request.url}\n\n{_printable(request.content)}"


def response_text(response: httpx.Response) -> str:
    return f"HTTP {response.status_code} {response.headers.get('content-type', '')}\n\n{_printable(response.content)}"


def _printable(body: bytes) -> str:
    return body[:_LOOKED_AT].decode("utf-8", "replace") if b"\0" not in body[:200] else f"({len(body)} bytes)"
