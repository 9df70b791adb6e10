"""The table of update codes."""

import pytest

from adapters.aramex.codes import CODES, meaning
from adapters.contract.scans import NEEDS_REASON, Milestone, Reason


@pytest.mark.parametrize("code", CODES)
def test_every_code_means_something_and_has_a_reason_where_one_is_due(code):
    milestone, reason = meaning(code)
    assert (reason is not None) == (milestone in NEEDS_REASON)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("SH014", (Milestone.LABEL_CREATED, None)),
        ("SH299", (Milestone.LABEL_CREATED, None)),
        ("SH308", (Milestone.PICKUP_SCHEDULED, None)),
        ("SH312", (Milestone.PICKUP_SCHEDULED, None)),
        ("SH313", (Milestone.CANCELLED, Reason.UNKNOWN)),
        ("SH314", (Milestone.PICKED_UP, None)),
        ("SH047", (Milestone.IN_TRANSIT, None)),
        ("SH158", (Milestone.CUSTOMS, None)),
        ("SH044", (Milestone.DELAYED, None)),
        ("SH294", (Milestone.ON_HOLD, None)),
        ("SH003", (Milestone.OUT_FOR_DELIVERY, None)),
        ("SH033", (Milestone.DELIVERY_FAILED, Reason.CUSTOMER_DECLINED)),
        ("SH498", (Milestone.DELIVERY_FAILED, Reason.MAX_VISITS_REACHED)),
        ("SH164", (Milestone.AWAITING_COLLECTION, None)),
        ("SH006", (Milestone.DELIVERED, None)),
        ("SH474", (Milestone.RETURNING, None)),
        ("SH069", (Milestone.RETURNED_TO_SENDER, None)),
        ("SH250", (Milestone.UNKNOWN, None)),
        ("SH570", (Milestone.UNKNOWN, None)),
    ],
)
def test_what_a_code_says(code, told):
    assert meaning(code) == told


@pytest.mark.parametrize("code", ["SH250", "SH270", "SH369", "SH382", "SH515"])
def test_a_call_or_a_message_is_never_taken_for_a_collection(code):
    assert meaning(code)[0] is Milestone.UNKNOWN


def test_no_code_says_that_a_rider_is_out_or_has_failed():
    assert {Milestone.OUT_FOR_PICKUP, Milestone.PICKUP_FAILED}.isdisjoint(milestone for milestone, _ in CODES.values())
