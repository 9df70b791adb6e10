"""What is done about each reason a pickup did not happen, and how often by itself before a person decides.

The table is the default; a merchant may overrule any line (`Policy.rules`). The days of waiting after a delay or a
force majeure are assumed; the rest is the product's own convention.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from adapters.contract.scans import Reason


class Action(enum.StrEnum):
    """What a reason calls for."""

    REATTEMPT_NEXT_WORKING_DAY = "reattempt_next_working_day"
    REATTEMPT_ON_DATE = "reattempt_on_date"
    CONTACT_CUSTOMER_THEN_REATTEMPT = "contact_customer_then_reattempt"
    CORRECT_ADDRESS_THEN_REATTEMPT = "correct_address_then_reattempt"
    WAIT_THEN_REATTEMPT = "wait_then_reattempt"
    RESEND_LABEL_THEN_REATTEMPT = "resend_label_then_reattempt"
    REBOOK = "rebook"
    SWITCH_CARRIER = "switch_carrier"
    POLL_THEN_SWITCH = "poll_then_switch"
    HOLD_FOR_MERCHANT = "hold_for_merchant"
    CONFIRM_THEN_CANCEL = "confirm_then_cancel"
    CANCEL = "cancel"
    CLOSE = "close"
    MANUAL_REVIEW = "manual_review"


class Message(enum.StrEnum):
    """What the customer is sent."""

    SLOT_LINK = "slot_link"
    CONTACT = "contact"
    CORRECTION_LINK = "correction_link"
    CONFIRMATION = "confirmation"
    LABEL = "label"


class Need(enum.StrEnum):
    """What must be had before the action: put-right data (a code, a weight), or the customer's fresh word."""

    CORRECTION = "correction"
    CONFIRMATION = "confirmation"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about a reason, and how many further visits it may ask for by itself (`tries`) before a person decides.

    `message` goes to the customer. `second_in_a_row` replaces the action when the same reason comes twice running. `bar_days`: the
    carrier is not asked for that postal code for so long. `wait_days` pass before it comes again.
    """

    action: Action
    tries: int = 0
    message: Message | None = None
    second_in_a_row: Action | None = None
    bar_days: int = 0
    wait_days: int = 0
    needs: Need | None = None


_A, _M = Action, Message

ACTIONS: Mapping[Reason, Rule] = {
    Reason.CUSTOMER_UNAVAILABLE: Rule(action=_A.REATTEMPT_NEXT_WORKING_DAY, tries=2, message=_M.SLOT_LINK),
    Reason.CUSTOMER_UNREACHABLE: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=2, message=_M.CONTACT),
    Reason.WRONG_PHONE: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1, message=_M.CONTACT),
    Reason.CUSTOMER_RESCHEDULED: Rule(action=_A.REATTEMPT_ON_DATE, tries=2, message=_M.SLOT_LINK),
    Reason.CUSTOMER_DECLINED: Rule(action=_A.CONFIRM_THEN_CANCEL, message=_M.CONFIRMATION),
    Reason.CUSTOMER_WANTS_REFUND_FIRST: Rule(action=_A.HOLD_FOR_MERCHANT),
    Reason.NOTHING_TO_COLLECT: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1, message=_M.CONTACT),
    Reason.ITEM_NOT_READY: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=2, message=_M.CONTACT),
    Reason.ADDRESS_INCOMPLETE: Rule(action=_A.CORRECT_ADDRESS_THEN_REATTEMPT, tries=2, message=_M.CORRECTION_LINK),
    Reason.ADDRESS_NOT_FOUND: Rule(action=_A.CORRECT_ADDRESS_THEN_REATTEMPT, tries=2, message=_M.CORRECTION_LINK),
    Reason.POSTAL_CODE_MISMATCH: Rule(action=_A.REBOOK, message=_M.CORRECTION_LINK, needs=Need.CORRECTION),
    Reason.PREMISES_CLOSED: Rule(action=_A.REATTEMPT_NEXT_WORKING_DAY, tries=2),
    Reason.ENTRY_RESTRICTED: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1, message=_M.CONTACT),
    Reason.OTP_FAILED: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1, message=_M.CONTACT),
    Reason.QC_MISMATCH: Rule(action=_A.HOLD_FOR_MERCHANT, tries=1),
    Reason.QC_DAMAGED_OR_USED: Rule(action=_A.HOLD_FOR_MERCHANT, tries=1),
    Reason.QC_QUANTITY_MISMATCH: Rule(action=_A.HOLD_FOR_MERCHANT, tries=1),
    Reason.QC_FAILED_OTHER: Rule(action=_A.HOLD_FOR_MERCHANT, tries=1),
    Reason.QC_TAG_OR_BOX_MISSING: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1, message=_M.CONTACT),
    Reason.PACKAGING_PROBLEM: Rule(action=_A.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1, message=_M.CONTACT),
    Reason.LABEL_MISSING: Rule(action=_A.RESEND_LABEL_THEN_REATTEMPT, tries=1, message=_M.LABEL),
    Reason.WEIGHT_OR_SIZE_EXCEEDED: Rule(action=_A.SWITCH_CARRIER, needs=Need.CORRECTION),
    Reason.PROHIBITED_ITEM: Rule(action=_A.HOLD_FOR_MERCHANT),
    Reason.MISSING_INFORMATION: Rule(action=_A.HOLD_FOR_MERCHANT),
    Reason.PAYMENT_PROBLEM: Rule(action=_A.HOLD_FOR_MERCHANT),
    Reason.NOT_ATTEMPTED: Rule(action=_A.REATTEMPT_NEXT_WORKING_DAY, tries=2, second_in_a_row=_A.SWITCH_CARRIER),
    Reason.CARRIER_DELAY: Rule(action=_A.WAIT_THEN_REATTEMPT, tries=2, wait_days=1),
    Reason.NO_EVENT: Rule(action=_A.POLL_THEN_SWITCH, tries=1),
    Reason.OUT_OF_PICKUP_AREA: Rule(action=_A.SWITCH_CARRIER, bar_days=7),
    Reason.CANCELLED_BY_CARRIER: Rule(action=_A.SWITCH_CARRIER),
    Reason.FORCE_MAJEURE: Rule(action=_A.WAIT_THEN_REATTEMPT, tries=3, wait_days=2),
    Reason.HOLIDAY: Rule(action=_A.REATTEMPT_NEXT_WORKING_DAY, tries=2),
    Reason.MAX_VISITS_REACHED: Rule(action=_A.SWITCH_CARRIER, message=_M.CONFIRMATION, needs=Need.CONFIRMATION),
    Reason.ALREADY_COLLECTED: Rule(action=_A.CLOSE),
    Reason.CANCELLED_BY_CUSTOMER: Rule(action=_A.CONFIRM_THEN_CANCEL, tries=1, message=_M.CONFIRMATION),
    Reason.CANCELLED_BY_CUSTOMER_VERIFIED: Rule(action=_A.CANCEL),
    Reason.CANCELLED_BY_MERCHANT: Rule(action=_A.CANCEL),
    Reason.UNKNOWN: Rule(action=_A.MANUAL_REVIEW),
}
