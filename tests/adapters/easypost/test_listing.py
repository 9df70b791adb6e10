"""The carrier's own list of a day: what was bought, page by page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from adapters.contract.carrier import DayPage, Listed, Listing
from adapters.contract.errors import Misread
from adapters.easypost.listing import LIST_OF_DAY

from . import examples
from .examples import AWB, REFERENCE, SHIPMENT, answer, bought, made

DAY = DayPage(day=dt.date(2026, 3, 9))
LINE = Listed(awb=AWB, carrier_reference=REFERENCE, handles={"shipment": SHIPMENT})


def read(*shipments: Any, has_more: Any = False, page: DayPage = DAY) -> Any:
    return examples.read(LIST_OF_DAY, answer({"shipments": list(shipments), "has_more": has_more}), page)


def test_a_day_is_asked_for_in_utc_and_only_what_was_bought() -> None:
    sent = LIST_OF_DAY.steps[0].build(DayPage(day=DAY.day, after="shp_9"), examples.access(), {})
    assert (sent.method, dict(sent.url.params)) == (
        "GET",
        {
            "start_datetime": "2026-03-09T00:00:00Z",
            "end_datetime": "2026-03-10T00:00:00Z",
            "purchased": "true",
            "page_size": "100",
            "before_id": "shp_9",
        },
    )


def test_a_label_is_a_line_with_our_reference_and_what_it_is_cancelled_by() -> None:
    assert read(bought()) == Listing(lines=(LINE,))


@pytest.mark.parametrize("status", ["submitted", "refunded", "rejected", "not_applicable"])
def test_one_whose_refund_was_asked_for_is_cancelled(status: str) -> None:
    assert [one.cancelled for one in read(bought(refund_status=status)).lines] == [True]


def test_what_was_only_priced_and_an_empty_day_are_no_lines() -> None:
    assert (read(made()), read()) == (Listing(lines=()), Listing(lines=()))


def test_the_next_page_begins_after_the_last_of_this_one() -> None:
    assert read(bought(), has_more=True).more == SHIPMENT


NO_LISTS: tuple[Any, ...] = (
    {},
    [],
    {"shipments": []},
    {"has_more": False},
    {"shipments": None, "has_more": False},
    {"shipments": {}, "has_more": 1},
)


@pytest.mark.parametrize("reply", NO_LISTS)
def test_what_is_no_list_is_no_answer(reply: Any) -> None:
    assert examples.read(LIST_OF_DAY, answer(reply), DAY) == (Misread,)


@pytest.mark.parametrize(("shipments", "page"), [((), DAY), ((bought(),), DayPage(day=DAY.day, after=SHIPMENT))])
def test_a_list_that_goes_on_without_end_is_no_answer(shipments: tuple[Any, ...], page: DayPage) -> None:
    assert read(*shipments, has_more=True, page=page) == (Misread,)
