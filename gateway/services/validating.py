"""Trying a pickup on for size: what would be chosen, and which fields whose carrier would refuse. Nothing is booked.

An adapter refuses what it cannot put to its carrier faithfully while it builds the request, naming the field: so the request is
built here and not sent. A carrier that judges addresses is asked about this one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.contract.carrier import Access, Carrier
from adapters.contract.errors import CarrierError, RefusalKind, Refused
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
    """A field that this carrier's service would refuse ("": any of its services); `kind` as in Refused."""

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


async def objections(
    kit: Kit, owner: Owner, reference: str, people: People, wanted: Wanted, *, seconds: float, now: dt.datetime
) -> list[Objection]:
    """What the merchant's carriers would refuse about it, as far as they can tell within so many seconds."""
    opened = await asyncio.to_thread(_opened, kit, owner)
    order = _order(reference, people, wanted)
    found = {account.id: list(_of_account(account, order, now)) for account in opened}
    judges = [account for account in opened if not found[account.id] and registry.carrier(account.carrier).validate]
    judged = await asyncio.gather(*(_judged(kit, account, order, seconds, now) for account in judges))
    return [one for account in opened for one in found[account.id]] + [one for one in judged if one]


def _opened(kit: Kit, owner: Owner) -> list[Account]:
    with kit.db.read() as tx:
        return [accounts.opened(kit.vault, row) for row in accounts.of_owner(tx, owner) if row.enabled]


async def _judged(kit: Kit, account: Account, order: PickupOrder, seconds: float, now: dt.datetime) -> Objection | None:
    """The carrier's word on the customer's address; that it cannot judge it, or does not answer, is no objection."""
    asking = asyncio.ensure_future(_refused(kit, account, order, now))
    await asyncio.wait([asking], timeout=seconds)
    refusal = asking.result() if asking.done() else None
    return _objection(account, "", refusal) if refusal and refusal.kind is RefusalKind.INVALID_ADDRESS else None


async def _refused(kit: Kit, account: Account, order: Any, now: dt.datetime) -> Refused | None:
    try:
        await kit.carriers.ask(account, "validate", order, now=now)
    except CarrierError as error:
        return error if isinstance(error, Refused) else None
    return None


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
            yield _objection(account, service.code, refusal)


def _objection(account: Account, service: str, refusal: Refused) -> Objection:
    return Objection(
        account=account.id,
        carrier=account.carrier,
        service=service,
        pointer=refusal.field,
        kind=refusal.kind,
        detail=refusal.raw_message,
    )


def _refusal(carrier: Carrier, order: PickupOrder, access: Access) -> Refused | None:
    """The adapter's own no to a step of the booking, if it has one."""
    for step in carrier.book.steps:
        if step.when and not step.when(order, access):
            continue
        try:
            step.build(order, access, {})
        except Refused as refusal:
            return refusal
        except KeyError:  # it is built from what an earlier step answers: that cannot be known before
            return None
    return None
