"""`gateway merchants` and `gateway keys`: who uses the API."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import rich_click as click
import sqlalchemy as sa

from adapters.contract.units import Money
from gateway import clock
from gateway.commands.audited import audited
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json, show_table
from gateway.services import enrolling, rekeying
from gateway.services.enrolling import AMOUNTS, NameTaken, Newcomer, NoFirstPolicy
from gateway.services.exchange import currency_rates
from gateway.services.rekeying import NotDone
from gateway.settings import Settings, from_environment
from gateway.store import merchants as store
from gateway.store.audit import chain_of
from gateway.store.database import Database
from gateway.store.merchants import ADMIN_KEYS, KEYS, MERCHANTS, SCOPES, AdminKey, ApiKey
from gateway.store.rows import Owner
from gateway.store.sealed import Done
from gateway.store.vault import Tampered
from gateway.values import Mode


@click.group()
def merchants() -> None:
    """Merchants: create one, list them.

    \b
    gateway merchants create "Kalpana Apparel" --country IN --currency INR
    """


@merchants.command()
@click.argument("name")
@click.option("--country", default="IN", show_default=True, help="ISO 3166 code of the merchant's country.")
@click.option("--currency", default="INR", show_default=True, help="ISO 4217 code its costs are compared in.")
@click.option("--amount", "amounts", multiple=True, metavar="NAME=AMOUNT", help=f"Of the first policy: {', '.join(AMOUNTS)}.")
@click.option("--retention-days", type=click.IntRange(0, 3650), help="Days after its end until people are erased; 0: never.")
@AS_JSON
def create(name: str, country: str, currency: str, amounts: tuple[str, ...], retention_days: int | None, as_json: bool) -> None:
    """Create a merchant, with its first policy in its own currency.

    The default amounts are converted at the dated rate of GATEWAY_CURRENCY_RATES; without one, give them all.

    \b
    gateway merchants create "Kalpana Apparel" --country IN --currency INR
    gateway merchants create "Blue Kite" --country US --currency USD --amount give_up_at=3.60 \\
        --amount failed_visit_cost=0.18 --amount cost_per_day=0.10 --amount deadline_penalty=0.48 --amount failover_cost=0.07
    """
    _expect(country, r"[A-Z]{2}", "--country", "two capitals, such as IN")
    _expect(currency, r"[A-Z]{3}", "--currency", "three capitals, such as INR")
    given = _amounts(amounts, currency)
    asked = Newcomer(name=name, country=country, currency=currency, amounts=given, retention_days=retention_days)
    try:
        with ledger() as database, database.write() as tx, audited(tx, "createMerchant") as change:
            made = enrolling.enrol(tx, asked, currency_rates(from_environment()), clock.wall())
            change.object_id = made.id
    except NameTaken as error:
        raise Failed(str(error)) from error
    except NoFirstPolicy as error:
        raise Failed(f"{error}; an amount is given as --amount {AMOUNTS[0]}=3.60") from error
    if as_json:
        show_json(made)
    else:
        click.echo(f"{made.id}  {made.name}")


def _amounts(texts: tuple[str, ...], currency: str) -> Mapping[str, Money]:
    """All of the policy's amounts, or none. Raises UsageError."""
    pairs = dict(text.partition("=")[::2] for text in texts)
    unknown = sorted(pairs.keys() - set(AMOUNTS))
    if unknown:
        raise click.UsageError(f"--amount {unknown[0]!r}: there are {', '.join(AMOUNTS)}")
    missing = [name for name in AMOUNTS if name not in pairs]
    if pairs and missing:
        raise click.UsageError(f"--amount {missing[0]}=... is missing: give all of them, or none")
    return {name: _amount(name, text, currency) for name, text in pairs.items()}


def _amount(name: str, text: str, currency: str) -> Money:
    try:
        return Money.of(text, currency)
    except ValueError as error:
        raise click.UsageError(f"--amount {name}={text}: {error}") from error


@merchants.command("list")
@AS_JSON
def list_merchants(as_json: bool) -> None:
    """List the merchants, oldest first.

    \b
    gateway merchants list
    """
    with ledger() as database, database.read() as tx:
        found = MERCHANTS.all(tx)
    if as_json:
        show_json(found)
    else:
        show_table(("id", "country", "currency", "name"), [(row.id, row.country, row.currency, row.name) for row in found])


def _expect(text: str, pattern: str, option: str, what: str) -> None:
    if not re.fullmatch(pattern, text):
        raise click.UsageError(f"{option} {text!r}: write {what}")


@click.group()
def keys() -> None:
    """API keys: create, list and revoke them, and renew the master key.

    \b
    gateway keys create --merchant "Kalpana Apparel" --mode test
    """


@keys.command("create")
@click.option("--merchant", help="The merchant's name or id.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), help="test reaches the lab only.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="May be repeated; all but admin if left out.")
@click.option("--admin", is_flag=True, help="A key of the installation: it makes merchants, and belongs to none.")
@click.option("--name", default="", help="What the key is for.")
@click.option("--expires-in-days", type=click.IntRange(1, 3650), help="It is no key any more after that.")
@AS_JSON
def create_key(
    merchant: str | None,
    mode: str | None,
    scopes: tuple[str, ...],
    admin: bool,
    name: str,
    expires_in_days: int | None,
    as_json: bool,
) -> None:
    """Create an API key. It is shown once and kept nowhere.

    \b
    gateway keys create --merchant "Kalpana Apparel" --mode test --scope pickups:read
    gateway keys create --admin --name "back office" --expires-in-days 90
    """
    if admin == bool(merchant) or bool(merchant) != bool(mode) or (admin and scopes):
        raise click.UsageError("give either --admin, or --merchant and --mode")
    expires = clock.wall() + dt.timedelta(days=expires_in_days) if expires_in_days else None
    with ledger() as database, database.write() as tx:
        if merchant and mode:
            owner = Owner(merchant_named(tx, merchant).id, Mode(mode))
            told, text = _merchants_key(tx, owner, scopes, name, expires)
        else:
            told, text = _admin_key(tx, name, expires)
    if as_json:
        show_json({**told, "key": text})
    else:
        click.echo(text)


def _merchants_key(
    tx: sa.Connection, owner: Owner, scopes: tuple[str, ...], name: str, expires: dt.datetime | None
) -> tuple[dict[str, object], str]:
    """What is told of it, and the key."""
    scopes = scopes or tuple(scope for scope in SCOPES if scope != "admin")
    with audited(tx, "createApiKey", chain=chain_of(owner)) as change:
        row, text = store.create_key(tx, owner, name, scopes, clock.wall(), expires)
        change.object_id = row.id
    return {"id": row.id, "mode": str(owner.mode), "scopes": scopes, "merchant": owner.merchant_id}, text


def _admin_key(tx: sa.Connection, name: str, expires: dt.datetime | None) -> tuple[dict[str, object], str]:
    with audited(tx, "createAdminKey") as change:
        row, text = store.create_admin_key(tx, name, clock.wall(), expires)
        change.object_id = row.id
    return {"id": row.id, "mode": store.ADMIN}, text


@keys.command("list")
@click.option("--merchant", help="Of this merchant; those of the installation if left out.")
@AS_JSON
def list_keys(merchant: str | None, as_json: bool) -> None:
    """List keys: what they are for and whether they hold, never the keys.

    \b
    gateway keys list --merchant "Kalpana Apparel"
    """
    with ledger() as database, database.read() as tx:
        found: list[ApiKey] | list[AdminKey] = ADMIN_KEYS.all(tx)
        if merchant:
            found = KEYS.all(tx, KEYS.table.c.merchant_id == merchant_named(tx, merchant).id)
    lines = [_line(row) for row in found]
    if as_json:
        show_json(lines)
    else:
        heads = ("id", "mode", "hint", "state", "last_used_at", "name")
        show_table(heads, [[line[head] for head in heads] for line in lines])


def _line(row: ApiKey | AdminKey) -> dict[str, str]:
    over = row.expires_at is not None and row.expires_at <= clock.wall()
    return {
        "id": row.id,
        "mode": str(row.mode) if isinstance(row, ApiKey) else store.ADMIN,
        "hint": row.hint,
        "state": "revoked" if row.revoked_at else "expired" if over else "good",
        "last_used_at": f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "",
        "name": row.name,
    }


@keys.command("revoke")
@click.argument("key_id")
@AS_JSON
def revoke_key(key_id: str, as_json: bool) -> None:
    """Revoke a key, at once and for good.

    \b
    gateway keys revoke key_0123456789abcdefghjk
    """
    with ledger() as database, database.write() as tx:
        key = KEYS.first(tx, KEYS.table.c.id == key_id)
        admin = ADMIN_KEYS.first(tx, ADMIN_KEYS.table.c.id == key_id)
        if key:
            with audited(tx, "revokeApiKey", key_id, chain_of(Owner(key.merchant_id, key.mode))):
                KEYS.update(tx, key_id, revoked_at=key.revoked_at or clock.wall())
        elif admin:
            with audited(tx, "revokeAdminKey", key_id):
                ADMIN_KEYS.update(tx, key_id, revoked_at=admin.revoked_at or clock.wall())
        else:
            raise Failed(f"no key {key_id!r}; `gateway keys list --merchant NAME` shows a merchant's")
    if as_json:
        show_json({"id": key_id, "state": "revoked"})
    else:
        click.echo(f"{key_id} is revoked")


@keys.command("rotate-master")
@click.option("--drop-old", is_flag=True, help="The second step: forget the old key, once no record needs it.")
@click.option("--settle", type=float, default=rekeying.SETTLED, show_default=True, help="Seconds that writes under way may take.")
@AS_JSON
def rotate_master(drop_old: bool, settle: float, as_json: bool) -> None:
    """Seal every stored secret anew with a new GATEWAY_MASTER_KEY, while all processes work. Broken off, it goes on when run again.

    A key file gets its new key by itself. Keys in the environment: start all processes with OLD,NEW, then with NEW,OLD, then run
    this. Keep the old key as long as backups of before are kept.

    \b
    gateway keys rotate-master
    gateway keys rotate-master --drop-old
    """
    settings = from_environment()
    with ledger(settings) as database:
        try:
            told = _drop_old(database, settings) if drop_old else _rotate(database, settings, settle, as_json)
        except (NotDone, Tampered) as error:
            raise Failed(str(error)) from error
        with database.write() as tx, audited(tx, "dropMasterKey" if drop_old else "rotateMasterKey") as change:
            change.more = told
    if as_json:
        show_json(told)


def _rotate(database: Database, settings: Settings, settle: float, quiet: bool) -> dict[str, object]:
    made = rekeying.introduce(settings)
    done = rekeying.reseal(database, settings, lambda name, done: None if quiet else _show_progress(name, done), settle)
    if not quiet:
        click.echo(f"{done.records} records sealed anew, none is left; `--drop-old` ends the rotation")
    return {"new_key_made": made, "resealed": done.columns}


def _show_progress(name: str, done: Done) -> None:
    click.echo(f"{name}: {done.seen} seen, {done.resealed} sealed anew", err=True)


def _drop_old(database: Database, settings: Settings) -> dict[str, object]:
    changed = rekeying.drop_old(database, settings)
    where = (
        "the old key is out of the file" if changed else "no record needs the old key: leave the new one alone where the keys stand"
    )
    click.echo(where, err=True)
    return {"file_changed": changed}
