"""What Ekart's simulated server accepts: the request schemas of the OpenAPI file 3.8.8, unknown fields refused.

`shippingDirection` and `billingClientType` are required there and not described; their words come from live clients (B).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Whole = Annotated[int, Meta(ge=1)]
Figure = Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,2})?$")]
PinText = Annotated[str, Meta(pattern=r"^[1-9]\d{5}$")]
Pin = Annotated[int, Meta(ge=100000, le=999999)]
ServiceType = Literal["SURFACE", "EXPRESS"]
Topic = Literal["track_updated", "shipment_created", "shipment_recreated"]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: a missing, mistyped or unknown field is an error."""


class Credentials(Strict, frozen=True, kw_only=True):
    username: Annotated[str, Meta(min_length=1)]
    password: Annotated[str, Meta(min_length=1)]


class Location(Strict, frozen=True, kw_only=True):
    address: str
    country: str
    name: str
    phone: Annotated[int, Meta(ge=1_000_000_000, le=9_999_999_999)]
    pin: Pin
    location_type: Literal["Office", "Home"] | None = None
    city: str | None = None
    state: str = ""


class QcDetails(Strict, frozen=True, kw_only=True):
    product_name: str
    qc_shipment: bool = False
    product_desc: str = ""
    product_sku: str = ""
    product_color: str = ""
    product_size: str = ""
    brand_name: str = ""
    product_category: str = ""
    ean_barcode: str = ""
    serial_number: str = ""
    imei_number: str = ""
    product_images: list[str] = []


class PackageItem(Strict, frozen=True, kw_only=True):
    product_name: str
    sku: str = ""
    taxable_value: Annotated[float, Meta(ge=1)] = 1
    description: str = ""
    quantity: Whole = 1
    length: Annotated[float, Meta(gt=0)] = 1
    height: Annotated[float, Meta(gt=0)] = 1
    breadth: Annotated[float, Meta(gt=0)] = 1
    weight: Annotated[float, Meta(gt=0)] = 1
    hsn_code: str = ""
    cgst_tax_value: float = 0
    sgst_tax_value: float = 0
    igst_tax_value: float = 0


class Shipment(Strict, frozen=True, kw_only=True):
    seller_name: str
    seller_address: str
    seller_gst_tin: str
    consignee_gst_amount: float
    order_number: Annotated[str, Meta(min_length=1)]
    invoice_number: str
    invoice_date: str
    consignee_name: str
    consignee_alternate_phone: Annotated[str, Meta(min_length=10)]
    products_desc: str
    payment_mode: Literal["COD", "Prepaid", "Pickup"]
    category_of_goods: str
    total_amount: Annotated[float, Meta(ge=1)]
    tax_value: Annotated[float, Meta(ge=0)]
    taxable_amount: Annotated[float, Meta(ge=1)]
    commodity_value: str
    cod_amount: Annotated[float, Meta(ge=0, le=49999)]
    quantity: Whole
    weight: Whole
    length: Whole
    height: Whole
    width: Whole
    return_reason: str
    drop_location: Location
    pickup_location: Location
    return_location: Location
    seller_gst_amount: float = 0
    integrated_gst_amount: float = 0
    ewbn: Annotated[str, Meta(pattern=r"^\d{12}$")] | None = None
    document_number: str = ""
    document_date: str = ""
    consignee_gst_tin: str = ""
    hsn_code: str = ""
    template_name: str = msgspec.field(name="templateName", default="")
    qc_details: QcDetails | None = None
    preferred_dispatch_date: dt.date | None = None
    delayed_dispatch: bool = False
    obd_shipment: bool = False
    mps: bool = False
    items: list[PackageItem] = []
    what3words_address: str | None = None


class LabelIds(Strict, frozen=True, kw_only=True):
    ids: Annotated[list[str], Meta(min_length=1, max_length=100)]


class Ndr(Strict, frozen=True, kw_only=True):
    action: Literal["Re-Attempt", "RTO"]
    wbn: str
    date: int | None = None
    phone: Annotated[str, Meta(pattern=r"^\d{10}$")] | None = None
    address: str | None = None
    instructions: str = ""
    links: list[str] = []


class Lane(Strict, frozen=True, kw_only=True, rename="camel"):
    """`serviceability_v3_request`: all of it text."""

    pickup_pincode: PinText
    drop_pincode: PinText
    length: Figure
    width: Figure
    height: Figure
    weight: Figure
    payment_type: Literal["COD", "Prepaid"]
    invoice_amount: Figure
    service_type: ServiceType = "SURFACE"
    cod_amount: Figure | None = None


class Package(Strict, frozen=True, kw_only=True):
    length: int = 1
    height: int = 1
    width: int = 1
    count: str = "1"


class EstimateRequest(Strict, frozen=True, kw_only=True, rename="camel"):
    billing_client_type: Literal["PROSPECTIVE_CLIENT", "EXISTING_CLIENT", "EXISTING_CLIENT_CUSTOM_RATE_SNAPSHOT"]
    shipping_direction: Literal["FORWARD", "REVERSE"]
    service_type: ServiceType
    pickup_pincode: Pin
    drop_pincode: Pin
    weight: Whole
    length: Whole
    height: Whole
    width: Whole
    invoice_amount: float = 0
    cod_amount: float = 0
    packages: list[Package] = []


class Webhook(Strict, frozen=True, kw_only=True):
    url: Annotated[str, Meta(pattern=r"^https?://")]
    secret: Annotated[str, Meta(min_length=6, max_length=30)]
    topics: Annotated[list[Topic], Meta(min_length=1)]
    active: bool = True


class WebhookEdit(Strict, frozen=True, kw_only=True):
    url: Annotated[str, Meta(pattern=r"^https?://")] | None = None
    secret: Annotated[str, Meta(min_length=6, max_length=30)] | None = None
    topics: Annotated[list[Topic], Meta(min_length=1)] | None = None
    active: bool | None = None
