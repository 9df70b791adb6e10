"""Erasing people from a pickup that has ended: by request, or when its time of keeping is over.

Names, phones, streets, mails, notes, labels, what was said over the wire and what the carrier wrote are blanked wherever they
stand; what statistics are made of stays: visits, decisions, money, cells, the postal code. The pickup's reference and the carrier's
numbers stay too, for the invoice. A copy in a backup goes with the backup.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from adapters.contract.places import Party
from gateway.life.booking import OPEN
from gateway.services import ripening
from gateway.services.commanding import WrongState
from gateway.services.kit import Kit
from gateway.services.recording import Author, recorded
from gateway.store import cases, erasure, tables
from gateway.store.audit import chain_of
from gateway.store.ledger import BOOKINGS, PICKUPS, Booking, Pickup, Wanted
from gateway.store.rows import Owner
from gateway.store.vault import Vault
from rates.zones import coarse

ACTION = "erasePickup"


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` is how many were blanked or removed, by table; none where it had been done before."""

    pickup_id: str
    at: dt.datetime
    rows: dict[str, int] = {}


def erase(tx: sa.Connection, vault: Vault, pickup_id: str, wall: dt.datetime) -> Erased:
    """Once and for good; a second time changes nothing. Raises WrongState while the pickup or a booking is open."""
    pickup = PICKUPS.held(tx, pickup_id)
    if pickup.erased_at:
        return Erased(pickup_id=pickup_id, at=pickup.erased_at)
    bookings = BOOKINGS.all(tx, tables.bookings.c.pickup_id == pickup_id)
    _check_over(pickup, bookings, wall)
    case = cases.load(tx, pickup_id)
    ripening.ripen_all(tx, case, case.now(wall))
    rows = {
        **erasure.blank(tx, pickup_id, [booking.id for booking in bookings]),
        "labels": erasure.drop_labels(tx, pickup_id),
        "events": erasure.retell(tx, pickup_id),
        "idempotency": erasure.reseal_answers(tx, vault, pickup),
        "people": _forget_people(tx, pickup),
    }
    for booking in bookings:
        if booking.refusal:
            BOOKINGS.update(tx, booking.id, refusal=msgspec.structs.replace(booking.refusal, raw_message=""))
    PICKUPS.update(tx, pickup_id, body=unnamed(pickup.body), order_number="", next_action=None, erased_at=wall)
    return Erased(pickup_id=pickup_id, at=wall, rows={name: number for name, number in rows.items() if number})


def _check_over(pickup: Pickup, bookings: list[Booking], wall: dt.datetime) -> None:
    """Raises WrongState: whoever still has to come needs name and street."""
    if not pickup.ended:
        raise WrongState(f"the pickup is {pickup.state}: its people can be erased when it has ended, so cancel it or let it end")
    if any(booking.state in OPEN for booking in bookings):
        raise WrongState("a booking of this pickup is not over at its carrier: wait until it is cancelled or done")
    if pickup.lease_until and pickup.lease_until > wall:
        raise WrongState("the pickup is being worked on: try again in a moment")


def _forget_people(tx: sa.Connection, pickup: Pickup) -> int:
    """Where they live stays as the statistics know it: by country, state, zone and postal code."""
    known = cases.people(tx, pickup.id)
    shipper, consignee = _nobody(known.shipper), _nobody(known.consignee)
    mine = tables.people.c.pickup_id == pickup.id
    tx.execute(tables.people.update().where(mine).values(shipper=shipper, consignee=consignee))
    PICKUPS.update(tx, pickup.id, lane=f"{shipper.postal_code}-{consignee.postal_code}")
    return 1


def _nobody(party: Party) -> Party:
    return Party(
        name="",
        phone="",
        line1="",
        city="",
        postal_code=coarse(party.postal_code, party.country),
        country=party.country,
        state=party.state,
        timezone=party.timezone,
    )


def unnamed(wanted: Wanted) -> Wanted:
    """What was asked for: weights, values, reasons and limits stay; texts, pictures and the merchant's own data go."""
    items = tuple(msgspec.structs.replace(item, sku="", description="", images=(), brand="") for item in wanted.items)
    checks = tuple(msgspec.structs.replace(check, question="", expected="", image="") for check in wanted.quality_checks)
    return msgspec.structs.replace(
        wanted, items=items, quality_checks=checks, order_number="", instructions="", channel="", metadata={}, extra={}
    )


def expire(kit: Kit, days: int, wall: dt.datetime, limit: int = 20) -> int:
    """Erase pickups kept longer than `days` after their end, or than their merchant wants; how many, at most `limit`.

    One that a late word of its carrier has opened again is left for another time.
    """
    with kit.db.read() as tx:
        due = erasure.kept_too_long(tx, days, wall, limit)
    return sum(_expire(kit, pickup_id, wall) for pickup_id in due)


def _expire(kit: Kit, pickup_id: str, wall: dt.datetime) -> bool:
    try:
        with kit.db.write() as tx:
            pickup = PICKUPS.held(tx, pickup_id)
            if pickup.erased_at:
                return False  # another relay was faster
            owner = Owner(pickup.merchant_id, pickup.mode)
            with recorded(tx, Author(chain=chain_of(owner), actor="retention", action=ACTION), pickup_id, wall):
                erase(tx, kit.vault, pickup_id, wall)
    except WrongState:
        return False
    return True
