"""Trying a pickup on for size: what would be chosen, and which fields whose carrier would refuse. Nothing is booked.

An adapter refuses what it cannot put to its carrier faithfully while it builds the request, naming the field: so the request is
built here and not sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec

from adapters.contract.carrier import Access, Carrier
from adapters.contract.errors import Refused
from adapters.contract.orders import PickupOrder
from gateway import ids
from gateway.carriers import registry
from gateway.services import quoting
from gateway.services.kit import Kit
from gateway.store import accounts
from gateway.store.ledger import People, Wanted
from gateway.store.merchants import Merchant
from gateway.store.rows import Owner
from gateway.values import Account
from rates.decisions import Decision

_NOWHERE = "http://not.sent.invalid"


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """A field that this carrier's service would refuse; `kind` as in Refused."""

    account: str
    carrier: str
    service: str
    pointer: str
    kind: str
    detail: str


async def prices(
    kit: Kit, owner: Owner, merchant: Merchant, people: People, wanted: Wanted, *, seconds: float, now: dt.datetime
) -> Decision:
    """What would be chosen for this pickup now."""
    enquiry = quoting.enquiry_of(people.shipper, people.consignee, wanted, now)
    return await quoting.decide(kit, owner, merchant, enquiry, wanted, seconds=seconds, now=now)


def objections(kit: Kit, owner: Owner, reference: str, people: People, wanted: Wanted, now: dt.datetime) -> list[Objection]:
    """What the merchant's carriers would refuse about it before anything was sent."""
    with kit.db.read() as tx:
        opened = [accounts.opened(kit.vault, row) for row in accounts.of_owner(tx, owner) if row.enabled]
    order = _order(reference, people, wanted)
    return [found for account in opened for found in _of_account(account, order, now)]


def _order(reference: str, people: People, wanted: Wanted) -> PickupOrder:
    return PickupOrder(
        carrier_reference=ids.carrier_reference(ids.new("bkg")),
        shipper=people.shipper,
        consignee=people.consignee,
        parcels=wanted.parcels,
        items=wanted.items,
        window=wanted.window,
        quality_checks=wanted.quality_checks,
        order_number=wanted.order_number or reference,
        instructions=wanted.instructions,
        extra=wanted.extra,
    )


def _of_account(account: Account, order: PickupOrder, now: dt.datetime) -> Iterator[Objection]:
    carrier = registry.carrier(account.carrier)
    access = Access(base_url=_NOWHERE, secrets=account.secrets, settings=account.settings, now=now)
    for service in carrier.services:
        if account.services and service.code not in account.services:
            continue
        refusal = _refusal(carrier, msgspec.structs.replace(order, service=service.code), access)
        if refusal:
            yield Objection(
                account=account.id,
                carrier=carrier.code,
                service=service.code,
                pointer=refusal.field,
                kind=refusal.kind,
                detail=refusal.raw_message,
            )


def _refusal(carrier: Carrier, order: PickupOrder, access: Access) -> Refused | None:
    """The adapter's own no to the step that books, if it has one."""
    step = next(step for step in carrier.book.steps if step.commits)
    try:
        step.build(order, access, {})
    except Refused as refusal:
        return refusal
    except KeyError:  # it is built from what an earlier step answers: that cannot be known before
        return None
    return None
