"""What went over the wire, as operators may see it: secrets and people blotted out before it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import httpx
import msgspec

from adapters.contract.places import Party
from gateway.values import Account

_LONGEST = 4000
_BLOT = "***"


def scrub(text: str, words: Iterable[str]) -> str:
    """`text` without any of `words`, plain or url-encoded."""
    forms = {form for word in words for form in (word, quote(word), quote_plus(word))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, _BLOT)
    return text


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
    return (*named, *(number.lstrip("+")[-10:] for number in (party.phone, party.alternate_phone)))


def request_text(request: httpx.Request) -> str:
    """Method, address and body; headers are left out: they carry credentials and nothing else of use."""
    return f"{request.method} {request.url}\n\n{_printable(request.content)}"


def response_text(response: httpx.Response) -> str:
    return f"HTTP {response.status_code} {response.headers.get('content-type', '')}\n\n{_printable(response.content)}"


def _printable(body: bytes) -> str:
    return body[:_LONGEST].decode("utf-8", "replace") if b"\0" not in body[:200] else f"({len(body)} bytes)"
