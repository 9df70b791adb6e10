"""The seller, the invoice and the tax: what Ekart Elite wants on paper with every booking.

OpenAPI file 3.8.8, `shipment` (A); all of it is required and little of it is explained. `total_amount` is `taxable_amount` plus
`tax_value`; `commodity_value` is the taxable amount again, as text.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

import msgspec

from adapters.contract.carrier import Access
from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import Order
from adapters.ekart import wire

_PAISA = Decimal("0.01")


class Extra(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`order.extra["ekart"]`: what only this carrier wants to know. Invoice number and date belong together."""

    invoice_number: str = ""
    invoice_date: dt.date | None = None
    tax_value: Decimal | None = None
    consignee_gst_amount: Decimal | None = None
    consignee_gst_tin: str = ""
    category_of_goods: str = ""
    warehouse_alias: str = ""
    ewbn: Annotated[str, msgspec.Meta(pattern=r"^(\d{12})?$")] = ""


def extra_of(order: Order) -> Extra:
    try:
        return msgspec.convert(order.extra.get("ekart", {}), Extra)
    except msgspec.ValidationError as error:
        raise Refused(RefusalKind.INVALID_REQUEST, raw_message=str(error), field="/extra/ekart") from error


def of(order: Order, extra: Extra, access: Access) -> dict[str, object]:
    return {
        "seller_name": setting(access, "seller_name"),
        "seller_address": setting(access, "seller_address"),
        "seller_gst_tin": setting(access, "seller_gst_tin"),
        **_invoice(order, extra, access),
        **_amounts(order, extra, access),
        **({"consignee_gst_tin": extra.consignee_gst_tin} if extra.consignee_gst_tin else {}),
        **({"ewbn": extra.ewbn} if extra.ewbn else {}),
    }


def _invoice(order: Order, extra: Extra, access: Access) -> dict[str, object]:
    """Without an invoice the parcel's paper is our own: numbered by our reference and dated today."""
    if bool(extra.invoice_number) != bool(extra.invoice_date):
        absent = "invoice_date" if extra.invoice_number else "invoice_number"
        raise missing(f"/extra/ekart/{absent}", "an invoice has a number and a date")
    return {
        "invoice_number": extra.invoice_number or order.carrier_reference,
        "invoice_date": (extra.invoice_date or wire.today(access.now)).isoformat(),
    }


def _amounts(order: Order, extra: Extra, access: Access) -> dict[str, object]:
    total = wire.rupees(order.declared_value, "/items/0/unit_value")
    tax = _tax(total, extra, access)
    if total - tax < 1:
        raise missing("/items/0/unit_value", "the goods must be worth a rupee before tax")
    return {
        "total_amount": float(total),
        "tax_value": float(tax),
        "taxable_amount": float(total - tax),
        "commodity_value": f"{total - tax:f}",
        "cod_amount": 0,
        "consignee_gst_amount": float(_consignee_gst(extra, access)),
    }


def _tax(total: Decimal, extra: Extra, access: Access) -> Decimal:
    """The GST within the goods' value: as the order says, else at the account's usual rate."""
    if extra.tax_value is not None:
        return _paise(extra.tax_value, "/extra/ekart/tax_value")
    percent = _number(setting(access, "gst_percent"), "/settings/gst_percent")
    return (total * percent / (100 + percent)).quantize(_PAISA, ROUND_HALF_UP)


def _consignee_gst(extra: Extra, access: Access) -> Decimal:
    if extra.consignee_gst_amount is not None:
        return _paise(extra.consignee_gst_amount, "/extra/ekart/consignee_gst_amount")
    return _number(access.settings.get("consignee_gst_amount") or "0", "/settings/consignee_gst_amount")


def setting(access: Access, name: str) -> str:
    value = access.settings.get(name, "")
    if not value:
        raise Refused(RefusalKind.ACCOUNT, raw_message="missing in the account's settings", field=f"/settings/{name}")
    return value


def missing(field: str, why: str) -> Refused:
    return Refused(RefusalKind.INVALID_REQUEST, raw_message=why, field=field)


def _number(text: str, field: str) -> Decimal:
    """A setting that must be a number, and no more than any amount of rupees."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", text):
        raise Refused(RefusalKind.ACCOUNT, raw_message=f"{text!r} is not a number", field=field)
    return Decimal(text)


def _paise(amount: Decimal, field: str) -> Decimal:
    if not amount.is_finite() or not 0 <= amount < 1_000_000_000:
        raise missing(field, "an amount of rupees")
    return amount.quantize(_PAISA, ROUND_HALF_UP)
