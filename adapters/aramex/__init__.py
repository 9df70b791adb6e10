"""Aramex: collections in the Gulf, the Levant, India and parts of Africa, over SOAP. README.md tells which fact rests on what."""

from __future__ import annotations

import datetime as dt

from adapters.aramex import book, cancel, label, places, quote, track, wire
from adapters.contract.carrier import Carrier, Field, Limits, Service

CARRIER = Carrier(
    code="aramex",
    name="Aramex",
    countries=frozenset(places.COUNTRIES),
    currency=wire.CURRENCY,
    timezone=wire.TIMEZONE,
    live_url="https://ws.aramex.net",
    test_url="https://ws.sbx.aramex.net",
    fields=(
        Field(name="username", help="user of the shipping interface, an e-mail address", secret=True),
        Field(name="password", help="its password", secret=True),
        Field(name="account_number", help="your account's number", secret=True),
        Field(name="account_pin", help="your account's PIN", secret=True),
        Field(name="account_entity", help="three letters of the entity you have the account with, for example BOM, DXB, AMM"),
        Field(name="account_country_code", help="its country, for example IN, AE, JO"),
        Field(name="email", help="an address of yours, for people who give none: Aramex wants one of everybody"),
        Field(name="currency", help="of prices, for example AED; that of the collecting country if left out", required=False),
        Field(name="domestic_product", help="ONP if left out, CGO within India", required=False),
        Field(name="international_product", help="PPX if left out", required=False),
        Field(name="domestic_economy_product", help="for example PEC or SFC; economy is offered only if set", required=False),
        Field(name="international_economy_product", help="for example EPX; economy is offered only if set", required=False),
        Field(name="return_payment", help="who pays for a return: 3 (third party, if left out), C (collect) or P", required=False),
        Field(name="return_payment_options", help="ARCC for C, nothing for the others, if left out", required=False),
        Field(name="return_services", help="services of a return, by commas; RTRN if left out", required=False),
        Field(name="label_report", help="number of the label's report; 9201 if left out", required=False),
    ),
    services=(Service(code="express", name="Express"), Service(code="economy", name="Economy")),
    limits=Limits(track_batch=track.BATCH, reference_length=book.LONGEST_REFERENCE, slowest_commit=dt.timedelta(seconds=60)),
    offers_from=("quote",),
    dedupes_by=("ForeignHAWB",),
    leaves_behind="the waybill",
    quote=quote.QUOTE,
    book=book.BOOK,
    find=track.FIND,
    label=label.LABEL,
    cancel=cancel.CANCEL,
    track=track.TRACK,
)
