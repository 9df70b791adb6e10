"""`gateway exceptions`: what waits for a person, and a person's answer, over the API."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import rich_click as click

from gateway.commands.ledger import AS_JSON, show_json, show_table
from gateway.commands.remote import Remote, over_api
from gateway.web.shapes import ActionRequest

_ACTIONS: tuple[str, ...] = get_args(get_type_hints(ActionRequest)["action"])


@click.group()
def exceptions() -> None:
    """Pickup exceptions: list them, act on one. Needs an API key.

    \b
    gateway exceptions list --state needs_decision
    gateway exceptions act exc_... requeue
    """


@exceptions.command("list")
@click.option(
    "--state", "states", multiple=True, help="new, waiting_carrier, waiting_customer, needs_decision, resolved...; may be repeated."
)
@click.option("--reason", "reasons", multiple=True, help="May be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@AS_JSON
@over_api
def list_exceptions(remote: Remote, states: tuple[str, ...], reasons: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List exceptions, the newest first.

    \b
    gateway exceptions list --state needs_decision --state waiting_customer
    """
    found = list(remote.pages("/exceptions", limit, state=",".join(states), reason=",".join(reasons)))
    if as_json:
        show_json(found)
    else:
        show_table(("reference", "reason", "state", "carrier", "opened (UTC)", "id"), [_row(one) for one in found])


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["reference"] or one["awb"],
        one["reason"],
        one["state"],
        one["carrier"] or "",
        one["opened_at"][:16].replace("T", " "),
        one["id"],
    )


@exceptions.command()
@click.argument("exception")
@click.argument("action", type=click.Choice(_ACTIONS))
@click.option("--day", help="For reattempt, confirm and dispute: YYYY-MM-DD.")
@click.option("--awb", help="For adopt: the number the carrier's panel shows.")
@click.option("--assignee", help="For assign.")
@click.option("--note", help="Why; kept with the exception.")
@AS_JSON
@over_api
def act(remote: Remote, exception: str, action: str, as_json: bool, **more: str | None) -> None:
    """Answer one exception, as it stands now.

    \b
    gateway exceptions act exc_... adopt --awb 57930810000066
    """
    version = remote.get(f"/exceptions/{exception}")["version"]
    given = {name: value for name, value in more.items() if value}
    found = remote.post(f"/exceptions/{exception}/actions", {"action": action, "version": version, **given})
    if as_json:
        show_json(found)
    else:
        click.echo(f"{found['reference'] or found['awb']}  {found['reason']}: {found['state']}")
