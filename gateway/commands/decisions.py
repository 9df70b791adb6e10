"""`gateway decisions`: every stored choice made again."""

from __future__ import annotations

import datetime as dt

import rich_click as click

from gateway.commands.ledger import Failed, ledger, merchant_named
from gateway.services import replaying

_SHOWN = 20
_TELL_EVERY = 1000


@click.group()
def decisions() -> None:
    """Decisions: replay every stored choice.

    \b
    gateway decisions replay --merchant "Kalpana Apparel" --since 2026-11-01
    """


@decisions.command()
@click.option("--merchant", help="Of this merchant only: its name or id.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Made on this day (UTC) or later.")
def replay(merchant: str | None, since: dt.datetime | None) -> None:
    """Make each stored choice again from its own inputs. Exits with 1, naming them, where any comes out differently.

    \b
    gateway decisions replay --since 2026-11-01
    """
    wrong: list[replaying.Replayed] = []
    with ledger() as database, database.read() as tx:
        merchant_id = merchant_named(tx, merchant).id if merchant else None
        conditions = replaying.of(merchant_id, since.replace(tzinfo=dt.UTC) if since else None)
        of, done = replaying.count(tx, *conditions), 0
        for done, one in enumerate(replaying.every(tx, *conditions), 1):
            wrong += [one] if one.wrong else []
            if done % _TELL_EVERY == 0:
                click.echo(f"{done} of {of} replayed, {len(wrong)} different", err=True)
    click.echo(f"{done} decisions replayed, {done - len(wrong)} the same, {len(wrong)} different")
    if wrong:
        raise Failed("; ".join(f"{one.id}: {one.wrong}" for one in wrong[:_SHOWN]) + (" ..." if len(wrong) > _SHOWN else ""))
