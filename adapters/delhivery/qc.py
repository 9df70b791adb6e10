"""Quality checks at the door (RVP QC 3.0): at most two items with six questions each.

Developer portal, RVP QC 3.0 (2026-07): beyond these numbers the shipment would be made *without* QC, in silence, so it is refused
here. A question is known to Delhivery by an id that the merchant agrees with them once; only the first value is the right answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from adapters.contract.carrier import Access
from adapters.contract.errors import RefusalKind, Refused
from adapters.contract.orders import Direction, Item, Order, QualityCheck
from adapters.delhivery import wire

MOST_ITEMS = 2
MOST_QUESTIONS = 6


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """How a question of ours is known to Delhivery. `multi`: the rider picks from `options`; `varchar`: he types."""

    id: str
    type: Literal["varchar", "multi"] = "varchar"
    options: tuple[str, ...] = ("",)


def quality_check(order: Order, access: Access) -> dict[str, object]:
    """Every question is asked of every item. Raises Refused naming what would cost the QC."""
    checks = order.quality_checks
    if not checks:
        return {}
    if order.direction is not Direction.REVERSE:
        raise wire.unfit("/quality_checks/0", "only a reverse pickup is checked at the door")
    if len(order.items) > MOST_ITEMS:
        raise wire.unfit(f"/items/{MOST_ITEMS}", f"at most {MOST_ITEMS} items can be checked")
    if len(checks) > MOST_QUESTIONS:
        raise wire.unfit(f"/quality_checks/{MOST_QUESTIONS}", f"at most {MOST_QUESTIONS} questions can be asked")
    known = _known_questions(access)
    questions = [_question(n, check, known) for n, check in enumerate(checks)]
    return {"qc_type": "param", "custom_qc": [_checked(n, item, questions) for n, item in enumerate(order.items)]}


def _known_questions(access: Access) -> Mapping[str, str | Question]:
    """The setting `qc_questions`: our text -> their id, or -> {"id", "type", "options"}."""
    try:
        return msgspec.json.decode(access.settings.get("qc_questions") or "{}", type=dict[str, str | Question])
    except msgspec.DecodeError as error:
        raise Refused(RefusalKind.ACCOUNT, "", f"the setting qc_questions cannot be read: {error}") from error


def _question(n: int, check: QualityCheck, known: Mapping[str, str | Question]) -> dict[str, object]:
    found = known.get(check.question)
    if found is None:
        raise wire.unfit(f"/quality_checks/{n}", "this question is not agreed with Delhivery (setting qc_questions)")
    question = Question(id=found) if isinstance(found, str) else found
    if question.type == "multi" and check.expected not in question.options:
        raise wire.unfit(f"/quality_checks/{n}/expected", "not one of the options agreed with Delhivery")
    return {
        "questions_id": question.id,
        "options": question.options,
        "value": [check.expected],
        "required": check.mandatory,
        "type": question.type,
        "ques_images": [check.image] if check.image else [],
    }


def _checked(n: int, item: Item, questions: list[dict[str, object]]) -> dict[str, object]:
    if not item.description.strip():
        raise wire.unfit(f"/items/{n}/description", "a quality check needs a description")
    if not item.images:
        raise wire.unfit(f"/items/{n}/images", "a quality check needs a picture")
    return {
        "item": item.sku,
        "description": item.description,
        "images": item.images,
        "return_reason": item.return_reason.value.replace("_", " ").capitalize(),
        "quantity": item.quantity,
        "brand": item.brand,
        "product_category": item.category,
        "questions": questions,
    }
