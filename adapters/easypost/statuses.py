"""What a tracker's words mean.

Vendor documentation, tracker object and "Understanding Trackers" (A): ten statuses and 28 details, every one of them here in that
order except those that say nothing: `unknown` and `error`; as details `status_update`, `unknown` and `expired`. Which milestone a
detail comes to is our reading (D). Before the mover has the parcel (`pre_transit`) no detail counts: partners' scans come under
it too. There is no word for a rider on his way, nor for a visit that failed.
"""

from __future__ import annotations

from types import MappingProxyType

from adapters.contract.scans import Milestone, Reason

Meaning = tuple[Milestone, Reason | None]

STATUSES: MappingProxyType[str, Meaning] = MappingProxyType(
    {
        "pre_transit": (Milestone.LABEL_CREATED, None),
        "in_transit": (Milestone.IN_TRANSIT, None),
        "out_for_delivery": (Milestone.OUT_FOR_DELIVERY, None),
        "delivered": (Milestone.DELIVERED, None),
        "available_for_pickup": (Milestone.AWAITING_COLLECTION, None),
        "return_to_sender": (Milestone.RETURNING, None),
        "failure": (Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
        "cancelled": (Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT),  # only the account can void its label (D)
    }
)

# Details refine these statuses and no other.
REFINED = frozenset({"in_transit", "failure", "error", "unknown"})

DETAILS: MappingProxyType[str, Meaning] = MappingProxyType(
    {
        "address_correction": (Milestone.DELAYED, None),
        "arrived_at_destination": (Milestone.IN_TRANSIT, None),
        "arrived_at_facility": (Milestone.IN_TRANSIT, None),
        "arrived_at_pickup_location": (Milestone.AWAITING_COLLECTION, None),
        "awaiting_information": (Milestone.ON_HOLD, None),
        "cancelled": (Milestone.CANCELLED, Reason.CANCELLED_BY_MERCHANT),
        "damaged": (Milestone.DAMAGED, None),
        "delayed": (Milestone.DELAYED, None),
        "delivery_exception": (Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
        "departed_facility": (Milestone.IN_TRANSIT, None),
        "departed_origin_facility": (Milestone.IN_TRANSIT, None),
        "failure": (Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
        "held": (Milestone.ON_HOLD, None),
        "in_transit": (Milestone.IN_TRANSIT, None),
        "label_created": (Milestone.LABEL_CREATED, None),
        "lost": (Milestone.LOST, None),
        "missorted": (Milestone.DELAYED, None),
        "out_for_delivery": (Milestone.OUT_FOR_DELIVERY, None),
        "received_at_destination_facility": (Milestone.IN_TRANSIT, None),
        "received_at_origin_facility": (Milestone.PICKED_UP, None),
        "refused": (Milestone.DELIVERY_FAILED, Reason.UNKNOWN),
        "return": (Milestone.RETURNING, None),
        "transferred_to_destination_carrier": (Milestone.IN_TRANSIT, None),
        "transit_exception": (Milestone.DELAYED, None),
        "weather_delay": (Milestone.DELAYED, None),
    }
)
# Details that leave a status as it is.
SAYS_NOTHING = frozenset({"", "status_update", "unknown"})

# A mover's own code where it says more than EasyPost's words: "Picked up" in the vendor's sample of an event (A).
CARRIER_CODES: MappingProxyType[tuple[str, str], Meaning] = MappingProxyType({("fedex", "PU"): (Milestone.PICKED_UP, None)})

_UNKNOWN: Meaning = (Milestone.UNKNOWN, None)


def meaning(status: str, detail: str, mover: str = "", carrier_code: str = "") -> Meaning:
    """What a line of tracking comes to; a word that is not documented is UNKNOWN."""
    if status not in REFINED:
        return STATUSES.get(status, _UNKNOWN)
    if (mover, carrier_code) in CARRIER_CODES:
        return CARRIER_CODES[mover, carrier_code]
    return STATUSES.get(status, _UNKNOWN) if detail in SAYS_NOTHING else DETAILS.get(detail, _UNKNOWN)
