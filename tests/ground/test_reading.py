from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.carrier import Booked, Later, Next, Operation, Step, Tat, Token, one_step
from adapters.contract.errors import Misread, OutcomeUnknown, Refused, Throttled
from adapters.contract.reading import read, retry_after

NOW = dt.datetime(2026, 3, 9, 3, 0, tzinfo=dt.UTC)


def judged(response: httpx.Response, parse: Callable[..., Any] = lambda *_: "an answer", **flags: bool) -> Any:
    step: Step[str, Any] = Step(build=lambda *_: httpx.Request("GET", "http://x"), parse=parse)
    operation: Operation[str, Any] = Operation(steps=(step,), **flags)
    return read(operation, step, response, "question", {"so": "far"}, NOW)


def test_a_parser_is_given_the_reply_the_question_and_what_is_known():
    response = httpx.Response(200)
    assert judged(response, lambda *given: given) == (response, "question", {"so": "far"})


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 404])
def test_every_status_but_the_shared_ones_is_the_adapters_to_judge(status):
    assert judged(httpx.Response(status)) == "an answer"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_servers_fault_leaves_the_outcome_unknown(status):
    with pytest.raises(OutcomeUnknown, match=str(status)) as raised:
        judged(httpx.Response(status))
    assert type(raised.value) is OutcomeUnknown


def test_an_adapter_may_read_a_servers_faults_itself():
    assert judged(httpx.Response(500), reads_server_errors=True) == "an answer"


def test_too_fast_is_never_the_adapters_to_judge():
    with pytest.raises(Throttled) as raised:
        judged(httpx.Response(429, headers={"retry-after": "7"}), reads_server_errors=True)
    assert raised.value.retry_after == dt.timedelta(seconds=7)


def test_what_a_parser_raises_comes_through():
    def refuse(*_: object) -> Any:
        raise Refused(None, "E1")

    with pytest.raises(Refused, match="E1"):
        judged(httpx.Response(200), refuse)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("Mon, 09 Mar 2026 03:01:30 GMT", 90),
        ("Mon, 09 Mar 2026 02:00:00 GMT", 0),
        ("", 30),
        ("soon", 30),
        ("-5", 30),
        ("1.5", 30),
        ("99999999999999999999", 999_999),
    ],
)
def test_the_pause_is_given_in_seconds_or_as_a_date(value, seconds):
    assert retry_after(httpx.Response(429, headers={"retry-after": value}), NOW) == dt.timedelta(seconds=seconds)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_no_header_whatever_breaks_the_pause(value):
    assert retry_after(httpx.Response(429, headers={"retry-after": value}), NOW) >= dt.timedelta(0)


@pytest.mark.parametrize(
    ("later", "at"),
    [
        (Later(after=dt.timedelta(minutes=1)), NOW + dt.timedelta(minutes=1)),
        (Later(at=NOW + dt.timedelta(hours=2)), NOW + dt.timedelta(hours=2)),
        (Later(at=NOW + dt.timedelta(hours=2), after=dt.timedelta(hours=3)), NOW + dt.timedelta(hours=3)),
        (Later(), NOW),
    ],
)
def test_later_is_made_an_instant_for_a_parser_knows_no_clock(later, at):
    answer = judged(httpx.Response(200), lambda *_: later)
    assert (answer.at, answer.so_far) == (at, later.so_far)


def test_a_step_further_is_left_as_it_is():
    assert judged(httpx.Response(200), lambda *_: Next(so_far={"a": "1"})) == Next(so_far={"a": "1"})


@pytest.mark.parametrize("awb", ["57930810000066", "SW001", "500999A3408005", "0000000001", "1Z999", "A" * 59 + "1"])
def test_an_awb_is_text_with_a_digit_in_it(awb):
    assert judged(httpx.Response(200), lambda *_: Booked(awb=awb)) == Booked(awb=awb)


@pytest.mark.parametrize(
    "awb", ["", " ", "0", "null", "None", "undefined", "000000", "12", "5793 0810", "5793081\n", "१२३४५६", "1" * 61]
)
def test_what_cannot_be_an_awb_is_no_booking(awb):
    with pytest.raises(Misread, match="Booked"):
        judged(httpx.Response(200), lambda *_: Booked(awb=awb))


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "né"])
def test_what_cannot_stand_in_a_header_is_no_token(token):
    with pytest.raises(Misread, match="Token"):
        judged(httpx.Response(200), lambda *_: Token(value=token, expires_in=dt.timedelta(hours=1)))


@pytest.mark.parametrize("days", [-1, 367, 10**30])
def test_nobody_takes_a_year_and_more_or_less_than_no_day(days):
    with pytest.raises(Misread, match="Tat"):
        judged(httpx.Response(200), lambda *_: Tat(days=days))


def test_a_token_is_not_told_when_it_cannot_be_one():
    with pytest.raises(Misread) as raised:
        judged(httpx.Response(200), lambda *_: Token(value="secret words", expires_in=dt.timedelta(hours=1)))
    assert "secret" not in str(raised.value)


def test_the_usual_operation_has_one_step():
    operation: Operation[str, str] = one_step(
        lambda *_: httpx.Request("GET", "http://x"), lambda *_: "yes", commits=True, timeout=3
    )
    assert ([step.commits for step in operation.steps], operation.repeatable, operation.timeout) == ([True], False, 3)
