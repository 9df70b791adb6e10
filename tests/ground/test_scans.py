"""The words for what carriers report, against the vocabulary written down a second time."""

from __future__ import annotations

import pytest

from adapters.contract.scans import NEEDS_REASON, Fault, Milestone, Reason

MILESTONES = (
    "label_created pickup_scheduled out_for_pickup pickup_failed picked_up in_transit customs delayed out_for_delivery "
    "delivery_failed awaiting_collection delivered returning returned_to_sender on_hold cancelled lost damaged unknown"
)

BY_FAULT = {
    Fault.CUSTOMER: """
        customer_unavailable customer_unreachable wrong_phone customer_rescheduled customer_declined nothing_to_collect
        item_not_ready address_incomplete address_not_found postal_code_mismatch premises_closed entry_restricted otp_failed
        qc_mismatch qc_damaged_or_used qc_quantity_mismatch qc_failed_other qc_tag_or_box_missing packaging_problem
        cancelled_by_customer cancelled_by_customer_verified
    """,
    Fault.MERCHANT: """
        customer_wants_refund_first label_missing weight_or_size_exceeded prohibited_item missing_information payment_problem
        already_collected cancelled_by_merchant
    """,
    Fault.CARRIER: "not_attempted carrier_delay no_event out_of_pickup_area cancelled_by_carrier",
    Fault.NOBODY: "force_majeure holiday max_visits_reached",
    Fault.UNKNOWN: "unknown",
}


def test_the_milestones_are_those_of_the_vocabulary_in_its_order():
    assert [str(milestone) for milestone in Milestone] == MILESTONES.split()


def test_only_a_failure_or_a_cancellation_has_a_reason():
    assert {Milestone.PICKUP_FAILED, Milestone.DELIVERY_FAILED, Milestone.CANCELLED} == NEEDS_REASON


@pytest.mark.parametrize("fault", BY_FAULT)
def test_every_reason_is_put_down_to_somebody(fault):
    assert {str(reason) for reason in Reason if reason.fault is fault} == set(BY_FAULT[fault].split())


def test_no_reason_is_without_a_fault():
    assert {reason.fault for reason in Reason} == set(Fault)
