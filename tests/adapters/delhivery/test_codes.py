from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.scans import NEEDS_REASON, Milestone, Reason
from adapters.delhivery.codes import CODES, FAMILIES, NOTES, PAIRS, TYPES, WORDS, meaning

# The handbook's reverse codes, written down a second time: StatusType, NSL codes, milestone, reason.
REVERSE = [
    ("PP", "X-UCO", Milestone.LABEL_CREATED, None),
    ("PP", "X-ASP CL-101", Milestone.PICKUP_SCHEDULED, None),
    ("PP", "X-DDD1FP X-DDD2FP X-DDD3FP X-DDD4FP X-LM1P", Milestone.OUT_FOR_PICKUP, None),
    ("PP", "X-DDD1FR X-DDD2FR X-DDD3FR X-DDD4FR", Milestone.OUT_FOR_PICKUP, None),
    ("PU", "EOD-77", Milestone.PICKED_UP, None),
    ("PP", "EOD-26 EOD-11", Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE),
    ("PP", "EOD-73 EOD-74", Milestone.PICKUP_FAILED, Reason.ADDRESS_INCOMPLETE),
    ("PP", "EOD-65 EOD-86", Milestone.PICKUP_FAILED, Reason.NOT_ATTEMPTED),
    ("PP", "EOD-68 EOD-3", Milestone.PICKUP_FAILED, Reason.CUSTOMER_RESCHEDULED),
    ("PP", "EOD-121 EOD-104", Milestone.PICKUP_FAILED, Reason.ENTRY_RESTRICTED),
    ("PP", "EOD-83", Milestone.PICKUP_FAILED, Reason.QC_DAMAGED_OR_USED),
    ("CN", "EOD-95", Milestone.CANCELLED, Reason.QC_DAMAGED_OR_USED),
    ("CN", "EOD-84 EOD-131 EOD-132", Milestone.CANCELLED, Reason.QC_MISMATCH),
    ("CN", "EOD-108", Milestone.CANCELLED, Reason.QC_QUANTITY_MISMATCH),
    ("CN", "EOD-777", Milestone.CANCELLED, Reason.QC_FAILED_OTHER),
    ("PP", "EOD-902", Milestone.PICKUP_FAILED, Reason.WEIGHT_OR_SIZE_EXCEEDED),
    ("PP", "EOD-900", Milestone.PICKUP_FAILED, Reason.CUSTOMER_DECLINED),
    ("CN", "EOD-21", Milestone.CANCELLED, Reason.CANCELLED_BY_CUSTOMER),
    ("CN", "EOD-6O", Milestone.CANCELLED, Reason.CANCELLED_BY_CUSTOMER_VERIFIED),
    ("CN", "EOD-90", Milestone.CANCELLED, Reason.CUSTOMER_DECLINED),
    ("CN", "EOD-106", Milestone.CANCELLED, Reason.MAX_VISITS_REACHED),
    ("CN", "ST-109 ST-112", Milestone.CANCELLED, Reason.OUT_OF_PICKUP_AREA),
    ("PP", "CL-102 CL-103", Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT),
    ("PP", "CL-107", Milestone.CANCELLED, Reason.CANCELLED_BY_CARRIER),
    ("PP", "DLYDC-101 DLYDC-102", Milestone.PICKUP_FAILED, Reason.FORCE_MAJEURE),
    ("PP", "DLYDC-107", Milestone.PICKUP_FAILED, Reason.PREMISES_CLOSED),
    ("PU", "X-PPOM X-PROM X-PRONM", Milestone.PICKED_UP, None),
    ("PU", "X-PRC X-IBD1R X-IBD3R X-IBD4R", Milestone.IN_TRANSIT, None),
    ("PU", "X-DRO1R X-DRO2R X-DRO3R X-DRO4R X-DRD1R X-DRD2R X-DRD3R X-DRD4R", Milestone.OUT_FOR_DELIVERY, None),
    ("PU", "RD-PD3", Milestone.DELIVERY_FAILED, Reason.PREMISES_CLOSED),
    ("PU", "RD-PD4 RD-PD22", Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
    ("PU", "RD-PD7", Milestone.DELIVERY_FAILED, Reason.QC_QUANTITY_MISMATCH),
    ("PU", "RD-PD8 RD-PD20", Milestone.DELIVERY_FAILED, Reason.MISSING_INFORMATION),
    ("PU", "RD-PD10 RD-PD11", Milestone.DELIVERY_FAILED, Reason.QC_MISMATCH),
    ("PU", "RD-PD12 RD-PD21", Milestone.DELIVERY_FAILED, Reason.QC_DAMAGED_OR_USED),
    ("PU", "RD-PD15", Milestone.DELIVERY_FAILED, Reason.CARRIER_DELAY),
    ("PU", "RD-PD17", Milestone.DELIVERY_FAILED, Reason.NOT_ATTEMPTED),
    ("PU", "RD-PD18", Milestone.DELIVERY_FAILED, Reason.ADDRESS_INCOMPLETE),
    ("DL", "RD-AC", Milestone.DELIVERED, None),
    ("PU", "LT-100", Milestone.LOST, None),
    ("DL", "RT-111", Milestone.DAMAGED, None),
]
FORWARD = [
    ("UD", "X-UCI", Milestone.LABEL_CREATED, None),
    ("UD", "FMPUR-101", Milestone.PICKUP_SCHEDULED, None),
    ("UD", "FMOFP-101", Milestone.OUT_FOR_PICKUP, None),
    ("UD", "FMEOD-103", Milestone.PICKUP_FAILED, Reason.PREMISES_CLOSED),
    ("UD", "FMEOD-106", Milestone.PICKUP_FAILED, Reason.NOT_ATTEMPTED),
    ("UD", "FMEOD-152", Milestone.PICKUP_FAILED, Reason.ITEM_NOT_READY),
    ("UD", "X-PPOM", Milestone.PICKED_UP, None),
    ("UD", "DTUP-210", Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT),
    ("UD", "EOD-6 EOD-111", Milestone.DELIVERY_FAILED, Reason.CUSTOMER_DECLINED),
    ("UD", "EOD-40", Milestone.DELIVERY_FAILED, Reason.PAYMENT_PROBLEM),
    ("UD", "EOD-69", Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
    ("UD", "ST-108", Milestone.DELIVERY_FAILED, Reason.MAX_VISITS_REACHED),
]
CASES = [(kind, code, (milestone, reason)) for kind, codes, milestone, reason in REVERSE + FORWARD for code in codes.split()]


@pytest.mark.parametrize(("kind", "code", "meant"), CASES)
def test_every_code_has_its_meaning(kind, code, meant):
    assert meaning(kind, code, "") == meant


def test_no_entry_of_a_table_is_without_a_case():
    told = {(kind, code) for kind, code, _ in CASES}
    assert set(PAIRS) <= told
    assert set(CODES) <= {code for _, code in told}
    assert all(any(kind == type_ and code.startswith(prefix) for kind, code in told) for type_, prefix, _ in FAMILIES)


@pytest.mark.parametrize(("pair", "meant"), WORDS.items())
def test_every_status_word_has_its_meaning(pair, meant):
    assert meaning(pair[0], "", pair[1]) == meant
    assert meaning(pair[0], "X-NEW", pair[1]) == meant


def test_dispatched_alone_is_ambiguous():
    meant = [meaning(kind, "", "Dispatched")[0] for kind in ("PP", "PU", "UD", "RT", "??")]
    assert meant == [
        Milestone.OUT_FOR_PICKUP,
        Milestone.OUT_FOR_DELIVERY,
        Milestone.OUT_FOR_DELIVERY,
        Milestone.RETURNING,
        Milestone.UNKNOWN,
    ]


@pytest.mark.parametrize(
    ("kind", "code", "word", "meant"),
    [
        ("PP", "EOD-999", "Scheduled", (Milestone.UNKNOWN, None)),
        ("UD", "EOD-999", "Pending", (Milestone.UNKNOWN, None)),
        ("", "", "", (Milestone.UNKNOWN, None)),
        ("ZZ", "ZZ-1", "Zapped", (Milestone.UNKNOWN, None)),
        ("PU", "ZZ-1", "", (Milestone.IN_TRANSIT, None)),
        ("CN", "ZZ-1", "Canceled", (Milestone.CANCELLED, Reason.UNKNOWN)),
        ("DL", "ZZ-1", "Zapped", (Milestone.DELIVERED, None)),
    ],
)
def test_a_code_that_is_nowhere_keeps_what_its_type_says(kind, code, word, meant):
    assert meaning(kind, code, word) == meant


@pytest.mark.parametrize(
    ("kind", "code", "meant"),
    [
        ("UD", "EOD-11", (Milestone.DELIVERY_FAILED, Reason.CUSTOMER_UNAVAILABLE)),
        ("CN", "EOD-26", (Milestone.CANCELLED, Reason.CUSTOMER_UNAVAILABLE)),
        ("PP", "EOD-84", (Milestone.PICKUP_FAILED, Reason.QC_MISMATCH)),
        ("CN", "CL-102", (Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT)),
        ("PP", "EOD-21", (Milestone.CANCELLED, Reason.CANCELLED_BY_CUSTOMER)),
        ("RT", "EOD-11", (Milestone.RETURNING, None)),
        ("", "EOD-26", (Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE)),
        ("", "X-ASP", (Milestone.PICKUP_SCHEDULED, None)),
    ],
)
def test_a_code_listed_under_another_type_keeps_its_reason(kind, code, meant):
    assert meaning(kind, code, "") == meant


@pytest.mark.parametrize(
    ("word", "milestone"), [("Delivered", Milestone.DELIVERED), ("DTO", Milestone.DELIVERED), ("RTO", Milestone.RETURNED_TO_SENDER)]
)
def test_the_word_tells_how_a_parcel_ended(word, milestone):
    assert meaning("DL", "RD-AC", word) == (milestone, None)


def test_lost_is_lost_whatever_stands_beside_it():
    assert {meaning(kind, "ZZ-1", "LOST") for kind in ("DL", "UD", "PU", "")} == {(Milestone.LOST, None)}


@pytest.mark.parametrize("note", sorted(NOTES))
def test_a_note_changes_nothing(note):
    assert meaning("PP", note, "Scheduled") == meaning("PP", "", "Scheduled")


@given(kind=st.sampled_from(["PP", "PU", "CN", "DL", "RT", "UD", "LT", ""]), code=st.text(max_size=10), word=st.text(max_size=10))
def test_a_reason_is_given_exactly_where_one_is_needed(kind, code, word):
    milestone, reason = meaning(kind, code, word)
    assert (milestone in NEEDS_REASON) == (reason is not None)


def test_every_entry_gives_a_reason_exactly_where_one_is_needed():
    meanings = [*PAIRS.values(), *CODES.values(), *WORDS.values(), *TYPES.values(), *(meant for _, _, meant in FAMILIES)]
    assert all((milestone in NEEDS_REASON) == (reason is not None) for milestone, reason in meanings)
