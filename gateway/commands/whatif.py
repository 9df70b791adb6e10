"""`gateway what-if`: another policy on a merchant's own stored decisions. No carrier is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import rich_click as click

from adapters.contract.units import CurrencyMismatch, Money
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json
from gateway.services import whatif
from gateway.services.exchange import currency_rates
from gateway.services.policy_files import BadPolicy, read_policy
from gateway.settings import from_environment
from gateway.store.accounts import start_of_policy
from gateway.store.rows import Owner
from gateway.values import Mode
from rates.policy import Policy
from rates.whatif import Figure, WhatIf

_DAY = dt.timedelta(days=1)
_ALL = 10_000_000  # nobody waits for an answer over HTTP


@click.command("what-if")
@click.argument("policy", type=click.Path(path_type=Path))
@click.option("--merchant", required=True, help="The merchant's name or id.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), default="live", show_default=True)
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First day booked (UTC); left out: 90 days ago.")
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), help="Last day booked; left out: today.")
@AS_JSON
def what_if(policy: Path, merchant: str, mode: str, since: dt.datetime | None, until: dt.datetime | None, as_json: bool) -> None:
    """Try the policy of a TOML file on what was decided.

    \b
    gateway what-if patient.toml --merchant "Kalpana Apparel" --mode test --from 2026-09-01 --to 2026-11-29
    """
    last = (until or dt.datetime.now(dt.UTC)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=dt.UTC)
    first = since.replace(tzinfo=dt.UTC) if since else last - 89 * _DAY
    with ledger() as database, database.read() as tx:
        found = merchant_named(tx, merchant)
        owner = Owner(found.id, Mode(mode))
        rates = currency_rates(from_environment())
        other = _policy(policy, start_of_policy(tx, owner, found.currency, rates, dt.datetime.now(dt.UTC).date()))
        try:
            answer = whatif.run(tx, owner, other, first, last + _DAY, most=_ALL, told=_tell)
        except CurrencyMismatch as error:
            raise Failed(str(error)) from error
    if as_json:
        show_json(answer)
    else:
        _show(answer)


def _policy(path: Path, start: Policy) -> Policy:
    try:
        return read_policy(path.read_text(encoding="utf-8"), start)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except BadPolicy as error:
        raise Failed(f"{path}: {error}") from error


def _tell(done: int, of: int) -> None:
    if done % 1000 == 0:
        click.echo(f"{done} of {of}", err=True)


def _show(found: WhatIf) -> None:
    share = f" ({found.changed / found.decisions:.0%})" if found.decisions else ""
    click.echo(f"{found.decisions} decisions, {found.judged} with a known outcome; {found.changed} would differ{share}")
    click.echo(f"             {'as it was':>16}  {'with this policy':>16}  95 % range")
    click.echo(f"  collected  {found.collected:>16}  {_range(found.other_collected, lambda value: f'{value:.0f}')}")
    click.echo(
        f"  paid       {_money(found.paid, found.currency):>16}  {_range(found.other_paid, lambda v: _money(v, found.currency))}"
    )
    click.echo(f"by: {found.method}")
    for line in found.cannot_know:
        click.echo(f"not known: {line}")


def _money(minor: float, currency: str) -> str:
    return str(Money(round(minor), currency))


def _range(found: Figure | None, write: Callable[[float], str]) -> str:
    if found is None:
        return "nothing is known"
    return f"{write(found.value):>16}  {write(found.low)} to {write(found.high)}"
