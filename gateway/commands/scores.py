"""`gateway scores`: what was learnt, and the sums of the scorecards, held against the ledger or made anew from it."""

from __future__ import annotations

import rich_click as click
import sqlalchemy as sa

from gateway.commands.ledger import Failed, ledger, merchant_named
from gateway.services import facts, scoring
from gateway.store import cases, scores_blocks
from gateway.store import scores as store
from gateway.store.database import Database
from gateway.store.rows import Owner

_SHOWN = 20


@click.group()
def scores() -> None:
    """What was learnt: add it up anew from the ledger, or check it.

    \b
    gateway scores rebuild --check
    """


@scores.command()
@click.option("--merchant", help="Of this merchant only: its name or id.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where anything differs from the ledger.")
def rebuild(merchant: str | None, check: bool) -> None:
    """Add up cells and facts anew from the ledger's visits and bookings.

    \b
    gateway scores rebuild --merchant "Kalpana Apparel"
    gateway scores rebuild --check
    """
    with ledger() as database:
        with database.read() as tx:
            merchant_id = merchant_named(tx, merchant).id if merchant else None
            chosen = [owner for owner in store.owners(tx) if merchant_id in (None, owner.merchant_id)]
        wrong = [line for owner in chosen for line in (_check(database, owner) if check else _rebuild(database, owner))]
    if wrong:
        raise Failed(f"{len(wrong)} differ from the ledger: {', '.join(wrong[:_SHOWN])}; `gateway scores rebuild` mends them")


def _rebuild(database: Database, owner: Owner) -> list[str]:
    """One transaction for the cells and blocks, one for each pickup's facts before: visits go on meanwhile."""
    with database.read() as tx:
        pickups = facts.pickups_of(tx, owner)
    for pickup in pickups:
        with database.write() as tx:
            facts.keep(tx, cases.load(tx, pickup))
    with database.write() as tx:
        cells = scoring.rebuild(tx, owner)
        scores_blocks.rebuild(tx, owner)
    click.echo(f"{owner.merchant_id} {owner.mode}: {cells} cells, {len(pickups)} pickups")
    return []


def _check(database: Database, owner: Owner) -> list[str]:
    with database.read() as tx:
        wrong = [*scoring.differing(tx, owner), *scores_blocks.differing(tx, owner)]
        wrong += _stale(tx, owner)
    click.echo(f"{owner.merchant_id} {owner.mode}: {'as the ledger has it' if not wrong else f'{len(wrong)} differ'}")
    return wrong


def _stale(tx: sa.Connection, owner: Owner) -> list[str]:
    return [f"fact of {booking}" for pickup in facts.pickups_of(tx, owner) for booking in facts.differing(tx, pickup)]
