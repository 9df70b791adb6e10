"""`gateway pickups`: what the ledger says, without the people."""

from __future__ import annotations

import rich_click as click
import sqlalchemy as sa

from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json, show_table
from gateway.life.pickup import PickupState
from gateway.store import cases, tables
from gateway.store.cases import Case
from gateway.store.ledger import DECISIONS, PICKUPS, Booking, Pickup, Visit
from gateway.values import Mode


@click.group()
def pickups() -> None:
    """Reverse pickups: list them, show one.

    \b
    gateway pickups list --state exhausted
    """


@pickups.command("list")
@click.option("--merchant", help="Of this merchant only: its name or id.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), help="In this mode only.")
@click.option("--state", "states", multiple=True, type=click.Choice([str(state) for state in PickupState]), help="May be repeated.")
@click.option("--limit", default=25, show_default=True, type=click.IntRange(1, 1000))
@AS_JSON
def list_pickups(merchant: str | None, mode: str | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List pickups, the newest first.

    \b
    gateway pickups list --state exhausted --state visit_failed --json
    """
    table = tables.pickups.c
    with ledger() as database, database.read() as tx:
        chosen = [
            *([table.merchant_id == merchant_named(tx, merchant).id] if merchant else []),
            *([table.mode == mode] if mode else []),
            *([table.state.in_(states)] if states else []),
        ]
        found = PICKUPS.all(tx, *chosen, order=table.id.desc(), limit=limit)
    if as_json:
        show_json([_line(pickup) for pickup in found])
    else:
        rows = [(p.reference, p.state, p.lane, f"{p.updated_at:%Y-%m-%d %H:%M}", p.id) for p in found]
        show_table(("reference", "state", "lane", "changed (UTC)", "id"), rows)


def _line(pickup: Pickup) -> dict[str, object]:
    return {
        "id": pickup.id,
        "reference": pickup.reference,
        "mode": pickup.mode,
        "state": pickup.state,
        "lane": pickup.lane,
        "next_action": pickup.next_action,
        "created_at": pickup.created_at,
        "updated_at": pickup.updated_at,
    }


@pickups.command()
@click.argument("pickup")
@AS_JSON
def show(pickup: str, as_json: bool) -> None:
    """Show one pickup, by its id or reference: decision, bookings, visits, exceptions.

    \b
    gateway pickups show RMA-1001
    """
    with ledger() as database, database.read() as tx:
        case = cases.load(tx, _find(tx, pickup).id)
        decision = DECISIONS.one(tx, case.pickup.decision_id).body if case.pickup.decision_id else {}
    sentence = str(decision.get("sentence", ""))
    if as_json:
        show_json(_whole(case, sentence))
    else:
        _print(case, sentence)


def _find(tx: sa.Connection, wanted: str) -> Pickup:
    """The newest of that id or reference. Raises Failed."""
    table = tables.pickups.c
    same = (table.id == wanted) | (table.reference == wanted)
    found = PICKUPS.all(tx, same, order=table.id.desc(), limit=1)
    if not found:
        raise Failed(f"no pickup {wanted!r}; `gateway pickups list` shows those there are")
    return found[0]


def _whole(case: Case, sentence: str) -> dict[str, object]:
    return {
        **_line(case.pickup),
        "decision": sentence,
        "bookings": [_booking(booking) for booking in case.bookings],
        "visits": [_visit(case, visit) for visit in case.visits],
        "exceptions": [{"id": one.id, "reason": one.reason, "state": one.state, "detail": one.detail} for one in case.exceptions],
    }


def _booking(booking: Booking) -> dict[str, object]:
    return {
        "id": booking.id,
        "carrier": booking.carrier,
        "service": booking.service,
        "state": booking.state,
        "awb": booking.awb,
        "price": str(booking.price) if booking.price else None,
    }


def _visit(case: Case, visit: Visit) -> dict[str, object]:
    carrier = case.booking(visit.booking_id).carrier
    return {"day": visit.day, "carrier": carrier, "outcome": visit.outcome, "reason": visit.reason}


def _print(case: Case, sentence: str) -> None:
    pickup = case.pickup
    click.echo(f"{pickup.reference}  {pickup.state}  {pickup.lane}  {pickup.id}")
    if sentence:
        click.echo(f"  {sentence}")
    for booking in case.bookings:
        click.echo(
            f"  {booking.carrier} {booking.service}: {booking.state}, AWB {booking.awb or 'none'}, {booking.price or 'no price'}"
        )
    for visit in case.visits:
        why = f": {visit.reason}" if visit.reason else ""
        click.echo(f"  {visit.day} {case.booking(visit.booking_id).carrier} visit {visit.number} {visit.outcome}{why}")
    for exception in case.exceptions:
        click.echo(f"  {exception.reason} ({exception.state}) {exception.detail}".rstrip())
    if pickup.next_action:
        click.echo(f"  next: {pickup.next_action.what}, {pickup.next_action.why}")
