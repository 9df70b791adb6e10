"""Delivering pushes: at least once, in order within a consignment, tried again until the receiver says 2xx or an hour is over."""

from __future__ import annotations

import asyncio
import logging

import httpx

from adapters.lab.books import Sending
from adapters.lab.engine import Lab
from adapters.lab.hooks import Hook

_PATIENCE = 5.0

log = logging.getLogger(__name__)


def client() -> httpx.AsyncClient:
    """No proxies, no redirects: what is checked to be loopback stays it."""
    return httpx.AsyncClient(timeout=_PATIENCE, trust_env=False, follow_redirects=False)


async def deliver_due(lab: Lab, http: httpx.AsyncClient) -> int:
    """Send what is due now, each consignment's oldest first; how many pushes were tried."""
    due = lab.due_pushes()
    await asyncio.gather(*(_deliver(lab, http, sending, hook) for sending, hook in due))
    return len(due)


async def _deliver(lab: Lab, http: httpx.AsyncClient, sending: Sending, hook: Hook) -> None:
    headers = {"content-type": "application/json", **hook.headers, **sending.headers}
    try:
        response = await http.post(hook.url, content=sending.body, headers=headers)
    except httpx.HTTPError as error:
        log.info("push failed: carrier=%s try=%d error=%s", sending.carrier, sending.tries + 1, type(error).__name__)
        lab.pushed(sending, delivered=False)
    else:
        lab.pushed(sending, delivered=response.is_success)
