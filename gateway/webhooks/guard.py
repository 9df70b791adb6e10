"""Where a merchant's endpoint may be: a public https address, and never anything inside.

The closed networks are IANA's special-purpose registries (IPv4 and IPv6, as of 2026) with multicast added; of IPv6 only global
unicast (2000::/3) is open, so that mapped, compatible, NAT64, unique-local and link-local addresses are closed without a list.
Python's `is_global` is not used: it calls multicast and `::127.0.0.1` global.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import msgspec

PORTS = (443, 8443)

_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
# Teredo and ORCHID among others; documentation; 6to4, which carries an IPv4 address within; documentation again; AS112.
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
)
_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", re.ASCII)


class Forbidden(ValueError):
    """An address that must not be called; the text says why."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an endpoint is. `inside`: allowed by GATEWAY_EGRESS_ALLOW, so loopback is meant."""

    scheme: str
    host: str
    port: int
    path: str
    inside: bool = False

    @property
    def authority(self) -> str:
        """The header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORTS = {"https": 443, "http": 80}


def is_open(address: str) -> bool:
    """Whether a numeric address is on the public internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _CLOSED_V4)
    return found.scope_id is None and found in _OPEN_V6 and not any(found in network for network in _CLOSED_V6)


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def place_of(url: str, egress_allow: frozenset[str] = frozenset()) -> Place:
    """The place a URL names, looked at without asking anybody. Raises Forbidden."""
    parts, port = _split(url)
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    inside = f"{host}:{port}" in egress_allow and parts.scheme in _DEFAULT_PORTS
    if not inside:
        _check_public(parts.scheme, host, port)
    return Place(scheme=parts.scheme, host=host, port=port, path=path, inside=inside)


def _split(url: str) -> tuple[SplitResult, int]:
    if not url.isascii() or any(ord(letter) <= 32 or ord(letter) == 127 or letter == "\\" for letter in url):
        raise Forbidden("must be written in ASCII without spaces, a name beyond it as xn--...")
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Forbidden("is no URL") from error
    if parts.username is not None or parts.password is not None:
        raise Forbidden("must hold no user or password: check the signature instead")
    if "#" in url:
        raise Forbidden("must have no fragment")
    return parts, port


def _check_public(scheme: str, host: str, port: int) -> None:
    if scheme != "https":
        raise Forbidden("must begin with https://")
    if port not in PORTS:
        raise Forbidden(f"must be at port {' or '.join(map(str, PORTS))}")
    if _numeric(host):
        if not is_open(host):
            raise Forbidden(f"{host} is not a public address")
    elif not _NAME.fullmatch(host):
        raise Forbidden("must name a public host, such as hooks.example.com")


def _numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def admit(place: Place, addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses that may be called, in the resolver's order. Raises Forbidden where even one may not: a name that points
    inside as well is trusted in nothing.
    """
    found = tuple(dict.fromkeys(addresses))
    if not found:
        raise Forbidden(f"{place.host} has no address")
    fine = is_loopback if place.inside else is_open
    closed = [address for address in found if not fine(address)]
    if closed:
        raise Forbidden(f"{place.host} is at {closed[0]}, which is not {'loopback' if place.inside else 'a public address'}")
    return found
