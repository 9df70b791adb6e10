"""`gateway scores`: what was learnt, and the sums of the scorecards, held against the ledger or made anew from it."""

from __future__ import annotations

import msgspec
import rich_click as click
import sqlalchemy as sa

from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json
from gateway.commands.progress import shown
from gateway.services import facts, scoring
from gateway.store import cases, scores_blocks
from gateway.store import scores as store
from gateway.store.database import Database
from gateway.store.rows import Owner
from gateway.values import Mode

_SHOWN = 20


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was added up anew or, where only looked at, what differs from the ledger."""

    merchant: str
    mode: Mode
    cells: int | None = None
    pickups: int | None = None
    differing: list[str] = []

    @property
    def sentence(self) -> str:
        if self.cells is not None:
            return f"{self.cells} cells, {self.pickups} pickups"
        return f"{len(self.differing)} differ" if self.differing else "as the ledger has it"


@click.group()
def scores() -> None:
    """What was learnt: add it up anew from the ledger, or check it.

    \b
    gateway scores rebuild --check
    """


@scores.command()
@click.option("--merchant", help="Of this merchant only: its name or id.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where anything differs from the ledger.")
@AS_JSON
def rebuild(merchant: str | None, check: bool, as_json: bool) -> int:
    """Add up cells and facts anew from the ledger's visits and bookings.

    \b
    gateway scores rebuild --merchant "Kalpana Apparel"
    gateway scores rebuild --check
    """
    with ledger() as database:
        with database.read() as tx:
            merchant_id = merchant_named(tx, merchant).id if merchant else None
            chosen = [owner for owner in store.owners(tx) if merchant_id in (None, owner.merchant_id)]
        done = [_check(database, owner) if check else _rebuild(database, owner) for owner in chosen]
    if as_json:
        show_json(done)
    else:
        _say(done)
    return 1 if any(one.differing for one in done) else 0


def _say(done: list[Done]) -> None:
    """Raises Failed naming what differs."""
    for one in done:
        click.echo(f"{one.merchant} {one.mode}: {one.sentence}")
    wrong = [name for one in done for name in one.differing]
    if wrong:
        raise Failed(f"{len(wrong)} differ from the ledger: {', '.join(wrong[:_SHOWN])}; `gateway scores rebuild` mends them")


def _rebuild(database: Database, owner: Owner) -> Done:
    """One transaction for the cells and blocks, one for each pickup's facts before: visits go on meanwhile."""
    with database.read() as tx:
        pickups = facts.pickups_of(tx, owner)
    for pickup in shown("adding up", pickups, len(pickups)):
        with database.write() as tx:
            facts.keep(tx, cases.load(tx, pickup))
    with database.write() as tx:
        cells = scoring.rebuild(tx, owner)
        scores_blocks.rebuild(tx, owner)
    return Done(merchant=owner.merchant_id, mode=owner.mode, cells=cells, pickups=len(pickups))


def _check(database: Database, owner: Owner) -> Done:
    with database.read() as tx:
        wrong = [*scoring.differing(tx, owner), *scores_blocks.differing(tx, owner)]
        wrong += _stale(tx, owner)
    return Done(merchant=owner.merchant_id, mode=owner.mode, differing=wrong)


def _stale(tx: sa.Connection, owner: Owner) -> list[str]:
    return [f"fact of {booking}" for pickup in facts.pickups_of(tx, owner) for booking in facts.differing(tx, pickup)]
