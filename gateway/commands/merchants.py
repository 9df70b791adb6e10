"""`gateway merchants` and `gateway keys`: who uses the API."""

from __future__ import annotations

import re

import rich_click as click

from gateway import clock
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json
from gateway.store import merchants as store
from gateway.store.merchants import SCOPES
from gateway.store.rows import Owner
from gateway.values import Mode


@click.group()
def merchants() -> None:
    """Merchants: create one.

    \b
    gateway merchants create "Kalpana Apparel" --country IN --currency INR
    """


@merchants.command()
@click.argument("name")
@click.option("--country", default="IN", show_default=True, help="ISO 3166 code of the merchant's country.")
@click.option("--currency", default="INR", show_default=True, help="ISO 4217 code its costs are compared in.")
@AS_JSON
def create(name: str, country: str, currency: str, as_json: bool) -> None:
    """Create a merchant.

    \b
    gateway merchants create "Kalpana Apparel" --country IN --currency INR
    """
    _expect(country, r"[A-Z]{2}", "--country", "two capitals, such as IN")
    _expect(currency, r"[A-Z]{3}", "--currency", "three capitals, such as INR")
    with ledger() as database, database.write() as tx:
        if store.by_name(tx, name):
            raise Failed(f"there is a merchant {name!r} already: choose another name")
        made = store.create(tx, name, currency, country, clock.wall())
    if as_json:
        show_json(made)
    else:
        click.echo(f"{made.id}  {made.name}")


def _expect(text: str, pattern: str, option: str, what: str) -> None:
    if not re.fullmatch(pattern, text):
        raise click.UsageError(f"{option} {text!r}: write {what}")


@click.group()
def keys() -> None:
    """API keys: create one.

    \b
    gateway keys create --merchant "Kalpana Apparel" --mode test
    """


@keys.command("create")
@click.option("--merchant", required=True, help="The merchant's name or id.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), required=True, help="test reaches the lab only.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="May be repeated; all but admin if left out.")
@click.option("--name", default="", help="What the key is for.")
@AS_JSON
def create_key(merchant: str, mode: str, scopes: tuple[str, ...], name: str, as_json: bool) -> None:
    """Create an API key. It is shown once and kept nowhere.

    \b
    gateway keys create --merchant "Kalpana Apparel" --mode test --scope pickups:read
    """
    scopes = scopes or tuple(scope for scope in SCOPES if scope != "admin")
    with ledger() as database, database.write() as tx:
        owner = Owner(merchant_named(tx, merchant).id, Mode(mode))
        row, text = store.create_key(tx, owner, name, scopes, clock.wall())
    if as_json:
        show_json({"id": row.id, "key": text, "mode": mode, "scopes": scopes, "merchant": owner.merchant_id})
    else:
        click.echo(text)
