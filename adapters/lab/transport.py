"""The lab as an httpx transport: no socket and no waiting. A delay beyond the read time-out is a time-out at once."""

from __future__ import annotations

import httpx

from adapters.lab.exchange import Handler, Outcome, Request
from adapters.lab.faults import Ending


class LabTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    def __init__(self, lab: Handler) -> None:
        self._lab = lab

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._ask(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._ask(request, await request.aread())

    def _ask(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode("ascii")
        outcome = self._lab.handle(Request(method=request.method, target=target, headers=headers, body=body))
        return _response(request, outcome)


def _response(request: httpx.Request, outcome: Outcome) -> httpx.Response:
    patience = request.extensions.get("timeout", {}).get("read")
    if outcome.ending is Ending.SILENCE or (patience is not None and outcome.delay >= patience):
        raise httpx.ReadTimeout("the lab does not answer in time", request=request)
    if outcome.ending is Ending.DROP:
        raise httpx.RemoteProtocolError("the lab closed the connection without a reply", request=request)
    if outcome.ending is Ending.CUT:
        raise httpx.RemoteProtocolError("the lab closed the connection within the reply's body", request=request)
    reply = outcome.reply
    headers = {"content-type": reply.content_type, **reply.headers}
    return httpx.Response(reply.status, headers=headers, content=reply.body, request=request)
