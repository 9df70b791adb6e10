"""`gateway reconcile`: the ledger held against carriers' own lists now, without waiting for the day's turn."""

from __future__ import annotations

import rich_click as click

from gateway import clock
from gateway.carriers import registry
from gateway.carriers.client import NoLab
from gateway.commands.ledger import AS_JSON, Failed, ledger, show_json, show_table
from gateway.commands.progress import shown
from gateway.services import reconciling
from gateway.services.kit import Kit, on_own_thread
from gateway.services.reconciling import Found
from gateway.settings import from_environment
from gateway.store.accounts import ACCOUNTS, CarrierAccount
from gateway.store.vault import Tampered


@click.command()
@click.option("--account", "account_id", help="This carrier account only.")
@AS_JSON
def reconcile(account_id: str | None, as_json: bool) -> None:
    """Ask the carriers for their own lists of the last days and hold the ledger against them.

    What is found is told, and stands in `gateway exceptions list`. Exits with 1 where a list could not be had in full.

    \b
    gateway reconcile
    gateway reconcile --account cac_0123456789abcdefghjk --json
    """
    with ledger() as database, database.read() as tx:
        rows = [row for row in ACCOUNTS.all(tx) if account_id in (None, row.id) and row.enabled]
    if account_id and not rows:
        raise Failed(f"no carrier account {account_id!r} is in use; `gateway accounts list` shows those there are")
    listing = [row for row in rows if registry.carrier(row.carrier).list_of_day]
    if account_id and not listing:
        raise Failed(f"{rows[0].carrier} has no list of its own to be held against")
    kit = on_own_thread(from_environment())
    found = [_reconcile(kit, row) for row in shown("reconciling", listing, len(listing))]
    if as_json:
        show_json(found)
    else:
        show_table(_HEADS, [_row(one) for one in found])
    if not all(one.complete for one in found):
        raise Failed("a carrier did not tell its whole list: what is missing there was not looked for; try again later")


def _reconcile(kit: Kit, row: CarrierAccount) -> Found:
    try:
        return reconciling.reconcile(kit, row.id, clock.wall())
    except (Tampered, NoLab) as error:
        raise Failed(str(error)) from error


_HEADS = ("account", "carrier", "listed", "known", "adopted", "cancelled again", "orphans", "missing", "whole list")


def _row(one: Found) -> tuple[str, ...]:
    counts = (one.listed, one.known, one.adopted, one.cancelled_again, one.orphans, one.missing)
    return (one.account, one.carrier, *map(str, counts), "yes" if one.complete else "no")
