"""Cassettes: what they hide, how a request finds its reply in them, and how the gateway's own client is asked while they run.

vcrpy stands in for `httpx.AsyncHTTPTransport`, which the gateway's pools are made of. Beside the exchanges, a cassette keeps
the question in our words and the answer read from them, as metadata.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

import msgspec
import vcr
from vcr.serializers import yamlserializer

from adapters.contract.carrier import Carrier, Document, SoFar
from adapters.contract.errors import CarrierError, Refused
from gateway.carriers.client import Carriers
from gateway.values import Account, Mode
from tests.contract import examples
from tests.contract.stage import BASE, Clock

FOLDER = Path(__file__).parent.parent.parent / "cassettes"
NOTE = "# Recorded from the lab (simulated), not from the carrier, on {}.\n"

_KEPT_OF_REQUESTS = ("accept", "content-type")
_KEPT_OF_REPLIES = ("content-type", "retry-after")
_SIGNATURE = re.compile(r"((?:signature|sig)=)[^&\"\s]+", re.IGNORECASE)


def path(folder: Path, code: str, name: str) -> Path:
    return folder / f"{code}_{name}.yaml"


def account(carrier: Carrier, name: str) -> Account:
    """The example account, with what this operation's steps ask for."""
    settings = {**examples.SETTINGS[carrier.code], **examples.FOR_ALL_STEPS.get((carrier.code, name), {})}
    return Account(
        id="cac_cassette",
        merchant_id="mer_cassette",
        mode=Mode.TEST,
        carrier=carrier.code,
        settings=settings,
        secrets=examples.secrets(carrier),
    )


# --- vcrpy's part -----------------------------------------------------------------------------------


class Request(Protocol):
    """vcrpy's, as far as it is looked at."""

    method: str
    uri: str
    body: bytes | None
    headers: dict[str, str]


class _Noted:
    """vcrpy's YAML below a first line that says where it comes from."""

    def __init__(self, day: dt.date) -> None:
        self._note = NOTE.format(day.isoformat())

    def serialize(self, cassette: dict[str, Any]) -> str:
        text: str = yamlserializer.serialize(cassette)
        return self._note + text

    def deserialize(self, text: str) -> Any:
        return yamlserializer.deserialize(text)


def recorder(carrier: Carrier, address: str = BASE, day: dt.date = dt.date.min, mode: str = "none") -> vcr.VCR:
    """`address` is where the lab listens; on the tape it is always the same place. Mode "none" only plays."""
    hide = hiding(carrier, address)

    def request(sent: Request) -> Request:
        sent.uri, sent.headers = hide(sent.uri), _kept(sent.headers, _KEPT_OF_REQUESTS)
        sent.body = hide(sent.body.decode()).encode() if sent.body else sent.body
        return sent

    def response(got: dict[str, Any]) -> dict[str, Any]:
        body = hide(got["body"]["string"].decode("latin-1")).encode("latin-1")
        return got | {"headers": _kept(got["headers"], _KEPT_OF_REPLIES), "body": {"string": body}}

    tape = vcr.VCR(record_mode=mode, before_record_request=request, before_record_response=response, match_on=tuple(MATCHERS))
    for name, matcher in MATCHERS.items():
        tape.register_matcher(name, matcher)
    tape.register_serializer("noted", _Noted(day))
    tape.serializer = "noted"
    return tape


def hiding(carrier: Carrier, address: str) -> Callable[[str], str]:
    """Takes credentials and signatures out of a text, and the address the lab happened to have."""
    words = {form: f"hidden_{name}" for name, value in examples.secrets(carrier).items() for form in _forms(value)}
    host, everywhere = urlsplit(address).netloc, urlsplit(BASE).netloc

    def hide(text: str) -> str:
        for word in sorted(words, key=len, reverse=True):
            text = text.replace(word, words[word])
        return _SIGNATURE.sub(r"\1hidden", text.replace(host, everywhere))

    return hide


def hidden(carrier: Carrier, address: str, values: Any) -> Any:
    """The same for plain values."""
    return json.loads(hiding(carrier, address)(json.dumps(values)))


def _forms(word: str) -> set[str]:
    return {word, quote(word), quote_plus(word)}


def _kept(headers: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name.lower(): value for name, value in sorted(headers.items()) if name.lower() in names}


# --- what makes two requests the same -----------------------------------------------------------------


def same_method(one: Request, other: Request) -> None:
    assert one.method == other.method


def same_path(one: Request, other: Request) -> None:
    assert unquote(urlsplit(one.uri).path) == unquote(urlsplit(other.uri).path)


def same_query(one: Request, other: Request) -> None:
    """In whatever order, blank values included."""
    assert _pairs(urlsplit(one.uri).query) == _pairs(urlsplit(other.uri).query)


def same_body(one: Request, other: Request) -> None:
    """By value: JSON, forms (with JSON in them), XML in canonical form; nothing may be null."""
    assert value(one.body) == value(other.body)


MATCHERS: Mapping[str, Callable[[Request, Request], None]] = {
    "same method": same_method,
    "same path": same_path,
    "same query": same_query,
    "same body": same_body,
}


def value(body: bytes | str | None) -> Any:
    """What a body says, however it is written."""
    text = body.decode() if isinstance(body, bytes) else body or ""
    for read in (json.loads, _canonical_xml, _form):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text


def _canonical_xml(text: str) -> str:
    return ET.canonicalize(text, strip_text=True)


def _form(text: str) -> list[tuple[str, Any]]:
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    return sorted(((name, _json_or_text(said)) for name, said in pairs), key=repr)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pairs(query: str) -> list[tuple[str, str]]:
    return sorted(parse_qsl(query, keep_blank_values=True))


# --- the gateway's part --------------------------------------------------------------------------------


class Client:
    """The gateway's client with an event loop of its own, one step at a time; business time is the clock's."""

    def __init__(self, address: str, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._runner = asyncio.Runner()
        self._carriers = Carriers(lambda: address)

    def __call__(self, name: str, index: int, question: Any, so_far: SoFar) -> Any:
        asking = self._carriers.step(self._account, name, index, question, so_far, now=self._clock.now)
        return self._runner.run(asking)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._carriers.close())
        self._runner.close()


def told(outcome: Any) -> Any:
    """An answer, or how it was refused, as plain values."""
    if isinstance(outcome, Refused):
        return {"refused": str(outcome.kind), "raw_code": outcome.raw_code, "raw_message": outcome.raw_message}
    if isinstance(outcome, CarrierError):
        return {"error": type(outcome).__name__}
    if isinstance(outcome, Document):
        return {"format": outcome.format, "length": len(outcome.content), "crc32": zlib.crc32(outcome.content)}
    if isinstance(outcome, Mapping):
        return {awb: told(one) for awb, one in outcome.items()}
    return msgspec.to_builtins(outcome)
