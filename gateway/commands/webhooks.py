"""`gateway webhooks`: where events are sent, how that goes, and sending them again."""

from __future__ import annotations

import datetime as dt

import rich_click as click
import sqlalchemy as sa

from gateway import clock
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json, show_table
from gateway.services import webhooks as service
from gateway.services.commanding import WrongState
from gateway.store.webhooks import DELIVERIES, ENDPOINTS, Endpoint


class Instant(click.ParamType[dt.datetime]):
    """A time with its offset."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        try:
            found = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write it as 2026-11-23T10:00:00Z", param, ctx)
        if found.tzinfo is None:
            self.fail(f"{value!r} needs its offset: write it as 2026-11-23T10:00:00Z", param, ctx)
        return found


@click.group()
def webhooks() -> None:
    """Webhook endpoints: list them, send messages again.

    \b
    gateway webhooks list --merchant "Kalpana Apparel"
    """


@webhooks.command("list")
@click.option("--merchant", help="Of this merchant only: its name or id.")
@AS_JSON
def list_endpoints(merchant: str | None, as_json: bool) -> None:
    """List the endpoints, with their state.

    \b
    gateway webhooks list --merchant "Kalpana Apparel"
    """
    with ledger() as database, database.read() as tx:
        chosen = [ENDPOINTS.table.c.merchant_id == merchant_named(tx, merchant).id] if merchant else []
        found = ENDPOINTS.all(tx, *chosen)
    if as_json:
        show_json([_line(row) for row in found])
    else:
        rows = [
            (row.id, row.mode, row.state, f"{row.failing_since:%Y-%m-%d %H:%M}" if row.failing_since else "", row.url)
            for row in found
        ]
        show_table(("id", "mode", "state", "failing since (UTC)", "url"), rows)


def _line(row: Endpoint) -> dict[str, object]:
    names = ("id", "mode", "url", "description", "event_types", "state", "reason", "failing_since", "streak", "slow", "due_at")
    return {"merchant": row.merchant_id, **{name: getattr(row, name) for name in names}}


@webhooks.command()
@click.argument("endpoint_id")
@click.option("--delivery", "delivery_id", help="This message only.")
@click.option("--from", "since", type=Instant(), help="Events made then or later.")
@click.option("--to", "until", type=Instant(), help="Events made before then; now if left out.")
@AS_JSON
def replay(endpoint_id: str, delivery_id: str | None, since: dt.datetime | None, until: dt.datetime | None, as_json: bool) -> None:
    """Send messages again: one, or all events of a time.

    \b
    gateway webhooks replay whe_0123456789abcdefghjk --from 2026-11-23T10:00:00Z --to 2026-11-23T12:00:00Z
    """
    if (delivery_id is None) == (since is None):
        raise click.UsageError("give either --delivery or --from")
    with ledger() as database, database.write() as tx:
        row = ENDPOINTS.first(tx, ENDPOINTS.table.c.id == endpoint_id)
        if row is None:
            raise Failed(f"no webhook endpoint {endpoint_id!r}; `gateway webhooks list` shows those there are")
        try:
            number = _again(tx, row, delivery_id, since, until or clock.wall())
        except WrongState as error:
            raise Failed(str(error)) from error
    if as_json:
        show_json({"deliveries": number})
    else:
        click.echo(f"{number} on their way again")


def _again(tx: sa.Connection, row: Endpoint, delivery_id: str | None, since: dt.datetime | None, until: dt.datetime) -> int:
    """How many. Raises WrongState, Failed."""
    if since is not None:
        return service.replay_range(tx, row, since, until, clock.wall())
    delivery = DELIVERIES.first(tx, DELIVERIES.table.c.id == delivery_id, DELIVERIES.table.c.endpoint_id == row.id)
    if delivery is None:
        raise Failed(f"{row.id} has no delivery {delivery_id!r}")
    service.replay(tx, row, delivery, clock.wall())
    return 1
