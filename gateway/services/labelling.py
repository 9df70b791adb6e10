"""A label for every booking: the carrier's where it gives one, else our own packing slip.

Each version is kept under the hash of its content. Ours is drawn anew when it is asked for and what it says has changed; in other
formats it is drawn from the same words. A carrier's is converted in a sandbox, once per format; what came of it, a refusal too, is
kept with it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Document
from gateway import ids
from gateway.carriers import registry
from gateway.labels.printing import Paper, printed
from gateway.labels.sheet import Slip
from gateway.labels.why import Unconvertible, Why
from gateway.life.booking import BookingState
from gateway.services.cancelling import at_carrier
from gateway.services.kit import Kit
from gateway.services.notifying import emit
from gateway.store import cases, labels
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.labels import Copy
from gateway.store.ledger import BOOKINGS, PICKUPS, Booking, People, Pickup, StoredLabel
from gateway.store.rows import Owner
from gateway.values import Account, Mode

_RECIPES = "1"  # another one where conversions come out otherwise than before


class FetchLabel(msgspec.Struct, frozen=True):
    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        """Nothing to note: fetching a label twice does no harm."""

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        if registry.carrier(self.booking.carrier).label is None:
            return None
        return await kit.carriers.ask(account, "label", at_carrier(self.booking), now=now, witness=witness)

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        if isinstance(outcome, Document):
            version = _version(self.booking, outcome.format, outcome.content, None, wall)
        else:
            version = _ours(self.booking, slip_of(case.pickup, case.people, self.booking), wall)
        label = labels.keep(tx, version)
        pickup = PICKUPS.one(tx, case.pickup.id)
        emit(tx, pickup, "label.created", {"label": {"id": label.id, "source": label.source}}, case.now(wall), wall)


def slip_of(pickup: Pickup, people: People, booking: Booking) -> Slip:
    """What stands on our papers."""
    carrier, wanted = registry.carrier(booking.carrier), pickup.body
    return Slip(
        awb=booking.awb or "",
        carrier=carrier.name,
        service=carrier.service(booking.service).name,
        reference=pickup.reference,
        shipper=people.shipper,
        consignee=people.consignee,
        items=wanted.items,
        parcels=wanted.parcels,
        window=booking.window or wanted.window_ahead(booking.booked_at or booking.created_at),
        quality_checks=wanted.quality_checks,
        pickup_token=booking.pickup_token,
        simulated=pickup.mode is Mode.TEST,
    )


# --- what is given out --------------------------------------------------------------------------------


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The label of a pickup, and what our papers would say; `slip` None: nobody knows any more."""

    label: StoredLabel
    slip: Slip | None


def find(kit: Kit, owner: Owner, pickup_id: str, label_id: str, wall: dt.datetime) -> Found | None:
    """The newest version, or an older one by its id. While the booking is live, ours is brought up to date first."""
    with kit.db.read() as tx:
        versions = labels.of_pickup(tx, owner, pickup_id)
        label = next((one for one in versions if label_id in ("", one.id)), None)
        if label is None:
            return None
        booking = BOOKINGS.one(tx, label.booking_id)
        slip = _said(tx, pickup_id, label, booking, fixed=bool(label_id))
    if label.source == "ours" and slip and slip != _kept(label):
        with kit.db.write() as tx:
            label = labels.keep(tx, _ours(booking, slip, wall))
    return Found(label=label, slip=slip)


async def converted(kit: Kit, label: StoredLabel, form: str, page: int | None, wall: dt.datetime) -> bytes:
    """A carrier's label in another format. Raises Unconvertible, Busy."""
    recipe = f"{form}.{_RECIPES}" if page is None else f"{form}.{_RECIPES}/{page}"
    known = await asyncio.to_thread(_known, kit, label, recipe)
    if known is None:
        known = await _made(kit, label, form, page, recipe, wall)
    if known.content is None:
        raise Unconvertible(Why(known.why or Why.FAILED))
    return known.content


def _said(tx: sa.Connection, pickup_id: str, label: StoredLabel, booking: Booking, *, fixed: bool) -> Slip | None:
    """What our papers say: as things stand while the booking is live, else as they stood."""
    if not fixed and booking.state is BookingState.LIVE:
        return slip_of(PICKUPS.one(tx, pickup_id), cases.people(tx, pickup_id), booking)
    return _kept(label)


def _kept(label: StoredLabel) -> Slip | None:
    return msgspec.convert(label.slip, Slip) if label.slip else None


def _ours(booking: Booking, slip: Slip, wall: dt.datetime) -> StoredLabel:
    return _version(booking, "pdf", printed(Paper.PACKING_SLIP, slip, "pdf"), slip, wall)


def _version(booking: Booking, form: str, content: bytes, slip: Slip | None, wall: dt.datetime) -> StoredLabel:
    return StoredLabel(
        id=ids.new("lbl"),
        merchant_id=booking.merchant_id,
        mode=booking.mode,
        pickup_id=booking.pickup_id,
        booking_id=booking.id,
        format=form,
        source="ours" if slip else "carrier",
        digest=hashlib.sha256(content).digest(),
        content=content,
        slip=slip,
        created_at=wall,
    )


def _known(kit: Kit, label: StoredLabel, recipe: str) -> Copy | None:
    with kit.db.read() as tx:
        return labels.copy(tx, label.id, recipe)


async def _made(kit: Kit, label: StoredLabel, form: str, page: int | None, recipe: str, wall: dt.datetime) -> Copy:
    """Converted and kept; where that is refused, this is kept: a hostile file is opened once."""
    content, why = None, None
    try:
        content = await kit.converter.convert(label.content, label.format, form, page)
    except Unconvertible as refused:
        why = refused.why
    copy = Copy(
        label_id=label.id,
        recipe=recipe,
        merchant_id=label.merchant_id,
        mode=label.mode,
        digest=hashlib.sha256(content).digest() if content else None,
        content=content,
        why=why,
        created_at=wall,
    )
    await asyncio.to_thread(_keep_copy, kit, copy)
    return copy


def _keep_copy(kit: Kit, copy: Copy) -> None:
    with kit.db.write() as tx:
        labels.keep_copy(tx, copy)
