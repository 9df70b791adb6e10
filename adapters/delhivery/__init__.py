"""Delhivery B2C: the description.

Developer portal (captured 2026-07); nothing here was tried against the live carrier. README.md tells which fact rests on what.
"""

from __future__ import annotations

import datetime as dt

from adapters.contract.carrier import Carrier, Field, Limits, Quota, Service
from adapters.delhivery import act, book, callback, cancel, label, qc, quote, track, wire

_WINDOW = 300  # every limit is per five minutes (and per IP, which an account's share of cannot be known here)

CARRIER = Carrier(
    code="delhivery",
    name="Delhivery",
    countries=frozenset({wire.COUNTRY}),
    currency=wire.CURRENCY,
    timezone=wire.TIMEZONE,
    live_url="https://track.delhivery.com",
    test_url="https://staging-express.delhivery.com",
    fields=(
        Field(name="token", help="API token (One panel, Settings, API setup); another one per environment", secret=True),
        Field(name="client", help="registered client (HQ) name, exact case"),
        Field(name="pickup_location", help="name of the registered warehouse, exact case and spaces"),
        Field(
            name="waybills", help='"carrier" (default) or "prefetched": a waybill is fetched before each booking', required=False
        ),
        Field(name="qc_questions", help='JSON: our question -> your question id, or {"id", "type", "options"}', required=False),
        Field(name="label_size", help="A4 (default) or 4R", required=False),
        Field(name="push_header", help="header named in the webhook form (default Authorization)", required=False),
        Field(name="push_secret", help="its value", secret=True, required=False),
    ),
    services=(
        Service(code="surface", name="Surface", own_visits=3, quality_checks=qc.MOST_QUESTIONS),
        Service(code="express", name="Express", own_visits=3, quality_checks=qc.MOST_QUESTIONS),
    ),
    limits=Limits(
        track_batch=track.BATCH,
        quotas={
            "serviceability": Quota(calls=4500, seconds=_WINDOW),
            "tat": Quota(calls=750, seconds=_WINDOW),
            "quote": Quota(calls=50, seconds=_WINDOW),
            "book": Quota(calls=20_000, seconds=_WINDOW),
            "label": Quota(calls=3000, seconds=_WINDOW),
            # one bucket of 750 at the carrier:
            "track": Quota(calls=700, seconds=_WINDOW),
            "find": Quota(calls=50, seconds=_WINDOW),
            # one bucket of 12,200 at the carrier:
            "cancel": Quota(calls=6200, seconds=_WINDOW),
            "edit_contact": Quota(calls=3000, seconds=_WINDOW),
            "edit_address": Quota(calls=3000, seconds=_WINDOW),
        },
        reference_length=book.LONGEST_REFERENCE,
        slowest_commit=dt.timedelta(seconds=60),
    ),
    offers_from=("serviceability", "tat"),
    dedupes_by=("client", "order", "total_amount", "products_desc", "payment_mode", "name"),
    file_hosts=label.FILE_HOSTS,
    serviceability=quote.SERVICEABILITY,
    tat=quote.TAT,
    quote=quote.QUOTE,
    book=book.BOOK,
    find=track.FIND,
    label=label.LABEL,
    cancel=cancel.CANCEL,
    track=track.TRACK,
    reattempt=act.REATTEMPT,
    reschedule=act.RESCHEDULE,
    edit_contact=act.EDIT_CONTACT,
    edit_address=act.EDIT_ADDRESS,
    act_from=act.act_from,
    read_callback=callback.read_callback,
)
