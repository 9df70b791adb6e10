"""Auditing rate cards: where the price came from the merchant's card, the carrier's own price is asked in the background.

It changes no booking; the gap stands on the booking and is logged, so that an outdated card is seen. A rationed call
(Delhivery: 50 in 5 minutes) that is not to be had now is left out: this is a sample.
"""

from __future__ import annotations

import datetime as dt

import structlog

from adapters.contract.carrier import Quote
from adapters.contract.errors import CarrierError
from adapters.contract.units import Money
from gateway.services.kit import Kit
from gateway.services.quoting import enquiry_of
from gateway.store import accounts, cases
from gateway.store.accounts import ACCOUNTS
from gateway.store.ledger import BOOKINGS, Booking, PriceAudit

_log = structlog.get_logger()


def audit(kit: Kit, booking_id: str, wall: dt.datetime) -> PriceAudit | None:
    """Ask and note the gap; None where the carrier did not say."""
    with kit.db.read() as tx:
        booking = BOOKINGS.one(tx, booking_id)
        case = cases.load(tx, booking.pickup_id)
        account = accounts.opened(kit.vault, ACCOUNTS.one(tx, booking.account_id))
    now = case.now(wall)
    enquiry = enquiry_of(case.people.shipper, case.people.consignee, case.pickup.body, now)
    try:
        quotes = kit.wait(kit.carriers.ask(account, "quote", enquiry, now=now))
    except CarrierError as error:
        _log.info("card.not_audited", carrier=booking.carrier, booking=booking.id, error=str(error))
        return None
    return _note(kit, booking, quotes)


def _note(kit: Kit, booking: Booking, quotes: tuple[Quote, ...]) -> PriceAudit | None:
    price = next((quote.price for quote in quotes if quote.service == booking.service), None)
    if price is None or booking.price is None or price.currency != booking.price.currency:
        return None
    found = PriceAudit(carrier_price=price, gap_percent=gap_percent(booking.price, price))
    with kit.db.write() as tx:
        BOOKINGS.update(tx, booking.id, audit=found)
    _log.info("card.audited", carrier=booking.carrier, service=booking.service, gap_percent=found.gap_percent)
    return found


def gap_percent(ours: Money, theirs: Money) -> float:
    """How much dearer the carrier is than the card, in percent of the card."""
    return round((theirs.minor - ours.minor) * 100 / ours.minor, 2) if ours.minor else 0.0
