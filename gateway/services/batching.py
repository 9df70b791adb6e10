"""Accepting many pickups at once: in one transaction, and each of them wholly or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from gateway.services.accepting import DuplicateReference, accept
from gateway.store.ledger import People, Pickup, Wanted
from gateway.store.merchants import Merchant
from gateway.store.rows import Owner


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One pickup as it is asked for."""

    reference: str
    people: People
    wanted: Wanted


def accept_each(
    tx: sa.Connection, owner: Owner, merchant: Merchant, asked: Iterable[Asked], wall: dt.datetime
) -> list[Pickup | DuplicateReference]:
    """What became of each, in their order: of two with one reference the first is taken."""
    return [_accept_one(tx, owner, merchant, one, wall) for one in asked]


def _accept_one(
    tx: sa.Connection, owner: Owner, merchant: Merchant, asked: Asked, wall: dt.datetime, *, again: bool = True
) -> Pickup | DuplicateReference:
    try:
        return _within(tx, owner, merchant, asked, wall)
    except DuplicateReference as duplicate:
        return duplicate
    except sa.exc.IntegrityError:  # somebody took the reference meanwhile: now it can be seen by whom
        if not again:
            raise
        return _accept_one(tx, owner, merchant, asked, wall, again=False)


def _within(tx: sa.Connection, owner: Owner, merchant: Merchant, asked: Asked, wall: dt.datetime) -> Pickup:
    with tx.begin_nested():
        return accept(tx, owner, merchant, asked.reference, asked.people, asked.wanted, wall)
