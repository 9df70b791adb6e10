"""`gateway rate-cards`: contracts' prices brought in from files, explained, and held against what the carriers ask themselves."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from pathlib import Path

import rich_click as click
import sqlalchemy as sa

from adapters.contract.orders import Parcel
from adapters.contract.places import Lane
from adapters.contract.units import Length, Weight
from gateway import clock, ids
from gateway.carriers import registry
from gateway.commands.audited import audited
from gateway.commands.ledger import AS_JSON, Failed, ledger, merchant_named, show_json, show_table
from gateway.services import auditing
from gateway.services.kit import on_own_thread
from gateway.settings import from_environment
from gateway.store import tables
from gateway.store.accounts import CARDS, StoredCard
from gateway.store.audit import chain_of
from gateway.store.ledger import BOOKINGS, Booking
from gateway.store.rows import Owner
from gateway.values import Mode
from rates.cardfiles import CardErrors, read_csv, read_toml
from rates.cards import CardPrice, NoPrice, RateCard, price

_MERCHANT = click.option("--merchant", required=True, help="The merchant's name or id.")
_MODE = click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), default="test", show_default=True)


@click.group("rate-cards")
def rate_cards() -> None:
    """Rate cards: import, explain and audit them.

    \b
    gateway rate-cards import surface.csv --merchant "Kalpana Apparel" --dry-run
    """


@rate_cards.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_MERCHANT
@_MODE
@click.option("--dry-run", is_flag=True, help="Keep nothing; tell what would be kept, or all errors with their lines.")
@AS_JSON
def import_cards(files: tuple[Path, ...], merchant: str, mode: str, dry_run: bool, as_json: bool) -> None:
    """Bring in rate cards, TOML or CSV: all of them or, where one has an error, none.

    \b
    gateway rate-cards import surface.csv express.toml --merchant "Kalpana Apparel" --mode live
    """
    read = {path: _read(path) for path in files}
    wrong = [line for path, found in read.items() if isinstance(found, list) for line in found]
    if wrong:
        raise Failed("; ".join(wrong))
    cards = [found for found in read.values() if isinstance(found, RateCard)]
    with ledger() as database, database.write() as tx:
        owner = Owner(merchant_named(tx, merchant).id, Mode(mode))
        rows = [_stored(owner, card) for card in cards]
        for row in [] if dry_run else rows:
            with audited(tx, "createRateCard", row.id, chain_of(owner)):
                CARDS.insert(tx, row)
    if as_json:
        show_json([{"id": None if dry_run else row.id, "carrier": row.carrier, "service": row.service} for row in rows])
        return
    for card in cards:
        click.echo(f"{card.title}: {_told(card)}{', not kept' if dry_run else ''}")


def _told(card: RateCard) -> str:
    slabs = sum(len(slabs) for slabs in card.zones.values())
    return f"{slabs} slabs in {len(card.zones)} zones, {card.currency}, {len(card.lanes)} lanes of their own"


def _read(path: Path) -> RateCard | list[str]:
    """The card, or its errors."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    card = read_csv(text) if path.suffix == ".csv" else read_toml(text)
    if isinstance(card, CardErrors):
        return [f"{path}:{one.line}: {one.field} {one.problem}: {one.cure}" for one in card.errors]
    if card.carrier not in registry.codes():
        return [f"{path}: {card.carrier} is no carrier here; there are {', '.join(registry.codes())}"]
    known = [service.code for service in registry.carrier(card.carrier).services]
    return card if card.service in known else [f"{path}: {card.carrier} has no service {card.service}; it has {', '.join(known)}"]


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


@rate_cards.command("explain")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "origin", required=True, help="The customer's postal code.")
@click.option("--to", "destination", required=True, help="The warehouse's postal code.")
@click.option("--grams", required=True, type=click.IntRange(1, 1_000_000))
@click.option("--size", default="100x100x100", show_default=True, help="Length x width x height in millimetres.")
@click.option("--checks", default=0, show_default=True, type=click.IntRange(0, 20), help="Questions at the door.")
@AS_JSON
def explain(file: Path, origin: str, destination: str, grams: int, size: str, checks: int, as_json: bool) -> None:
    """Say what a card's file asks for a pickup, line by line, without keeping it.

    \b
    gateway rate-cards explain surface.toml --from 560038 --to 394101 --grams 480 --size 300x200x60
    """
    card = _read(file)
    if isinstance(card, list):
        raise Failed("; ".join(card))
    country = min(registry.carrier(card.carrier).countries, default="IN")
    lane = Lane(origin=origin, destination=destination, origin_country=country, destination_country=country)
    found = price(card, lane, (_parcel(grams, size),), checks, dt.datetime.now(dt.UTC).date())
    if isinstance(found, NoPrice):
        raise Failed(f"no price: {found.detail}")
    if as_json:
        show_json(_itemised(found))
    else:
        _show_price(found)


def _parcel(grams: int, size: str) -> Parcel:
    sides = [int(side) for side in size.lower().split("x") if side.isdecimal()]
    if len(sides) != 3 or 0 in sides:
        raise click.UsageError(f"--size {size!r}: write millimetres as 300x200x60")
    length, width, height = (Length(side) for side in sides)
    return Parcel(dead_weight=Weight(grams), length=length, width=width, height=height)


def _itemised(found: CardPrice) -> dict[str, object]:
    return {
        "lines": [{"code": line.code, "amount": line.amount.told(), "detail": line.detail} for line in found.lines],
        "total": found.total.told(),
        "due_if_not_collected": found.due_if_not_collected.told(),
        "zone": found.zone,
        "chargeable_g": found.chargeable.grams,
    }


def _show_price(found: CardPrice) -> None:
    for line in found.lines:
        click.echo(f"{line.code:14} {line.amount!s:>14}  {line.detail}".rstrip())
    click.echo(f"{'total':14} {found.total!s:>14}  {found.zone}, {found.chargeable.grams} g")
    click.echo(f"{'if not collected':14} {found.due_if_not_collected!s:>12}")


@rate_cards.command("audit")
@_MERCHANT
@_MODE
@click.option("--ask", default=0, type=click.IntRange(0, 50), help="Ask the carriers now about so many of the newest bookings.")
@AS_JSON
def audit(merchant: str, mode: str, ask: int, as_json: bool) -> None:
    """Show how far the cards are from what the carriers ask themselves, on the bookings that were checked.

    \b
    gateway rate-cards audit --merchant "Kalpana Apparel" --mode live --ask 10
    """
    with ledger() as database, database.read() as tx:
        owner = Owner(merchant_named(tx, merchant).id, Mode(mode))
        unchecked = _bookings(tx, owner, checked=False)[:ask]
    if unchecked:
        kit = on_own_thread(from_environment())
        for booking in unchecked:
            auditing.audit(kit, booking.id, clock.wall())
    with ledger() as database, database.read() as tx:
        rows = _gaps(_bookings(tx, owner, checked=True))
    if as_json:
        show_json(rows)
    else:
        heads = ("carrier", "service", "checked", "median gap %", "lowest", "highest")
        show_table(heads, [tuple(str(value) for value in row.values()) for row in rows])


def _bookings(tx: sa.Connection, owner: Owner, *, checked: bool) -> list[Booking]:
    """Bookings priced by a card although their carrier could be asked, newest first."""
    table = tables.bookings.c
    asked = [code for code in registry.codes() if _by_card(code)]
    there = table.audit.is_not(None) if checked else table.audit.is_(None)
    mine = (BOOKINGS.owned(owner), table.carrier.in_(asked), table.awb.is_not(None), there)
    return BOOKINGS.all(tx, *mine, order=table.id.desc(), limit=5000)


def _by_card(code: str) -> bool:
    carrier = registry.carrier(code)
    return carrier.quote is not None and "quote" not in carrier.offers_from


def _gaps(found: list[Booking]) -> list[dict[str, object]]:
    """How much dearer the carrier is than the card, by service, in per cent of the card."""
    gaps: dict[tuple[str, str], list[float]] = defaultdict(list)
    for booking in found:
        if booking.audit:
            gaps[booking.carrier, booking.service].append(booking.audit.gap_percent)
    return [
        {
            "carrier": carrier,
            "service": service,
            "checked": len(mine),
            "median_gap_percent": round(statistics.median(mine), 2),
            "lowest": min(mine),
            "highest": max(mine),
        }
        for (carrier, service), mine in sorted(gaps.items())
    ]
