"""The carriers that are installed: entry points of the group `gateway.carriers`, loaded when first asked for."""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points

from adapters.contract.carrier import Carrier

GROUP = "gateway.carriers"


class NoSuchCarrier(LookupError):
    """No installed package offers a carrier of that code."""


@functools.cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@functools.cache
def carrier(code: str) -> Carrier:
    """Raises NoSuchCarrier naming those that are installed."""
    try:
        found: Carrier = _entries()[code].load()
    except KeyError as error:
        raise NoSuchCarrier(f"no carrier {code!r}; installed: {', '.join(codes())}") from error
    return found


def codes() -> tuple[str, ...]:
    return tuple(sorted(_entries()))


def every() -> tuple[Carrier, ...]:
    return tuple(carrier(code) for code in codes())
