"""Ekart Elite (Flipkart's carrier), India: reverse pickups and prepaid forward parcels.

Source: the carrier's OpenAPI file 3.8.8. What is assumed stands in README.md.
"""

from adapters.contract.carrier import Carrier, Field, Limits, Service
from adapters.ekart.act import REATTEMPT, RESCHEDULE, act_from
from adapters.ekart.book import BOOK
from adapters.ekart.callback import SIGNATURE_HEADER, read_callback
from adapters.ekart.cancel import CANCEL
from adapters.ekart.label import LABEL
from adapters.ekart.quality import ATTRIBUTES
from adapters.ekart.quote import QUOTE
from adapters.ekart.serviceability import SERVICEABILITY, TAT
from adapters.ekart.sign_in import SIGN_IN
from adapters.ekart.track import TRACK
from adapters.ekart.wire import CURRENCY, TIMEZONE

CARRIER = Carrier(
    code="ekart",
    name="Ekart Elite",
    countries=frozenset({"IN"}),
    currency=CURRENCY,
    timezone=TIMEZONE,
    live_url="https://app.elite.ekartlogistics.in",
    fields=(
        Field(name="client_id", help="client id from Ekart's onboarding", secret=True),
        Field(name="username", help="API user name", secret=True),
        Field(name="password", help="API password", secret=True),
        Field(name="webhook_secret", help="secret of the registered webhook, 6 to 30 characters", secret=True, required=False),
        Field(name="seller_name", help="your company's name, as on its invoices"),
        Field(name="seller_address", help="your billing address"),
        Field(name="seller_gst_tin", help="your GSTIN"),
        Field(name="gst_percent", help="GST contained in the value of your goods, in percent, for example 18"),
        Field(name="alternate_phone", help="a phone of yours, ten digits, for riders where the customer gives no second one"),
        Field(name="category_of_goods", help="category for items without one of their own, for example Apparel"),
        Field(name="consignee_gst_amount", help="GST owed by the customer on a parcel; 0 if left out", required=False),
        Field(name="warehouse_alias", help="name your one warehouse is registered under at Ekart", required=False),
        Field(name="billing_client_type", help="for price estimates; EXISTING_CLIENT if left out", required=False),
        Field(name="books_service", help='"yes" if your API revision takes `service` in a booking (3.8.10)', required=False),
        Field(name="order_number_prefix", help="what Ekart puts before your order numbers in pushes, if anything", required=False),
        Field(name="signature_header", help=f"header that signs a push; {SIGNATURE_HEADER} if left out", required=False),
        Field(name="signature_encoding", help="hex (if left out) or base64", required=False),
    ),
    services=(
        Service(code="surface", name="Surface", quality_checks=len(ATTRIBUTES)),
        Service(code="express", name="Express", quality_checks=len(ATTRIBUTES)),
    ),
    limits=Limits(track_batch=1),
    offers_from=("serviceability", "tat", "quote"),
    sign_in=SIGN_IN,
    serviceability=SERVICEABILITY,
    tat=TAT,
    quote=QUOTE,
    book=BOOK,
    label=LABEL,
    cancel=CANCEL,
    track=TRACK,
    reattempt=REATTEMPT,
    reschedule=RESCHEDULE,
    act_from=act_from,
    read_callback=read_callback,
)
