"""The world as set by hand: success, prices and reach, for an account or a whole carrier, by zone or lane.

A zone is the first three digits of the origin's postal code ("560"), a lane two of them ("560-400"). Each setting is taken
from the narrowest place that has it: lane, zone, account; an account's own before its carrier's.
"""

from __future__ import annotations

import msgspec

from adapters.lab.books import Books


class World(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """None: left to the side and the dice. `price` is a factor."""

    success: float | None = None
    price: float | None = None
    serviceable: bool | None = None


def set_world(books: Books, carrier: str, account: str, zone: str, change: World) -> World:
    """Lay `change` over what was set there before."""
    before = _kept(books, carrier, account, zone)
    after = World(**(msgspec.structs.asdict(before) | _given(change)))
    books.keep(carrier, account, _key(zone), after)
    return after


def world_of(books: Books, carrier: str, account: str, origin: str, destination: str) -> World:
    zones = ("", origin[:3], f"{origin[:3]}-{destination[:3]}")
    places = [(whose, zone) for zone in zones for whose in ("", account)]
    merged: dict[str, float | bool] = {}
    for whose, zone in places:
        merged |= _given(_kept(books, carrier, whose, zone))
    return msgspec.convert(merged, World)


def _kept(books: Books, carrier: str, account: str, zone: str) -> World:
    return msgspec.convert(books.kept(carrier, account, _key(zone)) or {}, World)


def _given(world: World) -> dict[str, float | bool]:
    return {name: value for name, value in msgspec.structs.asdict(world).items() if value is not None}


def _key(zone: str) -> str:
    return f"_world:{zone}"
