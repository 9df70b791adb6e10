"""What carriers report: scans, what they mean (milestones) and why a visit failed (reasons with fault)."""

from __future__ import annotations

import datetime as dt
import enum

import msgspec


class Milestone(enum.StrEnum):
    """What a scan means; forward and return alike. An unmapped code is UNKNOWN, kept raw, never IN_TRANSIT."""

    LABEL_CREATED = "label_created"
    PICKUP_SCHEDULED = "pickup_scheduled"
    OUT_FOR_PICKUP = "out_for_pickup"
    PICKUP_FAILED = "pickup_failed"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    CUSTOMS = "customs"
    DELAYED = "delayed"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    AWAITING_COLLECTION = "awaiting_collection"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED_TO_SENDER = "returned_to_sender"
    ON_HOLD = "on_hold"
    CANCELLED = "cancelled"
    LOST = "lost"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


NEEDS_REASON = frozenset({Milestone.PICKUP_FAILED, Milestone.DELIVERY_FAILED, Milestone.CANCELLED})


class Fault(enum.StrEnum):
    CUSTOMER = "customer"
    CARRIER = "carrier"
    MERCHANT = "merchant"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


class Reason(enum.StrEnum):
    """Why a pickup did not happen."""

    CUSTOMER_UNAVAILABLE = "customer_unavailable"
    CUSTOMER_UNREACHABLE = "customer_unreachable"
    WRONG_PHONE = "wrong_phone"
    CUSTOMER_RESCHEDULED = "customer_rescheduled"
    CUSTOMER_DECLINED = "customer_declined"
    CUSTOMER_WANTS_REFUND_FIRST = "customer_wants_refund_first"
    NOTHING_TO_COLLECT = "nothing_to_collect"
    ITEM_NOT_READY = "item_not_ready"
    ADDRESS_INCOMPLETE = "address_incomplete"
    ADDRESS_NOT_FOUND = "address_not_found"
    POSTAL_CODE_MISMATCH = "postal_code_mismatch"
    PREMISES_CLOSED = "premises_closed"
    ENTRY_RESTRICTED = "entry_restricted"
    OTP_FAILED = "otp_failed"
    QC_MISMATCH = "qc_mismatch"
    QC_DAMAGED_OR_USED = "qc_damaged_or_used"
    QC_QUANTITY_MISMATCH = "qc_quantity_mismatch"
    QC_FAILED_OTHER = "qc_failed_other"
    QC_TAG_OR_BOX_MISSING = "qc_tag_or_box_missing"
    PACKAGING_PROBLEM = "packaging_problem"
    LABEL_MISSING = "label_missing"
    WEIGHT_OR_SIZE_EXCEEDED = "weight_or_size_exceeded"
    PROHIBITED_ITEM = "prohibited_item"
    MISSING_INFORMATION = "missing_information"
    PAYMENT_PROBLEM = "payment_problem"
    NOT_ATTEMPTED = "not_attempted"
    CARRIER_DELAY = "carrier_delay"
    NO_EVENT = "no_event"
    OUT_OF_PICKUP_AREA = "out_of_pickup_area"
    CANCELLED_BY_CARRIER = "cancelled_by_carrier"
    FORCE_MAJEURE = "force_majeure"
    HOLIDAY = "holiday"
    MAX_VISITS_REACHED = "max_visits_reached"
    ALREADY_COLLECTED = "already_collected"
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    CANCELLED_BY_CUSTOMER_VERIFIED = "cancelled_by_customer_verified"
    CANCELLED_BY_MERCHANT = "cancelled_by_merchant"
    UNKNOWN = "unknown"

    @property
    def fault(self) -> Fault:
        """Whose doing it is put down to, unless disputed."""
        return _FAULTS[self]


_FAULTS: dict[Reason, Fault] = {
    Reason.CUSTOMER_UNAVAILABLE: Fault.CUSTOMER,
    Reason.CUSTOMER_UNREACHABLE: Fault.CUSTOMER,
    Reason.WRONG_PHONE: Fault.CUSTOMER,
    Reason.CUSTOMER_RESCHEDULED: Fault.CUSTOMER,
    Reason.CUSTOMER_DECLINED: Fault.CUSTOMER,
    Reason.CUSTOMER_WANTS_REFUND_FIRST: Fault.MERCHANT,
    Reason.NOTHING_TO_COLLECT: Fault.CUSTOMER,
    Reason.ITEM_NOT_READY: Fault.CUSTOMER,
    Reason.ADDRESS_INCOMPLETE: Fault.CUSTOMER,
    Reason.ADDRESS_NOT_FOUND: Fault.CUSTOMER,
    Reason.POSTAL_CODE_MISMATCH: Fault.CUSTOMER,
    Reason.PREMISES_CLOSED: Fault.CUSTOMER,
    Reason.ENTRY_RESTRICTED: Fault.CUSTOMER,
    Reason.OTP_FAILED: Fault.CUSTOMER,
    Reason.QC_MISMATCH: Fault.CUSTOMER,
    Reason.QC_DAMAGED_OR_USED: Fault.CUSTOMER,
    Reason.QC_QUANTITY_MISMATCH: Fault.CUSTOMER,
    Reason.QC_FAILED_OTHER: Fault.CUSTOMER,
    Reason.QC_TAG_OR_BOX_MISSING: Fault.CUSTOMER,
    Reason.PACKAGING_PROBLEM: Fault.CUSTOMER,
    Reason.LABEL_MISSING: Fault.MERCHANT,
    Reason.WEIGHT_OR_SIZE_EXCEEDED: Fault.MERCHANT,
    Reason.PROHIBITED_ITEM: Fault.MERCHANT,
    Reason.MISSING_INFORMATION: Fault.MERCHANT,
    Reason.PAYMENT_PROBLEM: Fault.MERCHANT,
    Reason.NOT_ATTEMPTED: Fault.CARRIER,
    Reason.CARRIER_DELAY: Fault.CARRIER,
    Reason.NO_EVENT: Fault.CARRIER,
    Reason.OUT_OF_PICKUP_AREA: Fault.CARRIER,
    Reason.CANCELLED_BY_CARRIER: Fault.CARRIER,
    Reason.FORCE_MAJEURE: Fault.NOBODY,
    Reason.HOLIDAY: Fault.NOBODY,
    Reason.MAX_VISITS_REACHED: Fault.NOBODY,
    Reason.ALREADY_COLLECTED: Fault.MERCHANT,
    Reason.CANCELLED_BY_CUSTOMER: Fault.CUSTOMER,
    Reason.CANCELLED_BY_CUSTOMER_VERIFIED: Fault.CUSTOMER,
    Reason.CANCELLED_BY_MERCHANT: Fault.MERCHANT,
    Reason.UNKNOWN: Fault.UNKNOWN,
}


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a carrier's tracking. `code` is the carrier's own, with its type where codes repeat ("PP/EOD-26").

    `at` is when it happened (UTC, aware). `reason` is set exactly for the milestones in `NEEDS_REASON`.
    """

    code: str
    at: dt.datetime
    milestone: Milestone
    text: str = ""
    place: str = ""
    reason: Reason | None = None


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """All that a carrier says about one AWB, oldest scan first. `carrier_reference` is ours, echoed, if the carrier does."""

    awb: str
    scans: tuple[Scan, ...]
    carrier_reference: str = ""
    expected_delivery: dt.datetime | None = None
    moved_by: str = ""
