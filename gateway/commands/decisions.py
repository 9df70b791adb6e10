"""`gateway decisions`: every stored choice made again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import rich_click as click

from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json
from gateway.commands.progress import shown
from gateway.services import replaying

_SHOWN = 20


@click.group()
def decisions() -> None:
    """Decisions: replay every stored choice.

    \b
    gateway decisions replay --merchant "Kalpana Apparel" --since 2026-11-01
    """


@decisions.command()
@click.option("--merchant", help="Of this merchant only: its name or id.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Made on this day (UTC) or later.")
@AS_JSON
def replay(merchant: str | None, since: dt.datetime | None, as_json: bool) -> int:
    """Make each stored choice again from its own inputs. Exits with 1, naming them, where any comes out differently.

    \b
    gateway decisions replay --since 2026-11-01
    """
    with ledger() as database, database.read() as tx:
        merchant_id = merchant_named(tx, merchant).id if merchant else None
        conditions = replaying.of(merchant_id, since.replace(tzinfo=dt.UTC) if since else None)
        every = shown("replaying", replaying.every(tx, *conditions), replaying.count(tx, *conditions))
        done, wrong = _sorted_out(every)
    if as_json:
        show_json({"replayed": done, "different": wrong})
    else:
        _say(done, wrong)
    return 1 if wrong else 0


def _sorted_out(every: Iterable[replaying.Replayed]) -> tuple[int, list[replaying.Replayed]]:
    """How many there are, and those that came out differently."""
    done, wrong = 0, []
    for one in every:
        done += 1
        wrong += [one] if one.wrong else []
    return done, wrong


def _say(done: int, wrong: Sequence[replaying.Replayed]) -> None:
    """Raises Failed naming those that differ."""
    click.echo(f"{done} decisions replayed, {done - len(wrong)} the same, {len(wrong)} different")
    if wrong:
        raise Failed("; ".join(f"{one.id}: {one.wrong}" for one in wrong[:_SHOWN]) + (" ..." if len(wrong) > _SHOWN else ""))
