"""What Delhivery's scans mean: (StatusType, NSL code) into milestone and reason, in the handbook's order.

Types, status words and their meaning are official (developer portal, webhook page); the NSL codes come from one public table
of a third party (grade C), those of a failed *delivery* are read by the same codes (assumed). The word "Dispatched" alone is
ambiguous. A code that is nowhere here keeps its type's meaning, if the type has only one, and is UNKNOWN otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.contract.scans import Milestone, Reason

Meaning = tuple[Milestone, Reason | None]

_LABEL: Meaning = (Milestone.LABEL_CREATED, None)
_SCHEDULED: Meaning = (Milestone.PICKUP_SCHEDULED, None)
_OUT: Meaning = (Milestone.OUT_FOR_PICKUP, None)
_PICKED: Meaning = (Milestone.PICKED_UP, None)
_MOVING: Meaning = (Milestone.IN_TRANSIT, None)
_DELIVERING: Meaning = (Milestone.OUT_FOR_DELIVERY, None)
_DELIVERED: Meaning = (Milestone.DELIVERED, None)
_RETURNING: Meaning = (Milestone.RETURNING, None)
_UNKNOWN: Meaning = (Milestone.UNKNOWN, None)


def _failed(reason: Reason) -> Meaning:
    return Milestone.PICKUP_FAILED, reason


def _cancelled(reason: Reason) -> Meaning:
    return Milestone.CANCELLED, reason


def _not_accepted(reason: Reason) -> Meaning:
    return Milestone.DELIVERY_FAILED, reason


PAIRS: Mapping[tuple[str, str], Meaning] = {
    # PP: before the collection
    ("PP", "X-UCO"): _LABEL,
    ("PP", "X-ASP"): _SCHEDULED,
    ("PP", "CL-101"): _SCHEDULED,
    ("PP", "X-DDD1FP"): _OUT,
    ("PP", "X-DDD2FP"): _OUT,
    ("PP", "X-DDD3FP"): _OUT,
    ("PP", "X-DDD4FP"): _OUT,
    ("PP", "X-LM1P"): _OUT,
    ("PP", "X-DDD1FR"): _OUT,
    ("PP", "X-DDD2FR"): _OUT,
    ("PP", "X-DDD3FR"): _OUT,
    ("PP", "X-DDD4FR"): _OUT,
    ("PP", "EOD-26"): _failed(Reason.CUSTOMER_UNAVAILABLE),
    ("PP", "EOD-11"): _failed(Reason.CUSTOMER_UNAVAILABLE),
    ("PP", "EOD-73"): _failed(Reason.ADDRESS_INCOMPLETE),
    ("PP", "EOD-74"): _failed(Reason.ADDRESS_INCOMPLETE),
    ("PP", "EOD-65"): _failed(Reason.NOT_ATTEMPTED),
    ("PP", "EOD-86"): _failed(Reason.NOT_ATTEMPTED),
    ("PP", "EOD-68"): _failed(Reason.CUSTOMER_RESCHEDULED),
    ("PP", "EOD-3"): _failed(Reason.CUSTOMER_RESCHEDULED),
    ("PP", "EOD-121"): _failed(Reason.ENTRY_RESTRICTED),
    ("PP", "EOD-104"): _failed(Reason.ENTRY_RESTRICTED),
    ("PP", "EOD-83"): _failed(Reason.QC_DAMAGED_OR_USED),
    ("PP", "EOD-902"): _failed(Reason.WEIGHT_OR_SIZE_EXCEEDED),
    ("PP", "EOD-900"): _failed(Reason.CUSTOMER_DECLINED),
    ("PP", "DLYDC-101"): _failed(Reason.FORCE_MAJEURE),
    ("PP", "DLYDC-102"): _failed(Reason.FORCE_MAJEURE),
    ("PP", "DLYDC-107"): _failed(Reason.PREMISES_CLOSED),
    ("PP", "CL-102"): _cancelled(Reason.CANCELLED_BY_MERCHANT),
    ("PP", "CL-103"): _cancelled(Reason.CANCELLED_BY_MERCHANT),
    ("PP", "CL-107"): _cancelled(Reason.CANCELLED_BY_CARRIER),
    # CN: cancelled
    ("CN", "EOD-95"): _cancelled(Reason.QC_DAMAGED_OR_USED),
    ("CN", "EOD-84"): _cancelled(Reason.QC_MISMATCH),
    ("CN", "EOD-131"): _cancelled(Reason.QC_MISMATCH),
    ("CN", "EOD-132"): _cancelled(Reason.QC_MISMATCH),
    ("CN", "EOD-108"): _cancelled(Reason.QC_QUANTITY_MISMATCH),
    ("CN", "EOD-777"): _cancelled(Reason.QC_FAILED_OTHER),
    ("CN", "EOD-21"): _cancelled(Reason.CANCELLED_BY_CUSTOMER),
    ("CN", "EOD-6O"): _cancelled(Reason.CANCELLED_BY_CUSTOMER_VERIFIED),
    ("CN", "EOD-90"): _cancelled(Reason.CUSTOMER_DECLINED),
    ("CN", "EOD-106"): _cancelled(Reason.MAX_VISITS_REACHED),
    ("CN", "ST-109"): _cancelled(Reason.OUT_OF_PICKUP_AREA),
    ("CN", "ST-112"): _cancelled(Reason.OUT_OF_PICKUP_AREA),
    # PU: on the way back
    ("PU", "EOD-77"): _PICKED,
    ("PU", "X-PPOM"): _PICKED,
    ("PU", "X-PROM"): _PICKED,
    ("PU", "X-PRONM"): _PICKED,
    ("PU", "X-PRC"): _MOVING,
    ("PU", "X-IBD1R"): _MOVING,
    ("PU", "X-IBD3R"): _MOVING,
    ("PU", "X-IBD4R"): _MOVING,
    ("PU", "RD-PD3"): _not_accepted(Reason.PREMISES_CLOSED),
    ("PU", "RD-PD4"): _not_accepted(Reason.UNKNOWN),
    ("PU", "RD-PD7"): _not_accepted(Reason.QC_QUANTITY_MISMATCH),
    ("PU", "RD-PD8"): _not_accepted(Reason.MISSING_INFORMATION),
    ("PU", "RD-PD10"): _not_accepted(Reason.QC_MISMATCH),
    ("PU", "RD-PD11"): _not_accepted(Reason.QC_MISMATCH),
    ("PU", "RD-PD12"): _not_accepted(Reason.QC_DAMAGED_OR_USED),
    ("PU", "RD-PD15"): _not_accepted(Reason.CARRIER_DELAY),
    ("PU", "RD-PD17"): _not_accepted(Reason.NOT_ATTEMPTED),
    ("PU", "RD-PD18"): _not_accepted(Reason.ADDRESS_INCOMPLETE),
    ("PU", "RD-PD20"): _not_accepted(Reason.MISSING_INFORMATION),
    ("PU", "RD-PD21"): _not_accepted(Reason.QC_DAMAGED_OR_USED),
    ("PU", "RD-PD22"): _not_accepted(Reason.UNKNOWN),
    # UD: forward (live captures; the failures from a third party's table)
    ("UD", "X-UCI"): _LABEL,
    ("UD", "FMPUR-101"): _SCHEDULED,
    ("UD", "FMOFP-101"): _OUT,
    ("UD", "FMEOD-103"): _failed(Reason.PREMISES_CLOSED),
    ("UD", "FMEOD-106"): _failed(Reason.NOT_ATTEMPTED),
    ("UD", "FMEOD-152"): _failed(Reason.ITEM_NOT_READY),
    ("UD", "X-PPOM"): _PICKED,
    ("UD", "DTUP-210"): _cancelled(Reason.CANCELLED_BY_MERCHANT),
    ("UD", "EOD-6"): _not_accepted(Reason.CUSTOMER_DECLINED),
    ("UD", "EOD-40"): _not_accepted(Reason.PAYMENT_PROBLEM),
    ("UD", "EOD-69"): _not_accepted(Reason.UNKNOWN),  # the customer asks to open the parcel first
    ("UD", "EOD-111"): _not_accepted(Reason.CUSTOMER_DECLINED),
    ("UD", "ST-108"): _not_accepted(Reason.MAX_VISITS_REACHED),
}

# Codes that mean the same whatever the type.
CODES: Mapping[str, Meaning] = {
    "LT-100": (Milestone.LOST, None),
    "RT-111": (Milestone.DAMAGED, None),
}

# Families whose codes carry a number of the carrier's own.
FAMILIES: tuple[tuple[str, str, Meaning], ...] = (
    ("PU", "X-DRO", _DELIVERING),
    ("PU", "X-DRD", _DELIVERING),
)

# Notes beside the way: a call placed, paid by link. The state is what the status word says.
NOTES = frozenset({"ST-114", "PL-105"})

WORDS: Mapping[tuple[str, str], Meaning] = {
    ("UD", "Manifested"): _LABEL,
    ("UD", "Not Picked"): _failed(Reason.UNKNOWN),
    ("UD", "In Transit"): _MOVING,
    ("UD", "Pending"): _MOVING,
    ("UD", "Dispatched"): _DELIVERING,
    ("DL", "Delivered"): _DELIVERED,
    ("RT", "In Transit"): _RETURNING,
    ("RT", "Pending"): _RETURNING,
    ("RT", "Dispatched"): _RETURNING,
    ("DL", "RTO"): (Milestone.RETURNED_TO_SENDER, None),
    ("PP", "Open"): _LABEL,
    ("PP", "Scheduled"): _SCHEDULED,
    ("PP", "Dispatched"): _OUT,
    ("PU", "In Transit"): _MOVING,
    ("PU", "Pending"): _MOVING,
    ("PU", "Dispatched"): _DELIVERING,
    ("DL", "DTO"): _DELIVERED,
}

TYPES: Mapping[str, Meaning] = {
    "PU": _MOVING,
    "CN": _cancelled(Reason.UNKNOWN),
    "DL": _DELIVERED,
    "RT": _RETURNING,
}

_FAILS_AS = {
    "PP": Milestone.PICKUP_FAILED,
    "CN": Milestone.CANCELLED,
    "PU": Milestone.DELIVERY_FAILED,
    "UD": Milestone.DELIVERY_FAILED,
}
_STRUCK = frozenset(
    {Reason.CANCELLED_BY_CUSTOMER, Reason.CANCELLED_BY_CUSTOMER_VERIFIED, Reason.CANCELLED_BY_MERCHANT, Reason.CANCELLED_BY_CARRIER}
)


def meaning(kind: str, code: str, word: str) -> Meaning:
    """What a scan of this StatusType, NSL code and status word means."""
    if word.casefold() == "lost":
        return CODES["LT-100"]
    if kind == "DL" and code not in CODES:  # RD-AC ends a return and a reverse pickup alike: the word tells which
        return WORDS.get(("DL", word), TYPES["DL"])
    found = PAIRS.get((kind, code)) or CODES.get(code) or _by_family(kind, code) or _by_code(kind, code)
    return found or _by_word(kind, code, word) or TYPES.get(kind, _UNKNOWN)


def _by_family(kind: str, code: str) -> Meaning | None:
    return next((meant for type_, prefix, meant in FAMILIES if kind == type_ and code.startswith(prefix)), None)


def _by_code(kind: str, code: str) -> Meaning | None:
    """A code listed under another type: its reason, in the way this type fails."""
    listed = next((meant for (_, other), meant in PAIRS.items() if other == code), None)
    if listed is None or listed[1] is None or listed[1] in _STRUCK or not kind:
        return listed
    return (_FAILS_AS[kind], listed[1]) if kind in _FAILS_AS else None


def _by_word(kind: str, code: str, word: str) -> Meaning | None:
    """The status word speaks for movements (X-...) and notes; a code of another kind that we do not know may be a failure."""
    return WORDS.get((kind, word)) if not code or code in NOTES or code.startswith("X-") else None
