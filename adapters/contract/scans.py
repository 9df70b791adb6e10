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
    """Why a pickup did not happen; each with the fault it is put down to unless disputed."""

    fault: Fault

    def __new__(cls, code: str, fault: Fault) -> Reason:
        member = str.__new__(cls, code)
        member._value_ = code
        member.fault = fault
        return member

    CUSTOMER_UNAVAILABLE = "customer_unavailable", Fault.CUSTOMER
    CUSTOMER_UNREACHABLE = "customer_unreachable", Fault.CUSTOMER
    WRONG_PHONE = "wrong_phone", Fault.CUSTOMER
    CUSTOMER_RESCHEDULED = "customer_rescheduled", Fault.CUSTOMER
    CUSTOMER_DECLINED = "customer_declined", Fault.CUSTOMER
    CUSTOMER_WANTS_REFUND_FIRST = "customer_wants_refund_first", Fault.MERCHANT
    NOTHING_TO_COLLECT = "nothing_to_collect", Fault.CUSTOMER
    ITEM_NOT_READY = "item_not_ready", Fault.CUSTOMER
    ADDRESS_INCOMPLETE = "address_incomplete", Fault.CUSTOMER
    ADDRESS_NOT_FOUND = "address_not_found", Fault.CUSTOMER
    POSTAL_CODE_MISMATCH = "postal_code_mismatch", Fault.CUSTOMER
    PREMISES_CLOSED = "premises_closed", Fault.CUSTOMER
    ENTRY_RESTRICTED = "entry_restricted", Fault.CUSTOMER
    OTP_FAILED = "otp_failed", Fault.CUSTOMER
    QC_MISMATCH = "qc_mismatch", Fault.CUSTOMER
    QC_DAMAGED_OR_USED = "qc_damaged_or_used", Fault.CUSTOMER
    QC_QUANTITY_MISMATCH = "qc_quantity_mismatch", Fault.CUSTOMER
    QC_FAILED_OTHER = "qc_failed_other", Fault.CUSTOMER
    QC_TAG_OR_BOX_MISSING = "qc_tag_or_box_missing", Fault.CUSTOMER
    PACKAGING_PROBLEM = "packaging_problem", Fault.CUSTOMER
    LABEL_MISSING = "label_missing", Fault.MERCHANT
    WEIGHT_OR_SIZE_EXCEEDED = "weight_or_size_exceeded", Fault.MERCHANT
    PROHIBITED_ITEM = "prohibited_item", Fault.MERCHANT
    MISSING_INFORMATION = "missing_information", Fault.MERCHANT
    PAYMENT_PROBLEM = "payment_problem", Fault.MERCHANT
    NOT_ATTEMPTED = "not_attempted", Fault.CARRIER
    CARRIER_DELAY = "carrier_delay", Fault.CARRIER
    NO_EVENT = "no_event", Fault.CARRIER
    OUT_OF_PICKUP_AREA = "out_of_pickup_area", Fault.CARRIER
    CANCELLED_BY_CARRIER = "cancelled_by_carrier", Fault.CARRIER
    FORCE_MAJEURE = "force_majeure", Fault.NOBODY
    HOLIDAY = "holiday", Fault.NOBODY
    MAX_VISITS_REACHED = "max_visits_reached", Fault.NOBODY
    ALREADY_COLLECTED = "already_collected", Fault.MERCHANT
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer", Fault.CUSTOMER
    CANCELLED_BY_CUSTOMER_VERIFIED = "cancelled_by_customer_verified", Fault.CUSTOMER
    CANCELLED_BY_MERCHANT = "cancelled_by_merchant", Fault.MERCHANT
    UNKNOWN = "unknown", Fault.UNKNOWN


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
