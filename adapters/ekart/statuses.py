"""What Ekart Elite's statuses mean.

OpenAPI file 3.8.8, `swift_status` and `swift_ndr_status` (A). The same words serve deliveries and pickups; why a visit failed
stands in the NDR status, which a push leaves out.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from adapters.contract.errors import Misread
from adapters.contract.scans import NEEDS_REASON, Milestone, Reason, Scan
from adapters.ekart import wire

# `swift_status`, in the handbook's order.
STATUSES = MappingProxyType(
    {
        "Order Placed": (Milestone.LABEL_CREATED, None),
        "In Transit": (Milestone.IN_TRANSIT, None),
        "Out for Delivery": (Milestone.OUT_FOR_DELIVERY, None),
        "Delivered": (Milestone.DELIVERED, None),
        "Cancelled": (Milestone.CANCELLED, Reason.UNKNOWN),
        "Seller Cancelled": (Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT),
        "RTO Requested": (Milestone.RETURNING, None),
        "Seller RTO Requested": (Milestone.RETURNING, None),
        "RTO In Transit": (Milestone.RETURNING, None),
        "RTO Delivered": (Milestone.RETURNED_TO_SENDER, None),
        "RTO Out for Delivery": (Milestone.RETURNING, None),
        "RTO Failed": (Milestone.RETURNING, None),  # at the seller's door; the return goes on
        "Picked Up": (Milestone.PICKED_UP, None),
        "Pickup Cancelled": (Milestone.CANCELLED, Reason.UNKNOWN),
        "Pickup Pending": (Milestone.PICKUP_SCHEDULED, None),
        "Pickup Scheduled": (Milestone.PICKUP_SCHEDULED, None),
        "Lost": (Milestone.LOST, None),
        "Damaged": (Milestone.DAMAGED, None),
        "Shipment Delayed": (Milestone.DELAYED, None),
        "Not Serviceable": (Milestone.CANCELLED, Reason.OUT_OF_PICKUP_AREA),
        "Not Picked": (Milestone.PICKUP_FAILED, Reason.UNKNOWN),
        "Undelivered": (Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
        "Out for Pickup": (Milestone.OUT_FOR_PICKUP, None),
        "RTO Shipment Delayed": (Milestone.DELAYED, None),
    }
)

# `swift_ndr_status`, in the handbook's order. UNKNOWN where the word speaks of deliveries only.
NDR_STATUSES = MappingProxyType(
    {
        "Unknown Exception": Reason.UNKNOWN,
        "Customer Unavailable": Reason.CUSTOMER_UNAVAILABLE,
        "Rejected by Customer": Reason.CUSTOMER_DECLINED,
        "Delivery Rescheduled": Reason.CUSTOMER_RESCHEDULED,
        "Pickup Rescheduled": Reason.CUSTOMER_RESCHEDULED,
        "Customer Unreachable": Reason.CUSTOMER_UNREACHABLE,
        "Address Issue": Reason.ADDRESS_INCOMPLETE,
        "Payment Issue": Reason.PAYMENT_PROBLEM,
        "Out Of Delivery Area": Reason.OUT_OF_PICKUP_AREA,
        "Order Already Cancelled": Reason.CANCELLED_BY_MERCHANT,
        "Self Collect": Reason.UNKNOWN,
        "Shipment Seized By Customer": Reason.UNKNOWN,
        "Dispute": Reason.UNKNOWN,
        "Maximum Attempt Reached": Reason.MAX_VISITS_REACHED,
        "Not Attempted": Reason.NOT_ATTEMPTED,
        "OTP Not Received/OTP Mismatch": Reason.OTP_FAILED,
        "OTP Verified Cancellation": Reason.CANCELLED_BY_CUSTOMER_VERIFIED,
        "On Hold": Reason.CARRIER_DELAY,
        "RTO Delivery Failed": Reason.UNKNOWN,
    }
)

# Ekart's internal codes of a reverse pickup, from another company's code table (C). Not promised here, read where they appear.
RAW_STATUSES = MappingProxyType(
    {
        "pickup_scheduled": (Milestone.PICKUP_SCHEDULED, None),
        "pickup_out_for_pickup": (Milestone.OUT_FOR_PICKUP, None),
        "pickup_reattempt": (Milestone.PICKUP_FAILED, Reason.UNKNOWN),
        "pickup_complete": (Milestone.PICKED_UP, None),
        "pickup_cancelled": (Milestone.CANCELLED, Reason.UNKNOWN),
        "pickup_not_picked_attempted": (Milestone.PICKUP_FAILED, Reason.UNKNOWN),
        "pickup_not_picked_attempted_productmismatch": (Milestone.PICKUP_FAILED, Reason.QC_MISMATCH),
        "pickup_not_picked_attempted_productmismatch_customer related": (Milestone.PICKUP_FAILED, Reason.QC_MISMATCH),
        "pickup_not_picked_attempted_customerhappywithproduct": (Milestone.PICKUP_FAILED, Reason.CUSTOMER_DECLINED),
        "pickup_not_picked_attempted_customerhappywithproduct_customer related": (
            Milestone.PICKUP_FAILED,
            Reason.CUSTOMER_DECLINED,
        ),
        "pickup_not_picked_unattempted": (Milestone.PICKUP_FAILED, Reason.NOT_ATTEMPTED),
        "pickup_not_picked_unattempted_customernotavailable": (Milestone.PICKUP_FAILED, Reason.CUSTOMER_UNAVAILABLE),
        # "ekl" is the carrier itself
        "pickup_not_picked_unattempted_customernotavailable_ekl related": (Milestone.PICKUP_FAILED, Reason.NOT_ATTEMPTED),
    }
)

_MEANINGS: dict[str, tuple[Milestone, Reason | None]] = {
    status.casefold(): meaning for status, meaning in (STATUSES | RAW_STATUSES).items()
}
_REASONS = {status.casefold(): reason for status, reason in NDR_STATUSES.items()}


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """One line of tracking, as polled and as pushed (a push brings no `ndrStatus` on paper)."""

    status: str
    ctime: int | str
    desc: str | None = None
    location: str | None = None
    ndr_status: str | None = None


def scan(line: Status) -> Scan:
    """What a line of tracking means. The NDR status is part of the code: it is what tells one "Not Picked" from another."""
    if not line.status.strip():
        raise Misread("a scan without a status")
    milestone, reason = _MEANINGS.get(line.status.strip().casefold(), (Milestone.UNKNOWN, None))
    told = (line.ndr_status or "").strip() if milestone in NEEDS_REASON else ""
    return Scan(
        code=f"{line.status}/{told}" if told else line.status,
        at=wire.moment(line.ctime),
        milestone=milestone,
        text=line.desc or "",
        place=line.location or "",
        reason=_REASONS.get(told.casefold(), Reason.UNKNOWN) if reason is Reason.UNKNOWN else reason,
    )
