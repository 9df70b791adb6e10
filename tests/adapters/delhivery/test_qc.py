from __future__ import annotations

import msgspec
import pytest

from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import QualityCheck
from adapters.delhivery import book

from .examples import COLOUR, SHIRT, access, first_shipment, pickup, shipment


def test_a_question_is_sent_under_the_id_agreed_with_delhivery():
    check = msgspec.structs.replace(COLOUR, image="https://pictures.example/blue.jpg", mandatory=False)
    sent = first_shipment(pickup(quality_checks=(check,)))
    assert (sent["qc_type"], sent["custom_qc"]) == (
        "param",
        [
            {
                "item": "SHIRT-B",
                "description": "Cotton shirt",
                "images": ["https://pictures.example/shirt.jpg"],
                "return_reason": "Size or fit",
                "quantity": 2,
                "brand": "Loom",
                "product_category": "apparel",
                "questions": [
                    {
                        "questions_id": "LOOM-Q1",
                        "options": [""],
                        "value": ["Blue"],
                        "required": False,
                        "type": "varchar",
                        "ques_images": ["https://pictures.example/blue.jpg"],
                    }
                ],
            }
        ],
    )


def test_a_question_may_offer_options_to_pick_from():
    mapping = '{"Is it blue?": {"id": "LOOM-Q2", "type": "multi", "options": ["Blue", "Other"]}}'
    question = first_shipment(pickup(quality_checks=(COLOUR,)), qc_questions=mapping)["custom_qc"][0]["questions"][0]
    assert (question["questions_id"], question["type"], question["options"]) == ("LOOM-Q2", "multi", ["Blue", "Other"])


def test_without_questions_there_is_no_word_of_qc():
    assert not {"qc_type", "custom_qc"} & set(first_shipment(pickup()))


def test_two_items_are_asked_the_same_questions():
    sent = first_shipment(pickup(items=(SHIRT, SHIRT), quality_checks=(COLOUR,) * 6))
    assert [len(item["questions"]) for item in sent["custom_qc"]] == [6, 6]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": (SHIRT, SHIRT, SHIRT)}, "/items/2"),
        ({"quality_checks": (COLOUR,) * 7}, "/quality_checks/6"),
        ({"quality_checks": (COLOUR, QualityCheck(question="Has it tags?", expected="Yes"))}, "/quality_checks/1"),
        ({"items": (SHIRT, msgspec.structs.replace(SHIRT, images=()))}, "/items/1/images"),
        ({"items": (msgspec.structs.replace(SHIRT, description=" "),)}, "/items/0/description"),
    ],
)
def test_what_would_cost_the_qc_in_silence_is_refused_by_its_field(changes, field):
    with pytest.raises(Refused) as caught:
        book.build(pickup(**({"quality_checks": (COLOUR,)} | changes)), access(), {})
    assert (caught.value.kind, caught.value.field) == (RefusalKind.INVALID_REQUEST, field)


def test_three_items_without_questions_are_welcome():
    assert first_shipment(pickup(items=(SHIRT, SHIRT, SHIRT)))["quantity"] == 6


def test_an_expected_answer_outside_the_options_is_refused():
    mapping = '{"Is it blue?": {"id": "LOOM-Q2", "type": "multi", "options": ["Red", "Other"]}}'
    with pytest.raises(Refused) as caught:
        book.build(pickup(quality_checks=(COLOUR,)), access({"qc_questions": mapping}), {})
    assert caught.value.field == "/quality_checks/0/expected"


def test_a_forward_parcel_is_not_checked_at_the_door():
    with pytest.raises(Refused) as caught:
        book.build(shipment(quality_checks=(COLOUR,)), access(), {})
    assert caught.value.field == "/quality_checks/0"


@pytest.mark.parametrize("mapping", ["{", "[]", '{"Is it blue?": 7}', '{"Is it blue?": {"id": "Q", "type": "select"}}'])
def test_an_unreadable_mapping_is_the_accounts_matter(mapping):
    with pytest.raises(Refused) as caught:
        book.build(pickup(quality_checks=(COLOUR,)), access({"qc_questions": mapping}), {})
    assert caught.value.kind is RefusalKind.ACCOUNT
