"""`gateway erase`: people go, statistics stay."""

from __future__ import annotations

from collections.abc import Mapping

import rich_click as click
import sqlalchemy as sa

from gateway import clock
from gateway.commands.audited import audited
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json
from gateway.services import erasing
from gateway.services.commanding import WrongState
from gateway.services.erasing import Erased
from gateway.settings import Settings, from_environment
from gateway.store import tables
from gateway.store.audit import chain_of
from gateway.store.database import Database
from gateway.store.ledger import PICKUPS, Pickup
from gateway.store.rows import Owner
from gateway.store.vault import Vault, keyring
from gateway.values import Mode


@click.command()
@click.argument("pickup_id", required=False)
@click.option("--merchant", help="With --reference: the merchant's name or id.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), default="live", show_default=True)
@click.option("--reference", help="All pickups of this reference, instead of one by its id.")
@AS_JSON
def erase(pickup_id: str | None, merchant: str | None, mode: str, reference: str | None, as_json: bool) -> None:
    """Erase people from a pickup that has ended, or from all of a reference: names, phones, streets, notes, labels, wire texts.

    Visits, decisions and money stay. It cannot be undone; a second time changes nothing.

    \b
    gateway erase pck_0123456789abcdefghjk
    gateway erase --merchant "Kalpana Apparel" --reference RMA-1001
    """
    if bool(pickup_id) == bool(reference) or bool(reference) != bool(merchant):
        raise click.UsageError("give a pickup's id, or --merchant and --reference")
    settings = from_environment()
    with ledger(settings) as database:
        with database.read() as tx:
            found = _by_reference(tx, merchant, mode, reference) if merchant and reference else _by_id(tx, pickup_id or "")
        done = [_erase(database, settings, pickup) for pickup in found]
        database.forget()
    if as_json:
        show_json([_told(one) for one in done])
    else:
        for one in done:
            click.echo(f"{one.pickup_id}: erased at {one.at:%Y-%m-%d %H:%M:%S} UTC, {sum(one.rows.values())} rows now")


def _told(erased: Erased) -> Mapping[str, object]:
    return {"pickup": erased.pickup_id, "erased_at": erased.at, "rows": erased.rows}


def _by_id(tx: sa.Connection, pickup_id: str) -> list[Pickup]:
    """Raises Failed where there is none."""
    found = PICKUPS.all(tx, tables.pickups.c.id == pickup_id)
    if not found:
        raise Failed(f"no pickup {pickup_id!r}; `gateway pickups list` shows those there are")
    return found


def _by_reference(tx: sa.Connection, merchant: str, mode: str, reference: str) -> list[Pickup]:
    owner = Owner(merchant_named(tx, merchant).id, Mode(mode))
    found = PICKUPS.all(tx, PICKUPS.owned(owner), tables.pickups.c.reference == reference)
    if not found:
        raise Failed(f"no pickup of {merchant!r} in mode {mode} has the reference {reference!r}")
    return found


def _erase(database: Database, settings: Settings, pickup: Pickup) -> Erased:
    """Each in a transaction of its own: nobody who waits for the next pickup holds up this one. Raises Failed while it is open."""
    chain = chain_of(Owner(pickup.merchant_id, pickup.mode))
    try:
        with database.write() as tx, audited(tx, erasing.ACTION, pickup.id, chain):
            return erasing.erase(tx, Vault(keyring(settings)), pickup.id, clock.wall())
    except WrongState as error:
        raise Failed(f"{pickup.id}: {error}") from error
