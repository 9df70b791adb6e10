"""Whatever a carrier answers, it is a yes only if it is one: nonsense, other people's answers and spoilt replies never are.

Only a CarrierError (or, where the carrier is said to answer later, "ask again") may come of them; any other exception is a bug.
`EXAMPLES=10000` looks harder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contract.carrier import Booked, Document, Later, Next
from adapters.contract.errors import CarrierError, Throttled
from tests.contract import examples
from tests.contract.spoiling import cut, scrambled, spoilt
from tests.contract.stage import ASKED, STEPS, Exchange, played
from tests.contract.test_lab import conforms, declared

EXAMPLES = int(os.environ.get("EXAMPLES", "100"))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
HALF_AS_MANY = settings(MANY, max_examples=max(1, EXAMPLES // 2))


def said(content: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": kind, **headers})


PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
LOGIN = b"<html><body><form action='/login'><input name='password'></form></body></html>"
NONSENSE: Mapping[str, httpx.Response] = {
    "nothing": said(b""),
    "nothing, and proud of it": httpx.Response(204),
    "an empty object": said(b"{}"),
    "an empty list": said(b"[]"),
    "null": said(b"null"),
    "a number": said(b"0"),
    "true": said(b"true"),
    "a text": said(b'"OK"'),
    "a list of an empty object": said(b"[{}]"),
    "an unfinished object": said(b'{"success": true, "status": true'),
    "only yes": said(b'{"success": true, "status": true, "message": "Success"}'),
    "a page": said(PAGE, "text/html"),
    "a page that says it is JSON": said(PAGE),
    "a page that says it is a PDF": said(PAGE, "application/pdf"),
    "JSON that says it is a page": said(b"{}", "text/html"),
    "a picture": said(b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png"),
    "an empty root": said(b"<root/>", "application/xml"),
    "an envelope with nothing in it": said(
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>', "text/xml"
    ),
    "bytes": said(bytes(range(256)), "application/octet-stream"),
    "a login page behind a redirect": said(LOGIN, "text/html", 302, location="https://login.test/"),
    "moved for good": said(b"", status=301, location="https://new.test/"),
    "not modified": httpx.Response(304),
    "a firewall's page": said(PAGE, "text/html", 403),
    "not found": said(PAGE, "text/html", 404),
    "too fast": httpx.Response(429),
    "a server's page": said(PAGE, "text/html", 500),
    "a proxy's page": said(PAGE, "text/html", 502),
    "out of order": said(b'{"error": "maintenance"}', status=503),
}


def is_no(outcome: Any) -> bool:
    """Neither an answer nor a step further; of a batch: no for everyone."""
    if isinstance(outcome, Mapping):
        return all(isinstance(one, CarrierError) for one in outcome.values())
    return isinstance(outcome, CarrierError | Later)


def reply(exchange: Exchange, body: bytes, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=body, headers={"content-type": exchange.response.headers["content-type"]})


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_nonsense_is_never_a_yes(code, name, index, what):
    assert is_no(played(code)[name, index].reread(NONSENSE[what]))


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_too_fast_is_said_as_such(code, name, index):
    outcome = played(code)[name, index].reread(httpx.Response(429, headers={"retry-after": "7"}))
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after.total_seconds() == 7


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 500, 502, 503])
@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_a_yes_never_comes_with_a_bad_status(code, name, index, status):
    exchange = played(code)[name, index]
    assert is_no(exchange.reread(reply(exchange, exchange.response.content, status)))


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_half_a_good_reply_is_never_a_yes(code, name, index):
    exchange = played(code)[name, index]
    good = exchange.response.content.rstrip()
    lengths = {len(good) * part // 10 for part in range(10)} | {len(good) - 1}
    assert {length for length in lengths if not is_no(exchange.reread(reply(exchange, good[:length])))} == set()


# --- somebody else's answer ------------------------------------------------------------------------------


def one_call(code: str, name: str, other: str) -> bool:
    return name == other or any({name, other} <= alike for alike in examples.ONE_CALL.get(code, ()))


def names_of(exchange: Exchange) -> tuple[bytes, bytes]:
    """The AWB and the carrier reference the question speaks of, or the answer gives it; blank where there is none."""
    question = getattr(exchange.question, "booking", exchange.question)
    awbs = getattr(question, "awbs", ()) or (getattr(question, "awb", "") or getattr(exchange.answer, "awb", ""),)
    return awbs[0].encode(), getattr(question, "carrier_reference", "").encode()


def about_the_same(answer: Exchange, asked: Exchange) -> bytes:
    """Another operation's answer, as if it spoke of our booking: the AWB and the reference are ours."""
    body = answer.response.content
    for theirs, ours in zip(names_of(answer), names_of(asked), strict=True):
        body = body.replace(theirs, ours) if theirs and ours else body
    return body


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_an_answer_to_another_operation_is_never_a_yes(code, name, index):
    asked = played(code)[name, index]
    others = {key: one for key, one in played(code).items() if not one_call(code, name, key[0])}
    taken = {key for key, one in others.items() if not is_no(asked.reread(reply(one, about_the_same(one, asked))))}
    assert taken == set()


@pytest.mark.parametrize(("code", "name", "index"), [step for step in STEPS if played(step[0])[step[1], step[2]].step.name])
def test_an_answer_to_another_step_is_never_a_yes(code, name, index):
    asked = played(code)[name, index]
    alike = {key for key, one in played(code).items() if one.request.url.path == asked.request.url.path}
    alike |= {(name, other) for thing in [examples.ONE_THING.get((code, name), ())] if index in thing for other in thing}
    others = {key: one for key, one in played(code).items() if key[0] == name and key not in alike}
    assert {key for key, one in others.items() if not is_no(asked.reread(reply(one, one.response.content)))} == set()


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
def test_an_answer_about_another_booking_is_never_a_yes(code, name, index):
    exchange = played(code)[name, index]
    awb, reference = names_of(exchange)
    ours = reference if name in ("book", "find") else awb
    if not isinstance(exchange.answer, Document | Next) and ours and ours in exchange.response.content:
        theirs = ours[:-1] + (b"1" if ours[-1:] != b"1" else b"2")
        assert is_no(exchange.reread(reply(exchange, exchange.response.content.replace(ours, theirs))))


# --- spoilt replies --------------------------------------------------------------------------------------


def assert_harmless(exchange: Exchange, outcome: Any) -> None:
    """Nothing but a CarrierError, a step, or an answer of the declared type; a booking only with the AWB that was given."""
    if isinstance(outcome, CarrierError | Next | Later):
        return
    assert conforms(outcome, declared(exchange.name))
    if isinstance(outcome, Booked):
        assert outcome.awb == exchange.answer.awb


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
@MANY
@given(data=st.data())
def test_a_spoilt_reply_is_read_right_or_not_at_all(code, name, index, data):
    exchange = played(code)[name, index]
    body = data.draw(spoilt(exchange.response.content))
    assert_harmless(exchange, exchange.reread(reply(exchange, body)))


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
@HALF_AS_MANY
@given(data=st.data())
def test_a_reply_that_was_cut_is_never_a_yes(code, name, index, data):
    exchange = played(code)[name, index]
    assert is_no(exchange.reread(reply(exchange, data.draw(cut(exchange.response.content.rstrip())))))


@pytest.mark.parametrize(("code", "name", "index"), STEPS)
@HALF_AS_MANY
@given(data=st.data())
def test_scrambled_bytes_break_no_parser(code, name, index, data):
    """They may scramble an AWB into another one: only what kind of thing comes out is looked at."""
    exchange = played(code)[name, index]
    outcome = exchange.reread(reply(exchange, data.draw(scrambled(exchange.response.content))))
    assert isinstance(outcome, CarrierError | Next | Later) or conforms(outcome, declared(name))


def test_every_carrier_is_asked_everything_it_can_be_asked():
    assert {(code, name) for code, name, _ in STEPS} == set(ASKED)
