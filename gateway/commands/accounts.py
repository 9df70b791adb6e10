"""`gateway accounts`: a merchant's contracts with carriers.

A secret need not stand on the command line: `token=@file`, `token=@-` (standard input), `token=env:NAME`.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import rich_click as click
import sqlalchemy as sa

from adapters.contract.carrier import Carrier
from adapters.contract.errors import CarrierError, Refused
from gateway import clock, ids
from gateway.carriers import registry
from gateway.carriers.client import NoLab
from gateway.carriers.registry import NoSuchCarrier
from gateway.commands.audited import audited
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json, show_table
from gateway.services import verifying
from gateway.services.kit import Kit, on_own_thread
from gateway.settings import from_environment
from gateway.store import accounts as store
from gateway.store.accounts import ACCOUNTS, CARDS, CarrierAccount, StoredCard
from gateway.store.audit import chain_of
from gateway.store.merchants import MERCHANTS
from gateway.store.rows import Owner
from gateway.store.vault import Tampered, Vault, keyring
from gateway.values import Mode
from rates.cardfiles import CardErrors, read_csv, read_toml
from rates.cards import RateCard


@click.group()
def accounts() -> None:
    """Carrier accounts: add, list, verify.

    \b
    gateway accounts verify cac_0123456789abcdefghjk
    """


@accounts.command()
@click.option("--merchant", required=True, help="The merchant's name or id.")
@click.option("--carrier", "code", required=True, help="The carrier's code, such as delhivery.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), default="test", show_default=True)
@click.option("--name", default="", help="Yours, to tell accounts apart.")
@click.option("--secret", "secret_texts", multiple=True, metavar="NAME=VALUE", help="VALUE may be @FILE, @- or env:VARIABLE.")
@click.option("--setting", "setting_texts", multiple=True, metavar="NAME=VALUE")
@click.option("--card", "card_files", multiple=True, type=click.Path(path_type=Path), help="A rate card, TOML or CSV.")
@AS_JSON
def add(
    merchant: str,
    code: str,
    mode: str,
    name: str,
    secret_texts: tuple[str, ...],
    setting_texts: tuple[str, ...],
    card_files: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Add a carrier account, with its rate cards.

    \b
    gateway accounts add --merchant "Kalpana Apparel" --carrier delhivery --mode test \\
        --secret token=env:DELHIVERY_TOKEN --setting client=KALPANA --setting pickup_location=Bhiwandi \\
        --card surface.toml
    """
    carrier = _carrier(code)
    given, settings = _secrets(secret_texts), _pairs(setting_texts, "--setting")
    _check_fields(carrier, given, settings)
    cards = [_card(path, carrier) for path in card_files]
    token = secrets.token_urlsafe(32)
    with ledger() as database, database.write() as tx:
        owner = Owner(merchant_named(tx, merchant).id, Mode(mode))
        with audited(tx, "createCarrierAccount", chain=chain_of(owner)) as change:
            row = store.add(
                tx,
                Vault(keyring(from_environment())),
                owner,
                carrier=code,
                name=name or carrier.name,
                secrets=given,
                settings=settings,
                callback_token=token,
                now=clock.wall(),
            )
            for card in cards:
                CARDS.insert(tx, _stored(owner, card))
            change.object_id = row.id
    _show_added(row, f"{from_environment().api_url}/v1/callbacks/{code}/{token}", len(cards), as_json)


def _show_added(row: CarrierAccount, callback: str, cards: int, as_json: bool) -> None:
    if as_json:
        show_json({**_line(row), "callback_url": callback, "rate_cards": cards})
    else:
        click.echo(row.id)
        click.echo(f"callback, to be given to the carrier, shown once: {callback}")


def _carrier(code: str) -> Carrier:
    try:
        return registry.carrier(code)
    except NoSuchCarrier as error:
        raise Failed(str(error)) from error


def _pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise click.UsageError(f"{option} {name!r}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _secrets(texts: Iterable[str]) -> dict[str, str]:
    return {name: _secret(name, value) for name, value in _pairs(texts, "--secret").items()}


def _secret(name: str, value: str) -> str:
    """The value itself, or what it points to. Raises UsageError."""
    if value == "@-":
        return sys.stdin.readline().strip()
    if value.startswith("@"):
        return _content(Path(value[1:]), f"--secret {name}").strip()
    if value.startswith("env:"):
        found = os.environ.get(value[4:])
        if not found:
            raise click.UsageError(f"--secret {name}: the environment has no {value[4:]}")
        return found
    return value


def _content(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{option}: {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _check_fields(carrier: Carrier, given: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Raises UsageError naming what is missing or unknown, with the carrier's word for it."""
    for secret, option, values in ((True, "--secret", given), (False, "--setting", settings)):
        fields = {field.name: field for field in carrier.fields if field.secret is secret}
        unknown = values.keys() - fields.keys()
        if unknown:
            raise click.UsageError(f"{carrier.code} has no {option} {', '.join(sorted(unknown))}; it has {', '.join(fields)}")
        missing = [field for field in fields.values() if field.required and not values.get(field.name)]
        if missing:
            raise click.UsageError(f"{option} {missing[0].name}=... is missing: {missing[0].help}")


def _card(path: Path, carrier: Carrier) -> RateCard:
    """Raises Failed with every error of the file, UsageError where it is not this carrier's."""
    text = _content(path, "--card")
    card = read_csv(text) if path.suffix == ".csv" else read_toml(text)
    if isinstance(card, CardErrors):
        raise Failed("; ".join(f"{path}:{e.line}: {e.field} {e.problem}: {e.cure}" for e in card.errors))
    known = [service.code for service in carrier.services]
    if card.carrier != carrier.code or card.service not in known:
        raise click.UsageError(f"--card {path}: is for {card.carrier} {card.service}, not for {carrier.code} {' or '.join(known)}")
    return card


def _stored(owner: Owner, card: RateCard) -> StoredCard:
    return StoredCard(
        id=ids.new("rcd"),
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        carrier=card.carrier,
        service=card.service,
        body=card,
        created_at=clock.wall(),
    )


@accounts.command("list")
@click.option("--merchant", help="Of this merchant only: its name or id.")
@AS_JSON
def list_accounts(merchant: str | None, as_json: bool) -> None:
    """List the carrier accounts.

    \b
    gateway accounts list --merchant "Kalpana Apparel"
    """
    with ledger() as database, database.read() as tx:
        chosen = [ACCOUNTS.table.c.merchant_id == merchant_named(tx, merchant).id] if merchant else []
        found = ACCOUNTS.all(tx, *chosen)
    if as_json:
        show_json([_line(row) for row in found])
    else:
        rows = [(row.id, row.carrier, row.mode, "on" if row.enabled else row.disabled_reason, row.name) for row in found]
        show_table(("id", "carrier", "mode", "state", "name"), rows)


def _line(row: CarrierAccount) -> dict[str, object]:
    return {
        "id": row.id,
        "merchant": row.merchant_id,
        "mode": row.mode,
        "carrier": row.carrier,
        "name": row.name,
        "settings": row.settings,
        "enabled": row.enabled,
        "disabled_reason": row.disabled_reason,
    }


@accounts.command()
@click.argument("account_id")
@AS_JSON
def verify(account_id: str, as_json: bool) -> None:
    """Ask the carrier something harmless with the account's credentials: refused ones pause it, good ones end that.

    \b
    gateway accounts verify cac_0123456789abcdefghjk
    """
    kit = on_own_thread(from_environment())
    with ledger() as database:
        with database.read() as tx:
            row = _row(tx, account_id)
            now = MERCHANTS.one(tx, row.merchant_id).now(row.mode, clock.wall())
        asked, refusal = _asked(kit, row, now)
        chain = chain_of(Owner(row.merchant_id, row.mode))
        with database.write() as tx, audited(tx, "verifyCarrierAccount", account_id, chain):
            settled = verifying.settle(tx, account_id, refusal, clock.wall())
    if refusal:
        raise Failed(f"{account_id}: {row.carrier} answered {type(refusal).__name__}: {refusal}")
    if as_json:
        show_json({"asked": asked, "account": _line(settled)})
    else:
        click.echo(f"{account_id}: {registry.carrier(row.carrier).name} took the credentials")


def _row(tx: sa.Connection, account_id: str) -> CarrierAccount:
    row = ACCOUNTS.first(tx, ACCOUNTS.table.c.id == account_id)
    if row is None:
        raise Failed(f"no carrier account {account_id!r}; `gateway accounts list` shows those there are")
    return row


def _asked(kit: Kit, row: CarrierAccount, now: dt.datetime) -> tuple[str, Refused | None]:
    """What was asked, or the refusal. Raises Failed where there was no answer."""
    try:
        return kit.wait(verifying.ask(kit, store.opened(kit.vault, row), now)), None
    except Refused as refusal:
        return "", refusal
    except (Tampered, NoLab, verifying.Nothing) as error:
        raise Failed(str(error)) from error
    except CarrierError as error:
        raise Failed(f"{row.id}: {row.carrier} answered {type(error).__name__}: {error}") from error
