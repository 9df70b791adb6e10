"""Replaying decisions: each stored choice is made again from its own inputs and must come out the same, to the last bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.store import tables
from rates.choice import OtherRule, replay
from rates.decisions import Decision


class Replayed(msgspec.Struct, frozen=True):
    """One decision; `wrong` says what came out differently, "" where nothing did."""

    id: str
    wrong: str = ""


def count(tx: sa.Connection, *conditions: Any) -> int:
    return tx.scalar(sa.select(sa.func.count()).select_from(tables.decisions).where(*conditions)) or 0


def every(tx: sa.Connection, *conditions: Any) -> Iterator[Replayed]:
    """All of them, oldest first."""
    table = tables.decisions.c
    chosen = sa.select(table.id, table.body).where(*conditions).order_by(table.id).execution_options(yield_per=500)
    for row in tx.execute(chosen):
        yield Replayed(row.id, difference(row.body))


def of(merchant_id: str | None, since: dt.datetime | None) -> list[Any]:
    """The conditions for a merchant's decisions since then; None is everybody's, and from the beginning."""
    table = tables.decisions.c
    return [*([table.merchant_id == merchant_id] if merchant_id else []), *([table.created_at >= since] if since else [])]


def difference(body: Any) -> str:
    """What the stored decision and its replay do not agree on."""
    try:
        stored = msgspec.convert(body, Decision)
        again = replay(stored)
    except (msgspec.ValidationError, OtherRule) as error:
        return str(error)
    names = [name for name in Decision.__struct_fields__ if _bits(getattr(stored, name)) != _bits(getattr(again, name))]
    return f"another {', '.join(names)}" if names else ""


def _bits(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
