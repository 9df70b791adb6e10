"""The wire below the client, before a stand-in for the pool: in which of two words each failure is told, and what is let through.

test_wire.py has the same over real sockets.
"""

from __future__ import annotations

import httpx
import pytest

from adapters.contract.errors import CarrierError, Misread, OutcomeUnknown, Unreachable
from gateway.carriers.transport import LARGEST_REPLY, send
from tests.carriers.asking import failing, run

ASKED = "https://carrier.test/v1/book?token=hush"


def sent(say, request: httpx.Request | None = None, seconds: float = 7.0) -> httpx.Response:
    return run(send(httpx.MockTransport(say), request or httpx.Request("PUT", ASKED, content=b"{}"), seconds))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.ConnectTimeout, Unreachable),
        (httpx.PoolTimeout, Unreachable),
        (httpx.UnsupportedProtocol, Unreachable),
        (httpx.WriteTimeout, OutcomeUnknown),
        (httpx.WriteError, OutcomeUnknown),
        (httpx.ReadTimeout, OutcomeUnknown),
        (httpx.ReadError, OutcomeUnknown),
        (httpx.CloseError, OutcomeUnknown),
        (httpx.RemoteProtocolError, OutcomeUnknown),
        (httpx.DecodingError, Misread),
    ],
)
def test_a_failure_says_whether_something_was_sent(error, told):
    with pytest.raises(CarrierError) as raised:
        sent(failing(error))
    assert type(raised.value) is told


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.DecodingError])
def test_a_failure_names_the_host_and_not_the_address(error):
    with pytest.raises(CarrierError, match=r"carrier\.test") as raised:
        sent(failing(error))
    assert "hush" not in str(raised.value)


def test_a_bug_stays_a_bug():
    with pytest.raises(ZeroDivisionError):
        sent(failing(ZeroDivisionError))


@pytest.mark.parametrize("status", [200, 204, 302, 404, 429, 500])
def test_every_status_is_a_reply(status):
    assert sent(lambda request: httpx.Response(status)).status_code == status


def test_a_redirect_is_not_followed():
    asked = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": "https://elsewhere.test/"})

    assert (sent(elsewhere).headers["location"], asked) == ("https://elsewhere.test/", [ASKED])


def test_no_cookie_is_kept():
    pool = httpx.MockTransport(lambda request: httpx.Response(200, headers={"set-cookie": "a=1"}, json=dict(request.headers)))

    async def twice() -> httpx.Response:
        await send(pool, httpx.Request("GET", ASKED), 7.0)
        return await send(pool, httpx.Request("GET", ASKED), 7.0)

    assert "cookie" not in run(twice()).json()


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, ("identity", "pickup-gateway")), ({"accept-encoding": "gzip", "user-agent": "ours"}, ("gzip", "ours"))],
)
def test_no_packing_is_asked_for_and_our_name_is_given_unless_the_adapter_says_otherwise(given, expected):
    told = sent(lambda request: httpx.Response(200, json=dict(request.headers)), httpx.Request("GET", ASKED, headers=given)).json()
    assert (told["accept-encoding"], told["user-agent"]) == expected


@pytest.mark.parametrize(("seconds", "connect"), [(60.0, 5.0), (2.0, 2.0)])
def test_the_time_limit_is_the_operations_and_connecting_takes_no_longer_than_five_seconds(seconds, connect):
    limits = {}

    def note(request: httpx.Request) -> httpx.Response:
        limits.update(request.extensions["timeout"])
        return httpx.Response(200)

    sent(note, seconds=seconds)
    assert limits == {"connect": connect, "read": seconds, "write": seconds, "pool": seconds}


def test_the_largest_reply_is_let_through_and_a_larger_one_is_none():
    assert len(sent(lambda request: httpx.Response(200, content=bytes(LARGEST_REPLY))).content) == LARGEST_REPLY
    with pytest.raises(Misread, match="over 8 MiB"):
        sent(lambda request: httpx.Response(200, content=bytes(LARGEST_REPLY + 1)))


def test_headers_of_the_packing_are_not_told_of_the_unpacked():
    import gzip

    packed = httpx.Response(
        200, headers={"content-encoding": "gzip", "x-kept": "yes"}, stream=httpx.ByteStream(gzip.compress(b"a" * 1000))
    )
    reply = sent(lambda request: packed)
    assert (reply.content, "content-encoding" in reply.headers, reply.headers["x-kept"]) == (b"a" * 1000, False, "yes")
    assert reply.headers["content-length"] == "1000"


def test_a_reply_that_unpacks_beyond_the_largest_is_read_no_further():
    import gzip

    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(bomb))
    with pytest.raises(Misread, match="over 8 MiB"):
        sent(lambda request: packed)
    assert len(bomb) < 100_000
