"""What Ekart Elite's rider can check at the door.

OpenAPI file 3.8.8, `qcDetails` (A): no questions, but the attributes of one product, which the rider compares. So a question of
ours must name one of them, and its expected answer is the attribute's value. Every check is binding: an optional one cannot be put.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import Order, QualityCheck

# `qcDetails` in the handbook's order, each with the other ways to ask for it. Case, underscores and a question mark do not matter.
ATTRIBUTES = MappingProxyType(
    {
        "product_name": ("name", "product"),
        "product_desc": ("description", "product description"),
        "product_sku": ("sku",),
        "product_color": ("color", "colour", "product colour"),
        "product_size": ("size",),
        "brand_name": ("brand",),
        "product_category": ("category",),
        "ean_barcode": ("ean", "barcode"),
        "serial_number": ("serial", "serial no"),
        "imei_number": ("imei",),
        "product_images": ("image", "images", "product image"),
    }
)

_BY_QUESTION = {
    question: attribute for attribute, others in ATTRIBUTES.items() for question in (attribute.replace("_", " "), *others)
}


def details(order: Order) -> dict[str, bool | str | list[str]] | None:
    """`qc_details`, or None where nothing is to be checked. Raises Refused naming the check that cannot be put."""
    if not order.quality_checks:
        return None
    if len(order.items) != 1:
        raise _refused("/quality_checks", "one product is compared, not several")
    attributes: dict[str, str] = {}
    images = list(order.items[0].images)
    for index, check in enumerate(order.quality_checks):
        attribute = _attribute(check, f"/quality_checks/{index}")
        if attribute in attributes:
            raise _refused(f"/quality_checks/{index}/question", f"{attribute} is asked twice")
        attributes[attribute] = check.expected
        images += [image for image in (check.image, check.expected if attribute == "product_images" else "") if image]
    attributes.pop("product_images", None)
    return {
        "qc_shipment": True,
        "product_name": order.items[0].description,
        **attributes,
        **({"product_images": list(dict.fromkeys(images))} if images else {}),
    }


def _attribute(check: QualityCheck, pointer: str) -> str:
    attribute = _BY_QUESTION.get(re.sub(r"[\s_-]+", " ", check.question).strip(" ?:.").casefold())
    if attribute is None:
        raise _refused(f"{pointer}/question", f"Ekart compares {', '.join(ATTRIBUTES)}")
    if not check.mandatory:
        raise _refused(f"{pointer}/mandatory", "every check at Ekart is binding")
    if not check.expected:
        raise _refused(f"{pointer}/expected", "nothing to compare with")
    if attribute == "product_images" and not re.match(r"https?://", check.expected):
        raise _refused(f"{pointer}/expected", "an image is given by its address")
    return attribute


def _refused(field: str, why: str) -> Refused:
    return Refused(RefusalKind.INVALID_REQUEST, raw_message=why, field=field)
