"""EasyPost, an aggregator: returns and their pickup by USPS, UPS, FedEx, Canada Post and Purolator, in the USA and Canada.

Sources: the vendor's documentation and recordings of its test API. What is assumed stands in README.md.
"""

import datetime as dt

from adapters.contract.carrier import Carrier, Field, Limits, Quota
from adapters.easypost.book import BOOK
from adapters.easypost.callback import read_callback
from adapters.easypost.cancel import CANCEL
from adapters.easypost.find import FIND
from adapters.easypost.label import FILE_HOSTS, LABEL
from adapters.easypost.listing import LIST_OF_DAY
from adapters.easypost.pickup import DAYS_OFF
from adapters.easypost.places import COUNTRIES
from adapters.easypost.quote import QUOTE, TAT
from adapters.easypost.services import SERVICES
from adapters.easypost.track import BATCH, TRACK
from adapters.easypost.validate import VALIDATE
from adapters.easypost.wire import CURRENCY, LIVE_URL, TIMEZONE

CARRIER = Carrier(
    code="easypost",
    name="EasyPost",
    countries=COUNTRIES,
    currency=CURRENCY,
    timezone=TIMEZONE,
    days_off=DAYS_OFF,
    live_url=LIVE_URL,
    test_url=LIVE_URL,  # the key decides
    fields=(
        Field(name="api_key", help="API key; a test key and a live key are two accounts here", secret=True),
        Field(name="webhook_secret", help="the webhook_secret your webhook was made with", secret=True, required=False),
        Field(
            name="carrier_accounts",
            help="ca_... ids to book with, commas between; all your carrier accounts if left out",
            required=False,
        ),
        Field(name="smartrate", help="yes: days by SmartRate, which is paid after 500 calls a month", required=False),
    ),
    services=SERVICES,
    limits=Limits(track_batch=BATCH, slowest_commit=dt.timedelta(seconds=90), quotas={"list_of_day": Quota(calls=5, seconds=1)}),
    offers_from=("quote",),
    offers_also={"tat": "smartrate"},
    file_hosts=FILE_HOSTS,
    void_window=dt.timedelta(days=30),
    leaves_behind="the label's price, until its mover decides on the refund",
    undo_by="shipment",
    tat=TAT,
    quote=QUOTE,
    validate=VALIDATE,
    book=BOOK,
    find=FIND,
    list_of_day=LIST_OF_DAY,
    label=LABEL,
    cancel=CANCEL,
    track=TRACK,
    read_callback=read_callback,
)
