"""Quality checks: only what Ekart's rider compares can be asked."""

from typing import Any

import pytest
from msgspec.structs import replace

from adapters.contract.errors import RefusalKind
from adapters.contract.orders import QualityCheck
from adapters.ekart import CARRIER
from adapters.ekart.book import BOOK
from adapters.ekart.quality import ATTRIBUTES

from .examples import SHIRT, access, body_of, pickup, refused_building, shipment

IMAGE = "https://images.test/shirt.jpg"


def check(question: str = "colour", expected: str = "Blue", **changes: Any) -> QualityCheck:
    return QualityCheck(question=question, expected=expected, **changes)


def details(*checks: QualityCheck, **changes: Any) -> Any:
    return body_of(BOOK, pickup(quality_checks=checks, **changes), access())["qc_details"]


def test_a_check_names_the_attribute_its_expected_answer_is_the_value() -> None:
    asked = (check("Colour?", image=IMAGE), check("product_size", "M"), check("IMEI number", "356938035643809"))
    assert details(*asked) == {
        "qc_shipment": True,
        "product_name": "Cotton shirt",
        "product_color": "Blue",
        "product_size": "M",
        "imei_number": "356938035643809",
        "product_images": [IMAGE],
    }


@pytest.mark.parametrize(
    ("question", "attribute"),
    [(question, attribute) for attribute, others in ATTRIBUTES.items() for question in (attribute, *others)],
)
def test_every_way_to_ask_reaches_its_attribute(question: str, attribute: str) -> None:
    expected = IMAGE if attribute == "product_images" else "Blue"
    value = [IMAGE] if attribute == "product_images" else "Blue"
    assert details(check(question.upper(), expected))[attribute] == value


def test_the_items_own_images_are_compared_too_but_once() -> None:
    item = replace(SHIRT, images=(IMAGE, "https://images.test/back.jpg"))
    assert details(check(image=IMAGE), items=(item,))["product_images"] == [IMAGE, "https://images.test/back.jpg"]


def test_without_checks_there_are_no_details() -> None:
    assert "qc_details" not in body_of(BOOK, pickup(items=(replace(SHIRT, images=(IMAGE,)),)), access())


@pytest.mark.parametrize(
    ("checks", "field"),
    [
        ((check(), check("Does the shirt smell of smoke?", "no")), "/quality_checks/1/question"),
        ((check(), check("color", "Red")), "/quality_checks/1/question"),
        ((check(mandatory=False),), "/quality_checks/0/mandatory"),
        ((check(expected=""),), "/quality_checks/0/expected"),
        ((check("images", "the front"),), "/quality_checks/0/expected"),
    ],
)
def test_a_check_that_cannot_be_put_is_refused_by_name(checks: tuple[QualityCheck, ...], field: str) -> None:
    assert refused_building(BOOK, pickup(quality_checks=checks)) == {"kind": RefusalKind.INVALID_REQUEST, "field": field}


def test_several_products_cannot_be_compared() -> None:
    order = pickup(quality_checks=(check(),), items=(SHIRT, SHIRT))
    assert refused_building(BOOK, order) == {"kind": RefusalKind.INVALID_REQUEST, "field": "/quality_checks"}


def test_a_forward_parcel_is_not_checked() -> None:
    order = shipment(quality_checks=(check(),))
    assert refused_building(BOOK, order) == {"kind": RefusalKind.INVALID_REQUEST, "field": "/quality_checks"}


def test_the_description_counts_the_attributes() -> None:
    assert {service.quality_checks for service in CARRIER.services} == {len(ATTRIBUTES)}
