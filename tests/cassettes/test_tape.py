"""What a cassette hides, and by what a request is found in it."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from gateway.carriers import registry
from tests.cassettes.tape import FOLDER, hiding, same_body, same_method, same_path, same_query, value
from tests.contract import examples

CASSETTES = sorted(FOLDER.glob("*.yaml"))

# What a credential looks like, whoever's it is.
SHAPES = {
    "a credential of the lab": r"lab_[a-z]",
    "an authorization header": r"(?i)^\s*(authorization|cookie|set-cookie|x-api-key)\s*:",
    "a bearer's token": r"(?i)\bbearer\s+[\w.-]{8,}",
    "an API token": r"(?i)\btoken [0-9a-f]{16,}",
    "a JSON web token": r"\beyJ[\w-]{8,}\.",
    "a password": r"(?i)\"?password\"?\s*[:=]\s*\"?(?!hidden)[^\s\"]",
    "a token that was handed out": r"access_token\"\s*:\s*\"(?!hidden)",
    "a signed link": r"(?i)(signature|sig)=(?!hidden)[^\s&]",
    "a long secret": r"\b[0-9a-fA-F]{32,}\b",
    "a private key": r"-----BEGIN",
    "an address on this machine": r"127\.0\.0\.1|localhost",
}


@pytest.mark.parametrize("what", SHAPES)
@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_nothing_on_a_tape_looks_like_a_secret(file, what):
    assert re.findall(f"(?m){SHAPES[what]}", file.read_text()) == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a credential of the lab", "uri: http://lab/x?token=lab_token"),
        ("an authorization header", "      Authorization:"),
        ("a bearer's token", "- Bearer abcdefgh.12345678"),
        ("an API token", "- Token 0123456789abcdef0123"),
        ("a JSON web token", "eyJhbGciOiJIUzI1NiJ9.e30"),
        ("a password", '{"username":"x","password":"sesame"}'),
        ("a token that was handed out", '{"access_token":"abc"}'),
        ("a signed link", "?X-Amz-Signature=0a1b2c&size=A4"),
        ("a long secret", "key 0123456789abcdef0123456789abcdef"),
        ("a private key", "-----BEGIN PRIVATE KEY-----"),
        ("an address on this machine", "http://127.0.0.1:45123/ekart"),
    ],
)
def test_a_secret_would_be_seen(what, line):
    assert re.findall(f"(?m){SHAPES[what]}", line)


@pytest.mark.parametrize("code", registry.codes())
def test_every_credential_is_hidden_wherever_it_stands(code):
    carrier = registry.carrier(code)
    hide = hiding(carrier, "http://127.0.0.1:4711")
    for name, secret in examples.secrets(carrier).items():
        text = f'http://127.0.0.1:4711/{code}?key={secret} {{"key": "{secret}.99"}} X-Amz-Signature=0a1b2c"'
        assert hide(text) == f'http://lab/{code}?key=hidden_{name} {{"key": "hidden_{name}.99"}} X-Amz-Signature=hidden"'


# --- finding a reply --------------------------------------------------------------------------------------


def same(matcher, **both) -> bool:
    one, other = (
        SimpleNamespace(**({"method": "GET", "uri": "http://lab/a", "body": None} | {name: pair[n] for name, pair in both.items()}))
        for n in (0, 1)
    )
    try:
        matcher(one, other)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 1, "b": [2.0]}', b'{"b":[2],"a":1.0}'),
        (None, b""),
        ("", b""),
        (b"format=json&data=%7B%22a%22%3A+1%7D", b"data=%7B%22a%22%3A1.0%7D&format=json"),
        (b"<r><a>1</a></r>", b"<?xml version='1.0'?>\n<r>\n  <a>1</a>\n</r>"),
        ("<r x='1' y='2'/>", b'<r y="2" x="1"></r>'),
        (b"plain words", "plain words"),
    ],
)
def test_bodies_that_say_the_same_are_the_same(one, other):
    assert same(same_body, body=(one, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 1}', b'{"a": 2}'),
        (b'{"a": [1, 2]}', b'{"a": [2, 1]}'),
        (b'{"a": null}', b"{}"),
        (b"{}", b""),
        (b"a=1", b"a=1&a=1"),
        (b"a=", b"b="),
        (b"<r><a>1</a></r>", b"<r><a>2</a></r>"),
        (b"plain words", b"other words"),
    ],
)
def test_bodies_that_say_something_else_are_not(one, other):
    assert not same(same_body, body=(one, other))


def test_a_query_is_compared_in_any_order_and_with_its_blanks():
    assert same(same_query, uri=("http://lab/a?x=1&y=", "http://lab/a?y=&x=1"))
    assert not same(same_query, uri=("http://lab/a?x=1&y=", "http://lab/a?x=1"))


def test_a_path_is_compared_decoded_and_without_its_host():
    assert same(same_path, uri=("http://lab/a%20b", "http://elsewhere/a b"))
    assert not same(same_path, uri=("http://lab/a", "http://lab/b"))


def test_methods_are_compared():
    assert not same(same_method, method=("GET", "POST"))


def test_a_number_written_as_text_is_not_that_number():
    assert value(b'{"a": "1"}') != value(b'{"a": 1}')
