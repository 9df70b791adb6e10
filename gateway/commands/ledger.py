"""The ledger opened for one command, its failures told in one line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import rich_click as click
import sqlalchemy as sa

from gateway.processes.ledger import opened
from gateway.settings import Settings, from_environment
from gateway.store import merchants
from gateway.store.database import Database
from gateway.store.merchants import MERCHANTS, Merchant

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Failed(click.ClickException):
    """It could not be done; the text says why and what to do."""

    exit_code = 1


@contextlib.contextmanager
def ledger(settings: Settings | None = None) -> Iterator[Database]:
    """The database, at this program's version. Raises CannotRun."""
    with opened(settings or from_environment()) as database:
        database.check()
        yield database


def merchant_named(tx: sa.Connection, name: str) -> Merchant:
    """By name or id. Raises Failed naming those there are."""
    found = merchants.by_name(tx, name) or MERCHANTS.first(tx, merchants.MERCHANTS.table.c.id == name)
    if found:
        return found
    known = ", ".join(repr(one.name) for one in MERCHANTS.all(tx, limit=10)) or "none yet"
    raise Failed(f"no merchant {name!r} (there are: {known}); `gateway merchants create {name!r}` makes one")


def show_json(value: Any) -> None:
    click.echo(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False))


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as what stands in them."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
