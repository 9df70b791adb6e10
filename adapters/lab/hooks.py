"""Where an account's pushes go: registered by the admin call or by the side itself, under the kept key "push"."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

import httpx
import msgspec

from adapters.lab.books import Books

KEY = "push"


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    secret: str = ""
    headers: Mapping[str, str] = {}


def hook_of(books: Books, carrier: str, account: str) -> Hook | None:
    """The account's hook; None if it has none, or one that leads off this machine."""
    kept = books.kept(carrier, account, KEY)
    hook = msgspec.convert(kept, Hook) if kept else None
    return hook if hook and loopback(hook.url) else None


def loopback(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and (parsed.host == "localhost" or _loopback_address(parsed.host))


def _loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
