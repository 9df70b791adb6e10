"""A label for every booking: the carrier's where it gives one, else our own packing slip."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Document
from gateway import ids
from gateway.carriers import registry
from gateway.labels.packing_slip import Slip, packing_slip
from gateway.services.cancelling import at_carrier
from gateway.services.kit import Kit
from gateway.services.notifying import emit
from gateway.store.cases import Case
from gateway.store.exchanges import Witness
from gateway.store.ledger import LABELS, PICKUPS, Booking, StoredLabel
from gateway.values import Account, Mode


class FetchLabel(msgspec.Struct, frozen=True):
    booking: Booking

    def begin(self, tx: sa.Connection, case: Case, wall: dt.datetime) -> None:
        """Nothing to note: fetching a label twice does no harm."""

    async def perform(self, kit: Kit, case: Case, account: Account, witness: Witness, now: dt.datetime) -> Any:
        if registry.carrier(self.booking.carrier).label is None:
            return None
        return await kit.carriers.ask(account, "label", at_carrier(self.booking), now=now, witness=witness)

    def settle(self, tx: sa.Connection, case: Case, outcome: Any, wall: dt.datetime) -> None:
        ours = not isinstance(outcome, Document)
        document = Document(content=packing_slip(slip_of(case, self.booking)), format="pdf") if ours else outcome
        label = StoredLabel(
            id=ids.new("lbl"),
            merchant_id=case.pickup.merchant_id,
            mode=case.pickup.mode,
            pickup_id=case.pickup.id,
            booking_id=self.booking.id,
            format=document.format,
            source="ours" if ours else "carrier",
            digest=hashlib.sha256(document.content).digest(),
            content=document.content,
            created_at=wall,
        )
        LABELS.insert(tx, label)
        pickup = PICKUPS.one(tx, case.pickup.id)
        emit(tx, pickup, "label.created", {"label": {"id": label.id, "source": label.source}}, case.now(wall), wall)


def slip_of(case: Case, booking: Booking) -> Slip:
    """What stands on the packing slip."""
    carrier, wanted = registry.carrier(booking.carrier), case.pickup.body
    return Slip(
        awb=booking.awb or "",
        carrier=carrier.name,
        service=carrier.service(booking.service).name,
        reference=case.pickup.reference,
        shipper=case.people.shipper,
        consignee=case.people.consignee,
        items=wanted.items,
        parcels=wanted.parcels,
        window=booking.window or wanted.window,
        quality_checks=wanted.quality_checks,
        pickup_token=booking.pickup_token,
        simulated=case.pickup.mode is Mode.TEST,
    )
