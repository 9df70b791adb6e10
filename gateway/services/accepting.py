"""Accepting a pickup: the row, the people and the wake-up in one transaction; nothing is asked of a carrier yet."""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from gateway import ids
from gateway.life.pickup import PickupState
from gateway.services.notifying import append
from gateway.store import outbox, tables
from gateway.store.ledger import PICKUPS, People, Pickup, Wanted
from gateway.store.merchants import Merchant
from gateway.store.rows import Owner, whose


class DuplicateReference(ValueError):
    """A pickup of that reference has not ended yet; `pickup_id` is its id."""

    def __init__(self, reference: str, pickup_id: str) -> None:
        super().__init__(f"{reference} is in use by {pickup_id}")
        self.pickup_id = pickup_id


def accept(
    tx: sa.Connection,
    owner: Owner,
    merchant: Merchant,
    reference: str,
    people: People,
    wanted: Wanted,
    wall: dt.datetime,
    parent: str | None = None,
) -> Pickup:
    """Store the pickup, state `requested`, and have its driver look at it. Raises DuplicateReference."""
    _refuse_duplicate(tx, owner, reference)
    pickup = Pickup(
        id=ids.new("pck"),
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        reference=reference,
        order_number=wanted.order_number,
        state=PickupState.REQUESTED,
        body=wanted,
        lane=f"{people.shipper.postal_code}-{people.consignee.postal_code}",
        parent=parent,
        business_created_at=merchant.now(owner.mode, wall),
        created_at=wall,
        updated_at=wall,
        wake_wall=wall,
        sequence=1,
    )
    PICKUPS.insert(tx, pickup)
    tx.execute(_PEOPLE, {"pickup_id": pickup.id, **msgspec.structs.asdict(people)})
    append(tx, pickup, "pickup.requested", {}, pickup.business_created_at, wall)
    outbox.want(tx, outbox.ADVANCE, pickup.id, wall)
    return pickup


def _refuse_duplicate(tx: sa.Connection, owner: Owner, reference: str) -> None:
    same = tx.scalar(_SAME, {**msgspec.structs.asdict(owner), "reference": reference})
    if same:
        raise DuplicateReference(reference, same)


_SAME = (
    sa.select(tables.pickups.c.id)
    .where(whose(tables.pickups), tables.pickups.c.reference == sa.bindparam("reference"), tables.pickups.c.ended.is_(False))
    .limit(1)
)
_PEOPLE = tables.people.insert()
