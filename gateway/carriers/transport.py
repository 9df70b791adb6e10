"""The wire: one pool per carrier account, a cap on decoded bytes, and every failure in one of two words.

*Unreachable*: nothing was sent. *OutcomeUnknown*: something was. Clients are used below `httpx.Client`: no redirects are
followed, no cookies kept, no environment read; TLS is always verified (one shared context: making one costs 25 ms).
"""

from __future__ import annotations

import functools
import ssl
from typing import cast
from urllib.parse import urlsplit

import httpx

from adapters.contract.errors import Misread, OutcomeUnknown, Unreachable
from gateway.carriers.connections import Connections

LARGEST_REPLY = 8 * 1024 * 1024
_CONNECT = 5.0
_MOST, _EXPIRY = 32, 30.0
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_EXPIRY)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=True, trust_env=True)


def open_pool() -> httpx.AsyncBaseTransport:
    """A connection pool for one carrier account."""
    return Connections(lambda: httpx.AsyncHTTPTransport(verify=_tls(), limits=_ONE, trust_env=False), _MOST, _EXPIRY)


async def send(pool: httpx.AsyncBaseTransport, request: httpx.Request, seconds: float) -> httpx.Response:
    """One exchange, the body read. Raises Unreachable, OutcomeUnknown, or Misread for a reply too large to be one."""
    request.extensions = {"timeout": {"connect": min(_CONNECT, seconds), "read": seconds, "write": seconds, "pool": seconds}}
    request.headers.setdefault("accept-encoding", "identity")
    request.headers.setdefault("user-agent", "pickup-gateway")
    try:
        return await _exchange(pool, request)
    except _NOT_SENT as error:
        raise Unreachable(f"{_host(request)}: {type(error).__name__} {error}".strip()) from error
    except (httpx.TransportError, httpx.StreamError) as error:
        raise OutcomeUnknown(f"{_host(request)}: {type(error).__name__} {error}".strip()) from error
    except httpx.DecodingError as error:
        raise Misread(f"{_host(request)}: a reply that does not unpack") from error


async def _exchange(pool: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    response = await pool.handle_async_request(request)
    response.request = request
    try:
        body = await _body(response)
    finally:
        await response.aclose()
    if "content-encoding" in response.headers:  # httpx would unpack the body once more
        del response.headers["content-encoding"]
    return httpx.Response(response.status_code, headers=response.headers, content=body, request=request)


async def _body(response: httpx.Response) -> bytes:
    """Unpacked, where it was packed in spite of what we asked for."""
    packed = "content-encoding" in response.headers
    body = bytearray()
    async for chunk in response.aiter_bytes() if packed else cast(httpx.AsyncByteStream, response.stream):
        body += chunk
        if len(body) > LARGEST_REPLY:
            raise Misread(f"a reply of over {LARGEST_REPLY // 1024**2} MiB")
    return bytes(body)


def _host(request: httpx.Request) -> str:
    return urlsplit(str(request.url)).netloc
